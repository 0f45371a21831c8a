//! VMs that are suspended with what they have become, woken, and resumed from there when they die.

use super::house::{Agent, House, Made, PUBLIC, a_match, inside, wait};
use super::{PORT, assert_plays};
use vmatrix_hostagent::command::run;
use vmatrix_wire::{Goal, Network, Phase, VmOrder};

fn suspended(order: &VmOrder) -> VmOrder {
    VmOrder {
        goal: Goal::Suspended,
        ..order.clone()
    }
}

fn wake(agent: &Agent, order: &VmOrder) {
    agent.intend(std::slice::from_ref(order));
    agent.until_is(order.vm, Phase::Open);
}

fn suspend(agent: &Agent, order: &VmOrder) {
    agent.intend(&[suspended(order)]);
    agent.until_is(order.vm, Phase::Suspended);
}

fn remember(house: &House, what: &str) {
    house
        .rcon(PORT, "console1", &format!("set vmx_memory {what}"))
        .unwrap();
}

fn assert_remembers(house: &House, what: &str) {
    let printed = house.rcon(PORT, "console1", "vmx_memory").unwrap();
    assert!(printed.contains(what), "{printed}");
}

fn until_revived(agent: &Agent, order: &VmOrder, times: u32) {
    agent.until(order.vm, "it was revived", |report| {
        report.revived == times && report.phase == Phase::Open
    });
}

#[test]
fn what_a_vm_has_become_survives_its_suspension() {
    let (house, made) = house!(1);
    let agent = house.agent();
    let order = a_match(&made, 1, PORT);
    wake(&agent, &order);
    remember(&house, "kept");
    suspend(&agent, &order);
    assert!(house.guests().is_empty() && house.info(PORT).is_none());

    // Another agent wakes it.
    agent.kill();
    let agent = house.agent();
    suspend(&agent, &order);
    wake(&agent, &order);
    assert_plays(&house, &order);
    assert_remembers(&house, "kept");
}

#[test]
fn a_kill_in_the_middle_of_a_suspension_loses_nothing() {
    let (house, made) = house!(1);
    let order = a_match(&made, 1, PORT);
    let agent = house.agent();
    wake(&agent, &order);
    remember(&house, "kept");

    agent.intend(&[suspended(&order)]);
    agent.until_is(order.vm, Phase::Draining);
    // Its memory is being written.
    let began = std::time::Instant::now();
    let writes = || {
        let dir = house.data().join("vms").join(order.vm.to_string());
        std::fs::read_dir(dir).unwrap().flatten().any(|entry| {
            entry.file_name().to_string_lossy().contains("suspended")
                && entry.metadata().is_ok_and(|meta| meta.len() > 0)
        })
    };
    while !writes() {
        assert!(began.elapsed().as_secs() < 60, "it is not written");
    }
    agent.kill();

    let agent = house.agent();
    suspend(&agent, &order);
    wake(&agent, &order);
    assert_remembers(&house, "kept");
}

/// Its last suspension is whole, and the memory of no other is left.
fn assert_one_suspension(house: &House, order: &VmOrder) {
    let dir = house.data().join("vms").join(order.vm.to_string());
    let names = std::fs::read_dir(&dir).unwrap().flatten();
    let states: Vec<_> = names
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.contains("suspended"))
        .collect();
    let disk = dir.join("disk").display().to_string();
    let listed = wait(run("qemu-img", &["snapshot", "-l", &disk], None)).unwrap();
    assert_eq!(states.len(), 1, "{states:?}");
    assert!(listed.stdout.contains(&states[0]), "{states:?}: {listed:?}");
    assert!(listed.stdout.matches("suspended").count() <= 2, "{listed:?}");
    if let Err(error) = wait(run("qemu-img", &["check", "-q", &disk], None)) {
        // A QEMU that is killed may have taken room that it did not come to use.
        let sound = error.stderr.lines().all(|line| line.starts_with("Leaked"));
        assert!(sound && !error.stderr.is_empty(), "{error}");
    }
}

#[test]
fn a_woken_vm_that_dies_goes_back_to_its_last_suspension() {
    let (house, made) = house!(1);
    let agent = house.agent();
    let order = a_match(&made, 1, PORT);
    wake(&agent, &order);
    remember(&house, "first");
    house.rcon(PORT, "console1", "writeconfig first.cfg").unwrap();
    suspend(&agent, &order);
    assert_one_suspension(&house, &order);
    wake(&agent, &order);
    assert_remembers(&house, "first");
    let exec = |name: &str| house.rcon(PORT, "console1", &format!("exec {name}")).unwrap();

    // As often as it dies. What came after the suspension is gone from memory and disk, and what was before it is there.
    for times in 1..=2 {
        remember(&house, "lost");
        house.rcon(PORT, "console1", "writeconfig lost.cfg").unwrap();
        house.kill_guests();
        until_revived(&agent, &order, times);
        assert_plays(&house, &order);
        assert_remembers(&house, "first");
        assert!(exec("lost.cfg").contains("couldn't exec"));
        assert!(!exec("first.cfg").contains("couldn't exec"));
    }

    // A newer one takes its place.
    remember(&house, "second");
    suspend(&agent, &order);
    assert_one_suspension(&house, &order);
    wake(&agent, &order);
    assert_remembers(&house, "second");
    remember(&house, "lost");

    // With nobody there who would see it die.
    agent.kill();
    house.kill_guests();
    let agent = house.agent();
    wake(&agent, &order);
    assert_remembers(&house, "second");
    suspend(&agent, &order);
    assert_one_suspension(&house, &order);
}

/// The wiki's first page, as somebody outside gets it.
fn page(house: &House) -> Option<String> {
    inside(&house.player, || {
        use std::io::{Read, Write};
        let limit = std::time::Duration::from_secs(5);
        let mut stream = std::net::TcpStream::connect_timeout(&(PUBLIC, PORT).into(), limit).ok()?;
        stream
            .write_all(b"GET /dokuwiki/doku.php?id=start HTTP/1.0\r\n\r\n")
            .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    })
}

#[test]
fn a_service_answers_where_it_was_put_and_is_put_back() {
    let (house, made) = house!(1, Network::Tap, "wiki");
    let agent = house.agent();
    let order = VmOrder {
        game: None,
        ..a_match(&made, 1, PORT)
    };
    agent.intend(std::slice::from_ref(&order));
    let report = agent.until_is(order.vm, Phase::Open);
    assert!(report.times.resume_to_answer.is_some());
    let text = page(&house).expect("the wiki answers outside");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    suspend(&agent, &order);
    assert!(page(&house).is_none());
    wake(&agent, &order);
    assert!(page(&house).is_some());
    house.kill_guests();
    until_revived(&agent, &order, 1);
    let text = page(&house).expect("the wiki answers again");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    agent.intend(&[]);
    agent.until_gone(order.vm);
    assert!(page(&house).is_none());
}
