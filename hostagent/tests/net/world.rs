//! One host and some people on one Ethernet, each in a namespace of their own, and a stand-in for a guest: a
//! namespace whose only link is pumped to the slot's tap as QEMU does.

use nix::sched::{CloneFlags, setns};
use std::collections::HashSet;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};
use vmatrix_hostagent::command::run;
use vmatrix_hostagent::net::{Hmp, HmpError, HostNet, HostNetConfig, NetError, Removed, SlotNet, Transport};
use vmatrix_hostagent::probe::Probes;
use vmatrix_wire::{HostId, Network, ProbeId, ProbeOrder, RttSample, Target, TargetId};

pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
pub const PLAYER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 11);
pub const MASTER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 50);
pub const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 60);

/// Runs something on a thread in a namespace. What it opens stays there.
pub fn inside<T: Send + 'static>(namespace: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    let path = format!("/run/netns/{namespace}");
    std::thread::spawn(move || {
        setns(std::fs::File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
        act()
    })
    .join()
    .unwrap()
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// `ip` in a namespace.
pub fn ip(namespace: &str, words: &str) {
    let args: Vec<&str> = ["-n", namespace].into_iter().chain(words.split(' ')).collect();
    wait(run("ip", &args, None)).unwrap();
}

/// A socket that waits up to two seconds for what must come.
pub fn udp(namespace: &str, address: Ipv4Addr, port: u16) -> UdpSocket {
    inside(namespace, move || UdpSocket::bind((address, port)).unwrap())
}

pub fn heard(socket: &UdpSocket) -> (SocketAddr, String) {
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut buffer = [0; 2000];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    (from, String::from_utf8(buffer[..length].to_vec()).unwrap())
}

pub fn silent(socket: &UdpSocket) {
    socket.set_read_timeout(Some(Duration::from_millis(250))).unwrap();
    let mut buffer = [0; 2000];
    match socket.recv_from(&mut buffer) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        other => panic!("should have heard nothing, but: {other:?}"),
    }
}

/// Nobody to talk to: taps need no monitor.
struct NoMonitor;

impl Hmp for NoMonitor {
    async fn hmp(&self, _: &str) -> Result<String, HmpError> {
        Err("no monitor".into())
    }
}

pub struct World {
    pub host: String,
    pub player: String,
    pub master: String,
    pub stranger: String,
    switch: String,
    config: HostNetConfig,
    _state: tempfile::TempDir,
}

impl World {
    pub fn up(slots: u16) -> Option<Self> {
        if wait(HostNet::detect()) != Network::Tap {
            return None;
        }
        let id = uuid::Uuid::now_v7();
        let name = |what: &str| format!("vmx-t{}-{what}", &id.simple().to_string()[26..]);
        let state = tempfile::tempdir().unwrap();
        let config = HostNetConfig {
            host: HostId(id),
            slots,
            public_address: IpAddr::V4(PUBLIC),
            state: state.path().join("net"),
            network: Network::Tap,
        };
        let world = Self {
            host: name("host"),
            player: name("player"),
            master: name("master"),
            stranger: name("stranger"),
            switch: name("switch"),
            config,
            _state: state,
        };
        wait(run("ip", &["netns", "add", &world.switch], None)).unwrap();
        ip(&world.switch, "link add lan type bridge");
        ip(&world.switch, "link set lan up");
        let people = [
            (&world.host, PUBLIC),
            (&world.player, PLAYER),
            (&world.master, MASTER),
        ];
        for (namespace, address) in people.into_iter().chain([(&world.stranger, STRANGER)]) {
            wait(run("ip", &["netns", "add", namespace], None)).unwrap();
            let port = format!("p{}", address.octets()[3]);
            // A new namespace is a router if the machine is one, as with containers on it.
            inside(namespace, || {
                std::fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap()
            });
            ip(namespace, "link set lo up");
            let switch = &world.switch;
            ip(
                namespace,
                &format!("link add lan0 type veth peer name {port} netns {switch}"),
            );
            ip(namespace, &format!("addr add {address}/24 dev lan0"));
            ip(namespace, "link set lan0 up");
            ip(switch, &format!("link set {port} master lan up"));
        }
        Some(world)
    }

    fn on_host<T: Send + 'static, F: Future<Output = T>>(
        &self,
        act: impl FnOnce() -> F + Send + 'static,
    ) -> T {
        inside(&self.host, || wait(act()))
    }

    pub fn prepare(&self) -> HostNet {
        self.prepare_with(self.config.slots)
    }

    pub fn prepare_with(&self, slots: u16) -> HostNet {
        let config = HostNetConfig {
            slots,
            ..self.config.clone()
        };
        self.on_host(|| HostNet::prepare(config)).unwrap()
    }

    pub fn wire(&self, slot: &SlotNet, port: u16) {
        let slot = slot.clone();
        let act = move || async move { slot.wire(port, Transport::Udp, &[(MASTER, 27950).into()]).await };
        self.on_host(act).unwrap();
    }

    pub fn open(&self, slot: &SlotNet, port: u16) -> Result<(), NetError> {
        let slot = slot.clone();
        self.on_host(move || async move { slot.open(port, &NoMonitor).await })
    }

    pub fn close(&self, slot: &SlotNet) {
        let slot = slot.clone();
        self.on_host(move || async move { slot.close(None::<&NoMonitor>).await })
            .unwrap();
    }

    pub fn unwire(&self, slot: &SlotNet) {
        let slot = slot.clone();
        self.on_host(move || async move { slot.unwire().await }).unwrap();
    }

    pub fn counted(&self, slot: &SlotNet) -> u64 {
        let slot = slot.clone();
        self.on_host(move || async move { slot.players_packets().await })
            .unwrap()
    }

    pub fn remove(&self) -> Option<Removed> {
        let config = self.config.clone();
        self.on_host(move || async move { HostNet::remove(config.host, config.slots, &config.state).await })
            .unwrap()
    }

    pub fn rules(&self) -> String {
        self.on_host(|| run("nft", &["list", "ruleset"], None))
            .unwrap()
            .stdout
    }

    /// Whether the host forwards.
    pub fn forwards(&self) -> bool {
        let read = || std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap();
        inside(&self.host, read).trim() == "1"
    }

    /// As a reload of the host's firewall does.
    pub fn flush_rules(&self) {
        self.on_host(|| run("nft", &["flush", "ruleset"], None)).unwrap();
    }

    /// Names of the host's links.
    pub fn links(&self) -> HashSet<String> {
        let list = self.on_host(|| run("ip", &["-o", "link"], None)).unwrap().stdout;
        list.lines()
            .filter_map(|line| Some(line.split(": ").nth(1)?.split('@').next()?.to_owned()))
            .collect()
    }

    /// Measures two targets from the host.
    pub fn probe(&self, targets: [Ipv4Addr; 2]) -> [RttSample; 2] {
        let target = |address: Ipv4Addr| Target {
            target: TargetId(uuid::Uuid::from_u128(u32::from(address).into())),
            address: address.into(),
            by: vmatrix_wire::Way::Icmp,
        };
        let order = ProbeOrder {
            probe: ProbeId(uuid::Uuid::nil()),
            samples: 3,
            interval_ms: 20,
            // A busy machine may take long; only who never answers takes so long here.
            timeout_ms: 4000,
            targets: targets.map(target).to_vec(),
        };
        self.on_host(move || async move {
            let mut probes = Probes::default();
            let mut changed = probes.changed();
            probes.intend(std::slice::from_ref(&order));
            changed.wait_for(|_| probes.observe()[0].done).await.unwrap();
            probes.observe().remove(0).samples.try_into().unwrap()
        })
    }

    fn agent(&self) -> String {
        let id = self.config.host.0.simple().to_string();
        format!("vmx-{}-s", &id[id.len() - 8..])
    }

    /// The slots' namespaces.
    pub fn namespaces(&self) -> HashSet<String> {
        let list = wait(run("ip", &["netns", "list"], None)).unwrap().stdout;
        let names = list.lines().filter_map(|line| line.split(' ').next());
        names
            .filter(|name| name.starts_with(&self.agent()))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let mine = [
            &self.host,
            &self.player,
            &self.master,
            &self.stranger,
            &self.switch,
        ];
        for namespace in self.namespaces().iter().chain(mine) {
            let _ = wait(run("ip", &["netns", "delete", namespace], None));
        }
    }
}

/// A guest: 10.0.2.15 behind a slot's tap.
pub struct Guest {
    namespace: String,
    running: Arc<AtomicBool>,
    pumps: Vec<std::thread::JoinHandle<()>>,
}

impl Guest {
    pub fn boot(world: &World, slot: u16) -> Self {
        let namespace = format!("{}-g{slot}", world.player);
        wait(run("ip", &["netns", "add", &namespace], None)).unwrap();
        let slot = format!("{}{slot}", world.agent());
        let tap = |name: &'static str| {
            move || {
                DeviceBuilder::new()
                    .name(name)
                    .layer(Layer::L2)
                    .inherit_enable_state()
                    .build_sync()
                    .unwrap()
            }
        };
        let outer = inside(&slot, tap("tap0"));
        let inner = inside(&namespace, tap("eth0"));
        ip(&namespace, "link set eth0 address 52:54:00:12:34:56");
        ip(&namespace, "addr add 10.0.2.15/24 dev eth0");
        ip(&namespace, "link set eth0 up");
        ip(&namespace, "route add default via 10.0.2.2");
        let running = Arc::new(AtomicBool::new(true));
        let (outer, inner) = (Arc::new(outer), Arc::new(inner));
        let pumps = vec![
            pump(outer.clone(), inner.clone(), running.clone()),
            pump(inner, outer, running.clone()),
        ];
        Self {
            namespace,
            running,
            pumps,
        }
    }

    /// Ends it, and waits until its hold on the tap is gone.
    pub fn die(mut self) {
        self.running.store(false, Ordering::Relaxed);
        for pump in self.pumps.drain(..) {
            pump.join().unwrap();
        }
    }

    pub fn udp(&self, port: u16) -> UdpSocket {
        udp(&self.namespace, Ipv4Addr::new(10, 0, 2, 15), port)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.running.store(false, Ordering::Relaxed);
        let _ = wait(run("ip", &["netns", "delete", &self.namespace], None));
    }
}

fn pump(from: Arc<SyncDevice>, to: Arc<SyncDevice>, running: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    from.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let mut frame = [0; 2000];
        while running.load(Ordering::Relaxed) {
            match from.recv(&mut frame) {
                Ok(length) => drop(to.send(&frame[..length])),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    })
}
