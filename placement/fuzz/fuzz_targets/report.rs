//! Reports that somebody else wrote.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = vmatrix_placement::replay(text);
});
