//! The VMs of the fleet.

use super::ActionError;
use crate::{
    app::App,
    domain::{User, Vm},
    store::vms,
};

/// All VMs that their hosts have not said to be gone, by id. Staff only.
///
/// # Errors
/// `Forbidden`.
pub async fn list_vms(app: &App, by: &User) -> Result<Vec<Vm>, ActionError> {
    super::staff_only(by)?;
    let mut tx = app.db.read().await?;
    Ok(vms::present(&mut tx).await?)
}
