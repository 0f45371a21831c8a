//! Takes QEMU's user network out of a frozen state. A guest is booted on the user network, as that needs no root; but
//! QEMU writes that network's connections into the state as a section of its own, and a QEMU on a tap refuses to load it.
//! Nothing of the section matters: it is about connections to the agent that froze the guest.
//!
//! ```text
//!   … 04 | section id | 05 "slirp" | instance 0 | version | data | 7e | section id … 00 06 | length | description (JSON)
//! ```
//!
//! The description at the end tells the length of the data. All numbers are 32 bits, big endian.

use serde_json::Value;

const NAME: &[u8] = b"\x05slirp\0\0\0\0";
const SECTION: u8 = 0x04;
const FOOTER: u8 = 0x7e;
const DESCRIPTION: u8 = 0x06;

/// A state that is not as QEMU writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlirpError {
    /// It does not end with a description.
    #[error("the state that QEMU wrote has no description at its end")]
    NoDescription,
    /// The section is described, but is not there, or is there twice.
    #[error("the state that QEMU wrote has {0} sections of the user network where one should be")]
    Sections(usize),
}

/// The state without the user network; as it was, if it has none.
///
/// # Errors
/// If it is not as QEMU writes it.
pub(crate) fn without_slirp(state: &[u8]) -> Result<Vec<u8>, SlirpError> {
    let description = description(state).ok_or(SlirpError::NoDescription)?;
    let devices = description["devices"]
        .as_array()
        .ok_or(SlirpError::NoDescription)?;
    let Some(slirp) = devices.iter().find(|device| device["name"] == "slirp") else {
        return Ok(state.to_vec());
    };
    let size = slirp["size"].as_u64().and_then(|size| usize::try_from(size).ok());
    let size = size.ok_or(SlirpError::NoDescription)?;
    let found: Vec<(usize, usize)> = state
        .windows(NAME.len())
        .enumerate()
        .filter(|(_, window)| *window == NAME)
        .filter_map(|(at, _)| section(state, at, size))
        .collect();
    let [(from, to)] = found[..] else {
        return Err(SlirpError::Sections(found.len()));
    };
    Ok([&state[..from], &state[to..]].concat())
}

/// Begin and end of the section whose name stands at `name`, if it is one.
fn section(state: &[u8], name: usize, size: usize) -> Option<(usize, usize)> {
    let from = name.checked_sub(5)?;
    let footer = name.checked_add(NAME.len() + 4)?.checked_add(size)?;
    let is_one = state[from] == SECTION
        && *state.get(footer)? == FOOTER
        && state.get(footer + 1..footer + 5)? == state.get(from + 1..from + 5)?;
    is_one.then_some((from, footer + 5))
}

fn description(state: &[u8]) -> Option<Value> {
    let starts = |at: usize| {
        let length: [u8; 4] = state.get(at + 1..at + 5)?.try_into().ok()?;
        let text = state.get(at + 5..)?;
        (state[at] == DESCRIPTION && text.len() == usize::try_from(u32::from_be_bytes(length)).ok()?)
            .then_some(text)
    };
    let text = (0..state.len()).rev().find_map(starts)?;
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section_of(id: u32, name: &str, data: &[u8]) -> Vec<u8> {
        let id = id.to_be_bytes();
        let length = [u8::try_from(name.len()).unwrap()];
        [
            &[SECTION][..],
            &id,
            &length,
            name.as_bytes(),
            &[0; 4],
            &[0, 0, 0, 6],
            data,
            &[FOOTER],
            &id,
        ]
        .concat()
    }

    fn state(sections: &[Vec<u8>], devices: &str) -> Vec<u8> {
        let text = format!("{{\"page_size\": 4096, \"devices\": [{devices}]}}");
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [
            b"QEVM\0\0\0\x03",
            &sections.concat()[..],
            &[0, DESCRIPTION],
            &length,
            text.as_bytes(),
        ]
        .concat()
    }

    const SLIRP: &str = r#"{"name": "slirp", "instance_id": 0, "size": 10}"#;

    #[test]
    fn the_user_network_goes_and_all_else_stays() {
        // Data that looks like the section's own end.
        let data = [FOOTER, 0, 0, 0, 1, 9, 9, 9, 9, 9];
        let (timer, cpu) = (
            section_of(0, "timer", b"tick"),
            section_of(2, "cpu", b"\x05slirp"),
        );
        let with = state(
            &[timer.clone(), section_of(1, "slirp", &data), cpu.clone()],
            SLIRP,
        );
        assert_eq!(without_slirp(&with).unwrap(), state(&[timer, cpu], SLIRP));
    }

    #[test]
    fn a_state_from_a_tap_is_left_alone() {
        let tap = state(&[section_of(0, "timer", b"tick")], "");
        assert_eq!(without_slirp(&tap).unwrap(), tap);
    }

    #[test]
    fn what_is_no_state_is_refused() {
        assert_eq!(without_slirp(b""), Err(SlirpError::NoDescription));
        assert_eq!(without_slirp(&[6; 40]), Err(SlirpError::NoDescription));
        assert_eq!(without_slirp(&state(&[], SLIRP)), Err(SlirpError::Sections(0)));
    }
}
