//! Slot networks with real namespaces, taps and nftables. Needs root.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::collections::HashSet;
use std::net::UdpSocket;
use vmatrix_hostagent::net::{Forwarding, NetError};
use world::{Guest, MASTER, PLAYER, PUBLIC, STRANGER, World, heard, silent, udp};

/// A world, or the reason why there is none.
macro_rules! world {
    ($slots:expr) => {
        match World::up($slots) {
            Some(world) => world,
            None => return println!("skipped: needs root, ip, nft and /dev/net/tun"),
        }
    };
}

// After the macro that it uses.
mod forwarding;

const GAME: u16 = 27960;

fn ask_public(player: &UdpSocket, port: u16, words: &str) {
    player.send_to(words.as_bytes(), (PUBLIC, port)).unwrap();
}

#[test]
fn a_guest_is_closed_until_opened_and_then_sees_its_players_own_addresses() {
    let world = world!(1);
    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    world.wire(&slot, GAME);
    let guest = Guest::boot(&world, 0);
    let game = guest.udp(GAME);
    let player = udp(&world.player, PLAYER, 27960);

    ask_public(&player, 27961, "too early");
    silent(&game);
    world.open(&slot, 27961).unwrap();
    ask_public(&player, 27961, "hello");
    let (from, words) = heard(&game);
    assert_eq!((from, words.as_str()), ((PLAYER, 27960).into(), "hello"));
    game.send_to(b"welcome", from).unwrap();
    let (from, words) = heard(&player);
    assert_eq!((from, words.as_str()), ((PUBLIC, 27961).into(), "welcome"));
    assert_eq!(world.counted(&slot), 1);

    // Those who are talking to it are cut off too, in both directions.
    world.close(&slot);
    ask_public(&player, 27961, "still there?");
    silent(&game);
    game.send_to(b"yes", (PLAYER, 27960)).unwrap();
    silent(&player);
    assert_eq!(world.counted(&slot), 1);
}

#[test]
fn the_agent_reaches_the_inside_from_two_addresses_while_it_is_closed() {
    let world = world!(1);
    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    world.wire(&slot, GAME);
    let guest = Guest::boot(&world, 0);
    let game = guest.udp(GAME);
    for from in [slot.poll_from(), slot.rcon_from()] {
        let agent = world::inside(&world.host, move || UdpSocket::bind((from, 0)).unwrap());
        agent.send_to(b"getinfo", slot.inside()).unwrap();
        let (asker, _) = heard(&game);
        assert_eq!(asker, agent.local_addr().unwrap());
        game.send_to(b"infoResponse", asker).unwrap();
        assert_eq!(heard(&agent).0, slot.inside());
    }
}

#[test]
fn two_slots_with_the_same_inside_address_do_not_see_each_other() {
    let world = world!(2);
    let net = world.prepare();
    let (one, two) = (net.slot(0).unwrap(), net.slot(1).unwrap());
    world.wire(&one, GAME);
    world.wire(&two, GAME);
    let (first, second) = (Guest::boot(&world, 0), Guest::boot(&world, 1));
    let (game1, game2) = (first.udp(GAME), second.udp(GAME));
    world.open(&one, 27961).unwrap();
    world.open(&two, 27962).unwrap();

    let player = udp(&world.player, PLAYER, 5000);
    ask_public(&player, 27961, "one");
    ask_public(&player, 27962, "two");
    assert_eq!(
        (heard(&game1).1.as_str(), heard(&game2).1.as_str()),
        ("one", "two")
    );
    silent(&game1);
    silent(&game2);

    // Neither by the other's slot address, nor by the public one.
    let other = second.udp(5001);
    for target in [one.inside(), (PUBLIC, 27961).into()] {
        other.send_to(b"neighbour", target).unwrap();
        game2.send_to(b"neighbour", target).unwrap();
    }
    silent(&game1);
}

#[test]
fn a_guest_speaks_first_to_its_masters_only_and_from_the_opened_port() {
    let world = world!(1);
    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    world.wire(&slot, GAME);
    let guest = Guest::boot(&world, 0);
    let game = guest.udp(GAME);
    let master = udp(&world.master, MASTER, 27950);
    let stranger = udp(&world.stranger, STRANGER, 27950);
    let player = udp(&world.player, PLAYER, 27960);
    let service = world::inside(&world.host, || UdpSocket::bind("0.0.0.0:4444").unwrap());

    game.send_to(b"heartbeat", (MASTER, 27950)).unwrap();
    silent(&master);
    world.open(&slot, 27961).unwrap();
    game.send_to(b"heartbeat", (MASTER, 27950)).unwrap();
    let (from, words) = heard(&master);
    assert_eq!((from, words.as_str()), ((PUBLIC, 27961).into(), "heartbeat"));
    master.send_to(b"getinfo", from).unwrap();
    assert_eq!(heard(&game), ((MASTER, 27950).into(), "getinfo".into()));

    for target in [
        (STRANGER, 27950),
        (PLAYER, 27960),
        (PUBLIC, 4444),
        (MASTER, 27951),
    ] {
        game.send_to(b"psst", target).unwrap();
    }
    game.send_to(b"psst", (slot.poll_from(), 4444)).unwrap();
    silent(&stranger);
    silent(&player);
    silent(&service);
    // Another port of the guest is not the game's.
    guest.udp(5000).send_to(b"psst", (MASTER, 27950)).unwrap();
    silent(&master);
}

#[test]
fn a_port_that_another_program_has_is_noticed_and_held_once_it_is_ours() {
    let world = world!(1);
    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    assert!(matches!(world.open(&slot, 27961), Err(NetError::NotWired(0))));
    world.wire(&slot, GAME);
    let other = world::inside(&world.host, || UdpSocket::bind("0.0.0.0:27961").unwrap());
    assert!(matches!(
        world.open(&slot, 27961),
        Err(NetError::PortTaken(27961))
    ));
    drop(other);
    world.open(&slot, 27961).unwrap();
    world.open(&slot, 27961).unwrap();
    let taken = || UdpSocket::bind("0.0.0.0:27961").is_err();
    assert!(world::inside(&world.host, taken));
    world.close(&slot);
    world.close(&slot);
    assert!(!world::inside(&world.host, taken));
}

#[test]
fn the_next_match_on_a_port_gets_the_players_of_the_last_one_even_from_another_slot() {
    let world = world!(2);
    let net = world.prepare();
    let (one, two) = (net.slot(0).unwrap(), net.slot(1).unwrap());
    let (first, second) = (Guest::boot(&world, 0), Guest::boot(&world, 1));
    let (game1, game2) = (first.udp(GAME), second.udp(GAME));
    let player = udp(&world.player, PLAYER, 27960);
    for (turn, (slot, game)) in [(&one, &game1), (&two, &game2), (&one, &game1)]
        .into_iter()
        .enumerate()
    {
        world.wire(slot, GAME);
        world.open(slot, 27961).unwrap();
        let words = format!("match {turn}");
        ask_public(&player, 27961, &words);
        let (from, got) = heard(game);
        assert_eq!((from, got), ((PLAYER, 27960).into(), words));
        game.send_to(b"welcome", from).unwrap();
        assert_eq!(heard(&player).0, (PUBLIC, 27961).into());
        world.close(slot);
        world.unwire(slot);
    }
}

fn without_counts(text: &str) -> String {
    text.lines().filter(|line| !line.contains("packets")).collect()
}

#[test]
fn rules_that_somebody_flushed_come_back_at_the_next_look() {
    let world = world!(1);
    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    world.wire(&slot, GAME);
    let guest = Guest::boot(&world, 0);
    let game = guest.udp(GAME);
    world.open(&slot, 27961).unwrap();
    let rules = without_counts(&world.rules());
    assert!(rules.contains("no_router"), "{rules}");
    let player = udp(&world.player, PLAYER, 27960);

    world.flush_rules();
    ask_public(&player, 27961, "lost");
    silent(&game);
    assert_eq!(world.counted(&slot), 0);
    assert_eq!(without_counts(&world.rules()), rules);
    ask_public(&player, 27961, "hello");
    assert_eq!(heard(&game).1, "hello");

    // And when the agent starts, which finds forwarding switched on.
    world.flush_rules();
    drop((slot, net));
    let _net = world.prepare();
    assert_eq!(without_counts(&world.rules()), rules);
}

#[test]
fn a_killed_agents_running_vm_keeps_its_network_and_players_and_the_rest_is_made_anew() {
    let world = world!(3);
    let net = world.prepare();
    let (live, dead) = (net.slot(0).unwrap(), net.slot(1).unwrap());
    world.wire(&live, GAME);
    world.wire(&dead, GAME);
    let guest = Guest::boot(&world, 0);
    let game = guest.udp(GAME);
    world.open(&live, 27961).unwrap();
    world.open(&dead, 27962).unwrap();
    let player = udp(&world.player, PLAYER, 27960);
    ask_public(&player, 27961, "before");
    heard(&game);
    let rules = world.rules();
    // A killed agent's sockets are gone; its namespaces and rules are not.
    drop((live, dead, net));

    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    ask_public(&player, 27961, "meanwhile");
    assert_eq!(heard(&game).1, "meanwhile");
    world.wire(&slot, GAME);
    world.open(&slot, 27961).unwrap();
    let now = world.rules();
    let of = |rules: &str, slot: u16| {
        rules
            .split("table ip ")
            .find(|table| table.contains(&format!("_s{slot} ")))
            .unwrap()
            .to_owned()
    };
    assert_eq!(without_counts(&of(&rules, 0)), without_counts(&of(&now, 0)));
    assert!(
        of(&rules, 1).contains("27962") && !of(&now, 1).contains("27962"),
        "{now}"
    );
    ask_public(&player, 27961, "after");
    let (from, words) = heard(&game);
    assert_eq!(words, "after");
    game.send_to(b"welcome", from).unwrap();
    assert_eq!(heard(&player).0, (PUBLIC, 27961).into());
    assert_eq!(world.counted(&slot), 3);
}

#[test]
fn what_was_opened_for_a_vm_that_died_is_closed_for_the_next() {
    let world = world!(1);
    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    world.wire(&slot, GAME);
    let first = Guest::boot(&world, 0);
    world.open(&slot, 27961).unwrap();
    world.wire(&slot, GAME);
    let player = udp(&world.player, PLAYER, 27960);
    let game = first.udp(GAME);
    ask_public(&player, 27961, "hello");
    assert_eq!(
        heard(&game).1,
        "hello",
        "wired again while it lives, it stays open"
    );
    drop(game);
    first.die();

    world.wire(&slot, GAME);
    let second = Guest::boot(&world, 0);
    let game = second.udp(GAME);
    ask_public(&player, 27961, "anybody?");
    silent(&game);
    world.open(&slot, 27961).unwrap();
    ask_public(&player, 27961, "hello again");
    assert_eq!(heard(&game).1, "hello again");
}

#[test]
fn preparing_twice_is_the_same_as_once_and_removing_leaves_nothing() {
    let world = world!(2);
    let before = (world.links(), world.rules());
    drop(world.prepare());
    let once = (world.links(), world.rules(), world.namespaces());
    assert_eq!(once.2.len(), 2, "{:?}", once.2);
    drop(world.prepare());
    assert_eq!((world.links(), world.rules(), world.namespaces()), once);

    let fewer = world.prepare_with(1);
    assert_eq!((fewer.slots(), world.namespaces().len()), (1, 1));
    let removed = world.remove().unwrap();
    assert_eq!((removed.namespaces, removed.forwarding), (1, Forwarding::Off));
    assert_eq!(world.remove(), None, "there is nothing more");
    assert_eq!(
        (world.links(), world.rules(), world.namespaces()),
        (before.0, before.1, HashSet::new())
    );
    assert!(!world.forwards());
}

#[test]
fn a_host_that_was_no_router_becomes_none_for_others() {
    let world = world!(1);
    let _net = world.prepare();
    // The player sends to the stranger's address by way of the host.
    world::ip(&world.player, "route add 10.98.0.9/32 via 10.99.0.1");
    world::ip(&world.stranger, "addr add 10.98.0.9/32 dev lan0");
    world::ip(&world.host, "route add 10.98.0.9/32 via 10.99.0.60");
    let stranger = udp(&world.stranger, "10.98.0.9".parse().unwrap(), 7000);
    let player = udp(&world.player, PLAYER, 7000);
    player.send_to(b"through you", "10.98.0.9:7000").unwrap();
    silent(&stranger);
}

#[test]
fn a_router_that_says_unreachable_does_not_answer_for_the_target() {
    let world = world!(1);
    world::inside(&world.stranger, || {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap()
    });
    world::ip(&world.host, "route add 10.98.0.0/24 via 10.99.0.60");
    let [router, beyond] = world.probe([STRANGER, "10.98.0.9".parse().unwrap()]);
    assert_eq!((router.sent, router.received), (3, 3));
    assert_eq!((beyond.sent, beyond.received, beyond.median_us), (3, 0, None));
}

#[test]
fn two_players_behind_one_address_are_both_measured_without_privileges() {
    let world = world!(1);
    // Whoever may not open raw sockets measures by datagram sockets, if the system lets them.
    world::inside(&world.host, || {
        std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647").unwrap()
    });
    let [one, other] = world.probe([PLAYER, PLAYER]);
    assert_eq!((one.sent, one.received), (3, 3));
    assert!(one.median_us.is_some());
    assert_eq!(one, other, "the same requests, not as many again");
}

#[test]
fn queries_are_let_in_and_are_not_counted_as_somebody_who_plays() {
    let world = world!(1);
    let net = world.prepare();
    let slot = net.slot(0).unwrap();
    world.wire(&slot, GAME);
    let guest = Guest::boot(&world, 0);
    let game = guest.udp(GAME);
    world.open(&slot, 27961).unwrap();
    let player = udp(&world.player, PLAYER, 27960);
    let stranger = udp(&world.stranger, STRANGER, 27960);
    let packets: [&[u8]; 4] = [b"\xff\xff\xff\xffgetinfo xxx", b"\x01\0\0\0moves", b"", b"\xff"];
    for (sent, counted) in packets.into_iter().zip([0, 1, 1, 1]) {
        player.send_to(sent, (PUBLIC, 27961)).unwrap();
        let mut buffer = [0; 100];
        let length = game.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], sent);
        assert_eq!(world.counted(&slot), counted, "{sent:?}");
    }
    stranger.send_to(packets[0], (PUBLIC, 27961)).unwrap();
    assert_eq!(game.recv(&mut [0; 100]).unwrap(), packets[0].len());
    assert_eq!(world.counted(&slot), 1);
}
