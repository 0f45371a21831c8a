//! The program itself, as an operator starts it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

pub fn vmatrix(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmatrix"));
    command.args(words).arg("--data").arg(data);
    command
}

pub fn run(data: &Path, words: &[&str]) -> Output {
    vmatrix(data, words).output().unwrap()
}

pub fn printed(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

/// A running `vmatrix serve`; killed when dropped, without a word.
pub struct Serving {
    pub child: Child,
    pub said: Vec<String>,
    pub url: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves on a free port.
pub fn serve(data: &Path) -> Serving {
    serve_with(data, &["--listen", "127.0.0.1:0"])
}

pub fn serve_with(data: &Path, flags: &[&str]) -> Serving {
    let mut command = vmatrix(data, &["serve"]);
    let child = command
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut serving = Serving {
        child,
        said: Vec::new(),
        url: String::new(),
    };
    let said = serving.child.stdout.take().unwrap();
    for line in BufReader::new(said).lines() {
        let line = line.unwrap();
        let url = line.strip_prefix("vMatrix serves on ").map(str::to_owned);
        serving.said.push(line);
        if let Some(url) = url {
            serving.url = url;
            return serving;
        }
    }
    panic!("it went away after saying {:?}", serving.said);
}
