//! All packets, to bytes and back.

use super::text::{shown, word};
use super::{Info, MAX_PACKET, ServerList, ServersQuery, Status, Vars};
use crate::Secret;

/// Every connectionless packet begins so.
pub(super) const PREFIX: [u8; 4] = [0xFF; 4];

/// Bytes that are no packet that we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Of a connection, or of something else.
    #[error("not a connectionless packet")]
    NoPrefix,
    /// Longer than the engine takes.
    #[error("packet of {bytes} bytes is longer than {MAX_PACKET}")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// Another command.
    #[error("unknown command {command:?}")]
    Unknown {
        /// Its first 32 letters.
        command: String,
    },
    /// An info string lacks something.
    #[error("no {key} in the answer")]
    NoKey {
        /// What.
        key: &'static str,
    },
    /// Something has a value that cannot be.
    #[error("{key} cannot be {value:?}")]
    BadValue {
        /// What.
        key: &'static str,
        /// Its value.
        value: String,
    },
}

/// A connectionless packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// Asks for [`Info`].
    GetInfo {
        /// Comes back in the answer; one word.
        challenge: String,
    },
    /// Asks for [`Status`].
    GetStatus {
        /// Comes back in the answer; one word.
        challenge: String,
    },
    /// A console command for the server; answered by [`Packet::Print`]s, silently dropped when asked too often.
    Rcon {
        /// The server's rcon password.
        password: Secret,
        /// One line; see [`super::MAX_LINE`].
        command: String,
    },
    /// A server tells a master that it is there.
    Heartbeat {
        /// `DarkPlaces` for the Quake III family.
        tag: String,
    },
    /// Asks a master for servers.
    GetServers(ServersQuery),
    /// Asks a server for the challenge that a connection needs.
    GetChallenge {
        /// The client's own number.
        challenge: i32,
        /// Which game.
        gamename: String,
    },
    /// Asks to play; the text part, which the engine sends Huffman-compressed.
    Connect {
        /// Name, password, qport, challenge, protocol…
        userinfo: Vars,
    },
    /// Answer to `getinfo`.
    Info(Info),
    /// Answer to `getstatus`.
    Status(Status),
    /// Text for people: the answer to `rcon`, or why a client is refused.
    Print(String),
    /// Answer to `getchallenge`.
    Challenge {
        /// To be sent in `connect`.
        challenge: i32,
        /// What the client had sent, from newer servers.
        client: Option<i32>,
        /// Protocol of the server, from newer servers.
        protocol: Option<u32>,
    },
    /// The client is in.
    Connected {
        /// The challenge, from newer servers.
        challenge: Option<i32>,
    },
    /// Answer to `getservers` and `getserversExt`.
    Servers(ServerList),
}

impl Packet {
    /// As bytes to send. A list of servers is cut to what one packet holds: see [`ServerList::packets`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = PREFIX.to_vec();
        let text = match self {
            Self::GetInfo { challenge } => format!("getinfo {}", word(challenge)),
            Self::GetStatus { challenge } => format!("getstatus {}", word(challenge)),
            Self::Rcon { password, command } => format!("rcon {} {command}", password.reveal()),
            Self::Heartbeat { tag } => format!("heartbeat {}\n", word(tag)),
            Self::GetServers(query) => query.line(),
            Self::GetChallenge { challenge, gamename } => {
                format!("getchallenge {challenge} {}", word(gamename))
            }
            Self::Print(text) => format!("print\n{text}"),
            Self::Challenge {
                challenge,
                client,
                protocol,
            } => ["challengeResponse".to_owned(), challenge.to_string()]
                .into_iter()
                .chain(client.map(|number| number.to_string()))
                .chain(
                    protocol
                        .filter(|_| client.is_some())
                        .map(|number| number.to_string()),
                )
                .collect::<Vec<_>>()
                .join(" "),
            Self::Connected {
                challenge: Some(challenge),
            } => format!("connectResponse {challenge}"),
            Self::Connected { challenge: None } => "connectResponse".to_owned(),
            Self::Connect { userinfo } => {
                out.extend_from_slice(b"connect \"");
                userinfo.encode(&mut out);
                out.push(b'"');
                return out;
            }
            Self::Info(info) => {
                out.extend_from_slice(b"infoResponse\n");
                info.vars.encode(&mut out);
                return out;
            }
            Self::Status(status) => {
                out.extend_from_slice(b"statusResponse\n");
                status.vars.encode(&mut out);
                let line = |p: &super::Player| format!("\n{} {} \"{}\"", p.score, p.ping, p.name);
                status.players.iter().map(line).collect::<String>() + "\n"
            }
            Self::Servers(list) => {
                return ServerList::packets(list.extended, &list.servers).swap_remove(0);
            }
        };
        out.extend_from_slice(text.as_bytes());
        out
    }

    /// Reads a packet.
    ///
    /// # Errors
    /// Says what is wrong with it; most packets of strangers are to be dropped in silence.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_PACKET {
            return Err(Malformed::TooLong { bytes: bytes.len() });
        }
        let bytes = bytes.strip_prefix(&PREFIX).ok_or(Malformed::NoPrefix)?;
        let end = bytes
            .iter()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(bytes.len());
        let (command, body) = bytes.split_at(end);
        let text = body
            .strip_prefix(b"\n")
            .or_else(|| body.strip_prefix(b" "))
            .unwrap_or(body);
        let line = shown(text.split(|byte| *byte == b'\n').next().unwrap_or_default());
        let mut words = line.split_ascii_whitespace();
        let mut next = || word(words.next().unwrap_or_default());
        Ok(match command {
            b"getinfo" => Self::GetInfo { challenge: next() },
            b"getstatus" => Self::GetStatus { challenge: next() },
            b"rcon" => {
                let (password, command) = line.split_once(' ').unwrap_or((line.as_str(), ""));
                Self::Rcon {
                    password: Secret::new(password),
                    command: command.to_owned(),
                }
            }
            b"heartbeat" => Self::Heartbeat { tag: next() },
            b"getservers" => Self::GetServers(ServersQuery::parse(false, &line)?),
            b"getserversExt" => Self::GetServers(ServersQuery::parse(true, &line)?),
            b"getchallenge" => Self::GetChallenge {
                challenge: next().parse().unwrap_or_default(),
                gamename: next(),
            },
            b"connect" => Self::Connect {
                userinfo: Vars::parse(
                    text.strip_prefix(b"\"")
                        .and_then(|t| t.strip_suffix(b"\""))
                        .unwrap_or(text),
                ),
            },
            b"infoResponse" => Self::Info(Info::from_vars(Vars::parse(line_of(text)))?),
            b"statusResponse" => Self::Status(Status::parse(text)),
            b"print" => Self::Print(shown(text)),
            b"challengeResponse" => {
                let value = next();
                let challenge = value.parse().map_err(|_| Malformed::BadValue {
                    key: "challenge",
                    value,
                })?;
                Self::Challenge {
                    challenge,
                    client: next().parse().ok(),
                    protocol: next().parse().ok(),
                }
            }
            b"connectResponse" => Self::Connected {
                challenge: next().parse().ok(),
            },
            b"getserversResponse" => Self::Servers(ServerList::parse(false, body)),
            b"getserversExtResponse" => Self::Servers(ServerList::parse(true, body)),
            other => {
                let command = shown(other.get(..32).unwrap_or(other));
                return Err(Malformed::Unknown { command });
            }
        })
    }
}

/// An info string ends with its line.
fn line_of(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
