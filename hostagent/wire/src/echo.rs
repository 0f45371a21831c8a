//! The frame of the UDP echo: what a game client or tool sends to a host's beacon, and gets back, to know how far it is.
//! Described for others in `docs/echo.md`.
//!
//! Pure: bytes in, values out. A question and its answer have the same [`LENGTH`], so that nobody makes a host send more
//! than they sent themselves, and an answer is never answered, so that two hosts cannot be set on each other.

/// Bytes of each frame, neither more nor fewer.
pub const LENGTH: usize = 52;

/// UDP port of the beacon unless its operator says otherwise.
pub const PORT: u16 = 27_900;

/// Each frame begins so.
const MAGIC: [u8; 4] = *b"vMxE";

/// The version of the frame.
const VERSION: u8 = 1;

const QUESTION: u8 = b'?';
const ANSWER: u8 = b'!';

/// One frame. All numbers are big endian on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// Who asks.
    pub question: Question,
    /// Present in answers.
    pub times: Option<Times>,
}

/// What comes back unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Random: who has not seen the question cannot answer it.
    pub nonce: [u8; 16],
    /// Which of several questions; the asker's own number.
    pub sequence: u16,
    /// The asker's clock, of whatever unit and beginning.
    pub asked: u64,
}

/// The host's clock, in microseconds. It only goes forward, and begins at any time: differences mean something, values do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the question was read.
    pub received_us: u64,
    /// When the answer was written.
    pub sent_us: u64,
}

/// Bytes that are no frame. They are not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEcho {
    /// Shorter or longer.
    #[error("{bytes} bytes, a frame has {LENGTH}")]
    Length {
        /// How long.
        bytes: usize,
    },
    /// Something else altogether.
    #[error("it does not begin with \"vMxE\"")]
    Magic,
    /// From another time.
    #[error("version {0}, known is {VERSION}")]
    Version(u8),
    /// Damaged on the way, or made up.
    #[error("checksum {found:08x}, its bytes have {right:08x}")]
    Checksum {
        /// What stands in it.
        found: u32,
        /// What should.
        right: u32,
    },
    /// Neither question nor answer, or a question that already has the host's times.
    #[error("kind {0:#04x} with these times is neither question nor answer")]
    Kind(u8),
}

impl Echo {
    /// A question.
    #[must_use]
    pub fn ask(question: Question) -> Self {
        Self {
            question,
            times: None,
        }
    }

    /// The answer to a question.
    #[must_use]
    pub fn answer(question: Question, times: Times) -> Self {
        Self {
            question,
            times: Some(times),
        }
    }

    /// Writes the frame.
    #[must_use]
    pub fn encode(&self) -> [u8; LENGTH] {
        let (kind, times) = match self.times {
            None => (QUESTION, [0; 2]),
            Some(Times { received_us, sent_us }) => (ANSWER, [received_us, sent_us]),
        };
        let Question {
            nonce,
            sequence,
            asked,
        } = self.question;
        let mut out = [0; LENGTH];
        let mut rest = out.as_mut_slice();
        put(&mut rest, &MAGIC);
        put(&mut rest, &[VERSION, kind]);
        put(&mut rest, &sequence.to_be_bytes());
        put(&mut rest, &nonce);
        for number in [asked, times[0], times[1]] {
            put(&mut rest, &number.to_be_bytes());
        }
        let (body, sum) = out.split_at_mut(LENGTH - 4);
        sum.copy_from_slice(&crc32fast::hash(body).to_be_bytes());
        out
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadEcho> {
        let bytes: &[u8; LENGTH] = bytes
            .try_into()
            .map_err(|_| BadEcho::Length { bytes: bytes.len() })?;
        let mut rest = bytes.as_slice();
        if take::<4>(&mut rest) != MAGIC {
            return Err(BadEcho::Magic);
        }
        let [version, kind] = take(&mut rest);
        if version != VERSION {
            return Err(BadEcho::Version(version));
        }
        let right = crc32fast::hash(&bytes[..LENGTH - 4]);
        let sequence = u16::from_be_bytes(take(&mut rest));
        let nonce = take(&mut rest);
        let [asked, received_us, sent_us] = [(); 3].map(|()| u64::from_be_bytes(take(&mut rest)));
        let found = u32::from_be_bytes(take(&mut rest));
        if found != right {
            return Err(BadEcho::Checksum { found, right });
        }
        let question = Question {
            nonce,
            sequence,
            asked,
        };
        match (kind, received_us, sent_us) {
            (QUESTION, 0, 0) => Ok(Self::ask(question)),
            (ANSWER, _, _) => Ok(Self::answer(question, Times { received_us, sent_us })),
            _ => Err(BadEcho::Kind(kind)),
        }
    }
}

/// Writes the next bytes. The frame's length is the sum of its parts, which a test says.
fn put(rest: &mut &mut [u8], bytes: &[u8]) {
    if let Some(place) = rest.split_off_mut(..bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Reads the next bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk() {
        Some((bytes, after)) => {
            *rest = after;
            *bytes
        }
        None => [0; N],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASKED: Question = Question {
        nonce: *b"0123456789abcdef",
        sequence: 0x0102,
        asked: 0x0304_0506_0708_090a,
    };

    /// What `docs/echo.md` shows, so that other clients can be tested against it.
    #[test]
    fn the_frame_is_as_its_page_says() {
        let hex = |echo: Echo| -> String {
            let bytes = echo.encode();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let times = Times {
            received_us: 1_000_000,
            sent_us: 1_000_007,
        };
        let page = include_str!("../../../docs/echo.md");
        for shown in [hex(Echo::ask(ASKED)), hex(Echo::answer(ASKED, times))] {
            assert!(page.contains(&shown), "docs/echo.md does not show {shown}");
        }
    }

    #[test]
    fn what_is_no_frame_is_named() {
        let question = Echo::ask(ASKED).encode();
        assert_eq!(Echo::parse(&[]), Err(BadEcho::Length { bytes: 0 }));
        let longer = [&question[..], b"x"].concat();
        assert_eq!(Echo::parse(&longer), Err(BadEcho::Length { bytes: 53 }));
        let with = |at: usize, value: u8, right_sum: bool| {
            let mut bytes = question;
            bytes[at] = value;
            if right_sum {
                let sum = crc32fast::hash(&bytes[..48]);
                bytes[48..].copy_from_slice(&sum.to_be_bytes());
            }
            Echo::parse(&bytes)
        };
        assert_eq!(with(0, b'V', true), Err(BadEcho::Magic));
        assert_eq!(with(4, 2, true), Err(BadEcho::Version(2)));
        assert_eq!(with(5, b'x', true), Err(BadEcho::Kind(b'x')));
        assert_eq!(
            with(47, 1, true),
            Err(BadEcho::Kind(b'?')),
            "a question with times would be an answer's forgery"
        );
        assert!(matches!(with(20, 0, false), Err(BadEcho::Checksum { .. })));
    }

    fn any_echo() -> impl Strategy<Value = Echo> {
        let times =
            (any::<u64>(), any::<u64>()).prop_map(|(received_us, sent_us)| Times { received_us, sent_us });
        (any::<([u8; 16], u16, u64)>(), proptest::option::of(times)).prop_map(
            |((nonce, sequence, asked), times)| Echo {
                question: Question {
                    nonce,
                    sequence,
                    asked,
                },
                times,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(echo in any_echo()) {
            prop_assert_eq!(Echo::parse(&echo.encode()), Ok(echo));
        }

        #[test]
        fn no_bytes_panic_and_what_is_taken_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(echo) = Echo::parse(&bytes) {
                prop_assert_eq!(&echo.encode()[..], &bytes[..]);
            }
        }

        /// A CRC finds each burst of up to 32 bits.
        #[test]
        fn a_damaged_byte_is_seen(echo in any_echo(), at in 0..LENGTH, flip in 1_u8..) {
            let mut bytes = echo.encode();
            bytes[at] ^= flip;
            prop_assert!(Echo::parse(&bytes).is_err());
        }
    }
}
