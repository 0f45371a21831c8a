//! Real VMs through [`vmatrix_hostagent::vm::Vms`]: QEMU, taps, nftables, and the game from outside. Needs root and the
//! snapshots that `./run images` makes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod house;

use house::{Agent, House, Made, PUBLIC, a_match, inside};
use vmatrix_wire::{Goal, Network, Phase, Problem, VmOrder};

const PORT: u16 = 27_961;

/// A host and the snapshot, or the reason why there is none.
macro_rules! house {
    ($slots:expr, $network:expr, $image:expr) => {{
        let Some(made) = Made::find($image) else {
            return println!(
                "skipped: there is no snapshot of {}; `./run images` makes it",
                $image
            );
        };
        let Some(house) = House::up($slots, $network) else {
            return;
        };
        house.bring(&made);
        (house, made)
    }};
    ($slots:expr) => {
        house!($slots, Network::Tap, "openarena")
    };
}

mod amiss;
mod suspended;

/// The game is there for players, as it was ordered.
fn assert_plays(house: &House, order: &VmOrder) {
    let settings = order.game.as_ref().unwrap();
    let info = house.info(order.port).expect("the game answers outside");
    assert_eq!(
        (info.hostname.as_str(), info.mapname.as_str()),
        (&*settings.server_name, &*settings.map)
    );
    assert!(info.needs_password);
}

#[test]
fn a_match_from_its_order_to_its_end() {
    let (house, made) = house!(1);
    let agent = house.agent();
    let order = a_match(&made, 1, PORT);
    assert!(house.info(PORT).is_none());
    agent.intend(std::slice::from_ref(&order));
    let report = agent.until_is(order.vm, Phase::Open);
    assert_plays(&house, &order);
    assert_eq!((report.problem, report.revived, report.silent), (None, 0, false));
    let times = report.times;
    for time in [
        times.order_to_vmm,
        times.resume_to_answer,
        times.cont_to_answer,
        times.configure,
    ] {
        assert!(time.is_some_and(|ms| ms > 0.0), "{times:?}");
    }
    assert!(times.cont_to_answer < times.resume_to_answer);
    let game = report.game.unwrap();
    assert_eq!((game.map.as_str(), game.needs_password), ("oa_dm2", true));

    let frozen = made.manifest.contract.game.as_ref().unwrap().boot_rcon.reveal();
    let refused = house.rcon(PORT, frozen, "status").unwrap();
    assert!(
        refused.contains("Bad rconpassword"),
        "the password in the snapshot is known to all: {refused}"
    );

    agent.intend(&[]);
    agent.until_gone(order.vm);
    assert!(house.info(PORT).is_none());
    assert!(house.guests().is_empty());
    assert_eq!(
        std::fs::read_dir(house.data().join("vms")).unwrap().count(),
        0,
        "nothing is left of it"
    );
}

#[test]
fn two_vms_of_one_snapshot_share_a_host_and_not_their_settings() {
    let (house, made) = house!(2);
    let agent = house.agent();
    let orders = [a_match(&made, 1, PORT), a_match(&made, 2, PORT + 1)];
    agent.intend(&orders);
    for order in &orders {
        agent.until_is(order.vm, Phase::Open);
    }
    for order in &orders {
        assert_plays(&house, order);
    }
    // A third finds no room, and says so; when one ends it comes in.
    let third = a_match(&made, 3, PORT + 2);
    agent.intend(&[orders[0].clone(), orders[1].clone(), third.clone()]);
    let full = agent.until(third.vm, "it has a problem", |report| report.problem.is_some());
    assert_eq!(full.problem, Some(Problem::NoSlot { slots: 2 }));
    agent.intend(&[orders[1].clone(), third.clone()]);
    agent.until_is(third.vm, Phase::Open);
    assert_plays(&house, &third);
    assert_plays(&house, &orders[1]);
}

/// Kills the agent at the moment when it says that the VM is that far, and goes on with another.
fn killed_at(house: &House, order: &VmOrder, phase: Phase) -> Agent {
    assert_eq!(house.agent_until(order, phase).phase, phase);
    house.agent()
}

#[test]
fn an_agent_killed_at_any_step_is_followed_by_one_that_ends_at_the_same() {
    let (house, made) = house!(1);
    for (number, phase) in (1..).zip([
        Phase::Fetched,
        Phase::Wired,
        Phase::Paused,
        Phase::Running,
        Phase::Answering,
        Phase::Open,
    ]) {
        let order = a_match(&made, number, PORT);
        let until = VmOrder {
            // On its way further it is not seen there, as nothing is waited for.
            goal: if phase == Phase::Fetched {
                Goal::Fetched
            } else {
                Goal::Open
            },
            ..order.clone()
        };
        let agent = killed_at(&house, &until, phase);
        agent.intend(std::slice::from_ref(&order));
        agent.until_is(order.vm, Phase::Open);
        assert_plays(&house, &order);
        assert_eq!(house.guests().len(), 1, "one VM after a kill at {phase:?}");

        // And on the way down.
        agent.intend(&[]);
        agent.kill();
        let agent = house.agent();
        agent.intend(&[]);
        agent.until_gone(order.vm);
        assert!(house.guests().is_empty(), "no VM after a kill while it went");
    }
}

#[test]
fn players_do_not_notice_that_the_agent_was_killed() {
    let (house, made) = house!(1);
    let order = a_match(&made, 1, PORT);
    let agent = killed_at(&house, &order, Phase::Open);
    let guests = house.guests();
    assert_plays(&house, &order);
    agent.intend(std::slice::from_ref(&order));
    let report = agent.until_is(order.vm, Phase::Open);
    assert_plays(&house, &order);
    assert_eq!(
        (house.guests(), report.revived),
        (guests, 0),
        "the same VM goes on"
    );
}

#[test]
fn a_vm_that_dies_comes_back_on_its_port_without_being_asked() {
    let (house, made) = house!(1);
    let agent = house.agent();
    let order = a_match(&made, 1, PORT);
    agent.intend(std::slice::from_ref(&order));
    agent.until_is(order.vm, Phase::Open);
    let first = house.guests();
    house.kill_guests();
    agent.until(order.vm, "it was revived", |report| {
        report.revived == 1 && report.phase == Phase::Open
    });
    assert_plays(&house, &order);
    assert_ne!(house.guests(), first);
}

#[test]
fn a_port_that_another_program_has_is_named_and_taken_when_it_is_free() {
    let (house, made) = house!(1);
    let other = inside(&house.host, || std::net::UdpSocket::bind((PUBLIC, PORT)).unwrap());
    let agent = house.agent();
    let order = a_match(&made, 1, PORT);
    agent.intend(std::slice::from_ref(&order));
    let report = agent.until(order.vm, "it has a problem", |report| report.problem.is_some());
    assert_eq!(
        (report.problem, report.phase),
        (Some(Problem::PortTaken { port: PORT }), Phase::Answering)
    );
    drop(other);
    let report = agent.until_is(order.vm, Phase::Open);
    assert_eq!(report.problem, None);
    assert_plays(&house, &order);
}

#[test]
fn a_snapshot_of_another_machine_is_refused_by_the_field_that_differs() {
    let (house, made) = house!(1);
    let mut manifest = made.manifest.clone();
    manifest.key.cpu = "Skylake-Client".into();
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let id = vmatrix_wire::Digest(*blake3::hash(&bytes).as_bytes());
    house.bring_as(&made, id, &bytes);
    let agent = house.agent();
    let order = VmOrder {
        snapshot: id,
        ..a_match(&made, 1, PORT)
    };
    agent.intend(std::slice::from_ref(&order));
    let report = agent.until(order.vm, "it has a problem", |report| report.problem.is_some());
    let problem = report.problem.unwrap();
    assert!(problem.needs_another_host());
    let needs = "Skylake-Client".to_owned();
    assert_eq!(
        problem,
        Problem::Key {
            field: "CPU model".into(),
            here: made.manifest.key.cpu.clone(),
            needs
        }
    );
    assert!(house.guests().is_empty());
}

#[test]
fn without_root_a_match_runs_on_qemus_own_network() {
    let (house, made) = house!(1, Network::User, "openarena");
    let agent = house.agent();
    let order = a_match(&made, 1, PORT);
    agent.intend(std::slice::from_ref(&order));
    agent.until_is(order.vm, Phase::Open);
    assert_plays(&house, &order);
    agent.kill();
    let agent = house.agent();
    agent.intend(std::slice::from_ref(&order));
    agent.until_is(order.vm, Phase::Open);
    assert_plays(&house, &order);
    agent.intend(&[]);
    agent.until_gone(order.vm);
    assert!(house.info(PORT).is_none());
}
