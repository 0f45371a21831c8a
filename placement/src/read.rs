//! Round-trip times as files hold them: a CSV with a row per host, or a line `i j microseconds` per pair.
//!
//! In a CSV a first row with words behind its first cell is the header, with the players' names; a first column of
//! words holds the hosts' names. Without names hosts are `h1`, `h2`…, players `p1`, `p2`…. Values are milliseconds,
//! and an empty cell is unknown. Windows' line ends, a byte order mark, quotes as in RFC 4180 (on one line) and blanks
//! around cells are fine. Whatever is wrong is told with row, column and value; nothing is guessed.

mod bad;
mod cell;
mod csv;
mod number;
mod pairs;
mod table;
mod teams;
#[cfg(test)]
mod tests;

pub use bad::{At, BadFile};
pub use cell::check_name;
pub use number::{BadValue, Unit, round_trip};
pub use pairs::MAX_PAIRS;
pub use table::Table;
pub use teams::{BadTeams, Teams};

use csv::Csv;
use pairs::Pairs;

/// Longest line of a file, in bytes: [`MAX_PLAYERS`](crate::MAX_PLAYERS) long names fit.
pub const MAX_LINE: usize = 1 << 20;

/// Takes a file line by line, and keeps no more of it than its values and names.
#[derive(Debug, Default)]
pub struct Reader {
    rows: usize,
    /// The first of the empty lines since the last one that was not.
    empty: Option<usize>,
    form: Option<Form>,
}

#[derive(Debug)]
enum Form {
    Csv(Csv),
    Pairs(Pairs),
}

impl Reader {
    /// Takes the next line, with its end or without. Of a line that is longer than [`MAX_LINE`] so much and one byte
    /// more are enough.
    ///
    /// # Errors
    /// Names row, column and value of what is wrong.
    pub fn line(&mut self, line: &[u8]) -> Result<(), BadFile> {
        self.rows += 1;
        let row = self.rows;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut line = line.strip_suffix(b"\r").unwrap_or(line);
        if row == 1 {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
            check_text(line)?;
        }
        if line.trim_ascii().is_empty() {
            self.empty.get_or_insert(row);
            return Ok(());
        }
        if let Some(row) = self.empty {
            return Err(BadFile::EmptyRow { row });
        }
        match &mut self.form {
            Some(Form::Pairs(pairs)) => pairs.row(line, row)?,
            Some(Form::Csv(csv)) => csv.row(line, row)?,
            None if Pairs::begins(line) => {
                let mut pairs = Pairs::default();
                // Pairs may have tabs between their three numbers; a table of a spreadsheet is told apart by being none.
                pairs
                    .row(line, row)
                    .map_err(|bad| separated(line, b'\t').unwrap_or(bad))?;
                self.form = Some(Form::Pairs(pairs));
            }
            None => {
                if let Some(bad) = separated(line, b'\t') {
                    return Err(bad);
                }
                self.form = Some(Form::Csv(Csv::begin(line, row)?));
            }
        }
        // After the rest, which may say more exactly what is wrong.
        if line.len() > MAX_LINE {
            return Err(BadFile::TooLong { row });
        }
        Ok(())
    }

    /// What it was, after the last line.
    ///
    /// # Errors
    /// There was nothing.
    pub fn end(self) -> Result<Table, BadFile> {
        match self.form {
            Some(Form::Csv(csv)) => csv.end(),
            Some(Form::Pairs(pairs)) => pairs.end(),
            None => Err(BadFile::Empty),
        }
    }
}

/// Files that people give by mistake.
fn check_text(line: &[u8]) -> Result<(), BadFile> {
    let utf_16 = match line {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        // The first letter of plain text, without the mark.
        [one, other, ..] => (*one == 0) != (*other == 0),
        _ => false,
    };
    let (what, right) = match line {
        [0x1f, 0x8b, ..] => ("compressed", "give the text itself"),
        _ if utf_16 => ("UTF-16", "save it as UTF-8, with commas between the values"),
        _ if line.contains(&0) => ("no text", "give the text itself"),
        _ => return separated(line, b';').map_or(Ok(()), Err),
    };
    Err(BadFile::NoText { what, right })
}

/// What is wrong with a first line whose values have something else than commas between them. Commas may stand in it,
/// but only as decimal ones.
fn separated(line: &[u8], by: u8) -> Option<BadFile> {
    let line = line.trim_ascii();
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let decimal = |cell: &[u8]| match cell.split(|byte| *byte == b',').collect::<Vec<_>>().as_slice() {
        [_] => true,
        [whole, part] => digits(whole.trim_ascii_start()) && digits(part.trim_ascii_end()),
        _ => false,
    };
    let found = match by {
        b';' => "semicolons",
        _ => "tabs",
    };
    let quoted = line.contains(&b'"') && line.contains(&b',');
    let is = line.contains(&by) && !quoted && line.split(|byte| *byte == by).all(decimal);
    is.then(|| BadFile::Separator {
        value: bad::shown(line),
        found,
    })
}
