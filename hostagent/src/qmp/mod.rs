//! QEMU's monitor (QMP): JSON lines over a Unix socket. Untyped on purpose: a typed client dies on the first event or value of a
//! newer QEMU that it does not know.
//!
//! The command side ([`Qmp`]) and the event side ([`Events`]) are apart; whoever waits for an answer is woken with
//! [`QmpError::Gone`] when the stream dies.

use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines},
    net::UnixStream,
    sync::{mpsc, oneshot},
};

/// Why a command got no answer, or no good one.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// The socket cannot be reached.
    #[error("QEMU's monitor {path} cannot be reached")]
    Connect {
        /// Path of the socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What came first was not QEMU's greeting.
    #[error("QEMU's monitor did not greet, but said {line:?}")]
    Greeting {
        /// The line, cut to 200 characters.
        line: String,
    },
    /// The stream died before the answer: QEMU is gone.
    #[error("QEMU is gone, {command} was not answered")]
    Gone {
        /// The command.
        command: String,
    },
    /// QEMU says no.
    #[error("QEMU refused {command}: {reason}")]
    Refused {
        /// The command.
        command: String,
        /// QEMU's words.
        reason: String,
    },
}

/// Something that happened in QEMU.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Such as `STOP`, `MIGRATION`, `GUEST_PANICKED`.
    pub name: String,
    /// Its data; null if it has none.
    pub data: Value,
}

type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Result<Value, String>>>>>>;

/// The command side. Cheap to clone.
#[derive(Clone)]
pub struct Qmp {
    lines: mpsc::UnboundedSender<String>,
    waiting: Waiting,
    next: Arc<std::sync::atomic::AtomicU64>,
}

/// The event side.
pub struct Events(mpsc::UnboundedReceiver<Event>);

impl Events {
    /// The next event; `None` when QEMU is gone.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

impl Qmp {
    /// Connects and negotiates. QEMU serves one client at a time: a second one waits here for the greeting.
    ///
    /// # Errors
    /// If the socket is not there or nobody greets on it.
    pub async fn connect(path: &Path) -> Result<(Self, Events), QmpError> {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|source| QmpError::Connect {
                path: path.to_owned(),
                source,
            })?;
        Self::over(stream).await
    }

    /// The same over any stream.
    async fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Result<(Self, Events), QmpError> {
        let (read, mut write) = tokio::io::split(stream);
        let mut read = BufReader::new(read).lines();
        let greeting = read.next_line().await.ok().flatten().unwrap_or_default();
        let greets = serde_json::from_str::<Value>(&greeting).is_ok_and(|value| value.get("QMP").is_some());
        if !greets {
            return Err(QmpError::Greeting {
                line: greeting.chars().take(200).collect(),
            });
        }
        let (lines, mut outgoing) = mpsc::unbounded_channel::<String>();
        let (event_sender, events) = mpsc::unbounded_channel();
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(async move {
            while let Some(line) = outgoing.recv().await {
                if write.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(read_all(read, Arc::clone(&waiting), event_sender));
        let qmp = Self {
            lines,
            waiting,
            next: Arc::default(),
        };
        qmp.execute("qmp_capabilities", json!({})).await?;
        Ok((qmp, Events(events)))
    }

    /// Runs a command and waits for its answer.
    ///
    /// # Errors
    /// If QEMU refuses it or goes away.
    pub async fn execute(&self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        let gone = || QmpError::Gone {
            command: command.to_owned(),
        };
        let id = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        match self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            Some(waiting) => waiting.insert(id, sender),
            None => return Err(gone()),
        };
        let line = json!({ "execute": command, "arguments": arguments, "id": id }).to_string() + "\n";
        self.lines.send(line).map_err(|_| gone())?;
        receiver
            .await
            .map_err(|_| gone())?
            .map_err(|reason| QmpError::Refused {
                command: command.to_owned(),
                reason,
            })
    }

    /// Runs a line of the human monitor, for what QMP has no command for, and gives what it prints.
    ///
    /// # Errors
    /// As [`Qmp::execute`]. The human monitor's own errors are in the text.
    pub async fn human(&self, line: &str) -> Result<String, QmpError> {
        let printed = self
            .execute("human-monitor-command", json!({ "command-line": line }))
            .await?;
        Ok(printed.as_str().unwrap_or_default().to_owned())
    }
}

async fn read_all<R: AsyncRead + Unpin>(
    mut lines: Lines<BufReader<R>>,
    waiting: Waiting,
    events: mpsc::UnboundedSender<Event>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            tracing::warn!("QEMU's monitor said something that is not JSON");
            continue;
        };
        if let Some(name) = message.get("event").and_then(Value::as_str) {
            let data = message.get("data").cloned().unwrap_or_default();
            // Nobody may be listening to events: then they are of no interest.
            let _ = events.send(Event {
                name: name.to_owned(),
                data,
            });
            continue;
        }
        let Some(id) = message.get("id").and_then(Value::as_u64) else {
            continue;
        };
        let sender = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            .and_then(|waiting| waiting.remove(&id));
        if let Some(sender) = sender {
            let _ = sender.send(answer(&message));
        }
    }
    // Dropping the senders wakes all who wait.
    waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
}

fn answer(message: &Value) -> Result<Value, String> {
    match message.get("error") {
        None => Ok(message.get("return").cloned().unwrap_or_default()),
        Some(error) => Err(error
            .get("desc")
            .and_then(Value::as_str)
            .unwrap_or("no reason given")
            .to_owned()),
    }
}

#[cfg(test)]
mod tests;
