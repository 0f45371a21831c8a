//! Info strings (`\key\value\key\value`) and what the game says in them.

use super::packet::Malformed;
use super::text::{shown, word};
use crate::GameSeen;

/// Most variables, and most players, that are kept of one answer.
const MOST: usize = 256;

/// The variables of an info string, in its order. Keys are compared without regard to case, as the game does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vars(Vec<(String, String)>);

impl Vars {
    /// Reads `\key\value…`; a key without a value is dropped.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\\").unwrap_or(bytes);
        let mut parts = bytes.split(|byte| *byte == b'\\').map(shown);
        let mut vars = Vec::new();
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            if vars.len() == MOST {
                break;
            }
            vars.push((key, value));
        }
        Self(vars)
    }

    /// Makes variables; what would break the form is left out.
    #[must_use]
    pub fn new(pairs: &[(&str, &str)]) -> Self {
        let value = |text: &str| shown(text.as_bytes()).replace(['\\', '\n', '"', ';'], "");
        Self(pairs.iter().map(|(key, text)| (word(key), value(text))).collect())
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for (key, value) in &self.0 {
            for text in [key, value] {
                out.push(b'\\');
                out.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn number<T: std::str::FromStr>(&self, key: &'static str) -> Result<T, Malformed> {
        let value = self.get(key).ok_or(Malformed::NoKey { key })?;
        value.parse().map_err(|_| Malformed::BadValue {
            key,
            value: value.to_owned(),
        })
    }
}

/// A valid answer to `getinfo`: it has a protocol and room for at least one player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// What the question held; empty if nothing. An answer counts only if it is the question's.
    pub challenge: String,
    /// Name of the server.
    pub hostname: String,
    /// Map it plays.
    pub mapname: String,
    /// Players connected.
    pub clients: u16,
    /// Most players.
    pub max_clients: u16,
    /// Whether it asks for a password.
    pub needs_password: bool,
    /// Which game, for directories; empty on old servers.
    pub gamename: String,
    /// Game protocol.
    pub protocol: u32,
    /// All that it said.
    pub vars: Vars,
}

impl Info {
    pub(super) fn from_vars(vars: Vars) -> Result<Self, Malformed> {
        let text = |key| vars.get(key).unwrap_or_default().to_owned();
        let max_clients = vars.number("sv_maxclients")?;
        if max_clients == 0 {
            return Err(Malformed::BadValue {
                key: "sv_maxclients",
                value: "0".into(),
            });
        }
        Ok(Self {
            challenge: text("challenge"),
            hostname: text("hostname"),
            mapname: text("mapname"),
            clients: vars.number("clients")?,
            max_clients,
            needs_password: vars.get("g_needpass").is_some_and(|value| value != "0"),
            gamename: text("gamename"),
            protocol: vars.number("protocol")?,
            vars,
        })
    }

    /// What a report tells of it.
    #[must_use]
    pub fn seen(&self) -> GameSeen {
        GameSeen {
            map: self.mapname.clone(),
            clients: self.clients,
            max_clients: self.max_clients,
            needs_password: self.needs_password,
        }
    }
}

/// One player in an answer to `getstatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Points.
    pub score: i32,
    /// Milliseconds; 999 while connecting, 0 for a bot.
    pub ping: u32,
    /// Name with the game's colour codes.
    pub name: String,
}

impl Player {
    /// The name without colour codes (`^1`).
    #[must_use]
    pub fn plain_name(&self) -> String {
        let mut plain = String::new();
        let mut letters = self.name.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == '^' && letters.peek().is_some_and(char::is_ascii_alphanumeric) {
                letters.next();
            } else {
                plain.push(letter);
            }
        }
        plain
    }

    /// Reads `score ping "name"`.
    fn parse(line: &str) -> Option<Self> {
        let (score, rest) = line.split_once(' ')?;
        let (ping, name) = rest.split_once(' ')?;
        let name = name.strip_prefix('"')?.strip_suffix('"')?;
        Some(Self {
            score: score.parse().ok()?,
            ping: ping.parse().ok()?,
            name: name.to_owned(),
        })
    }
}

/// An answer to `getstatus`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Variables of the server.
    pub vars: Vars,
    /// Who is connected, bots too.
    pub players: Vec<Player>,
}

impl Status {
    /// Reads what stands after `statusResponse\n`. Lines that are no player's are dropped.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut lines = body.split(|byte| *byte == b'\n');
        let vars = Vars::parse(lines.next().unwrap_or_default());
        let players = lines
            .filter_map(|line| Player::parse(&shown(line)))
            .take(MOST)
            .collect();
        Self { vars, players }
    }
}
