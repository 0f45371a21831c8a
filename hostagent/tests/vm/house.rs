//! A host in a namespace of its own with a player beside it, and agents on it that can be killed: what an agent has begun
//! is broken off in the middle then, and its guests go on.

// The tests and the bench use different parts of it.
#![allow(dead_code)]

use nix::fcntl::{Flock, FlockArg};
use nix::sched::{CloneFlags, setns};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use uuid::Uuid;
use vmatrix_hostagent::agent::{Machines, Server};
use vmatrix_hostagent::command::run;
use vmatrix_hostagent::images::Fetcher;
use vmatrix_hostagent::net::{HostNet, HostNetConfig};
use vmatrix_hostagent::vm::Vms;
use vmatrix_wire::quake3::{Info, MAX_PACKET, Packet};
use vmatrix_wire::{
    Accelerator, Goal, HostId, Manifest, MatchSettings, Network, Phase, Secret, SnapshotId, VmId, VmOrder,
    VmReport,
};

pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(10, 97, 0, 1);
pub const PLAYER: Ipv4Addr = Ipv4Addr::new(10, 97, 0, 2);
/// No step of a VM takes longer, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A snapshot as `image snapshot` made it.
pub struct Made {
    pub dir: PathBuf,
    pub id: SnapshotId,
    pub manifest: Manifest,
}

impl Made {
    /// The snapshot of that name, if it has been made.
    pub fn find(name: &str) -> Option<Self> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/snapshots");
        let all = std::env::var_os("VMATRIX_SNAPSHOTS").map_or(default, PathBuf::from);
        let dir = all.join(name).canonicalize().ok()?;
        let bytes = std::fs::read(dir.join("manifest.json")).ok()?;
        let id = vmatrix_wire::Digest(*blake3::hash(&bytes).as_bytes());
        Some(Self {
            dir,
            id,
            manifest: serde_json::from_slice(&bytes).unwrap(),
        })
    }
}

/// A host, its disk and its network; dropped, nothing of it is left.
pub struct House {
    pub host: String,
    pub player: String,
    pub id: HostId,
    slots: u16,
    network: Network,
    data: tempfile::TempDir,
    _alone: Flock<std::fs::File>,
}

impl House {
    /// `None`, with the reason printed, where it cannot be.
    pub fn up(slots: u16, network: Network) -> Option<Self> {
        if wait(HostNet::detect()) != Network::Tap {
            println!("skipped: needs root, ip, nft and /dev/net/tun");
            return None;
        }
        // Whoever has a world or a guest up holds this file: two cores are not enough for two of them.
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open("/run/vmatrix-world")
            .unwrap();
        let alone = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, errno)| errno)
            .unwrap();
        let id = Uuid::now_v7();
        let name = |what: &str| format!("vmx-v{}-{what}", &id.simple().to_string()[26..]);
        let data = tempfile::Builder::new()
            .prefix("vmatrix-vm.")
            .tempdir_in("/var/tmp")
            .unwrap();
        let house = Self {
            host: name("host"),
            player: name("player"),
            id: HostId(id),
            slots,
            network,
            data,
            _alone: alone,
        };
        for namespace in [&house.host, &house.player] {
            wait(run("ip", &["netns", "add", namespace], None)).unwrap();
        }
        ip(
            &house.host,
            &format!("link add lan0 type veth peer name lan0 netns {}", house.player),
        );
        for (namespace, address) in [(&house.host, PUBLIC), (&house.player, PLAYER)] {
            ip(namespace, "link set lo up");
            ip(namespace, &format!("addr add {address}/24 dev lan0"));
            ip(namespace, "link set lan0 up");
        }
        Some(house)
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Puts a snapshot on the host's disk, as if it had been fetched.
    pub fn bring(&self, made: &Made) {
        self.bring_as(
            made,
            made.id,
            &std::fs::read(made.dir.join("manifest.json")).unwrap(),
        );
    }

    /// The same files under another manifest.
    pub fn bring_as(&self, made: &Made, id: SnapshotId, manifest: &[u8]) {
        let dir = self.data().join("snapshots").join(id.to_string());
        std::fs::create_dir_all(&dir).unwrap();
        for name in Manifest::FILES {
            std::os::unix::fs::symlink(made.dir.join(name), dir.join(name)).unwrap();
        }
        let (disk, overlay) = (dir.join("disk"), dir.join("overlay.qcow2"));
        let (disk, overlay) = (disk.to_str().unwrap(), overlay.to_str().unwrap());
        let args = ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk, overlay];
        wait(run("qemu-img", &args, None)).unwrap();
        std::fs::write(dir.join("manifest.json"), manifest).unwrap();
    }

    pub fn net(&self) -> HostNetConfig {
        HostNetConfig {
            host: self.id,
            slots: self.slots,
            public_address: IpAddr::V4(PUBLIC),
            state: self.data().join("net"),
            network: self.network,
        }
    }

    /// Starts an agent's VMs, with what is left of earlier ones.
    pub fn agent(&self) -> Agent {
        self.agent_of("http://127.0.0.1:9")
    }

    /// The same with a server to fetch from.
    pub fn agent_of(&self, server: &str) -> Agent {
        let (tell, told) = std::sync::mpsc::channel();
        let (kill, killed) = oneshot::channel::<()>();
        let thread = self.run_agent(server, async move |vms: Vms| {
            tell.send((Arc::new(vms), tokio::runtime::Handle::current()))
                .unwrap();
            let _ = killed.await;
        });
        let (vms, handle) = told.recv().unwrap();
        Agent {
            vms,
            handle,
            kill: Some(kill),
            thread: Some(thread),
        }
    }

    /// Runs an agent with one order, and ends it in the middle of whatever it does as soon as it says that the VM is that
    /// far. Gives what it has said last.
    pub fn agent_until(&self, order: &VmOrder, phase: Phase) -> VmReport {
        let order = order.clone();
        let thread = self.run_agent("http://127.0.0.1:9", async move |vms: Vms| {
            // On the agent's only thread: what it says next is seen before it does anything more.
            let (mut changed, mut last) = (vms.changed(), None);
            vms.intend(std::slice::from_ref(&order));
            let reached = changed.wait_for(|_| {
                last = vms.observe().into_iter().find(|report| report.vm == order.vm);
                last.as_ref().is_some_and(|report| report.phase >= phase)
            });
            let reached = tokio::time::timeout(LIMIT, reached).await;
            let last = last.unwrap();
            assert!(reached.is_ok(), "waited in vain until it is {phase:?}: {last:#?}");
            last
        });
        thread.join().unwrap()
    }

    /// A thread with an agent in the host's namespace. When `life` is over, everything that was going on ends where it is.
    fn run_agent<T: Send + 'static>(
        &self,
        server: &str,
        life: impl AsyncFnOnce(Vms) -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let (net, data, server) = (self.net(), self.data().to_owned(), server.parse().unwrap());
        let namespace = self.host.clone();
        std::thread::spawn(move || {
            enter(&namespace);
            vmatrix_hostagent::tls::install();
            let runtime = runtime();
            let lived = runtime.block_on(async {
                let server = Server::new(&server, false, Some(Secret::new("s"))).unwrap();
                let fetcher = Fetcher::new(&data, server).unwrap();
                let net = HostNet::prepare(net).await.unwrap();
                let vms = Vms::start(data, net, fetcher, Accelerator::Tcg).await.unwrap();
                life(vms).await
            });
            runtime.shutdown_timeout(Duration::from_secs(5));
            lived
        })
    }

    /// Process ids of this host's guests.
    pub fn guests(&self) -> Vec<i32> {
        let mark = self.data().to_str().unwrap().as_bytes();
        let is_guest = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
            program.ends_with(b"qemu-system-x86_64") && line.windows(mark.len()).any(|part| part == mark)
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(is_guest)
            .collect()
    }

    /// Kills them as nobody should.
    pub fn kill_guests(&self) {
        for pid in self.guests() {
            // It may be going already.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
        }
    }

    /// What the game says to somebody outside; `None` if nothing within two seconds.
    pub fn info(&self, port: u16) -> Option<Info> {
        let question = Packet::GetInfo {
            challenge: "outside".into(),
        };
        match self.ask(port, &question)? {
            Packet::Info(info) if info.challenge == "outside" => Some(info),
            other => panic!("not an answer to getinfo: {other:?}"),
        }
    }

    /// What the game's console prints to somebody outside who has the password.
    pub fn rcon(&self, port: u16, password: &str, command: &str) -> Option<String> {
        let packet = Packet::Rcon {
            password: Secret::new(password),
            command: command.into(),
        };
        match self.ask(port, &packet)? {
            Packet::Print(text) => Some(text),
            other => panic!("not an answer to rcon: {other:?}"),
        }
    }

    fn ask(&self, port: u16, packet: &Packet) -> Option<Packet> {
        let (namespace, packet) = (self.player.clone(), packet.encode());
        inside(&namespace, move || {
            let socket = UdpSocket::bind((PLAYER, 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            socket.send_to(&packet, (PUBLIC, port)).unwrap();
            let mut buffer = vec![0; MAX_PACKET];
            let length = socket.recv(&mut buffer).ok()?;
            Some(Packet::parse(&buffer[..length]).unwrap())
        })
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill_guests();
        let (config, namespace) = (self.net(), self.host.clone());
        let _ = inside(&namespace, move || {
            wait(async move { HostNet::remove(config.host, config.slots, &config.state).await })
        });
        for namespace in [&self.host, &self.player] {
            let _ = wait(run("ip", &["netns", "delete", namespace], None));
        }
    }
}

/// The VMs of a host, as its agent has them.
pub struct Agent {
    vms: Arc<Vms>,
    handle: tokio::runtime::Handle,
    kill: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Agent {
    pub fn intend(&self, orders: &[VmOrder]) {
        let _runtime = self.handle.enter();
        self.vms.intend(orders);
    }

    pub fn report(&self, vm: VmId) -> Option<VmReport> {
        self.vms.observe().into_iter().find(|report| report.vm == vm)
    }

    /// Waits until the VM's report is as described, and gives it.
    pub fn until(&self, vm: VmId, what: &str, is: impl Fn(&VmReport) -> bool) -> VmReport {
        let began = Instant::now();
        loop {
            let report = self.report(vm);
            if let Some(report) = report.clone().filter(|report| is(report)) {
                return report;
            }
            assert!(
                began.elapsed() < LIMIT,
                "waited in vain until {what}; last seen: {report:#?}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the VM is that far.
    pub fn until_is(&self, vm: VmId, phase: Phase) -> VmReport {
        self.until(vm, &format!("it is {phase:?}"), |report| report.phase == phase)
    }

    /// Waits until nothing of the VM is reported any more.
    pub fn until_gone(&self, vm: VmId) {
        let began = Instant::now();
        while let Some(report) = self.report(vm) {
            assert!(began.elapsed() < LIMIT, "it does not go: {report:#?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the agent in the middle of whatever it does.
    pub fn kill(self) {}
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.kill.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An order for a match on OpenArena.
pub fn a_match(made: &Made, number: u128, port: u16) -> VmOrder {
    VmOrder {
        vm: VmId(Uuid::from_u128(number)),
        snapshot: made.id,
        goal: Goal::Open,
        port,
        game: Some(MatchSettings {
            server_name: format!("Match {number}"),
            password: Secret::new(format!("players{number}")),
            rcon: Secret::new(format!("console{number}")),
            map: "oa_dm2".into(),
            masters: Vec::new(),
            farewell: "the match is over".into(),
        }),
    }
}

/// Runs something on a thread in a namespace. What it opens stays there.
pub fn inside<T: Send + 'static>(namespace: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    let namespace = namespace.to_owned();
    let thread = std::thread::spawn(move || {
        enter(&namespace);
        act()
    });
    thread.join().unwrap()
}

/// Brings this thread into a namespace.
pub fn enter(namespace: &str) {
    let file = std::fs::File::open(format!("/run/netns/{namespace}")).unwrap();
    setns(file, CloneFlags::CLONE_NEWNET).unwrap();
}

/// One thread's runtime: what it starts is where the thread is.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

pub fn wait<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// `ip` in a namespace.
pub fn ip(namespace: &str, words: &str) {
    let args: Vec<&str> = ["-n", namespace].into_iter().chain(words.split(' ')).collect();
    wait(run("ip", &args, None)).unwrap();
}
