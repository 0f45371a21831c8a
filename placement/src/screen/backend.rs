//! With which of the machine's instructions the screen runs.

use super::exact::all_pairs;
use super::packed::Blocks;
use super::pass::Look;
use super::scan::{Of, scan};
use fearless_simd::{Level, dispatch};

/// Instructions that this machine has. All give the same answer.
#[derive(Debug, Clone, Copy)]
pub struct Backend(Level);

impl Backend {
    /// The fastest of this machine.
    #[must_use]
    pub fn best() -> Self {
        Self(Level::new())
    }

    /// All of this machine, the fastest first, the portable one last.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let level = Level::new();
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(level.as_avx512().map(Level::Avx512));
            all.extend(level.as_avx2().map(Level::Avx2));
        }
        all.push(Level::baseline());
        all.into_iter().map(Self).collect()
    }

    /// `avx512`, `avx2` or `portable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => "avx2",
            _ => "portable",
        }
    }

    /// For other work with the same instructions.
    #[must_use]
    pub const fn level(self) -> Level {
        self.0
    }

    pub(super) fn all_pairs(self, padded: &[i32], players: usize) -> u64 {
        dispatch!(self.0, simd => all_pairs(simd, padded, players))
    }

    pub(super) fn scan(self, blocks: &Blocks, of: Of, look: &mut Look) {
        dispatch!(self.0, simd => scan(simd, blocks, of, look));
    }
}
