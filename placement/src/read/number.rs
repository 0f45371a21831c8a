//! Numbers as people and programs write them, as whole microseconds.

use crate::Micros;

/// In what a file's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A CSV's cells.
    Milliseconds,
    /// The pairs form's third value.
    Microseconds,
}

/// What is wrong with a text that should be a round-trip time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadValue {
    /// Words, `nan` and `inf` too.
    NoNumber,
    /// Below zero.
    Negative,
    /// Zero, or less than half a microsecond.
    Zero,
    /// More than [`Micros::MAX_US`].
    TooLong,
}

impl BadValue {
    /// What is wrong and what would be right, to stand behind the value.
    #[must_use]
    pub const fn words(self, unit: Unit) -> &'static str {
        match (self, unit) {
            (Self::NoNumber, Unit::Milliseconds) => {
                "is no number: right are milliseconds such as 41.207, or an empty cell if the value is unknown"
            }
            (Self::NoNumber, Unit::Microseconds) => {
                "is no number: right are microseconds such as 41207, or no line for the pair if the value is unknown"
            }
            (Self::Negative, Unit::Milliseconds) => {
                "is below zero: a round-trip time is at least 0.001 ms, and an empty cell if it is unknown"
            }
            (Self::Negative, Unit::Microseconds) => {
                "is below zero: a round-trip time is at least 1 microsecond, and its pair has no line if it is unknown"
            }
            (Self::Zero, Unit::Milliseconds) => {
                "is no round-trip time: it is at least 0.001 ms, and an empty cell if it is unknown"
            }
            (Self::Zero, Unit::Microseconds) => {
                "is no round-trip time: it is at least 1 microsecond, and its pair has no line if it is unknown"
            }
            (Self::TooLong, Unit::Milliseconds) => {
                "is more than a minute, 60000 ms: what takes longer is lost, and an empty cell"
            }
            (Self::TooLong, Unit::Microseconds) => {
                "is more than a minute, 60000000 microseconds: what takes longer is lost, and has no line"
            }
        }
    }
}

/// Reads a decimal number, also with an exponent, and rounds it to the nearest microsecond, halves upwards. Exact,
/// whatever the number of digits.
///
/// # Errors
/// What is no number, or no round-trip time.
pub fn round_trip(text: &str, unit: Unit) -> Result<Micros, BadValue> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let us = microseconds(digits, unit).ok_or(BadValue::NoNumber)?;
    match us {
        0 => Err(BadValue::Zero),
        _ if negative => Err(BadValue::Negative),
        us => u32::try_from(us)
            .ok()
            .and_then(|us| Micros::new(us).ok())
            .ok_or(BadValue::TooLong),
    }
}

/// More than any time: what is above it need not be exact.
const ENOUGH: u64 = 1 << 40;

fn microseconds(text: &[u8], unit: Unit) -> Option<u64> {
    let mut parts = text.splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = (parts.next()?, parts.next());
    let mut parts = mantissa.splitn(2, |byte| *byte == b'.');
    let (whole, part) = (parts.next()?, parts.next().unwrap_or_default());
    let digits = || whole.iter().chain(part);
    if digits().next().is_none() || !digits().all(u8::is_ascii_digit) {
        return None;
    }
    let shift = match unit {
        Unit::Milliseconds => 3,
        Unit::Microseconds => 0,
    };
    // How many of the digits stand before the point, in microseconds.
    let point = i64::try_from(whole.len()).ok()? + exponent.map_or(Some(0), power)? + shift;
    let mut us: u64 = 0;
    let mut index = 0;
    for digit in digits().map(|byte| u64::from(byte - b'0')) {
        if index >= point {
            return Some(us + u64::from(index == point && digit >= 5));
        }
        us = (us * 10 + digit).min(ENOUGH);
        index += 1;
    }
    // More zeros than this change nothing: it is zero, or enough.
    for _ in index..point.min(index + 13) {
        us = (us * 10).min(ENOUGH);
    }
    Some(us)
}

/// What stands behind an `e`. Beyond a million all powers are alike.
fn power(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |size, byte| {
        (size * 10 + i64::from(byte - b'0')).min(1_000_000)
    });
    Some(if negative { -size } else { size })
}

/// The quick way for what nearly all cells hold: up to five digits, perhaps a point and more digits, then a comma or
/// the end. Microseconds, and how many bytes they took; `None` if one must look closer.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> Option<(Micros, usize)> {
    let mut us = 0_u32;
    let mut at = 0;
    while let Some(digit) = digit(bytes, at).filter(|_| at < 5) {
        us = us * 10 + digit;
        at += 1;
    }
    if at == 0 {
        return None;
    }
    us *= 1000;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        for place in [100, 10, 1] {
            let Some(digit) = digit(bytes, at) else { break };
            us += digit * place;
            at += 1;
        }
        if let Some(next) = digit(bytes, at) {
            us += u32::from(next >= 5);
            while digit(bytes, at).is_some() {
                at += 1;
            }
        }
    }
    match bytes.get(at) {
        None | Some(b',') => Some((Micros::new(us).ok()?, at)),
        Some(_) => None,
    }
}

#[inline]
fn digit(bytes: &[u8], at: usize) -> Option<u32> {
    let digit = bytes.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u32::from(digit))
}
