//! Rows of a CSV: a host each, with a column per player.

use super::bad::{At, BadFile, shown};
use super::cell::{Cells, Kind, kind, name};
use super::number::{Unit, plain, round_trip};
use super::table::Table;
use crate::{Host, MAX_PLAYERS, Micros, Player};

/// What is known after some rows.
#[derive(Debug)]
pub(super) struct Csv {
    header: Option<Vec<Vec<u8>>>,
    /// Known from the first row of values on.
    layout: Option<Layout>,
    /// Whether the first row is none, though its first cell could be one's.
    like_header: bool,
    /// Cells of each row, the hosts' names too.
    width: usize,
    hosts: Vec<Host>,
    values: Vec<Option<Micros>>,
}

/// What stands where.
#[derive(Debug)]
struct Layout {
    /// Whether the first column holds the hosts' names.
    named: bool,
    /// Whether those may look like numbers.
    any_name: bool,
    /// The first row of values.
    first_row: usize,
    /// The columns' names, if there is a header.
    players: Option<Vec<String>>,
}

impl Csv {
    /// Takes the first row.
    pub(super) fn begin(line: &[u8], row: usize) -> Result<Self, BadFile> {
        let mut cells = Cells::new(line, row);
        let mut first = Vec::new();
        while let Some(cell) = cells.next()? {
            if first.len() > MAX_PLAYERS {
                return Err(too_many(row, MAX_PLAYERS + 2));
            }
            first.push(cell.into_owned());
        }
        let over_names = |cell: &Vec<u8>| {
            let usual = ["host", "name", "server"];
            cell.is_empty()
                || usual
                    .iter()
                    .any(|word| cell.eq_ignore_ascii_case(word.as_bytes()))
        };
        let header = is_header(&first)?;
        let mut csv = Self {
            header: None,
            like_header: !header && first.first().is_some_and(over_names),
            layout: None,
            width: first.len(),
            hosts: Vec::new(),
            values: Vec::new(),
        };
        if header {
            csv.header = Some(first);
        } else {
            csv.row(line, row)?;
        }
        Ok(csv)
    }

    /// Takes any other row.
    pub(super) fn row(&mut self, line: &[u8], row: usize) -> Result<(), BadFile> {
        let mut cells = Cells::new(line, row);
        let layout = match &self.layout {
            Some(layout) => layout,
            None => {
                let first = cells.clone().next()?.unwrap_or_default();
                let layout = Layout::of(self.header.as_deref(), &first, self.width, row)?;
                self.layout.insert(layout)
            }
        };
        let host = if layout.named {
            let cell = cells.next()?.unwrap_or_default();
            Some(layout.host_name(&cell, row)?)
        } else {
            None
        };
        while let Some(rest) = cells.rest() {
            if cells.column > self.width {
                break;
            }
            // Nearly all cells are plain; the rest is looked at as closely as needed.
            if let Some((rtt, taken)) = plain(rest) {
                self.values.push(Some(rtt));
                cells.skip(taken);
            } else {
                let column = cells.column;
                let cell = cells.next()?.unwrap_or_default();
                let value = value(&cell).map_err(|why| BadFile::Value {
                    at: layout.at(row, column, host.clone()),
                    value: shown(&cell),
                    why,
                    unit: Unit::Milliseconds,
                });
                self.values.push(value?);
            }
        }
        let (found, expected) = (cells.column - 1, self.width);
        if found < expected {
            let at = layout.at(row, cells.column, host);
            return Err(BadFile::Short { at, found, expected });
        }
        if let Some(cell) = cells.next()? {
            return Err(BadFile::Long {
                at: layout.at(row, expected + 1, host),
                value: shown(&cell),
                expected,
            });
        }
        self.hosts
            .push(host.map_or_else(|| numbered(row - layout.first_row + 1), named));
        Ok(())
    }

    pub(super) fn end(self) -> Result<Table, BadFile> {
        let Some(layout) = self.layout else {
            let header = self.header.unwrap_or_default();
            let mut behind = header.iter().enumerate().skip(1);
            let word = behind.find(|(_, cell)| kind(cell) == Kind::Word);
            return Err(word.map_or(BadFile::Empty, |(index, cell)| BadFile::HeaderAlone {
                column: index + 1,
                word: shown(cell),
            }));
        };
        let count = self.width - usize::from(layout.named);
        let players = layout
            .players
            .unwrap_or_else(|| (1..=count).map(|number| format!("p{number}")).collect());
        Ok(Table {
            players: players
                .into_iter()
                .map(|name| Player::new(name.clone(), name, None))
                .collect(),
            hosts: self.hosts,
            values: self.values,
            first_row: layout.first_row,
            first_column: 1 + usize::from(layout.named),
            like_header: self.like_header,
        })
    }
}

/// A host of a file without names, by its number. The id has zeros, so that the second stands before the tenth.
pub(super) fn numbered(number: impl std::fmt::Display) -> Host {
    Host {
        id: format!("h{number:0>10}"),
        name: format!("h{number}"),
    }
}

fn named(name: String) -> Host {
    Host {
        id: name.clone(),
        name,
    }
}

const fn too_many(row: usize, column: usize) -> BadFile {
    BadFile::TooManyColumns { row, column }
}

fn value(cell: &[u8]) -> Result<Option<Micros>, super::BadValue> {
    if cell.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(cell).map_err(|_| super::BadValue::NoNumber)?;
    round_trip(text, Unit::Milliseconds).map(Some)
}

/// Whether the first row is the header: behind its first cell there are words. Not if there are numbers, too: that is
/// a row with a value that is none.
fn is_header(cells: &[Vec<u8>]) -> Result<bool, BadFile> {
    let first = |wanted: Kind| {
        let mut behind = cells.iter().enumerate().skip(1);
        behind.find(|(_, cell)| kind(cell) == wanted)
    };
    match (first(Kind::Word), first(Kind::Number)) {
        (None, _) => Ok(false),
        (Some(_), None) => Ok(true),
        (Some(word), Some(number)) => Err(half_header(word, number)),
    }
}

fn half_header(word: (usize, &Vec<u8>), number: (usize, &Vec<u8>)) -> BadFile {
    BadFile::HalfHeader {
        word_column: word.0 + 1,
        word: shown(word.1),
        number_column: number.0 + 1,
        number: shown(number.1),
    }
}

impl Layout {
    /// From the header, if there is one, and the first cell of the first row of values.
    fn of(header: Option<&[Vec<u8>]>, first: &[u8], width: usize, row: usize) -> Result<Self, BadFile> {
        // A header without a word over the first column: that holds names, whatever they look like.
        let any_name = header
            .and_then(<[_]>::first)
            .is_some_and(|cell| kind(cell) == Kind::Empty);
        let named = any_name || kind(first) == Kind::Word;
        if width < 2 {
            return Err(BadFile::OneColumn { value: shown(first) });
        }
        if width - usize::from(named) > MAX_PLAYERS {
            return Err(too_many(row, MAX_PLAYERS + 1 + usize::from(named)));
        }
        let players = header.map(|header| player_names(header, named)).transpose()?;
        Ok(Self {
            named,
            any_name,
            first_row: row,
            players,
        })
    }

    fn host_name(&self, cell: &[u8], row: usize) -> Result<String, BadFile> {
        let refused = |why| BadFile::Name {
            at: self.at(row, 1, None),
            value: shown(cell),
            of: "host",
            why,
        };
        if !self.any_name && kind(cell) == Kind::Number {
            return Err(refused(
                "the first column begins with a word, so it holds the hosts' names; names that look like numbers \
                 are fine under a header whose first cell is empty",
            ));
        }
        name(cell).map_err(refused)
    }

    fn at(&self, row: usize, column: usize, host: Option<String>) -> At {
        let player = || {
            let index = column.checked_sub(1 + usize::from(self.named))?;
            self.players.as_ref()?.get(index).cloned()
        };
        At {
            row,
            column,
            host,
            player: player(),
        }
    }
}

fn player_names(header: &[Vec<u8>], named: bool) -> Result<Vec<String>, BadFile> {
    let mut names = Vec::new();
    for (index, cell) in header.iter().enumerate().skip(usize::from(named)) {
        if kind(cell) == Kind::Number {
            // Only the first can be: of the others none is a number.
            let word = header
                .iter()
                .enumerate()
                .find(|(_, cell)| kind(cell) == Kind::Word);
            return Err(half_header(word.unwrap_or((index, cell)), (index, cell)));
        }
        let name = name(cell).map_err(|why| BadFile::Name {
            at: At {
                row: 1,
                column: index + 1,
                ..At::default()
            },
            value: shown(cell),
            of: "player",
            why,
        })?;
        names.push(name);
    }
    Ok(names)
}
