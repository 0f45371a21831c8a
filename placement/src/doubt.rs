//! What the errors of the values leave open of a choice: which hosts could be as good as the chosen one, and which are
//! possible or not only by a value that may be on the other side of the cap.

use crate::choose::{BadRequest, check};
use crate::judge::{Bar, Judge, Rank};
use crate::rtt::ms_text;
use crate::{Choice, HostState, Matrix, Micros, Role, Source};
use std::fmt;

/// What the errors leave open about one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubt {
    /// By no more than this its closeness factor is wrong if no value is wrong by more than its error, microseconds. Absent
    /// without a closeness factor, and where nothing is known of errors.
    pub closeness_error_us: Option<u64>,
    /// It is possible, was not chosen, and could be as good as the chosen one.
    pub as_good: bool,
    /// Whose values decide whether it is possible, and could be on the other side of their cap.
    pub at_cap: Vec<AtCap>,
}

/// A value that is so near to the cap that its error decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtCap {
    /// Whose, by name.
    pub player: String,
    /// The value.
    pub rtt: Micros,
    /// How wrong it may be, microseconds.
    pub error_us: u32,
    /// The cap that holds for them.
    pub cap: Micros,
    /// Nobody has measured it.
    pub estimated: bool,
}

/// What the errors in the matrix's notes leave open of a choice that was made of this matrix and these states: for each host, in
/// the matrix's order. A value without a note counts as exact.
///
/// # Errors
/// As [`choose()`](crate::choose()).
pub fn doubts(choice: &Choice, matrix: &Matrix, states: &[HostState]) -> Result<Vec<Doubt>, BadRequest> {
    check(&choice.policy, matrix, states)?;
    let judge = Judge::new(&choice.policy, matrix, states);
    Ok(doubts_by(&judge, choice.chosen))
}

pub(crate) fn doubts_by(judge: &Judge, chosen: Option<usize>) -> Vec<Doubt> {
    if judge.matrix.notes(0).is_empty() {
        return vec![Doubt::default(); judge.matrix.hosts().len()];
    }
    let mut scratch = Vec::new();
    let mut ranked = |host: usize| {
        let figures = judge.figures(host, &mut scratch);
        (figures, judge.rank(host, &figures))
    };
    let chosen = chosen.and_then(|host| ranked(host).1.ok());
    let doubt = |host: usize| {
        let (figures, rank) = ranked(host);
        Doubt {
            closeness_error_us: figures
                .closeness
                .map(|_| judge.columns.errors(judge.matrix.notes(host)).closeness_us),
            as_good: rank
                .as_ref()
                .is_ok_and(|mine| chosen.as_ref().is_some_and(|chosen| as_good(judge, chosen, mine))),
            at_cap: match rank {
                Ok(_) => at_cap(judge, host, false),
                Err(Bar::OverCap) => at_cap(judge, host, true),
                Err(_) => Vec::new(),
            },
        }
    };
    (0..judge.matrix.hosts().len()).map(doubt).collect()
}

/// Whether the two scores could be equal, or in the other order, if both are as wrong as they may be.
fn as_good(judge: &Judge, chosen: &Rank, mine: &Rank) -> bool {
    let error_us = judge.error_us(chosen.group, chosen.host) + judge.error_us(mine.group, mine.host);
    let alike = chosen.host != mine.host && chosen.group == mine.group;
    alike && error_us > 0 && judge.scorer(mine.group).ties(chosen.score, mine.score, error_us)
}

/// Under the cap: who could be over it. Over it: who is, if all of them could be under it.
fn at_cap(judge: &Judge, host: usize, over: bool) -> Vec<AtCap> {
    let all = judge.matrix.players().iter().zip(judge.row(host));
    let all = all.zip(judge.matrix.notes(host));
    let mut at_cap = Vec::new();
    for ((player, rtt), note) in all.filter(|((player, _), _)| player.role != Role::Substitute) {
        let (Some(rtt), Some(cap)) = (*rtt, player.cap_under(judge.policy.cap())) else {
            continue;
        };
        if (rtt > cap) != over {
            continue;
        }
        let error_us = note.map_or(0, |note| note.error_us);
        let could_be_under = rtt.us().saturating_sub(error_us) <= cap.us();
        let could_be_over = rtt.us().saturating_add(error_us) > cap.us();
        if could_be_under && could_be_over {
            at_cap.push(AtCap {
                player: player.name.clone(),
                rtt,
                error_us,
                cap,
                estimated: note.is_some_and(|note| matches!(note.source, Source::King | Source::Predicted)),
            });
        } else if over {
            return Vec::new();
        }
    }
    at_cap
}

impl AtCap {
    /// Whether the value as it stands is over the cap.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.rtt > self.cap
    }
}

/// `possible by estimate: strix 179 ± 32 ms under the cap of 180 ms`.
impl fmt::Display for AtCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, side) = if self.is_over() {
            ("impossible", "over")
        } else {
            ("possible", "under")
        };
        let by = if self.estimated {
            "by estimate"
        } else {
            "within the error"
        };
        let whole = |us: u32| f64::from(us) / 1000.0;
        let digits = usize::from(self.error_us < 10_000);
        write!(
            f,
            "{verdict} {by}: {} {:.digits$} ± {:.digits$} ms {side} the cap of {}",
            self.player,
            whole(self.rtt.us()),
            whole(self.error_us),
            ms_text(u64::from(self.cap.us()))
        )
    }
}
