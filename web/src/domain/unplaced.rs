//! Why a match has no host, and what can be done about it and by whom, for one viewer.

use super::{ChoiceBody, Labels};

/// The state in sentences.
pub(super) fn unplaced(why: &str, body: Option<&ChoiceBody>, labels: &Labels) -> String {
    let mut text = format!("No host can be given: {why}.");
    let Some(body) = body else { return text };
    let silent = labels.silent(body);
    if !silent.is_empty() {
        text.push_str(&silence(&silent, silent.len() == body.matrix.players().len()));
    }
    let unknown = labels.unknown(body);
    if !unknown.is_empty() {
        text.push_str(&not_measured(&unknown));
    }
    let help = labels.help(body);
    if !help.is_empty() {
        text.push_str(&format!(" What would help: {}.", help.join("; ")));
    }
    text
}

/// When nobody at all answers, it is not likely that all players' routers are silent.
fn silence(silent: &[String], all: bool) -> String {
    if all {
        return " No player answers any host. When nobody does, look at the hosts first: the network there may block ping \
                (ICMP echo requests, or the replies). An operator can try ping on a host; the players’ routers must answer it, too."
            .into();
    }
    let (verb, end) = if silent.len() == 1 {
        ("does", "that player’s end")
    } else {
        ("do", "those players’ ends")
    };
    format!(
        " {} {verb} not answer any host. To be changed at {end}: the router or the firewall has to answer ping (ICMP echo \
         requests), or the clan enters an address that does; then measure again.",
        silent.join(", ")
    )
}

/// Nobody could ask for them: they have to do it themselves.
fn not_measured(unknown: &[String]) -> String {
    let has = if unknown.len() == 1 { "has" } else { "have" };
    format!(
        " Nothing is known of {}, who {has} no address that may be measured: whoever opens the match’s link for players \
         measures in the browser; then measure again.",
        unknown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_is_told_what_to_change_at_their_end() {
        let said = silence(&["akela".into(), "baloo".into()], false);
        assert!(
            said.starts_with(" akela, baloo do not answer any host."),
            "{said}"
        );
        assert!(
            said.contains("answer ping") && !said.contains("hosts first"),
            "{said}"
        );
        assert!(silence(&["akela".into()], false).contains("akela does not answer any host."));
    }

    #[test]
    fn whom_nobody_can_ask_is_told_to_open_the_link() {
        let said = not_measured(&["akela".into()]);
        assert!(
            said.contains("akela, who has no address") && said.contains("link"),
            "{said}"
        );
    }

    #[test]
    fn when_nobody_answers_the_hosts_are_suspected() {
        let said = silence(&["akela".into()], true);
        assert!(
            said.contains("look at the hosts first") && !said.contains("akela"),
            "{said}"
        );
    }
}
