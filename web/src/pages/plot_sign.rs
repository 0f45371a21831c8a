//! How a dot shows what its value comes from: by what is drawn into it, so that neither its colour nor its clan's shape is needed
//! for it. What was measured is filled, what was not is an outline.

use super::{plot::Dot, show};

/// What is drawn into a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    /// Filled: pinged by the machines.
    Ping,
    /// Filled, with an eye: measured by the player's browser.
    Browser,
    /// Filled, with a bar: measured by the player's own program.
    Program,
    /// An outline with a core: estimated by name servers.
    Estimate,
    /// A broken outline: predicted, or as somebody wrote it down.
    Unmeasured,
}

impl Sign {
    /// For a source as views name it.
    pub(crate) fn of(source: &str) -> Self {
        match source {
            "icmp" => Self::Ping,
            "browser" => Self::Browser,
            "udp" => Self::Program,
            "king" => Self::Estimate,
            _ => Self::Unmeasured,
        }
    }

    /// For the legend.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Ping => "pinged",
            Self::Browser => "by browser",
            Self::Program => "by own program",
            Self::Estimate => "estimated by name servers",
            Self::Unmeasured => "not measured",
        }
    }

    /// The outline's class, with a blank before it.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Ping | Self::Browser | Self::Program => "",
            Self::Estimate => " estimate",
            Self::Unmeasured => " unmeasured",
        }
    }
}

/// What of these a legend must explain: nothing where all are pinged.
pub(crate) fn legend<'a>(sources: impl Iterator<Item = &'a str>) -> Vec<Sign> {
    let mut signs: Vec<Sign> = sources.map(Sign::of).collect();
    signs.sort_unstable();
    signs.dedup();
    if signs == [Sign::Ping] {
        signs.clear();
    }
    signs
}

/// A dot in its place: percent along, pixels from there, pixels down.
pub(super) struct Mark<'a> {
    pub(super) dot: &'a Dot,
    pub(super) x: f64,
    pub(super) dx: f64,
    pub(super) y: f64,
}

impl Mark<'_> {
    pub(super) fn kind(&self) -> &'static str {
        match self.sign() {
            _ if self.dot.ms.is_none() => " none",
            Some(sign) => sign.class(),
            None => "",
        }
    }

    /// Absent where nothing is said of it, as in an example.
    pub(super) fn sign(&self) -> Option<Sign> {
        self.dot.source.filter(|_| self.dot.ms.is_some()).map(Sign::of)
    }

    pub(super) fn title(&self) -> String {
        let player = &self.dot.player;
        match (self.dot.ms, self.dot.source) {
            (Some(ms), Some(source)) => format!("{player}: {ms:.1} ms, {}", show::source_words(source)),
            (Some(ms), None) => format!("{player}: {ms:.1} ms"),
            (None, _) => format!("{player}: no answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::plot::Side;

    fn title(ms: Option<f64>, source: Option<&'static str>) -> String {
        let dot = Dot {
            player: "Ada".into(),
            side: Side::Home,
            ms,
            source,
        };
        let (x, dx, y) = (0.0, 0.0, 0.0);
        let mark = Mark { dot: &dot, x, dx, y };
        format!("{}{}", mark.title(), mark.kind())
    }

    #[test]
    fn each_source_is_drawn_and_said_in_its_own_way() {
        let said =
            ["icmp", "browser", "udp", "king", "predicted"].map(|source| title(Some(7.0), Some(source)));
        assert_eq!(
            said,
            [
                "Ada: 7.0 ms, ping from the machines",
                "Ada: 7.0 ms, their browser",
                "Ada: 7.0 ms, their own program",
                "Ada: 7.0 ms, estimate by name servers near them estimate",
                "Ada: 7.0 ms, predicted unmeasured",
            ]
        );
        assert_eq!(title(None, Some("icmp")), "Ada: no answer none");
    }

    #[test]
    fn a_legend_is_there_where_there_is_something_to_tell_apart() {
        assert_eq!(legend(["icmp", "icmp"].into_iter()), []);
        let signs = legend(["king", "icmp", "king", "udp"].into_iter());
        assert_eq!(signs, [Sign::Ping, Sign::Program, Sign::Estimate]);
        assert_eq!(legend(["king"].into_iter()), [Sign::Estimate]);
    }
}
