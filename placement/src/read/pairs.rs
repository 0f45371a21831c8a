//! The form in which larger sets are published: a line `i j microseconds` per pair, with blanks between.

use super::bad::{At, BadFile, shown};
use super::csv::numbered;
use super::number::{Unit, round_trip};
use super::table::Table;
use crate::{MAX_PLAYERS, Micros, Player};
use std::collections::BTreeSet;

/// Most cells of a matrix made from pairs: a short file must not take all memory.
pub const MAX_PAIRS: usize = 1 << 28;

#[derive(Debug, Default)]
pub(super) struct Pairs {
    all: Vec<Pair>,
    players: BTreeSet<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    host: u32,
    player: u32,
    row: usize,
    rtt: Micros,
}

impl Pairs {
    /// Whether a first line is of this form: no commas, but blanks between values.
    pub(super) fn begins(line: &[u8]) -> bool {
        !line.contains(&b',') && !line.contains(&b'"') && values(line).count() > 1
    }

    pub(super) fn row(&mut self, line: &[u8], row: usize) -> Result<(), BadFile> {
        let mut all = values(line);
        let three = (all.next(), all.next(), all.next(), all.next());
        let (Some(host), Some(player), Some(value), None) = three else {
            let value = shown(line);
            return Err(BadFile::NoPair { row, value });
        };
        let host = index(host, "host", (row, 1))?;
        let player = index(player, "player", (row, 2))?;
        let text = String::from_utf8_lossy(value);
        let rtt = round_trip(&text, Unit::Microseconds).map_err(|why| BadFile::Value {
            at: At {
                row,
                column: 3,
                host: Some(format!("h{host}")),
                player: Some(format!("p{player}")),
            },
            value: shown(value),
            why,
            unit: Unit::Microseconds,
        })?;
        if self.players.insert(player) && self.players.len() > MAX_PLAYERS {
            return Err(crate::BadMatrix::TooManyPlayers {
                players: self.players.len(),
            }
            .into());
        }
        self.all.push(Pair {
            host,
            player,
            row,
            rtt,
        });
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<Table, BadFile> {
        self.all.sort_unstable();
        for pair in self.all.windows(2) {
            if let [one, other] = pair
                && (one.host, one.player) == (other.host, other.player)
                && one.rtt != other.rtt
            {
                return Err(BadFile::SamePair {
                    row: other.row,
                    value: format!("{} us", other.rtt.us()),
                    host: other.host,
                    player: other.player,
                    first: one.row,
                    first_us: one.rtt.us(),
                });
            }
        }
        let players: Vec<u32> = self.players.into_iter().collect();
        let mut hosts: Vec<u32> = self.all.iter().map(|pair| pair.host).collect();
        hosts.dedup();
        if hosts.len().saturating_mul(players.len()) > MAX_PAIRS {
            return Err(BadFile::TooManyPairs {
                hosts: hosts.len(),
                players: players.len(),
            });
        }
        let mut values = Vec::with_capacity(hosts.len() * players.len());
        for of_host in self.all.chunk_by(|one, other| one.host == other.host) {
            let mut known = of_host.iter().peekable();
            for player in &players {
                let mut value = None;
                while let Some(pair) = known.next_if(|pair| pair.player == *player) {
                    value = Some(pair.rtt);
                }
                values.push(value);
            }
        }
        let player = |number: &u32| {
            let name = format!("p{number}");
            Player::new(name.clone(), name, None)
        };
        Ok(Table {
            players: players.iter().map(player).collect(),
            hosts: hosts.into_iter().map(numbered).collect(),
            values,
            first_row: 1,
            first_column: 1,
            like_header: false,
        })
    }
}

fn values(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|value| !value.is_empty())
}

fn index(text: &[u8], of: &'static str, (row, column): (usize, usize)) -> Result<u32, BadFile> {
    let plain = text.iter().all(u8::is_ascii_digit);
    let number = || std::str::from_utf8(text).ok()?.parse().ok();
    number().filter(|_| plain).ok_or_else(|| BadFile::NoIndex {
        row,
        column,
        value: shown(text),
        of,
    })
}
