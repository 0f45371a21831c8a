//! One world at a time on a machine: whose turn it is, and waiting for one's own.

use crate::up::UpError;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::time::Duration;

/// Held while a world is up; names its process and its namespaces, so that the next one can say for whom it waits, and
/// remove what is left if this one is killed.
pub(crate) const LOCK: &str = "/run/vmatrix-world";
/// How the line begins that names the process. No namespace has a blank in its name.
const PROCESS: &str = "process ";
/// Between two tries.
const EVERY: Duration = Duration::from_millis(200);

/// The right to have this machine's one world. Dropped, or with the end of its process, it is the next one's.
pub struct Turn {
    file: File,
}

impl Turn {
    /// Waits for any other world on this machine to end. A program that takes no signals of its own is ended by them meanwhile.
    ///
    /// # Errors
    /// Without root.
    pub fn wait(say: &dyn Fn(&str)) -> Result<Self, UpError> {
        let mut file = open()?;
        if file.try_lock().is_err() {
            say(&waiting(&read(&mut file)?));
            file.lock().map_err(UpError::io(LOCK))?;
        }
        Ok(Self { file })
    }

    /// The same for a program that takes signals: dropping the future ends the wait.
    ///
    /// # Errors
    /// Without root.
    pub async fn come(say: &dyn Fn(&str)) -> Result<Self, UpError> {
        let mut file = open()?;
        if file.try_lock().is_err() {
            say(&waiting(&read(&mut file)?));
            while file.try_lock().is_err() {
                tokio::time::sleep(EVERY).await;
            }
        }
        Ok(Self { file })
    }

    /// The turn, if it is nobody's.
    pub(crate) fn now() -> Result<Self, UpError> {
        let file = open()?;
        file.try_lock().map_err(|_| UpError::Busy)?;
        Ok(Self { file })
    }

    /// The namespaces of the world that was up last, if it was killed.
    pub(crate) fn left(&mut self) -> Result<Vec<String>, UpError> {
        Ok(namespaces(&read(&mut self.file)?))
    }

    /// Names what comes up now.
    pub(crate) fn note<'a>(&mut self, namespaces: impl Iterator<Item = &'a str>) -> Result<(), UpError> {
        self.forget()?;
        let text = note(std::process::id(), namespaces);
        self.file.write_all(text.as_bytes()).map_err(UpError::io(LOCK))
    }

    /// Nothing is left.
    pub(crate) fn forget(&mut self) -> Result<(), UpError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.rewind());
        cleared.map_err(UpError::io(LOCK))
    }

    /// Lets the next one in, as the end of the process would.
    pub(crate) fn give_up(&self) -> Result<(), UpError> {
        self.file.unlock().map_err(UpError::io(LOCK))
    }
}

fn open() -> Result<File, UpError> {
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(LOCK)
        .map_err(UpError::io(LOCK))
}

fn read(file: &mut File) -> Result<String, UpError> {
    let mut text = String::new();
    file.rewind()
        .and_then(|()| file.read_to_string(&mut text))
        .map_err(UpError::io(LOCK))?;
    Ok(text)
}

fn note<'a>(process: u32, namespaces: impl Iterator<Item = &'a str>) -> String {
    let lines: String = namespaces.map(|name| format!("{name}\n")).collect();
    format!("{PROCESS}{process}\n{lines}")
}

fn namespaces(note: &str) -> Vec<String> {
    let names = note.lines().filter(|line| !line.starts_with(PROCESS));
    names.map(str::to_owned).collect()
}

/// For whom one waits, and how to stop.
fn waiting(note: &str) -> String {
    let process = note.lines().find_map(|line| line.strip_prefix(PROCESS));
    let process = process.map_or_else(String::new, |process| format!(" (process {process})"));
    format!("another world is up on this machine{process}: waiting for it to end; Ctrl-C stops")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_says_for_whom() {
        let text = note(4711, ["vmx-a", "vmx-b"].into_iter());
        assert_eq!(namespaces(&text), ["vmx-a", "vmx-b"]);
        let said = waiting(&text);
        assert!(
            said.contains("process 4711") && said.contains("Ctrl-C stops"),
            "{said}"
        );
        // One that is just coming up has not said yet who it is.
        let said = waiting("");
        assert!(
            !said.contains("process") && said.contains("Ctrl-C stops"),
            "{said}"
        );
        assert!(namespaces("").is_empty());
    }
}
