//! The devices by which nodes hang on the emulated internet.

use crate::namespace;
use crate::up::UpError;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// A node's `wan0` inside its namespace.
pub(crate) fn tun(namespace: &str) -> Result<SyncDevice, UpError> {
    let make = || -> std::io::Result<SyncDevice> {
        let device = device("wan0")?;
        // IPv6 would only ask for routers that are not there.
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").or_else(|error| {
            match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }
        })?;
        // As a Debian host has it; a new namespace lets nobody.
        std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")?;
        Ok(device)
    };
    let what = || format!("wan0 of {namespace}");
    namespace::within(namespace, make)
        .map_err(UpError::io(what()))?
        .map_err(UpError::io(what()))
}

/// A device of this namespace.
pub(crate) fn device(name: &str) -> std::io::Result<SyncDevice> {
    let device = DeviceBuilder::new().name(name).layer(Layer::L3).mtu(1500);
    let device = device.with(|d| {
        d.tx_queue_len(10_000);
    });
    let device = device.enable(false).build_sync()?;
    device.set_nonblocking(true)?;
    Ok(device)
}
