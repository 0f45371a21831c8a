//! Frames of the UDP echo: one that is taken is written as the same bytes. With the right checksum put in, so that the rest of
//! the parser is reached, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vmatrix_wire::echo::{BadEcho, Echo, LENGTH};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    if let Err(BadEcho::Checksum { right, .. }) = Echo::parse(&bytes) {
        bytes[LENGTH - 4..].copy_from_slice(&right.to_be_bytes());
    }
    if let Ok(echo) = Echo::parse(&bytes) {
        assert_eq!(echo.encode()[..], bytes[..]);
    }
});
