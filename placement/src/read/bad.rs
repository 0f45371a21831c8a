//! What is wrong with a file: where, what stands there, and what would be right.

use super::number::{BadValue, Unit};
use crate::{BadMatrix, MAX_PLAYERS};
use std::fmt;

/// A cell of a file. Rows and columns are counted from 1, the header too; names are given where there are any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct At {
    /// Which row.
    pub row: usize,
    /// Which column.
    pub column: usize,
    /// The row's name.
    pub host: Option<String>,
    /// The column's name.
    pub player: Option<String>,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(host) = &self.host {
            write!(f, " (host {host:?})")?;
        }
        write!(f, ", column {}", self.column)?;
        if let Some(player) = &self.player {
            write!(f, " (player {player:?})")?;
        }
        Ok(())
    }
}

/// A file that holds no matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// A value that is no round-trip time.
    #[error("{at}: {value:?} {}", why.words(*unit))]
    Value {
        /// Where.
        at: At,
        /// What stands there.
        value: String,
        /// What is wrong with it.
        why: BadValue,
        /// What it is counted in.
        unit: Unit,
    },
    /// A first row of which one cannot say whether it is the header.
    #[error(
        "row 1, column {word_column}: {word:?} stands in a row with the number {number:?} in column {number_column}: \
         a header has names that are no numbers, any other row milliseconds such as 41.207, empty if unknown"
    )]
    HalfHeader {
        /// Where the first word stands.
        word_column: usize,
        /// It.
        word: String,
        /// Where the first number stands.
        number_column: usize,
        /// It.
        number: String,
    },
    /// A name that is none.
    #[error("{at}: {value:?} is no name of a {of}: {why}")]
    Name {
        /// Where.
        at: At,
        /// What stands there.
        value: String,
        /// `host` or `player`.
        of: &'static str,
        /// What is wrong with it, and what would be right.
        why: &'static str,
    },
    /// The same host twice.
    #[error("row {second}, column 1: host {name:?} is in row {first} already: each host has one row")]
    SameHost {
        /// Its name.
        name: String,
        /// Its first row.
        first: usize,
        /// Its second.
        second: usize,
    },
    /// The same player twice.
    #[error(
        "row 1, column {second}: player {name:?} is in column {first} already: each player has one column"
    )]
    SamePlayer {
        /// Its name.
        name: String,
        /// Its first column.
        first: usize,
        /// Its second.
        second: usize,
    },
    /// A row with fewer cells than the first.
    #[error(
        "{at}: there is no cell: the row has {found}, row 1 has {expected}; what is unknown is an empty cell"
    )]
    Short {
        /// The first cell that is missing.
        at: At,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A row with more cells than the first.
    #[error("{at}: {value:?} is a cell too many: row 1 has {expected}")]
    Long {
        /// The first one too many.
        at: At,
        /// What stands there.
        value: String,
        /// How many there should be.
        expected: usize,
    },
    /// An empty line among others.
    #[error(
        "row {row}, column 1: the line is empty, and others follow: a host of which nothing is known is a line of commas"
    )]
    EmptyRow {
        /// Which.
        row: usize,
    },
    /// Too many columns.
    #[error(
        "row {row}, column {column}: there are more columns than for {MAX_PLAYERS} players, the most of one match"
    )]
    TooManyColumns {
        /// Which row.
        row: usize,
        /// The first column too many.
        column: usize,
    },
    /// A quote that is wrong.
    #[error(
        "row {row}, column {column}: {value:?} begins with a quote and must end with one, on the same line and before \
         the comma; quotes within are doubled"
    )]
    Quote {
        /// Which row.
        row: usize,
        /// Which column.
        column: usize,
        /// What stands there.
        value: String,
    },
    /// A line that no matrix has.
    #[error("row {row}: the line is longer than {} bytes", super::MAX_LINE)]
    TooLong {
        /// Which.
        row: usize,
    },
    /// A file of another kind.
    #[error("the file is {what}: {right}")]
    NoText {
        /// Which.
        what: &'static str,
        /// What to do.
        right: &'static str,
    },
    /// Values with something else than commas between them.
    #[error(
        "row 1: {value:?} has {found} between its values: right are commas between them, and points in decimals, \
         such as london,41.207,60"
    )]
    Separator {
        /// What stands there.
        value: String,
        /// `semicolons` or `tabs`.
        found: &'static str,
    },
    /// One column in all.
    #[error(
        "row 1: {value:?} is all of the row: a row holds the round-trip times of one host to all players, \
         with commas between them"
    )]
    OneColumn {
        /// What stands there.
        value: String,
    },
    /// A line of the pairs form with another number of values.
    #[error(
        "row {row}: {value:?} is no pair: right is a line of the form \"host player microseconds\", all numbers"
    )]
    NoPair {
        /// Which.
        row: usize,
        /// What stands there.
        value: String,
    },
    /// A number in the pairs form that names nobody.
    #[error(
        "row {row}, column {column}: {value:?} is no number of a {of}: right is a whole number from 0 to {}",
        u32::MAX
    )]
    NoIndex {
        /// Which row.
        row: usize,
        /// Which column.
        column: usize,
        /// What stands there.
        value: String,
        /// `host` or `player`.
        of: &'static str,
    },
    /// Two values for one pair.
    #[error(
        "row {row}, column 3 (host \"h{host}\", player \"p{player}\"): {value:?} here, but {} us in row {first}",
        first_us
    )]
    SamePair {
        /// The second row.
        row: usize,
        /// Its value.
        value: String,
        /// Which host.
        host: u32,
        /// Which player.
        player: u32,
        /// The first row.
        first: usize,
        /// Its value.
        first_us: u32,
    },
    /// Pairs so far apart that the matrix would be nearly empty.
    #[error(
        "{hosts} hosts and {players} players are more pairs than the {} that can be judged",
        super::MAX_PAIRS
    )]
    TooManyPairs {
        /// Hosts.
        hosts: usize,
        /// Players.
        players: usize,
    },
    /// Nothing there.
    #[error("the file holds no row of round-trip times")]
    Empty,
    /// Nothing but a header.
    #[error("row 1 is the header, as {word:?} in column {column} is no number, and there is no other row")]
    HeaderAlone {
        /// Where the first word behind the first cell stands.
        column: usize,
        /// It.
        word: String,
    },
    /// All fine, but no matrix.
    #[error(transparent)]
    Matrix(#[from] BadMatrix),
}

/// What stands in a file, cut for a message.
pub(super) fn shown(bytes: &[u8]) -> String {
    let cut = bytes.get(..60).unwrap_or(bytes);
    let text = String::from_utf8_lossy(cut);
    if cut.len() < bytes.len() {
        format!("{}…", text.trim_end_matches('\u{fffd}'))
    } else {
        text.into_owned()
    }
}
