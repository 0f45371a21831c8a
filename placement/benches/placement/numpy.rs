//! The rival in Python: a long-lived process that is asked by lines of JSON.

use crate::worlds::{CAP_US, Values};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// With numpy: `run` makes the virtual environment and names its interpreter.
pub fn python() -> PathBuf {
    std::env::var_os("VMATRIX_BENCH_PYTHON").map_or("python3".into(), PathBuf::from)
}

pub struct Numpy {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Numpy {
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/placement/rival.py");
        let mut command = Command::new(python());
        for threads in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(threads, "1");
        }
        let mut child = command
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (ask, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self {
            child,
            ask,
            answers: BufReader::new(answers),
        }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.ask, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("numpy ended: {line:?}"))
    }

    /// Hands over values; it tries all its ways and keeps the fastest of each kind. Says what it tried.
    pub fn load(&mut self, values: &Values, scratch: &Path) {
        let file = scratch.join("values.u32");
        let bytes: Vec<u8> = values.us.iter().flat_map(|us| us.to_ne_bytes()).collect();
        std::fs::write(&file, bytes).unwrap();
        let answer = self.ask(&json!({ "load": file, "players": values.players, "cap_us": CAP_US }));
        std::fs::remove_file(&file).unwrap();
        for (way, seconds) in answer["tried"].as_object().unwrap() {
            let hosts = (values.us.len() / values.players) as f64;
            let ns = seconds.as_f64().unwrap() * 1e9 / hosts;
            eprintln!("  numpy, {} players, {way}: {ns:.1} ns a host", values.players);
        }
    }

    /// One choice: seconds and the host.
    pub fn run(&mut self, kind: &str) -> (f64, usize) {
        let answer = self.ask(&json!({ "run": kind }));
        let host = answer["host"].as_u64().unwrap();
        (answer["seconds"].as_f64().unwrap(), host as usize)
    }
}

impl Drop for Numpy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
