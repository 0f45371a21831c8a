//! `vmatrix-agent`: the program on each host.

use std::process::ExitCode;

fn main() -> ExitCode {
    vmatrix_hostagent::tls::install();
    vmatrix_hostagent::cli::main()
}
