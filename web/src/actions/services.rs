//! Web services: one VM of an image on a chosen host.

use super::ActionError;
use crate::{
    app::App,
    domain::{
        Host, HostRecord, Name, Purpose, Reservation, ReservationId, Service, ServiceGoal, ServiceId,
        Snapshot, Time, User, Vm, VmGoal, VmId, VmSeen, Wanted, room, snapshot_for, unfit,
    },
    store::{Tx, hosts, reservations, services, snapshots, vms},
};
use vmatrix_wire::Goal;

/// A service as asked for, not yet checked.
#[derive(Debug, Clone)]
pub struct NewService {
    /// Name, unique.
    pub name: String,
    /// Name of the image.
    pub image: String,
    /// Id or name of the host.
    pub host: String,
}

/// A service and what is seen of it.
#[derive(Debug, Clone)]
pub struct ServiceSeen {
    /// What is intended.
    pub service: Service,
    /// Where.
    pub host: Host,
    /// Its VM.
    pub vm: Option<Vm>,
}

/// Puts a service on a host, which holds a slot for it at once and gets a VM of the newest snapshot that it can load.
/// Operators only.
///
/// # Errors
/// `Forbidden`; `Invalid` with the field that is wrong; `Conflict` if the host cannot run it or has no room.
pub async fn put_service(app: &App, by: &User, new: NewService) -> Result<ServiceSeen, ActionError> {
    super::operators_only(by)?;
    let name = super::users::parse_name("name", &new.name)?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let all = find_image(&mut tx, &new.image).await?;
    let record = find_host(&mut tx, &new.host).await?;
    // There is one: of an image there is a snapshot at least.
    let snapshot = snapshot_for(&record, &all).ok_or_else(|| no_image(&new.image))?;
    if let Some(why) = unfit(&record, snapshot, now) {
        let text = format!("host {} cannot run {}: {why}", record.host.name, new.image);
        return Err(ActionError::Conflict(text));
    }
    let service = Service {
        id: ServiceId(app.new_id()),
        name: name.as_str().to_owned(),
        image: new.image,
        host: record.host.id,
        goal: ServiceGoal::Open,
        created_at: now,
        removed_at: None,
    };
    services::insert(&mut tx, &service)
        .await
        .map_err(name_taken(&name))?;
    let vm = hold(&mut tx, app, &record, &service, snapshot).await?;
    tx.commit().await?;
    tracing::info!(service = %service.id, host = %service.host, "service put on host");
    app.changed();
    Ok(ServiceSeen {
        service,
        host: record.host,
        vm: Some(vm),
    })
}

async fn find_host(tx: &mut Tx, text: &str) -> Result<HostRecord, ActionError> {
    hosts::list(tx)
        .await?
        .into_iter()
        .find(|record| record.host.name == text || record.host.id.to_string() == text)
        .ok_or_else(|| ActionError::invalid("host", text, "the name or id of a host"))
}

fn no_image(image: &str) -> ActionError {
    ActionError::invalid("image", image, "the name of an image in the nest")
}

/// The snapshots of an image that is no game, newest first.
async fn find_image(tx: &mut Tx, image: &str) -> Result<Vec<Snapshot>, ActionError> {
    let all = snapshots::of_image(tx, image).await?;
    match all.first() {
        None => Err(no_image(image)),
        Some(newest) if newest.facts.contract.game.is_some() => {
            let expected = "an image of a web service: this is a game, book a match for it";
            Err(ActionError::invalid("image", image, expected))
        }
        Some(_) => Ok(all),
    }
}

/// Holds a slot, memory and a port for a service, with the VM that is to have them.
async fn hold(
    tx: &mut Tx,
    app: &App,
    record: &HostRecord,
    service: &Service,
    snapshot: &Snapshot,
) -> Result<Vm, ActionError> {
    let (host, now) = (&record.host, service.created_at);
    let wanted = Wanted {
        span: (now, Time::NEVER),
        memory_mb: snapshot.facts.contract.needs.memory_mb,
        instead_of: None,
        avoid: &[],
    };
    let port = room(host, &reservations::held(tx).await?, wanted, now)
        .map_err(|why| ActionError::Conflict(format!("host {} has no room: {why}", host.name)))?;
    if !hosts::hold(tx, host.id, record.holds).await? {
        let text = format!(
            "host {} was given to somebody else at this moment: ask again",
            host.name
        );
        return Err(ActionError::Conflict(text));
    }
    let reservation = Reservation {
        id: ReservationId(app.new_id()),
        host: host.id,
        purpose: Purpose::Service(service.id),
        port,
        ports_tried: Vec::new(),
        memory_mb: wanted.memory_mb,
        from_at: now,
        until_at: Time::NEVER,
    };
    reservations::insert(tx, &reservation).await?;
    let vm = Vm {
        id: VmId(app.new_id()),
        reservation: reservation.id,
        host: host.id,
        purpose: reservation.purpose,
        snapshot: snapshot.id,
        goal: VmGoal::Ordered(Goal::Open),
        port,
        created_at: now,
        seen: VmSeen::default(),
    };
    vms::insert(tx, &vm).await?;
    Ok(vm)
}

fn name_taken(name: &Name) -> impl FnOnce(crate::store::StoreError) -> ActionError {
    super::users::name_taken(name)
}

/// All services by name. Staff only.
///
/// # Errors
/// `Forbidden`.
pub async fn list_services(app: &App, by: &User) -> Result<Vec<ServiceSeen>, ActionError> {
    super::staff_only(by)?;
    let mut tx = app.db.read().await?;
    let mut all = Vec::new();
    for service in services::list(&mut tx).await? {
        all.extend(see(&mut tx, service).await?);
    }
    Ok(all)
}

/// A service. Staff only.
///
/// # Errors
/// `Forbidden`; `NotFound`.
pub async fn view_service(app: &App, by: &User, id: ServiceId) -> Result<ServiceSeen, ActionError> {
    super::staff_only(by)?;
    let mut tx = app.db.read().await?;
    let seen = match services::get(&mut tx, id)
        .await?
        .filter(|service| service.removed_at.is_none())
    {
        Some(service) => see(&mut tx, service).await?,
        None => None,
    };
    seen.ok_or_else(|| ActionError::not_found("service", id))
}

async fn see(tx: &mut Tx, service: Service) -> Result<Option<ServiceSeen>, ActionError> {
    let vm = vms::of_service(tx, service.id).await?;
    let host = hosts::get(tx, service.host).await?;
    Ok(host.map(|record| ServiceSeen {
        service,
        host: record.host,
        vm,
    }))
}

/// Freezes a service on its host with what it has become. Twice is once. Operators only.
///
/// # Errors
/// `Forbidden`; `NotFound`.
pub async fn suspend_service(app: &App, by: &User, id: ServiceId) -> Result<(), ActionError> {
    set_goal(app, by, id, ServiceGoal::Suspended).await
}

/// Wakes a frozen service. Twice is once. Operators only.
///
/// # Errors
/// `Forbidden`; `NotFound`.
pub async fn wake_service(app: &App, by: &User, id: ServiceId) -> Result<(), ActionError> {
    set_goal(app, by, id, ServiceGoal::Open).await
}

async fn set_goal(app: &App, by: &User, id: ServiceId, goal: ServiceGoal) -> Result<(), ActionError> {
    super::operators_only(by)?;
    let mut tx = app.db.begin().await?;
    if !services::set_goal(&mut tx, id, goal).await? {
        return Err(ActionError::not_found("service", id));
    }
    tx.commit().await?;
    app.changed();
    Ok(())
}

/// Takes a service away with all that it has become; its host is free once the agent says so. Operators only.
///
/// # Errors
/// `Forbidden`; `NotFound`.
pub async fn remove_service(app: &App, by: &User, id: ServiceId) -> Result<(), ActionError> {
    super::operators_only(by)?;
    let mut tx = app.db.begin().await?;
    if !services::remove(&mut tx, id, app.now()).await? {
        return Err(ActionError::not_found("service", id));
    }
    tx.commit().await?;
    tracing::info!(service = %id, "service removed");
    app.changed();
    Ok(())
}
