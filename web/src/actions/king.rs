//! Name servers near players, for estimates of who cannot be measured (King: Gummadi and others, IMW 2002).

use crate::{
    app::App,
    domain::{NameServer, PlayerId, Prefix, RoundTarget, TargetId, Time},
    store::{StoreError, Tx, name_servers},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use vmatrix_wire::Way;

/// How long what was found is good, milliseconds: reverse zones hardly ever move.
const KNOWN_FOR_MS: i64 = 24 * 60 * 60_000;
/// How long nobody is asked again where name servers did not answer, milliseconds: people wait for it.
const TRY_AGAIN_MS: i64 = 10 * 60_000;

/// Looks for the name servers nearest to these addresses, as far as they are not known; a second at most. What goes wrong is
/// logged: without an estimate players are measured as they were.
pub(crate) async fn learn(app: &App, addresses: &[IpAddr]) {
    let unknown = match unknown(app, addresses).await {
        Ok(unknown) => unknown,
        Err(error) => return tracing::error!(%error, "name servers near players"),
    };
    if unknown.is_empty() {
        return;
    }
    let each = unknown.into_iter().map(|(prefix, ip)| async move {
        let found = app.resolver.name_server_near(ip).await;
        (prefix, found)
    });
    let found = futures_util::future::join_all(each).await;
    let now = app.now();
    let write = async {
        let mut tx = app.db.begin().await?;
        for (prefix, found) in &found {
            let (server, at) = match found {
                Ok(server) => (server.as_ref(), now),
                Err(_) => (None, now.plus(TRY_AGAIN_MS - KNOWN_FOR_MS)),
            };
            name_servers::put(&mut tx, prefix, server, at, now.plus(-KNOWN_FOR_MS)).await?;
        }
        tx.commit().await
    };
    if let Err(error) = write.await {
        tracing::error!(%error, "name servers near players");
    }
}

/// The prefixes of which nothing is known, each with one of its addresses.
async fn unknown(app: &App, addresses: &[IpAddr]) -> Result<BTreeMap<String, IpAddr>, StoreError> {
    let by_prefix: BTreeMap<String, IpAddr> = addresses
        .iter()
        .map(|ip| (Prefix::of(*ip).to_string(), *ip))
        .collect();
    let since = app.now().plus(-KNOWN_FOR_MS);
    let mut tx = app.db.read().await?;
    let mut unknown = BTreeMap::new();
    for (prefix, ip) in by_prefix {
        if name_servers::get(&mut tx, &prefix, since).await?.is_none() {
            unknown.insert(prefix, ip);
        }
    }
    Ok(unknown)
}

/// The name server nearest to an address, if one is known.
pub(super) async fn near(tx: &mut Tx, ip: IpAddr, now: Time) -> Result<Option<NameServer>, StoreError> {
    let known = name_servers::get(tx, &Prefix::of(ip).to_string(), now.plus(-KNOWN_FOR_MS)).await?;
    Ok(known.flatten())
}

/// A name server to time for each player with an address, as far as one is known. Players of one prefix have the same one, which
/// each host asks for all of them at once.
pub(crate) async fn targets(
    tx: &mut Tx,
    app: &App,
    players: impl Iterator<Item = (PlayerId, IpAddr)>,
    now: Time,
) -> Result<Vec<RoundTarget>, StoreError> {
    let mut targets = Vec::new();
    let mut seen = BTreeSet::new();
    for (player, ip) in players.filter(|(player, _)| seen.insert(*player)) {
        let known = near(tx, ip, now).await?;
        targets.extend(known.map(|server| RoundTarget {
            target: TargetId(app.new_id()),
            player,
            address: Some(server.address),
            by: Way::Dns { zone: server.zone },
        }));
    }
    Ok(targets)
}
