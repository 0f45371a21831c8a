//! The answer as lines for people.

use std::fmt::{Display, Write};
use vmatrix_placement::{HostAnswer, Leaders, Policy};

/// How many hosts are named behind the chosen one.
pub(super) const RUNNERS_UP: usize = 3;
/// How many hosts that are not possible are named.
const OUT: usize = 3;
/// How many of what would help or settle are named.
const HINTS: usize = 6;

pub(super) fn leaders(leaders: &Leaders, policy: &Policy) -> String {
    let mut text = String::new();
    let mut line = |head: &str, rest: &dyn Display| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{head:<11}{rest}");
    };
    match leaders.hosts.split_first() {
        Some((chosen, next)) => {
            line("chosen", &chosen.name);
            line("closeness", &figure(chosen.closeness.as_ref()));
            line("mean", &figure(chosen.mean.as_ref()));
            line("largest", &figure(chosen.max.as_ref()));
            line("why", &chosen.reason);
            for (index, host) in next.iter().enumerate() {
                line(if index == 0 { "next" } else { "" }, &runner_up(host));
            }
        }
        None => {
            line("chosen", &"none: no host is possible");
            line("rule", &policy.words());
            for (index, help) in leaders.help.iter().take(HINTS).enumerate() {
                line(if index == 0 { "would help" } else { "" }, help);
            }
        }
    }
    for (index, host) in leaders.out.iter().take(OUT).enumerate() {
        let words = format!("{}: {}", host.name, host.reason);
        line(if index == 0 { "out" } else { "" }, &words);
    }
    match leaders.out_of.saturating_sub(OUT.min(leaders.out.len())) {
        0 => {}
        1 => line("", &"and another; --json has all reasons"),
        more => line("", &format_args!("and {more} others; --json has all reasons")),
    }
    for (index, settle) in leaders.settle.iter().take(HINTS).enumerate() {
        let words = format!("{}, once measured to {}", settle.host, settle.players.join(", "));
        line(if index == 0 { "could win" } else { "" }, &words);
    }
    text
}

fn figure<T: Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "unknown".into(), ToString::to_string)
}

fn runner_up(host: &HostAnswer) -> String {
    format!(
        "{}: {} (closeness {}, mean {}, largest {})",
        host.name,
        host.reason,
        figure(host.closeness.as_ref()),
        figure(host.mean.as_ref()),
        figure(host.max.as_ref())
    )
}
