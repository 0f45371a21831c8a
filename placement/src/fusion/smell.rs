//! What does not fit together in all that is known of one player.
//!
//! Every rule has a margin beyond the errors: routes are not straight, and a flag is a reason to look, no verdict. None fires for
//! measurements that are what they should be (`smell_tests.rs` has worlds of points on a plane).

use super::{Reading, rules::Player};
use crate::{Source, shortlist::Mesh};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What league organisers are told of a player. Hosts by name; microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "smell", rename_all = "snake_case")]
pub enum Smell {
    /// The player's own program says less than the least that hosts have measured: a result made up, or a VPN or proxy that
    /// answers for the player.
    FarBelow {
        /// At so many hosts.
        hosts: usize,
        /// The worst of them.
        host: String,
        /// What the player's program says there.
        own_us: u32,
        /// The least that the host has measured.
        least_us: u32,
    },
    /// The player's own program is above the hosts' measurements by very unlike amounts: numbers made up upwards.
    Uneven {
        /// Where it is above them most.
        host: String,
        /// By how much there.
        most_us: i64,
        /// Where it is least.
        other: String,
        /// By how much there; may be below zero.
        least_us: i64,
    },
    /// The same delay to hosts far from each other: something in between answers, or delays, for all.
    SameEverywhere {
        /// To so many hosts that are apart.
        hosts: usize,
        /// Largest less smallest.
        spread_us: u32,
        /// How far the two furthest of them are apart.
        apart_us: u32,
        /// Whether the hosts' own measurements say so, and not the player's program.
        #[serde(default)]
        by_hosts: bool,
    },
    /// Nearer to two hosts than these are to each other: an address that is in several places (anycast), or made up.
    TooNear {
        /// One.
        host: String,
        /// The other.
        other: String,
        /// Both round trips together.
        sum_us: u32,
        /// Between the two hosts.
        mesh_us: u32,
        /// Whether the hosts' own measurements alone say so.
        #[serde(default)]
        by_hosts: bool,
    },
    /// Nearer to a host than a host beside it permits.
    BelowPossible {
        /// Where the player's program says it is.
        host: String,
        /// What it says.
        own_us: u32,
        /// The host beside it.
        near: String,
        /// What it would be at least.
        least_us: u32,
    },
    /// Above what name servers near the player say by very unlike amounts, of a player whom the hosts cannot check: numbers made
    /// up, or name servers that are not near.
    UnlikeKing {
        /// Where it is above most.
        host: String,
        /// By how much there.
        most_us: i64,
        /// Where it is least.
        other: String,
        /// By how much there; may be below zero.
        least_us: i64,
    },
    /// Nothing but what the player's own program has sent in is known.
    Unchecked,
    /// Two measurements of one host differ by more than their errors.
    Contradiction {
        /// Where they do most.
        host: String,
        /// Which is the larger.
        source: Source,
        /// What it says.
        us: u32,
        /// The smaller.
        other: Source,
        /// What that says.
        other_us: u32,
        /// By how much beyond both errors.
        by_us: u32,
    },
}

impl Smell {
    /// Whether it is for the league to know and nobody is suspected of anything: Wi-Fi alone makes sources differ.
    #[must_use]
    pub fn is_remark(&self) -> bool {
        matches!(self, Self::Unchecked | Self::Contradiction { .. })
    }
}

impl Smell {
    /// Whether something answers the hosts' pings that is not the player: then they are no measure of what the player says.
    fn is_of_hosts(&self) -> bool {
        matches!(
            self,
            Self::SameEverywhere { by_hosts: true, .. } | Self::TooNear { by_hosts: true, .. }
        )
    }
}

/// Which readings of a player are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// The best.
    #[default]
    All,
    /// The largest of what was measured: something says too little.
    Largest,
    /// What hosts have measured, where any has: the player's own program says too much.
    HostsOwn,
}

/// All that smells of one player: `readings[host]` are those of the pair with host `host` of the mesh, `names` what people call
/// the hosts.
#[must_use]
pub fn smells(readings: &[Vec<Reading>], names: &[String], mesh: Option<&Mesh>) -> Vec<Smell> {
    let of = Player::new(readings, names);
    let mut all: Vec<Smell> = of.far_below().into_iter().chain(of.uneven()).collect();
    if all.is_empty() {
        // Those two say more of the same.
        all.extend(of.contradiction());
    }
    all.extend(of.unlike_king());
    all.extend(of.unchecked());
    if let Some(mesh) = mesh {
        all.extend(of.same_everywhere(mesh));
        all.extend(of.too_near(mesh));
        all.extend(of.below_possible(mesh));
    }
    all
}

/// What is used of a player who smells so.
#[must_use]
pub fn trust(smells: &[Smell]) -> Trust {
    let is_uneven = smells.iter().any(|one| matches!(one, Smell::Uneven { .. }));
    if is_uneven && !smells.iter().any(Smell::is_of_hosts) {
        Trust::HostsOwn
    } else if smells.iter().all(Smell::is_remark) {
        Trust::All
    } else {
        Trust::Largest
    }
}

impl fmt::Display for Smell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u32| format!("{:.0} ms", f64::from(us) / 1000.0);
        #[allow(clippy::cast_precision_loss, reason = "only shown")]
        let by = |us: i64| format!("{:+.0} ms", us as f64 / 1000.0);
        match self {
            Self::FarBelow {
                hosts,
                host,
                own_us,
                least_us,
            } => write!(
                f,
                "the player’s own program says less than {hosts} hosts have measured: {} to {host}, which has never had an \
                 answer in less than {}; the numbers are made up, or something in between answers for the player",
                ms(*own_us),
                ms(*least_us)
            ),
            Self::Uneven {
                host,
                most_us,
                other,
                least_us,
            } => write!(
                f,
                "the player’s own program and the hosts differ by very unlike amounts: {} at {host}, {} at {other}; one line \
                 adds the same everywhere, so numbers may be made up",
                by(*most_us),
                by(*least_us)
            ),
            Self::SameEverywhere {
                hosts,
                spread_us,
                apart_us,
                by_hosts,
            } => write!(
                f,
                "the same delay, within {}, to {hosts} hosts that are up to {} apart by {}: something in between answers or delays",
                ms(*spread_us),
                ms(*apart_us),
                if *by_hosts {
                    "the hosts’ own pings"
                } else {
                    "the player’s own program"
                }
            ),
            Self::TooNear {
                host,
                other,
                sum_us,
                mesh_us,
                ..
            } => write!(
                f,
                "near to {host} and to {other} at once: {} to both together, but these are {} apart; the address is in several \
                 places, or the numbers are made up",
                ms(*sum_us),
                ms(*mesh_us)
            ),
            Self::BelowPossible {
                host,
                own_us,
                near,
                least_us,
            } => write!(
                f,
                "{} to {host} by the player’s own program, but by what {near} beside it has measured it is {} at least",
                ms(*own_us),
                ms(*least_us)
            ),
            Self::UnlikeKing {
                host,
                most_us,
                other,
                least_us,
            } => write!(
                f,
                "the player’s own program and the estimate by name servers differ by very unlike amounts: {} at {host}, {} at \
                 {other}; numbers may be made up, or the name servers are not near the player",
                by(*most_us),
                by(*least_us)
            ),
            Self::Unchecked => {
                f.write_str("only the player’s own program has measured: nobody has checked it")
            }
            Self::Contradiction {
                host,
                source,
                us,
                other,
                other_us,
                by_us,
            } => write!(
                f,
                "at {host} it is {} by {} but {} by {}, {} more than their errors explain; there the larger counts",
                ms(*us),
                words(*source),
                ms(*other_us),
                words(*other),
                ms(*by_us)
            ),
        }
    }
}

fn words(source: Source) -> &'static str {
    match source {
        Source::Given => "what was entered",
        Source::Icmp => "the hosts’ pings",
        Source::Udp => "the player’s program",
        Source::Browser => "the player’s browser",
        Source::King => "name servers",
        Source::Predicted => "a prediction",
    }
}
