//! The loops against a server on the loopback, with VMs that only remember what was intended.

#[path = "doors_tests.rs"]
mod doors_tests;
#[path = "fake_server.rs"]
mod fake_server;
#[path = "leave_tests.rs"]
mod leave_tests;

use super::super::{JoinError, JoinRequest, join};
use super::*;
use fake_server::Fake;
use std::net::IpAddr;
use uuid::Uuid;
use vmatrix_wire::{
    Accelerator, Enrolled, Enrolment, Goal, Network, Phase, ProbeId, ProbeOrder, Role, Secret, SnapshotId,
    Target, TargetId, VmId, VmTimes, Vmm,
};

const HOST: HostId = HostId(Uuid::from_u128(1));

/// VMs that are at once as far as they should be.
#[derive(Clone)]
struct Obedient {
    vms: Arc<Mutex<Vec<VmOrder>>>,
    changed: Arc<watch::Sender<u64>>,
}

impl Obedient {
    fn new() -> Self {
        Self {
            vms: Arc::default(),
            changed: Arc::new(watch::Sender::new(0)),
        }
    }

    fn ids(&self) -> Vec<VmId> {
        lock(&self.vms).iter().map(|order| order.vm).collect()
    }
}

impl Machines for Obedient {
    fn intend(&self, orders: &[VmOrder]) {
        *lock(&self.vms) = orders.to_vec();
        self.changed.send_modify(|count| *count += 1);
    }

    fn observe(&self) -> Vec<VmReport> {
        let seen = |order: &VmOrder| VmReport {
            vm: order.vm,
            phase: Phase::Open,
            problem: None,
            revived: 0,
            times: VmTimes::default(),
            game: None,
            silent: false,
            fetched_bytes: 0,
            fetch_bytes: 0,
            pings: None,
        };
        lock(&self.vms).iter().map(seen).collect()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

fn facts() -> Facts {
    Facts {
        agent_version: "0".into(),
        cores: 2,
        memory_mb: 4_096,
        disk_free_mb: 10_000,
        cpu_model: "test".into(),
        vmm: Vmm {
            name: "qemu".into(),
            version: "10.0.2".into(),
        },
        accelerator: Accelerator::Tcg,
        network: Network::User,
        doors: vmatrix_wire::Doors::default(),
    }
}

fn vm(id: u128) -> VmOrder {
    VmOrder {
        vm: VmId(Uuid::from_u128(id)),
        snapshot: SnapshotId::from(vmatrix_wire::Digest([0; 32])),
        goal: Goal::Open,
        port: 27960,
        game: None,
    }
}

fn orders(generation: u64, vms: Vec<VmOrder>) -> Orders {
    Orders {
        vms,
        ..Orders::empty(HOST, generation)
    }
}

struct Running(tokio::task::JoinHandle<Result<(), RunError>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn start(home: &Home, server: Server, machines: &Obedient) -> Running {
    start_with(home, server, machines, Doors::none())
}

fn start_with(home: &Home, server: Server, machines: &Obedient, doors: Doors) -> Running {
    Running(tokio::spawn(run(
        home.clone(),
        HOST,
        server,
        facts(),
        machines.clone(),
        doors,
    )))
}

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).unwrap();
    (dir, home)
}

#[tokio::test]
async fn orders_are_obeyed_and_told_back_at_once() {
    let (mut fake, (_dir, home), machines) = (Fake::start().await, home(), Obedient::new());
    let _agent = start(&home, fake.server(), &machines);
    let first = fake.report(|_| true).await;
    assert_eq!((first.incarnation, first.sequence, first.generation), (1, 1, 0));

    let asked = fake.next("GET /agent/v1/orders?since=0").await;
    assert!(
        asked.head.contains("authorization: Bearer hush"),
        "{}",
        asked.head
    );
    assert!(
        asked.head.contains(&format!("x-vmatrix-protocol: {PROTOCOL}")),
        "{}",
        asked.head
    );
    asked
        .answer("200 OK", &serde_json::to_string(&orders(5, vec![vm(7)])).unwrap())
        .await;
    let started = Instant::now();
    let report = fake.report(|report| report.generation == 5).await;
    assert_eq!(report.vms[0].vm, vm(7).vm);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "the report waited for the timer"
    );

    let asked = fake.next("GET /agent/v1/orders?since=5").await;
    asked.answer("204 No Content", "").await;
    fake.next("GET /agent/v1/orders?since=5")
        .await
        .answer("500 Oops", "")
        .await;
    let asked = fake.next("GET /agent/v1/orders?since=5").await;
    assert_eq!(machines.ids(), [vm(7).vm], "what failed took nothing away");
    asked
        .answer("200 OK", &serde_json::to_string(&orders(6, Vec::new())).unwrap())
        .await;
    fake.report(|report| report.generation == 6 && report.vms.is_empty())
        .await;
}

#[tokio::test]
async fn a_restarted_agent_that_is_cut_off_goes_on_with_its_last_orders() {
    let (mut fake, (_dir, home), machines) = (Fake::start().await, home(), Obedient::new());
    let agent = start(&home, fake.server(), &machines);
    let asked = fake.next("GET /agent/v1/orders?since=0").await;
    asked
        .answer("200 OK", &serde_json::to_string(&orders(5, vec![vm(7)])).unwrap())
        .await;
    fake.report(|report| report.generation == 5).await;
    fake.next("GET /agent/v1/orders?since=5").await;
    drop(agent);
    drop(fake);

    let machines = Obedient::new();
    let nobody = "http://127.0.0.1:1".parse().unwrap();
    let agent = start(&home, Server::new(&nobody, false, None).unwrap(), &machines);
    machines.changed().wait_for(|count| *count > 0).await.unwrap();
    assert_eq!(machines.ids(), [vm(7).vm]);
    drop(agent);

    let mut fake = Fake::start().await;
    let _agent = start(&home, fake.server(), &machines);
    let report = fake.report(|_| true).await;
    assert_eq!(
        (report.incarnation, report.sequence, report.generation),
        (3, 1, 5)
    );
    fake.next("GET /agent/v1/orders?since=5").await;
}

#[tokio::test]
async fn orders_for_another_host_or_of_another_version_are_not_obeyed() {
    let (mut fake, (_dir, home), machines) = (Fake::start().await, home(), Obedient::new());
    let _agent = start(&home, fake.server(), &machines);
    let other_version = Orders {
        protocol: 99,
        ..orders(5, vec![vm(7)])
    };
    let asked = fake.next("GET /agent/v1/orders?since=0").await;
    asked
        .answer("200 OK", &serde_json::to_string(&other_version).unwrap())
        .await;
    let other_host = Orders {
        host: HostId(Uuid::from_u128(2)),
        ..orders(5, vec![vm(7)])
    };
    let asked = fake.next("GET /agent/v1/orders?since=0").await;
    asked
        .answer("200 OK", &serde_json::to_string(&other_host).unwrap())
        .await;
    fake.next("GET /agent/v1/orders?since=0").await;
    assert!(machines.ids().is_empty() && home.orders().is_none());
}

#[tokio::test]
async fn a_round_is_reported_while_it_goes_and_when_it_is_done() {
    let (mut fake, (_dir, home), machines) = (Fake::start().await, home(), Obedient::new());
    let _agent = start(&home, fake.server(), &machines);
    let target = Target {
        target: TargetId(Uuid::from_u128(3)),
        address: IpAddr::from([127, 0, 0, 1]),
        by: vmatrix_wire::Way::Icmp,
    };
    let probe = ProbeId(Uuid::from_u128(4));
    let round = ProbeOrder {
        probe,
        samples: 3,
        interval_ms: 200,
        timeout_ms: 1_000,
        targets: vec![target],
    };
    let with_round = Orders {
        probes: vec![round],
        ..orders(1, Vec::new())
    };
    let asked = fake.next("GET /agent/v1/orders?since=0").await;
    asked
        .answer("200 OK", &serde_json::to_string(&with_round).unwrap())
        .await;
    let started = Instant::now();
    let report = fake
        .report(|report| report.probes.iter().any(|probe| probe.done))
        .await;
    assert_eq!(report.probes[0].probe, probe);
    assert_eq!(report.probes[0].samples.len(), 1);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "the end waited for the timer"
    );
}

#[tokio::test]
async fn a_report_that_did_not_arrive_is_said_again_as_a_newer_one() {
    let (mut fake, (_dir, home), machines) = (Fake::start().await, home(), Obedient::new());
    let _agent = start(&home, fake.server(), &machines);
    let lost = fake.next("POST /agent/v1/report").await;
    let before = lost.report();
    lost.answer("503 Service Unavailable", "").await;
    let again = fake.report(|_| true).await;
    assert_eq!(
        (again.incarnation, again.sequence),
        (before.incarnation, before.sequence + 1)
    );
}

fn request(fake: &Fake) -> JoinRequest {
    JoinRequest {
        server: format!("http://{}", fake.address).parse().unwrap(),
        insecure: false,
        token: Secret::new("once"),
        name: "prague-1".into(),
        site: "Prague".into(),
        public_address: IpAddr::from([192, 0, 2, 7]),
        ports: "27960-27999".parse().unwrap(),
        slots: 1,
        role: Role::Production,
    }
}

#[tokio::test]
async fn joining_keeps_the_secret_and_happens_once() {
    let (mut fake, (_dir, home)) = (Fake::start().await, home());
    if crate::facts::find(home.dir(), Network::User).await.is_err() {
        return println!("skipped: QEMU is not installed");
    }
    let wanted = request(&fake);
    let serve = async {
        let asked = fake.next("POST /agent/v1/enrol").await;
        let enrolment: Enrolment = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!(
            (enrolment.name.as_str(), enrolment.token.reveal()),
            ("prague-1", "once")
        );
        let enrolled = Enrolled {
            protocol: PROTOCOL,
            host: HOST,
            secret: Secret::new("hush"),
        };
        asked
            .answer("201 Created", &serde_json::to_string(&enrolled).unwrap())
            .await;
    };
    let (joined, ()) = tokio::join!(join(&home, wanted.clone()), serve);
    assert_eq!(joined.unwrap(), HOST);
    assert_eq!(home.joined().unwrap().secret.reveal(), "hush");
    let again = join(&home, wanted).await.unwrap_err();
    assert!(
        matches!(again, JoinError::Home(HomeError::Already { .. })),
        "{again}"
    );
}

#[tokio::test]
async fn a_wrong_token_and_another_version_are_told_apart_and_nothing_is_kept() {
    let (mut fake, (_dir, home)) = (Fake::start().await, home());
    if crate::facts::find(home.dir(), Network::User).await.is_err() {
        return println!("skipped: QEMU is not installed");
    }
    let wanted = request(&fake);
    let other =
        format!("another version of the protocol than this agent ({PROTOCOL}): the join token is unknown");
    for (status, said) in [
        ("403 Forbidden", "the server refuses: the join token is unknown"),
        ("426 Upgrade Required", other.as_str()),
    ] {
        let serve = async {
            let asked = fake.next("POST /agent/v1/enrol").await;
            asked
                .answer(status, r#"{"detail":"the join token is unknown"}"#)
                .await;
        };
        let (joined, ()) = tokio::join!(join(&home, wanted.clone()), serve);
        let error = joined.unwrap_err();
        assert!(matches!(error, JoinError::Server(_)));
        assert!(error.to_string().contains(said), "{error}");
        assert!(matches!(home.joined(), Err(HomeError::NotJoined(_))));
    }
    let nobody = JoinRequest {
        server: "http://127.0.0.1:1".parse().unwrap(),
        ..wanted.clone()
    };
    let error = join(&home, nobody).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server cannot be reached: Connection refused (os error 111)"
    );
    let plain = JoinRequest {
        server: "http://192.0.2.1".parse().unwrap(),
        ..wanted
    };
    let error = join(&home, plain).await.unwrap_err();
    assert!(error.to_string().contains("plain HTTP"), "{error}");
}
