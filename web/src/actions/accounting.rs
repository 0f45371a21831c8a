//! What is sent is written down before: to whom, on whose behalf. Of a round, what would go over a limit is left out.

use super::{ActionError, operators_only};
use crate::{
    app::App,
    domain::{
        Ledger, Match, NameServer, OverLimit, Prefix, RoundId, RoundTarget, SAMPLES, Time, TopTarget, User,
        UserId, customer,
    },
    store::{
        StoreError, Tx, declined,
        probes_sent::{self, ProbesSent},
        users,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use vmatrix_wire::Way;

/// To whom most was sent within a day, on whose behalf. Operators only, and they see networks, not addresses.
///
/// # Errors
/// `Forbidden`.
pub async fn who_is_probed(app: &App, by: &User) -> Result<Vec<TopTarget>, ActionError> {
    operators_only(by)?;
    let mut tx = app.db.read().await?;
    Ok(probes_sent::top(&mut tx, app.now()).await?)
}

/// Queries that one host sends to a name server in a round, at most.
const QUERIES: u64 = 5;

/// What a round of so many hosts sends to a target.
fn packets(target: &RoundTarget, hosts: usize) -> u64 {
    let per_host = match target.by {
        Way::Icmp => u64::from(SAMPLES),
        Way::Dns { .. } => QUERIES,
    };
    per_host.saturating_mul(hosts as u64)
}

/// What agents ask once, however many players it stands for: a name server for a zone.
fn question(target: &RoundTarget) -> Option<(IpAddr, String)> {
    match &target.by {
        Way::Icmp => None,
        Way::Dns { zone } => Some((target.address?, zone.clone())),
    }
}

/// What was sent lately on behalf of an account, and to these addresses.
async fn ledger(
    tx: &mut Tx,
    (account, is_staff): (UserId, bool),
    addresses: impl Iterator<Item = IpAddr>,
    now: Time,
) -> Result<Ledger, StoreError> {
    let mut ledger = Ledger {
        is_staff,
        account: probes_sent::by_account(tx, account, now).await?,
        ..Ledger::default()
    };
    for address in addresses {
        let sent = probes_sent::to_address(tx, address, now).await?;
        ledger.addresses.insert(customer(address), sent);
        let network = Prefix::of(address);
        let sent = probes_sent::to_network(tx, network, now).await?;
        ledger.networks.insert(network, sent);
    }
    Ok(ledger)
}

/// Writes down what somebody has these name servers asked without a match, so many questions each.
///
/// # Errors
/// `Conflict` if it would go over a limit: then nothing is written, and nothing may be asked.
pub(super) async fn ask(
    app: &App,
    by: &User,
    servers: [&NameServer; 2],
    questions: u64,
) -> Result<(), ActionError> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let account = (by.id, by.role.is_staff());
    let addresses = servers.iter().map(|server| server.address);
    let mut ledger = ledger(&mut tx, account, addresses, now).await?;
    for server in servers {
        ledger.enter(server.address, questions).map_err(|over| {
            ActionError::Conflict(format!(
                "nothing was measured between them, and name servers are not asked for an estimate now: {over}"
            ))
        })?;
        let sent = ProbesSent {
            of: None,
            caused_by: by.id,
            address: server.address,
            by: Way::Dns {
                zone: server.zone.clone(),
            },
            packets: questions,
            at: now,
        };
        probes_sent::insert(&mut tx, &sent).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes the addresses of those whose limits would be gone over, if so many hosts measure. Says how many players are left out for
/// which reason; name servers are left out without a word, as they are no player's.
pub(super) async fn leave_out(
    tx: &mut Tx,
    of: &Match,
    targets: &mut Vec<RoundTarget>,
    hosts: usize,
    now: Time,
) -> Result<BTreeMap<OverLimit, usize>, StoreError> {
    let by = users::get(tx, of.created_by).await?;
    let is_staff = by.is_some_and(|user| user.role.is_staff());
    let addresses = targets.iter().filter_map(|target| target.address);
    let mut ledger = ledger(tx, (of.created_by, is_staff), addresses, now).await?;
    let mut out = BTreeMap::new();
    let mut asked: BTreeMap<(IpAddr, String), bool> = BTreeMap::new();
    for target in targets.iter_mut() {
        let Some(address) = target.address else { continue };
        let question = question(target);
        let entered = match question.as_ref().and_then(|question| asked.get(question)) {
            Some(may) => may.then_some(()),
            None => ledger
                .enter(address, packets(target, hosts))
                .inspect_err(|why| {
                    if target.by == Way::Icmp {
                        *out.entry(*why).or_default() += 1;
                    }
                })
                .ok(),
        };
        asked.extend(question.map(|question| (question, entered.is_some())));
        if entered.is_none() {
            target.address = None;
        }
    }
    targets.retain(|target| target.by == Way::Icmp || target.address.is_some());
    Ok(out)
}

/// Writes down what a round sends.
pub(super) async fn write_down(
    tx: &mut Tx,
    of: &Match,
    round: RoundId,
    targets: &[RoundTarget],
    hosts: usize,
    now: Time,
) -> Result<(), StoreError> {
    let mut asked = BTreeSet::new();
    for target in targets {
        let again = question(target).is_some_and(|question| !asked.insert(question));
        let packets = if again { 0 } else { packets(target, hosts) };
        if let Some(address) = target.address {
            let sent = ProbesSent {
                of: Some((round, target.player)),
                caused_by: of.created_by,
                address,
                by: target.by.clone(),
                packets,
                at: now,
            };
            probes_sent::insert(tx, &sent).await?;
        }
    }
    Ok(())
}

/// Takes the addresses from which somebody came and declined, whoever entered them under whatever name, and whatever host name
/// leads there. Says so for the match's story, if there are any.
pub(super) async fn leave_alone(
    tx: &mut Tx,
    targets: &mut [RoundTarget],
) -> Result<Option<String>, StoreError> {
    let mut count = 0;
    for target in targets {
        if let Some(address) = target.address
            && declined::has(tx, address).await?
        {
            target.address = None;
            count += 1;
        }
    }
    let why = "somebody came from that address and wants no pings";
    Ok((count > 0).then(|| words(&why, count)))
}

/// What a match's story says of those who were left out: nobody is named, both clans read it.
pub(super) fn words(why: &dyn std::fmt::Display, count: usize) -> String {
    let who = match count {
        1 => "One player is".to_owned(),
        more => format!("{more} players are"),
    };
    format!("{who} not pinged in this round: {why}.")
}
