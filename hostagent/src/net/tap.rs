//! A slot network of namespace, tap, link and rules. Needs root.
//!
//! ```text
//!   host's namespace                          vmx-<agent>-s<k>
//!   wan ── DNAT/SNAT ── vx<agent>s<k> ═veth═ up0 ── DNAT/SNAT ── tap0 10.0.2.2 ═ guest 10.0.2.15
//!                       .1 (queries) .2 (rcon)  .3
//! ```

use super::NetError;
use super::guard::Guard;
use super::host::{NAMESPACES, is_live, nft, remove_slot};
use super::names::Names;
use super::router::Router;
use super::rules::{self, GATEWAY, GATEWAY_MAC, GUEST, GUEST_MAC, Wiring};
use super::{Transport, state};
use crate::command::run;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::sync::Mutex;

pub(super) struct TapSlot {
    names: Names,
    outside: Ipv4Addr,
    file: PathBuf,
    router: Router,
    guest_port: AtomicU16,
    now: Mutex<Now>,
}

struct Now {
    wiring: Option<Wiring>,
    /// The last zone that was used; the next opening gets another.
    zone: u16,
    guard: Option<Guard>,
}

impl TapSlot {
    /// Makes the slot anew, or takes over the one in which a VM still runs.
    pub(super) async fn prepare(
        names: Names,
        outside: Ipv4Addr,
        file: PathBuf,
        router: Router,
    ) -> Result<Self, NetError> {
        let kept = state::read(&file);
        let zone = kept.as_ref().map_or(0, |kept| kept.zone);
        let wiring = if is_live(&names).await {
            kept
        } else {
            remove_slot(&names).await?;
            make(&names).await?;
            // The zone is kept, as the kernel may still remember the connections of the last opening.
            let closed = kept.map(|kept| Wiring { opened: None, ..kept });
            state::write(&file, closed.as_ref())?;
            None
        };
        nft(&rules::slot_table(&names, outside, wiring.as_ref())).await?;
        let guest_port = AtomicU16::new(wiring.as_ref().map_or(0, |wiring| wiring.guest_port));
        let now = Mutex::new(Now {
            wiring,
            zone,
            guard: None,
        });
        Ok(Self {
            names,
            outside,
            file,
            router,
            guest_port,
            now,
        })
    }

    pub(super) fn launcher(&self) -> Vec<String> {
        let namespace = format!("--net={NAMESPACES}/{}", self.names.namespace());
        vec!["nsenter".to_owned(), namespace, "--".to_owned()]
    }

    pub(super) fn inside(&self) -> SocketAddr {
        SocketAddr::from((self.names.slot_address(), self.guest_port.load(Ordering::Relaxed)))
    }

    pub(super) fn poll_from(&self) -> IpAddr {
        self.names.poll_address().into()
    }

    pub(super) fn rcon_from(&self) -> IpAddr {
        self.names.rcon_address().into()
    }

    pub(super) async fn wire(
        &self,
        guest_port: u16,
        transport: Transport,
        masters: &[SocketAddr],
    ) -> Result<(), NetError> {
        let mut now = self.now.lock().await;
        let same = |wiring: &&Wiring| wiring.guest_port == guest_port && wiring.transport == transport;
        let mut was_open = now.wiring.as_ref().filter(same).and_then(|wiring| wiring.opened);
        // What was opened for a VM that has died must not be open for the next one before that is configured.
        if was_open.is_some() && !is_live(&self.names).await {
            was_open = None;
        }
        let wanted = Wiring {
            guest_port,
            transport,
            masters: masters.to_vec(),
            opened: was_open,
            zone: now.zone,
            inside_port: 0,
        };
        if was_open.is_none() {
            now.guard = None;
        }
        self.guest_port.store(guest_port, Ordering::Relaxed);
        self.apply(&mut now, wanted).await
    }

    pub(super) async fn open(&self, port: u16) -> Result<(), NetError> {
        let mut now = self.now.lock().await;
        let wiring = now.wiring.clone().ok_or(NetError::NotWired(self.names.index()))?;
        if !now
            .guard
            .as_ref()
            .is_some_and(|guard| guard.holds(port, wiring.transport))
        {
            now.guard = None;
            now.guard = Some(Guard::take(port, wiring.transport)?);
        }
        if wiring.opened == Some(port) {
            return Ok(());
        }
        // 1 to 65,535: zone 0 is everybody's. Steps of 64 keep the slots apart.
        let zone = next_zone(now.zone, self.names.index());
        now.zone = zone;
        self.apply(
            &mut now,
            Wiring {
                opened: Some(port),
                zone,
                ..wiring
            },
        )
        .await
    }

    pub(super) async fn close(&self) -> Result<(), NetError> {
        let mut now = self.now.lock().await;
        if let Some(wiring) = now.wiring.clone() {
            self.apply(
                &mut now,
                Wiring {
                    opened: None,
                    ..wiring
                },
            )
            .await?;
        }
        now.guard = None;
        Ok(())
    }

    pub(super) async fn unwire(&self) -> Result<(), NetError> {
        // The closed rules are the same for all wirings: there is nothing more to remove.
        self.close().await?;
        self.now.lock().await.wiring = None;
        Ok(())
    }

    pub(super) async fn players_packets(&self) -> Result<u64, NetError> {
        match self.counted().await {
            Ok(count) => Ok(count),
            Err(error) => {
                tracing::warn!(table = self.names.table(), %error, "the slot's rules are gone: they are applied anew");
                self.mend().await?;
                self.counted().await
            }
        }
    }

    /// Applies all rules anew, whatever is thought to be there.
    async fn mend(&self) -> Result<(), NetError> {
        let now = self.now.lock().await;
        self.router.mend().await?;
        nft(&rules::slot_table(&self.names, self.outside, now.wiring.as_ref())).await?;
        Ok(())
    }

    async fn counted(&self) -> Result<u64, NetError> {
        let table = self.names.table();
        let output = run("nft", &["-j", "list", "counter", "ip", &table, "players"], None).await?;
        packets(&output.stdout).ok_or_else(|| NetError::Odd {
            what: "nft's counter",
            text: output.stdout.chars().take(200).collect(),
        })
    }

    /// Makes `wanted` so: rules first, then what is remembered of them.
    async fn apply(&self, now: &mut Now, wanted: Wiring) -> Result<(), NetError> {
        if now.wiring.as_ref() == Some(&wanted) {
            return Ok(());
        }
        let text = |wiring| rules::slot_table(&self.names, self.outside, wiring);
        let (old, new) = (text(now.wiring.as_ref()), text(Some(&wanted)));
        // An intention that is on disk before it is true is made true at the next start; the other way round a
        // VM would stay opened that nobody knows of.
        state::write(&self.file, Some(&wanted))?;
        if old != new {
            nft(&new).await?;
        }
        now.wiring = Some(wanted);
        Ok(())
    }
}

/// Another zone than the last one, and than those of other slots of this host.
fn next_zone(last: u16, index: u16) -> u16 {
    let turn = (last / 64).wrapping_add(1) % 1_000;
    (turn + 1) * 64 + index % 64
}

fn packets(json: &str) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    value["nftables"]
        .as_array()?
        .iter()
        .find_map(|item| item["counter"]["packets"].as_u64())
}

/// Makes namespace, link, tap and inner rules.
async fn make(names: &Names) -> Result<(), NetError> {
    let (namespace, link) = (names.namespace(), names.link());
    let (poll, rcon, slot) = (names.poll_address(), names.rcon_address(), names.slot_address());
    run("ip", &["netns", "add", &namespace], None).await?;
    let outer = format!(
        "link add {link} type veth peer name up0 netns {namespace}
addr add {poll}/29 dev {link}
addr add {rcon}/29 dev {link}
link set {link} up
"
    );
    run("ip", &["-batch", "-"], Some(outer.as_bytes())).await?;
    // A fixed neighbour: a guest that has just been resumed need not be asked for its address first.
    let inner = format!(
        "link set lo up
addr add {slot}/29 dev up0
link set up0 up
route add default via {poll}
tuntap add dev tap0 mode tap
link set tap0 address {GATEWAY_MAC}
addr add {GATEWAY}/24 dev tap0
link set tap0 up
neigh replace {GUEST} lladdr {GUEST_MAC} dev tap0 nud permanent
"
    );
    run("ip", &["-n", &namespace, "-batch", "-"], Some(inner.as_bytes())).await?;
    let enter = format!("--net={NAMESPACES}/{namespace}");
    let settings = "echo 1 >/proc/sys/net/ipv4/ip_forward
if [ -d /proc/sys/net/ipv6 ]; then echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; fi
exec nft -f -";
    let table = rules::inner_table(slot);
    run(
        "nsenter",
        &[&enter, "--", "sh", "-ec", settings],
        Some(table.as_bytes()),
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_opening_has_a_zone_of_its_own(last: u16, a in 0_u16..64, b in 0_u16..64) {
            let zone = next_zone(last, a);
            prop_assert!(zone != 0 && zone != last);
            prop_assert_eq!(a == b, zone == next_zone(last, b));
            let second = next_zone(zone, a);
            prop_assert!(second != zone);
        }
    }

    #[test]
    fn the_counter_is_found_in_what_nft_prints() {
        let json = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"counter": {"family": "ip", "name": "players", "table": "t", "handle": 6, "packets": 42, "bytes": 0}}]}"#;
        assert_eq!(packets(json), Some(42));
        assert_eq!(packets("{}"), None);
    }
}
