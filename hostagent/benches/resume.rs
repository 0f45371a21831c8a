//! `./run bench resume`: vMatrix and a bare script side by side, taking turns, on the same image, snapshot, disk and kind of
//! network. Prints a table with the goals and writes target/bench/resume.json. Needs root.
//!
//! Ours is the whole agent with its loops, long poll and reports, and a server of its protocol on the loopback.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/vm/house.rs"]
mod house;
mod rows;
#[path = "resume/server.rs"]
mod server;

use house::{House, Made, a_match, enter, inside, ip, runtime, wait};
use rows::{Row, median, told, write};
use server::Server;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vmatrix_hostagent::agent::{Home, run};
use vmatrix_hostagent::command::{run as program, run_within};
use vmatrix_hostagent::doors::Doors;
use vmatrix_hostagent::images::{Fetcher, freeze::freeze};
use vmatrix_hostagent::net::HostNet;
use vmatrix_hostagent::{facts, vm::Vms};
use vmatrix_wire::{Goal, Network, Phase, Secret, VmOrder};

const ROUNDS: u32 = 10;
const IMAGE: &str = "openarena";
const PORT: u16 = 27_960;
const LIMIT: Duration = Duration::from_secs(300);

/// Milliseconds, one per round.
#[derive(Default)]
struct Measured {
    boot: Vec<f64>,
    bare_boot: Vec<f64>,
    suspend: Vec<f64>,
    resume: Vec<f64>,
    bare_resume: Vec<f64>,
    resuspend: Vec<f64>,
    bare_resuspend: Vec<f64>,
    order_to_qemu: Vec<f64>,
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap();
    let images = std::env::var_os("VMATRIX_IMAGES").map_or(root.join("target/images"), PathBuf::from);
    let image = images.join(IMAGE);
    let Some(made) = Made::find(IMAGE).filter(|_| image.exists()) else {
        return eprintln!("there is no image or snapshot of {IMAGE}: `./run bench resume` makes them");
    };
    let Some(house) = House::up(1, Network::Tap) else {
        return;
    };
    house.bring(&made);
    let bare = Bare::make(&house, &root);
    let (server, _agent) = start_agent(&house);
    let mut measured = Measured::default();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        boots(&mut measured, &house, &bare, &image);
        resumes(&mut measured, &house, &bare, &made, &server, round);
    }
    tell(&measured, &root);
}

fn boots(measured: &mut Measured, house: &House, bare: &Bare, image: &Path) {
    measured
        .bare_boot
        .push(bare.run("boot", image)["boot"].as_f64().unwrap());
    let out = house.data().join("frozen");
    let _ = std::fs::remove_dir_all(&out);
    let frozen = wait(freeze(image, &out, &|_| ())).unwrap();
    std::fs::remove_dir_all(&out).unwrap();
    measured.boot.push(frozen.boot_ms as f64);
    measured.suspend.push(frozen.suspend_ms.unwrap() as f64);
}

fn resumes(measured: &mut Measured, house: &House, bare: &Bare, made: &Made, server: &Server, round: u32) {
    let theirs = bare.run("resume", &made.dir);
    measured.bare_resume.push(theirs["resume"].as_f64().unwrap());
    measured
        .bare_resuspend
        .push(theirs["resuspend"].as_f64().unwrap());

    let order = a_match(made, round.into(), PORT);
    let processes = Processes::now();
    let committed = Instant::now();
    server.order(vec![order.clone()]);
    processes.wait_for_guest(house.data());
    measured.order_to_qemu.push(ms(committed));
    let open = server
        .until(order.vm, |seen| seen.is_some_and(|vm| vm.phase == Phase::Open))
        .unwrap();
    measured.resume.push(open.times.resume_to_answer.unwrap());

    let suspended = Instant::now();
    server.order(vec![VmOrder {
        goal: Goal::Suspended,
        ..order.clone()
    }]);
    server.until(order.vm, |seen| {
        seen.is_some_and(|vm| vm.phase == Phase::Suspended)
    });
    measured.resuspend.push(ms(suspended));
    server.order(Vec::new());
    server.until(order.vm, |seen| seen.is_none());
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// The agent of the house, its server, and what ends it when dropped.
fn start_agent(house: &House) -> (Server, oneshot::Sender<()>) {
    let host = house.id;
    let (server, address) = inside(&house.host, move || Server::start(host));
    let (end, ended) = oneshot::channel::<()>();
    let (net, data, namespace) = (house.net(), house.data().to_owned(), house.host.clone());
    std::thread::spawn(move || {
        enter(&namespace);
        vmatrix_hostagent::tls::install();
        runtime().block_on(async {
            let url = format!("http://{address}").parse().unwrap();
            let server = vmatrix_hostagent::agent::Server::new(&url, false, Some(Secret::new("s"))).unwrap();
            let facts = facts::find(&data, Network::Tap).await.unwrap();
            let net = HostNet::prepare(net).await.unwrap();
            let fetcher = Fetcher::new(&data, server.clone()).unwrap();
            let vms = Vms::start(data.clone(), net, fetcher, facts.accelerator)
                .await
                .unwrap();
            let home = Home::open(&data).unwrap();
            tokio::select! {
                done = run(home, host, server, facts, vms, Doors::none()) => done.unwrap(),
                _ = ended => {}
            }
        });
    });
    (server, end)
}

/// The script without vMatrix, in a namespace with a tap like that of a slot.
struct Bare {
    namespace: String,
    script: PathBuf,
    work: PathBuf,
}

impl Bare {
    fn make(house: &House, root: &Path) -> Self {
        let namespace = format!("{}-bare", house.host);
        wait(program("ip", &["netns", "add", &namespace], None)).unwrap();
        for words in [
            "link set lo up",
            "tuntap add dev tap0 mode tap",
            "link set tap0 address 52:55:0a:00:02:02",
            "addr add 10.0.2.2/24 dev tap0",
            "link set tap0 up",
            "neigh replace 10.0.2.15 lladdr 52:54:00:12:34:56 dev tap0 nud permanent",
        ] {
            ip(&namespace, words);
        }
        let script = root.join("hostagent/benches/bare/bare.py");
        Self {
            namespace,
            script,
            work: house.data().join("bare"),
        }
    }

    fn run(&self, verb: &str, source: &Path) -> serde_json::Value {
        let net = format!("--net=/run/netns/{}", self.namespace);
        let paths = [&*self.script, source, &*self.work].map(|path| path.to_str().unwrap());
        let args = [&net, "--", "python3", paths[0], verb, paths[1], paths[2]];
        let output = wait(run_within(LIMIT, "nsenter", &args, None)).unwrap();
        serde_json::from_str(&output.stdout).unwrap()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = wait(program("ip", &["netns", "delete", &self.namespace], None));
    }
}

/// Processes that are no news.
struct Processes(HashSet<i32>);

impl Processes {
    fn now() -> Self {
        Self(Self::all().collect())
    }

    fn all() -> impl Iterator<Item = i32> {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    /// Returns when a new QEMU for a VM under `data` runs.
    fn wait_for_guest(&self, data: &Path) {
        let mark = data.to_str().unwrap().as_bytes();
        let is_guest = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with(b"qemu-system") && line.windows(mark.len()).any(|part| part == mark)
        };
        let deadline = Instant::now() + LIMIT;
        while !Self::all()
            .filter(|pid| !self.0.contains(pid))
            .any(|pid| is_guest(&pid))
        {
            assert!(Instant::now() < deadline, "QEMU is not started");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn tell(measured: &Measured, root: &Path) {
    let of = median;
    let rows: [Row; 6] = [
        (
            "resume_over_bare",
            of(&measured.resume) / of(&measured.bare_resume),
            "ratio",
            "<=",
            1.25,
        ),
        (
            "boot_over_resume",
            of(&measured.boot) / of(&measured.resume),
            "ratio",
            ">=",
            40.0,
        ),
        (
            "boot_over_bare",
            of(&measured.boot) / of(&measured.bare_boot),
            "ratio",
            "<=",
            1.25,
        ),
        ("suspend_ms", of(&measured.suspend), "ms", "<=", 100.0),
        (
            "resuspend_over_bare",
            of(&measured.resuspend) / of(&measured.bare_resuspend),
            "ratio",
            "<=",
            1.25,
        ),
        ("order_to_qemu_ms", of(&measured.order_to_qemu), "ms", "<=", 30.0),
    ];
    let series = [
        ("resume", &measured.resume),
        ("resume, bare", &measured.bare_resume),
        ("boot", &measured.boot),
        ("boot, bare", &measured.bare_boot),
        ("suspend", &measured.suspend),
        ("resuspend", &measured.resuspend),
        ("resuspend, bare", &measured.bare_resuspend),
        ("order to qemu", &measured.order_to_qemu),
    ];
    println!(
        "\n{:<22}{:>12}{:>12}{:>12}",
        "ms of each", "smallest", "median", "largest"
    );
    for (name, values) in series {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        println!("{name:<22}{least:>12.1}{:>12.1}{most:>12.1}", of(values));
    }
    let rows = told(&rows);
    let samples: serde_json::Map<_, _> = series
        .into_iter()
        .map(|(name, values)| (name.to_owned(), serde_json::json!(values)))
        .collect();
    let json = serde_json::json!({ "rows": rows, "rounds": ROUNDS, "samples_ms": samples });
    write(root, "resume", &json);
}
