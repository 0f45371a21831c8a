//! What a match teaches of its host's promises: once, in the step that ends it.

use super::look::Now;
use crate::{
    domain::{Held, Named, kept, observed, residuals},
    store::{StoreError, Tx, choices, rosters, truth},
};

/// Learns from what the game said of the match's players.
pub(super) async fn learn(tx: &mut Tx, now: &Now, held: &Held) -> Result<(), StoreError> {
    let said = truth::pings(tx, now.of.id).await?;
    let Some(choice) = choices::get(tx, held.choice).await?.filter(|_| !said.is_empty()) else {
        return Ok(());
    };
    let newest = choices::kept_since(tx, now.of.id, choice.made_at)
        .await?
        .unwrap_or(choice);
    let entries = rosters::list(tx, now.of.id).await?;
    let roster: Vec<Named> = entries
        .into_iter()
        .map(|entry| Named {
            player: entry.player,
            clan: entry.clan,
            name: entry.name.to_string(),
        })
        .collect();
    let kept = kept(&newest.body, held.host, &observed(&said, &roster));
    let mut all = truth::learned(tx).await?;
    for (source, residual_us) in residuals(&kept) {
        let learned = all.entry((held.host, source)).or_default();
        *learned = learned.with(residual_us);
        truth::put_learned(tx, held.host, source, *learned).await?;
    }
    Ok(())
}
