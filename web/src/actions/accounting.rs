//! Each round is written down before it begins: what it sends to whom, on whose behalf. What would go over a limit is left out.

use super::{ActionError, operators_only};
use crate::{
    app::App,
    domain::{Ledger, Match, OverLimit, Prefix, RoundId, RoundTarget, Time, TopTarget, User},
    store::{
        StoreError, Tx,
        probes_sent::{self, ProbesSent},
        users,
    },
};
use std::collections::BTreeMap;

/// To whom most was sent within a day, on whose behalf. Operators only, and they see networks, not addresses.
///
/// # Errors
/// `Forbidden`.
pub async fn who_is_probed(app: &App, by: &User) -> Result<Vec<TopTarget>, ActionError> {
    operators_only(by)?;
    let mut tx = app.db.read().await?;
    Ok(probes_sent::top(&mut tx, app.now()).await?)
}

/// Takes the addresses of those whose limits would be gone over, if each gets so many packets. Says how many for which reason.
pub(super) async fn leave_out(
    tx: &mut Tx,
    of: &Match,
    targets: &mut [RoundTarget],
    packets: u64,
    now: Time,
) -> Result<BTreeMap<OverLimit, usize>, StoreError> {
    let by = users::get(tx, of.created_by).await?;
    let mut ledger = Ledger {
        is_staff: by.is_some_and(|user| user.role.is_staff()),
        account: probes_sent::by_account(tx, of.created_by, now).await?,
        ..Ledger::default()
    };
    for address in targets.iter().filter_map(|target| target.address) {
        let sent = probes_sent::to_address(tx, address, now).await?;
        ledger.addresses.insert(address.to_canonical(), sent);
        let network = Prefix::of(address);
        let sent = probes_sent::to_network(tx, network, now).await?;
        ledger.networks.insert(network, sent);
    }
    let mut out = BTreeMap::new();
    for target in targets {
        if let Some(address) = target.address
            && let Err(why) = ledger.enter(address, packets)
        {
            target.address = None;
            *out.entry(why).or_default() += 1;
        }
    }
    Ok(out)
}

/// Writes down what a round sends.
pub(super) async fn write_down(
    tx: &mut Tx,
    of: &Match,
    round: RoundId,
    targets: &[RoundTarget],
    packets: u64,
    now: Time,
) -> Result<(), StoreError> {
    for target in targets {
        if let Some(address) = target.address {
            let sent = ProbesSent {
                round,
                player: target.player,
                caused_by: of.created_by,
                address,
                packets,
                at: now,
            };
            probes_sent::insert(tx, &sent).await?;
        }
    }
    Ok(())
}

/// What a match's story says of those who were left out: nobody is named, both clans read it.
pub(super) fn words(why: OverLimit, count: usize) -> String {
    let who = match count {
        1 => "One player is".to_owned(),
        more => format!("{more} players are"),
    };
    format!("{who} not pinged in this round: {why}.")
}
