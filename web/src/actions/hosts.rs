//! Hosts: how they join, what they report, who may see them.

use super::ActionError;
use crate::{
    app::App,
    domain::{Host, HostId, HostRecord, LinkKind, Name, Refusal, SiteId, Time, User},
    secrets::{self, TokenKind},
    store::{StoreError, Tx, hosts, links, sites, vms},
};
use std::net::IpAddr;
use vmatrix_wire::{Digest, Enrolled, Enrolment, Report, Secret};

/// Takes a host into the fleet, with its one-time join token. The secret in the answer is known to the agent alone.
///
/// # Errors
/// `Forbidden` if the token is unknown, used or too old; `Invalid` with each field that is wrong. The token is used
/// up only if the host is taken. A host that never reported may join again: its answer was lost.
pub async fn enrol_host(app: &App, enrolment: Enrolment) -> Result<Enrolled, ActionError> {
    let unknown = || ActionError::Forbidden("The join token is unknown, used or too old.".into());
    let token_hash = secrets::hash_of(TokenKind::Join, enrolment.token.reveal()).ok_or_else(unknown)?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let link = links::use_up(&mut tx, &token_hash, now)
        .await?
        .ok_or_else(unknown)?;
    if link.kind != LinkKind::JoinHost {
        return Err(unknown());
    }
    let site_name = check(&enrolment)?;
    let site = sites::find_or_insert(&mut tx, site_name.as_str(), SiteId(app.new_id())).await?;
    let mut host = Host {
        id: HostId(app.new_id()),
        site,
        name: enrolment.name,
        public_address: enrolment.public_address,
        ports: enrolment.ports,
        slots: enrolment.slots,
        role: enrolment.role,
        facts: enrolment.facts,
        joined_at: now,
    };
    let secret = secrets::token(TokenKind::Agent, rand::random());
    let hash = secrets::hash_of(TokenKind::Agent, secret.reveal()).unwrap_or_default();
    match hosts::take_over(&mut tx, &host, &hash).await? {
        Some(id) => host.id = id,
        None => hosts::insert(&mut tx, &host, &hash, Digest(rand::random()))
            .await
            .map_err(|error| name_taken(&host.name, error))?,
    }
    tx.commit().await?;
    tracing::info!(host = %host.id, name = host.name, site = host.site.name, "host joined");
    app.changed();
    Ok(Enrolled {
        protocol: vmatrix_wire::PROTOCOL,
        host: host.id,
        secret,
    })
}

fn name_taken(name: &str, error: StoreError) -> ActionError {
    if error.is_taken() {
        ActionError::invalid("name", name, "a name that no other host has")
    } else {
        error.into()
    }
}

/// Says everything that is wrong with an enrolment, and gives the site's name.
fn check(enrolment: &Enrolment) -> Result<Name, ActionError> {
    let mut refusals = Vec::new();
    if !is_host_name(&enrolment.name) {
        let expected = "1 to 63 of a-z, 0-9 and -, not beginning or ending with -";
        refusals.push(Refusal::new("name", &enrolment.name, expected));
    }
    let site = Name::entered(&enrolment.site);
    if let Err(bad) = &site {
        refusals.push(Refusal::new(
            "site",
            &bad.value,
            "1 to 40 characters, none invisible",
        ));
    }
    if !is_reachable(enrolment.public_address) {
        let expected = "the address that players reach this host by";
        refusals.push(Refusal::new("public_address", enrolment.public_address, expected));
    }
    let most = enrolment.ports.ports().count();
    if enrolment.slots == 0 || usize::from(enrolment.slots) > most {
        let expected = format!("1 to {most}: each VM needs a port of its own");
        refusals.push(Refusal::new("slots", enrolment.slots, expected));
    }
    match site {
        Ok(site) if refusals.is_empty() => Ok(site),
        _ => Err(ActionError::Invalid(refusals)),
    }
}

fn is_host_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_reachable(address: IpAddr) -> bool {
    !(address.is_unspecified()
        || address.is_multicast()
        || matches!(address, IpAddr::V4(v4) if v4.is_broadcast()))
}

/// Whose secret this is.
///
/// # Errors
/// Only the store's.
pub async fn host_of(app: &App, secret: &Secret) -> Result<Option<HostId>, ActionError> {
    let Some(hash) = secrets::hash_of(TokenKind::Agent, secret.reveal()) else {
        return Ok(None);
    };
    let mut tx = app.db.read().await?;
    Ok(hosts::by_secret(&mut tx, &hash).await?)
}

/// The newest orders of a host as JSON, if they are newer than `since`.
///
/// # Errors
/// Only the store's.
pub async fn orders_since(app: &App, host: HostId, since: u64) -> Result<Option<String>, ActionError> {
    let mut tx = app.db.read().await?;
    Ok(hosts::orders_since(&mut tx, host, since).await?)
}

/// Takes what an agent sees, unless something newer of it was taken before: then `false`.
///
/// # Errors
/// Only the store's.
pub async fn take_report(app: &App, host: HostId, report: &Report) -> Result<bool, ActionError> {
    let mut tx = app.db.begin().await?;
    let taken = hosts::save_report(&mut tx, host, report, app.now()).await?;
    tx.commit().await?;
    if taken {
        app.changed();
    } else {
        tracing::debug!(%host, incarnation = report.incarnation, sequence = report.sequence, "older report dropped");
    }
    Ok(taken)
}

/// Takes an agent's word that it serves no more: to everything else its host is gone from now on, and its secret is of no more
/// use. It may join again under its name.
///
/// # Errors
/// Only the store's.
pub async fn leave(app: &App, host: HostId) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    let left = hosts::leave(&mut tx, host, app.now()).await?;
    tx.commit().await?;
    if left {
        tracing::info!(%host, "host has left");
        app.changed();
    }
    Ok(())
}

/// Takes a host out of the fleet whose agent does not do it itself, as [`leave`] does: what it holds is given up, its secret is
/// of no more use, and whoever joins under its name is it. One that has left already stays so. Operators only.
///
/// # Errors
/// `Forbidden`; `NotFound`; unless `force` is said, `Conflict` if its agent reports or VMs are on it.
pub async fn remove_host(app: &App, by: &User, id: HostId, force: bool) -> Result<(), ActionError> {
    super::operators_only(by)?;
    let mut tx = app.db.begin().await?;
    let record = hosts::get(&mut tx, id).await?;
    let record = record.ok_or_else(|| ActionError::not_found("host", id))?;
    drop_host(app, tx, &record, force).await
}

/// As [`remove_host`] by name, for whoever has a shell on the server.
///
/// # Errors
/// As there, without `Forbidden`.
pub async fn drop_host_named(app: &App, name: &str, force: bool) -> Result<(), ActionError> {
    let mut tx = app.db.begin().await?;
    let all = hosts::list(&mut tx).await?;
    let record = all.into_iter().find(|record| record.host.name == name);
    let record = record.ok_or_else(|| ActionError::not_found("host", name))?;
    drop_host(app, tx, &record, force).await
}

async fn drop_host(app: &App, mut tx: Tx, record: &HostRecord, force: bool) -> Result<(), ActionError> {
    let Host { id, name, .. } = &record.host;
    let now = app.now();
    let count = vms::present(&mut tx)
        .await?
        .iter()
        .filter(|vm| vm.host == *id)
        .count();
    if let Some(why) = in_use(record, count, now).filter(|_| !force) {
        return Err(ActionError::Conflict(why));
    }
    // Nobody is given a place on it at this moment.
    if !hosts::hold(&mut tx, *id, record.holds).await? {
        return Err(ActionError::Conflict(format!(
            "host {name} was given to somebody at this moment: ask again"
        )));
    }
    if hosts::leave(&mut tx, *id, now).await? {
        tx.commit().await?;
        tracing::warn!(host = %id, name, force, vms = count, "host removed");
        app.changed();
    }
    Ok(())
}

/// Why a host is not to be removed as it is. Pure.
fn in_use(record: &HostRecord, vms: usize, now: Time) -> Option<String> {
    let name = &record.host.name;
    if record.left_at.is_some() {
        return None;
    }
    if !record.is_gone(now) {
        return Some(format!(
            "host {name} reports: stop its agent and run `vmatrix-agent leave` there, which also ends what it runs"
        ));
    }
    match vms {
        0 => None,
        1 => Some(format!(
            "host {name} holds a VM of a match or a service, which would be given up"
        )),
        many => Some(format!(
            "host {name} holds {many} VMs of matches or services, which would be given up"
        )),
    }
}

/// All hosts by id. Staff only.
///
/// # Errors
/// `Forbidden`.
pub async fn list_hosts(app: &App, by: &User) -> Result<Vec<HostRecord>, ActionError> {
    super::staff_only(by)?;
    let mut tx = app.db.read().await?;
    Ok(hosts::list(&mut tx).await?)
}
