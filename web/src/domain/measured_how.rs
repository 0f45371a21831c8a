//! What a match's story says of a round that begins: whom hosts ping, and of whom only their own programs' word is there.

/// See the module. Both clans read it: without names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeasuredHow {
    /// Whom the round is of.
    pub players: usize,
    /// Of these, whom hosts ping.
    pub pinged: usize,
    /// Of the others, those whose own program has measured.
    pub own: usize,
    /// The oldest of what these have measured, milliseconds.
    pub oldest_ms: i64,
}

impl MeasuredHow {
    /// In a sentence; of a match whose sides are frozen the round is of those who are not yet.
    #[must_use]
    pub fn words(self, freeze: bool) -> String {
        let Self { players, pinged, .. } = self;
        let who = if freeze {
            "players who are not frozen yet"
        } else {
            "players"
        };
        let said = match (pinged, freeze) {
            (0, _) => format!("Hosts ping none of the {players} {who}"),
            (all, true) if all == players => {
                "All hosts measure those players who are not frozen yet".to_owned()
            }
            (all, false) if all == players => format!("All hosts measure the {players} players"),
            _ => format!("All hosts measure {pinged} of the {players} {who}"),
        };
        let others = players.saturating_sub(pinged);
        if others == 0 {
            return format!("{said}.");
        }
        let minutes = self.oldest_ms / 60_000;
        let age = match minutes {
            0 => "less than a minute".to_owned(),
            1 => "a minute".to_owned(),
            more => format!("up to {more} minutes"),
        };
        match self.own {
            0 => format!("{said}; nothing is known of the other {others} by their own programs."),
            own if own == others => {
                format!("{said}; for {own} their own programs’ measurements count, {age} old.")
            }
            own => format!(
                "{said}; for {own} of the other {others} their own programs’ measurements count, {age} old."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_said_that_somebody_is_measured_who_is_not() {
        for players in 0..5 {
            for pinged in 0..=players {
                for own in 0..=players - pinged {
                    for freeze in [false, true] {
                        let how = MeasuredHow {
                            players,
                            pinged,
                            own,
                            oldest_ms: 20 * 60_000,
                        };
                        let words = how.words(freeze);
                        let all = words.starts_with("All hosts measure th");
                        assert_eq!(all, pinged > 0 && pinged == players, "{how:?}: {words}");
                        assert_eq!(
                            words.contains("up to 20 minutes old"),
                            own > 0,
                            "{how:?}: {words}"
                        );
                        assert_eq!(words.contains("programs"), pinged < players, "{how:?}: {words}");
                    }
                }
            }
        }
    }
}
