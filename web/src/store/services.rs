//! Web services.

use super::{StoreError, Tx, corrupt, parsed};
use crate::domain::{Service, ServiceGoal, ServiceId, Time};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    image: String,
    host_id: String,
    goal: String,
    created_at: i64,
    removed_at: Option<i64>,
}

impl Row {
    fn service(self) -> Result<Service, StoreError> {
        Ok(Service {
            id: parsed("services", &self.id, "id", &self.id)?,
            host: parsed("services", &self.id, "host_id", &self.host_id)?,
            goal: ServiceGoal::parse(&self.goal)
                .ok_or_else(|| corrupt("services", &self.id, "goal", &self.goal, "not a goal"))?,
            name: self.name,
            image: self.image,
            created_at: Time::from_millis(self.created_at),
            removed_at: self.removed_at.map(Time::from_millis),
        })
    }
}

/// Adds a service. A name that another has is [`StoreError::is_taken`].
pub async fn insert(tx: &mut Tx, service: &Service) -> Result<(), StoreError> {
    sql!(
        tx,
        execute "insert into services (id, name, image, host_id, goal, created_at) values ($1, $2, $3, $4, $5, $6)",
        service.id.to_string(),
        service.name.as_str(),
        service.image.as_str(),
        service.host.to_string(),
        service.goal.name(),
        service.created_at.millis()
    )?;
    Ok(())
}

/// A service, also a removed one.
pub async fn get(tx: &mut Tx, id: ServiceId) -> Result<Option<Service>, StoreError> {
    sql!(tx, optional Row, "select * from services where id = $1", id.to_string())?
        .map(Row::service)
        .transpose()
}

/// All services that were not removed, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Service>, StoreError> {
    let text = "select * from services where removed_at is null order by name";
    sql!(tx, all Row, text)?.into_iter().map(Row::service).collect()
}

/// Sets how far a service should be. `false` if there is none.
pub async fn set_goal(tx: &mut Tx, id: ServiceId, goal: ServiceGoal) -> Result<bool, StoreError> {
    let text = "update services set goal = $2 where id = $1 and removed_at is null";
    Ok(sql!(tx, execute text, id.to_string(), goal.name())? == 1)
}

/// Removes a service; its name is free again. `false` if there was none.
pub async fn remove(tx: &mut Tx, id: ServiceId, now: Time) -> Result<bool, StoreError> {
    let text = "update services set removed_at = $2 where id = $1 and removed_at is null";
    Ok(sql!(tx, execute text, id.to_string(), now.millis())? == 1)
}
