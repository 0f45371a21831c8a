//! A player's visit by their clan's link: what they are offered, and what they bring.

use super::{
    ClanId, HostId, HostRecord, LinkStage, Match, MatchId, MatchState, Name, Refusal, Time, UserId,
    limits::{
        ANSWERS_OF_A_VISIT, HOSTS_OF_A_VISIT, PASSES_OF_A_CLAN, PASSES_OF_A_HOST, RTTS_OF_A_VISIT, TICKET_MS,
        VISIT_MS,
    },
};
use std::collections::{BTreeMap, BTreeSet};
use vmatrix_placement::{Source, shortlist::Mesh};
use vmatrix_wire::{RttSample, Secret, TargetId};

/// A private link by which a clan's players come to a match: used by all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerLink {
    /// To which match.
    pub match_id: MatchId,
    /// For whom.
    pub clan: ClanId,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Time,
    /// Whether the match waits for who comes by it.
    pub stage: LinkStage,
}

/// One time that somebody opens a link to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// What the result is brought with; used once.
    pub nonce: String,
    /// What hosts let pass.
    pub ticket: Secret,
    /// The hosts that they may measure to.
    pub offered: Vec<HostId>,
    /// Since when.
    pub begun_at: Time,
    /// Whether its result came.
    pub used: bool,
}

/// Why a match's links let nobody in any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoVisits {
    /// It has its machine: what is measured now changes neither that nor who plays.
    #[error(
        "too late: the machine of this match is chosen, and so are its players; nothing was changed. Ask your captain"
    )]
    Chosen,
    /// It will not take place, unless somebody tries it again.
    #[error("too late: this match did not take place. Ask your captain")]
    Failed,
    /// There is nothing to come to.
    #[error("the match is over")]
    Over,
}

/// Whether a match's links still let players in: as long as its players may change.
///
/// # Errors
/// Why not.
pub fn takes_visits(of: &Match, now: Time) -> Result<(), NoVisits> {
    if now >= of.end_at() {
        return Err(NoVisits::Over);
    }
    match &of.state {
        state if state.players_may_change() => Ok(()),
        MatchState::Waking { .. } | MatchState::Ready { .. } => Err(NoVisits::Chosen),
        MatchState::Failed { .. } => Err(NoVisits::Failed),
        _ => Err(NoVisits::Over),
    }
}

/// The hosts that a visitor is offered: those that serve players, report and have a door. A host of each site comes before a
/// second one of any, so that the first few are far apart. Of more than fit those that a round begins with by the `mesh`, whose
/// hosts are these: whoever is known by their visit alone must be known where the others are measured.
#[must_use]
pub fn offer<'a>(hosts: &'a [HostRecord], mesh: Option<&Mesh>, now: Time) -> Vec<&'a HostRecord> {
    let offered: Vec<usize> = (0..)
        .zip(hosts)
        .filter(|(_, record)| is_offered(record, now))
        .map(|(at, _)| at)
        .collect();
    match mesh.filter(|_| offered.len() > HOSTS_OF_A_VISIT) {
        Some(mesh) => {
            let ids: Vec<String> = hosts.iter().map(|record| record.host.id.to_string()).collect();
            let chosen = mesh.landmarks(&ids, &offered, HOSTS_OF_A_VISIT);
            chosen.into_iter().filter_map(|at| hosts.get(at)).collect()
        }
        None => by_site(hosts, now),
    }
}

fn by_site(hosts: &[HostRecord], now: Time) -> Vec<&HostRecord> {
    let mut of_site: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all: Vec<&HostRecord> = hosts.iter().filter(|record| is_offered(record, now)).collect();
    all.sort_by(|a, b| a.host.name.cmp(&b.host.name));
    let mut turns: Vec<(usize, &str, &HostRecord)> = all
        .into_iter()
        .map(|record| {
            let site = record.host.site.name.as_str();
            let turn = of_site.entry(site).or_default();
            *turn += 1;
            (*turn, site, record)
        })
        .collect();
    turns.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    turns
        .into_iter()
        .map(|(_, _, record)| record)
        .take(HOSTS_OF_A_VISIT)
        .collect()
}

fn is_offered(record: &HostRecord, now: Time) -> bool {
    record.host.role == vmatrix_wire::Role::Production
        && !record.is_gone(now)
        && record.host.facts.doors != vmatrix_wire::Doors::default()
}

/// The tickets that a host lets pass: of those that offer it and are still wanted and good, the oldest first. [`let_in`] has seen to
/// it that there are not more than it keeps; if there are, who came first is let in.
#[must_use]
pub fn passes(host: HostId, live: &[Visit], now: Time) -> Vec<vmatrix_wire::Pass> {
    let mut mine: Vec<&Visit> = live
        .iter()
        .filter(|visit| is_good(visit, now) && visit.offered.contains(&host))
        .collect();
    mine.sort_by(|a, b| (a.begun_at, &a.nonce).cmp(&(b.begun_at, &b.nonce)));
    let pass = |visit: &Visit| vmatrix_wire::Pass {
        ticket: visit.ticket.clone(),
    };
    mine.into_iter().take(PASSES_OF_A_HOST).map(pass).collect()
}

fn is_good(visit: &Visit, now: Time) -> bool {
    !visit.used && now < visit.begun_at.plus(TICKET_MS)
}

/// Whether there is room for one more visit of a clan to these hosts, beside those that are under way.
///
/// # Errors
/// In how many milliseconds there is, at the latest.
pub fn let_in(live: &[(ClanId, Visit)], clan: ClanId, offered: &[HostId], now: Time) -> Result<(), i64> {
    let good: Vec<_> = live.iter().filter(|(_, visit)| is_good(visit, now)).collect();
    let wait = |mut begun: Vec<Time>, most: usize| {
        begun.sort_unstable();
        let first = begun.len().checked_sub(most)?;
        begun.get(first).map(|at| at.plus(TICKET_MS).since(now))
    };
    let own = good.iter().filter(|(of, _)| *of == clan);
    let own = wait(own.map(|(_, visit)| visit.begun_at).collect(), PASSES_OF_A_CLAN);
    let of_host = |host: &HostId| {
        let here = good.iter().filter(|(_, visit)| visit.offered.contains(host));
        wait(here.map(|(_, visit)| visit.begun_at).collect(), PASSES_OF_A_HOST)
    };
    match offered.iter().filter_map(of_host).chain(own).max() {
        Some(wait) => Err(wait),
        None => Ok(()),
    }
}

/// What a visitor brings, as it came.
#[derive(Debug, Clone)]
pub struct Brought {
    /// Who they say they are.
    pub name: String,
    /// They join although others are expected.
    pub new: bool,
    /// Measured by a browser, or by another program over UDP.
    pub via: Source,
    /// What they measured.
    pub hosts: Vec<BroughtHost>,
}

/// What was measured to one host.
#[derive(Debug, Clone)]
pub struct BroughtHost {
    /// To where.
    pub id: HostId,
    /// Requests.
    pub sent: u32,
    /// The answers' round trips, microseconds, without warm-up.
    pub rtts_us: Vec<u64>,
}

/// What a visitor has brought, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Who they say they are.
    pub name: Name,
    /// What they measured to each host.
    pub samples: Vec<(HostId, RttSample)>,
}

/// Whoever leaves out the hosts that they do not want would choose the host: three quarters of the offered ones must have been
/// measured.
fn too_few(visit: &Visit, brought: &Brought) -> Option<Refusal> {
    let offered = visit.offered.len();
    let least = offered - offered / 4;
    let answered = |host: &&BroughtHost| host.rtts_us.len() >= usize::from(ANSWERS_OF_A_VISIT);
    let measured = brought.hosts.iter().filter(answered).count();
    let value = format!("{measured} hosts with {ANSWERS_OF_A_VISIT} answers or more");
    let expected = format!(
        "at least {least} of the {offered} hosts that were offered; a firewall or a VPN may be in the way, and another network \
         may help"
    );
    (measured < least).then(|| Refusal::new("hosts", value, expected))
}

/// The longest round trip that is taken: a minute, microseconds.
const LONGEST_US: u64 = 60_000_000;

/// Checks what a visitor brings. The samples' targets are left to be filled in.
///
/// # Errors
/// Each field that is wrong.
pub fn check_brought(visit: &Visit, brought: &Brought, now: Time) -> Result<Taken, Vec<Refusal>> {
    let mut wrong = Vec::new();
    if visit.used || now.since(visit.begun_at) >= VISIT_MS {
        let expected =
            "the nonce of a measurement that was begun here less than ten minutes ago: begin again";
        wrong.push(Refusal::new("nonce", &visit.nonce, expected));
    }
    let name = Name::entered(&brought.name).map_err(|bad| {
        let expected = "1 to 40 characters that can be seen";
        wrong.push(Refusal::new("name", bad.value, expected));
    });
    let count = brought.hosts.len();
    if !(1..=visit.offered.len()).contains(&count) {
        let expected = format!("1 to {} hosts, those that were offered", visit.offered.len());
        wrong.push(Refusal::new("hosts", format!("{count} hosts"), expected));
    }
    let mut seen = BTreeSet::new();
    let mut samples = Vec::new();
    // Of more hosts than were offered not each is complained of.
    for (index, host) in brought.hosts.iter().take(visit.offered.len()).enumerate() {
        let field = |name: &str| format!("hosts[{index}].{name}");
        if !visit.offered.contains(&host.id) || !seen.insert(host.id) {
            let expected = "a host that was offered, once";
            wrong.push(Refusal::new(field("id"), host.id.to_string(), expected));
        }
        match sample(host) {
            Ok(sample) => samples.push((host.id, sample)),
            Err(bad) => wrong.push(Refusal::new(field(bad.field), bad.value, bad.expected)),
        }
    }
    if wrong.is_empty() {
        wrong.extend(too_few(visit, brought));
    }
    match name {
        Ok(name) if wrong.is_empty() => Ok(Taken { name, samples }),
        _ => Err(wrong),
    }
}

struct Bad {
    field: &'static str,
    value: String,
    expected: String,
}

fn sample(host: &BroughtHost) -> Result<RttSample, Bad> {
    let count = host.rtts_us.len();
    let bad = |field, value: String, expected: String| Bad {
        field,
        value,
        expected,
    };
    if count > RTTS_OF_A_VISIT {
        let expected = format!("at most {RTTS_OF_A_VISIT} round trips");
        return Err(bad("rtts_us", format!("{count} round trips"), expected));
    }
    if let Some(us) = host.rtts_us.iter().find(|us| !(1..=LONGEST_US).contains(us)) {
        let expected = format!("round trips of 1 to {LONGEST_US} microseconds");
        return Err(bad("rtts_us", us.to_string(), expected));
    }
    let sent = u16::try_from(host.sent)
        .ok()
        .filter(|sent| usize::from(*sent) >= count && usize::from(*sent) <= RTTS_OF_A_VISIT && *sent > 0);
    let Some(sent) = sent else {
        let expected = format!("as many as came back ({count}) to {RTTS_OF_A_VISIT}, and at least 1");
        return Err(bad("sent", host.sent.to_string(), expected));
    };
    let micros: Vec<u32> = host
        .rtts_us
        .iter()
        .filter_map(|us| u32::try_from(*us).ok())
        .collect();
    Ok(RttSample::of(TargetId(uuid::Uuid::nil()), sent, &micros))
}

#[cfg(test)]
#[path = "visit_tests.rs"]
mod tests;
