//! Cells of a row, quoted or not.

use super::bad::{BadFile, shown};
use std::borrow::Cow;

/// The cells of one line, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Cells<'a> {
    /// What is left, without the comma in front; `None` behind the last cell.
    rest: Option<&'a [u8]>,
    pub(super) row: usize,
    /// The next cell's, from 1.
    pub(super) column: usize,
}

impl<'a> Cells<'a> {
    pub(super) const fn new(line: &'a [u8], row: usize) -> Self {
        Self {
            rest: Some(line),
            row,
            column: 1,
        }
    }

    /// What is left.
    pub(super) const fn rest(&self) -> Option<&'a [u8]> {
        self.rest
    }

    /// Goes on behind so many bytes, which are a whole cell.
    #[inline]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.and_then(|rest| rest.get(bytes + 1..));
        self.column += 1;
    }

    /// The next cell without the blanks around it.
    pub(super) fn next(&mut self) -> Result<Option<Cow<'a, [u8]>>, BadFile> {
        let Some(rest) = self.rest else {
            return Ok(None);
        };
        let text = rest.trim_ascii_start();
        let (cell, taken) = match text.strip_prefix(b"\"") {
            Some(quoted) => {
                let (cell, taken) = unquote(quoted).ok_or_else(|| BadFile::Quote {
                    row: self.row,
                    column: self.column,
                    value: shown(text),
                })?;
                (Cow::Owned(cell), rest.len() - quoted.len() + taken)
            }
            None => {
                let end = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
                let cell = rest.get(..end).unwrap_or_default();
                (Cow::Borrowed(cell.trim_ascii()), end)
            }
        };
        self.skip(taken);
        Ok(Some(cell))
    }
}

/// What stands between the quotes, the first of which is taken off, and where the cell ends: at a comma or with the
/// line. `None` if it does not end.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut cell = Vec::new();
    let mut at = 0;
    loop {
        match text.get(at..)? {
            [b'"', b'"', ..] => {
                cell.push(b'"');
                at += 2;
            }
            [b'"', behind @ ..] => {
                let blanks = behind.len() - behind.trim_ascii_start().len();
                let end = at + 1 + blanks;
                return matches!(text.get(end), None | Some(b',')).then_some((cell, end));
            }
            [byte, ..] => {
                cell.push(*byte);
                at += 1;
            }
            [] => return None,
        }
    }
}

/// What a cell is at first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    /// Anything that a program could take for a number: `nan` and `-1e9` too.
    Number,
    Word,
}

pub(super) fn kind(cell: &[u8]) -> Kind {
    let number = || std::str::from_utf8(cell).is_ok_and(|text| text.parse::<f64>().is_ok());
    if cell.is_empty() {
        Kind::Empty
    } else if number() {
        Kind::Number
    } else {
        Kind::Word
    }
}

/// A cell as the name of a host or a player, or what is wrong with it.
pub(super) fn name(cell: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(cell).map_err(|_| "it is not UTF-8 text")?;
    check_name(text).map(|()| text.to_owned())
}

/// Whether a text can be the name of a host or a player.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.chars().any(char::is_control) {
        return Err("it has a control character in it");
    }
    if text.chars().count() > LONGEST_NAME {
        return Err("it is longer than 200 characters");
    }
    Ok(())
}

const LONGEST_NAME: usize = 200;
