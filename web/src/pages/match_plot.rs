//! What the picture of a match shows.

use super::{
    plot::{Dot, Plot, Row, Side},
    show,
};
use crate::domain::view::{HostView, MatchView};

/// A row for each host that was measured, in this order.
pub(super) fn plot_of(view: &MatchView, hosts: &[HostView], home: &str, away: &str) -> Plot {
    let rows = hosts.iter().filter_map(|host| {
        let measured = view.matrix_ms.get(&host.host)?;
        // What cannot run the game was not asked to measure.
        if host.verdict == "unfit" && measured.values().all(Option::is_none) {
            return None;
        }
        let sources = view.source_at.get(&host.host);
        let dots = view.players.iter().filter_map(|player| {
            let side = if player.clan == home {
                Side::Home
            } else {
                Side::Away
            };
            Some(Dot {
                player: player.name.clone(),
                side,
                ms: *measured.get(&player.name)?,
                source: sources.and_then(|at| at.get(&player.name).copied()),
            })
        });
        Some(Row {
            host: host.host.clone(),
            site: host.site.clone(),
            closeness_ms: host.closeness_ms,
            verdict: show::verdict_words(&host.verdict),
            chosen: host.verdict == "chosen",
            dots: dots.collect(),
        })
    });
    Plot {
        cap_ms: view.cap_ms,
        home: home.to_owned(),
        away: away.to_owned(),
        rows: rows.collect(),
    }
}
