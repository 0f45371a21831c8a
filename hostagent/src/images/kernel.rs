//! Takes the ELF kernel out of Debian's `vmlinuz`: QEMU starts it in 2 s, the compressed one in over 20 s under TCG.
//!
//! Layout of a bzImage (Documentation/arch/x86/boot.rst): byte 0x1f1 is the number of setup sectors, the header magic `HdrS` stands
//! at 0x202, `payload_offset` and `payload_length` at 0x248 and 0x24c, counted from the end of the setup sectors.

/// The compressed kernel inside a bzImage, and the program that unpacks it from its standard input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Payload<'a> {
    /// The compressed bytes.
    pub bytes: &'a [u8],
    /// Program that unpacks with `-d -c` from standard input to standard output.
    pub program: &'static str,
}

/// A file that is not a kernel that we can take apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// No boot header.
    #[error("no bzImage: the boot header is missing")]
    NotBzImage,
    /// The header points outside of the file.
    #[error("bzImage is cut short: {length} bytes, its payload ends at {end}")]
    Short {
        /// Bytes that there are.
        length: usize,
        /// Where the payload should end.
        end: u64,
    },
    /// A compression that we do not know.
    #[error("payload begins with {0:02x?}, which is no known compression")]
    Compression([u8; 4]),
}

/// First bytes, program, and whether the kernel's build appended four bytes of length that the program does not understand.
const KINDS: [(&[u8], &str, bool); 4] = [
    (&[0x02, 0x21, 0x4c, 0x18], "lz4", true),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", true),
    (&[0xfd, b'7', b'z', b'X'], "xz", true),
    (&[0x1f, 0x8b], "gzip", false),
];

/// Finds the compressed kernel.
pub(crate) fn payload(image: &[u8]) -> Result<Payload<'_>, KernelError> {
    if image.get(0x202..0x206) != Some(b"HdrS") {
        return Err(KernelError::NotBzImage);
    }
    let word = |at: usize| -> Result<u64, KernelError> {
        let bytes: [u8; 4] = image
            .get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .ok_or(KernelError::NotBzImage)?;
        Ok(u64::from(u32::from_le_bytes(bytes)))
    };
    let sectors = match image.get(0x1f1).copied() {
        None => return Err(KernelError::NotBzImage),
        Some(0) => 4,
        Some(n) => u64::from(n),
    };
    let start = (sectors + 1) * 512 + word(0x248)?;
    let end = start + word(0x24c)?;
    let short = KernelError::Short {
        length: image.len(),
        end,
    };
    let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end)) else {
        return Err(short);
    };
    let bytes = image.get(from..to).ok_or(short)?;
    for (magic, program, sized) in KINDS {
        if bytes.starts_with(magic) {
            let cut = if sized {
                bytes.len().saturating_sub(4)
            } else {
                bytes.len()
            };
            return Ok(Payload {
                bytes: &bytes[..cut],
                program,
            });
        }
    }
    let mut first = [0; 4];
    first.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    Err(KernelError::Compression(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(payload: &[u8], claimed: u32) -> Vec<u8> {
        let mut image = vec![0; 1024 + 16];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248..0x24c].copy_from_slice(&16u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&claimed.to_le_bytes());
        image.extend_from_slice(payload);
        image
    }

    #[test]
    fn the_payload_is_found_behind_the_setup_sectors_and_its_appended_length_is_cut() {
        let bytes = [0x02, 0x21, 0x4c, 0x18, 7, 8, 9, 1, 2, 3, 4];
        let image = image(&bytes, 11);
        let found = payload(&image).unwrap();
        assert_eq!(found.bytes, &bytes[..7]);
        assert_eq!(found.program, "lz4");
    }

    #[test]
    fn gzip_keeps_its_own_length() {
        let image = image(&[0x1f, 0x8b, 1, 2, 3, 4], 6);
        assert_eq!(payload(&image).unwrap().bytes.len(), 6);
    }

    #[test]
    fn what_is_no_kernel_is_refused_with_what_it_is() {
        assert_eq!(payload(b"ELF"), Err(KernelError::NotBzImage));
        assert_eq!(
            payload(&image(&[1, 2, 3, 4], 4)),
            Err(KernelError::Compression([1, 2, 3, 4]))
        );
        assert_eq!(
            payload(&image(&[1, 2], 900)),
            Err(KernelError::Short {
                length: 1042,
                end: 1940
            })
        );
    }
}
