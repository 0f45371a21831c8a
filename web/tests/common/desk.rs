//! `vmatrix place` on files of one's own.

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A directory with files, where the program runs.
pub struct Desk(TempDir);

impl Desk {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            desk.write(name, text);
        }
        desk
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn dir(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmatrix"));
        command.arg("place").args(words).current_dir(self.0.path());
        command
    }

    pub fn place(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What is printed, with this exit code and nothing on standard error.
    #[track_caller]
    pub fn prints(&self, code: i32, words: &[&str]) -> String {
        let output = self.place(words);
        let (said, wrong) = texts(&output);
        assert_eq!((output.status.code(), wrong.as_str()), (Some(code), ""), "{said}");
        said
    }

    /// What is wrong, with this exit code and nothing on standard output.
    #[track_caller]
    pub fn refuses(&self, code: i32, words: &[&str]) -> String {
        let output = self.place(words);
        let (said, wrong) = texts(&output);
        assert_eq!((output.status.code(), said.as_str()), (Some(code), ""), "{wrong}");
        wrong
    }

    #[track_caller]
    pub fn json(&self, code: i32, words: &[&str]) -> Value {
        serde_json::from_str(&self.prints(code, words)).unwrap()
    }
}

/// What was printed, and what went to standard error.
pub fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}
