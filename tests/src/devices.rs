//! The devices by which nodes hang on the emulated internet.

use crate::namespace;
use crate::up::UpError;
use std::{fs, io};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// A node's `wan0` inside its namespace.
pub(crate) fn tun(namespace: &str) -> Result<SyncDevice, UpError> {
    let make = || -> io::Result<SyncDevice> {
        // Of IPv6 there is what the world gives, and on that device alone.
        set_ipv6("all", "disable_ipv6", "1")?;
        set_ipv6("lo", "disable_ipv6", "0")?;
        // As a Debian host has it; a new namespace lets nobody. It is of both kinds.
        fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")?;
        device("wan0")
    };
    let what = || format!("wan0 of {namespace}");
    namespace::within(namespace, make)
        .map_err(UpError::io(what()))?
        .map_err(UpError::io(what()))
}

/// A device of this namespace.
pub(crate) fn device(name: &str) -> io::Result<SyncDevice> {
    let device = DeviceBuilder::new().name(name).layer(Layer::L3).mtu(1500);
    let device = device.with(|d| {
        d.tx_queue_len(10_000);
    });
    let device = device.enable(false).build_sync()?;
    device.set_nonblocking(true)?;
    // No address but the world's, which is good at once; and nobody asks for routers that are not there.
    for (setting, value) in [
        ("addr_gen_mode", "1"),
        ("accept_dad", "0"),
        ("accept_ra", "0"),
        ("router_solicitations", "0"),
        ("disable_ipv6", "0"),
    ] {
        set_ipv6(name, setting, value)?;
    }
    Ok(device)
}

fn set_ipv6(device: &str, setting: &str, value: &str) -> io::Result<()> {
    fs::write(format!("/proc/sys/net/ipv6/conf/{device}/{setting}"), value)
}
