//! Round trips from several sources in one match.

use super::world::{MINUTE, World, address};
use crate::{
    actions::{
        ActionError,
        accounting::who_is_probed,
        latency,
        matches::{Start, view_match},
    },
    domain::{NameServer, Prefix, Reading, Role, Time, User, limits::PACKETS_TO_AN_ADDRESS, view::MatchView},
    store::{
        name_servers,
        probes_sent::{self, ProbesSent},
        readings,
        testing::sqlite,
    },
};
use std::net::IpAddr;
use vmatrix_placement::Source;
use vmatrix_wire::{RttSample, TargetId, Way};

const TWO: [[u32; 4]; 2] = [[50, 52, 54, 56], [80, 90, 100, 110]];

/// What a player's browser says of each host.
async fn browser(world: &World, player: usize, ms: [u32; 2]) {
    let mut tx = world.app.db.begin().await.unwrap();
    let id = world.players[player].id;
    for (host, ms) in world.hosts.iter().zip(ms) {
        let us = [ms * 1000; 15];
        let reading = Reading {
            player: id,
            host: host.host.id,
            source: Source::Browser,
            taken_at: world.app.now(),
            sample: RttSample::of(TargetId(id.0), 15, &us),
        };
        readings::put(&mut tx, &reading).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// This player's router drops what hosts send.
fn firewall(world: &mut World, player: usize) {
    for host in &mut world.hosts {
        host.rtts.remove(&address(player));
    }
}

fn sources(view: &MatchView) -> Vec<Vec<&'static str>> {
    view.sources.iter().map(|of| of.sources.clone()).collect()
}

#[tokio::test]
async fn one_by_browser_one_by_king_and_two_by_icmp() {
    let mut world = World::new(sqlite().await, &TWO).await;
    firewall(&mut world, 2);
    firewall(&mut world, 3);
    browser(&world, 2, [54, 100]).await;
    // The name server near Bruno answers; all four are in one prefix, and each has an estimate.
    let server = NameServer {
        address: [10, 9, 0, 53].into(),
        zone: "0.9.10.in-addr.arpa.".into(),
    };
    let (now, mut tx) = (world.app.now(), world.app.db.begin().await.unwrap());
    name_servers::put(
        &mut tx,
        &crate::domain::Prefix::of(address(3)).to_string(),
        Some(&server),
        now,
        now,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    for (host, us) in world.hosts.iter_mut().zip([56_000, 110_000]) {
        host.rtts.insert(server.address, us);
    }
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.chosen.as_ref().unwrap().host, "host-1");
    assert_eq!(
        sources(&view),
        [vec!["icmp"], vec!["icmp"], vec!["browser"], vec!["king"]]
    );
    let here = view.sources[3].here.as_ref().unwrap();
    assert!(here.error_ms > 20.0, "a fifth, and a last mile: {here:?}");
    let ms: Vec<_> = view.matrix_ms["host-1"].values().copied().collect();
    assert_eq!(ms, [Some(54.0), Some(56.0), Some(52.0), Some(50.0)]);
    assert_eq!(view.flags, [], "who is not pinged agrees with the estimate");
    let json = serde_json::to_string(&view).unwrap();
    assert!(!json.contains("10.9.0."), "{json}");
}

#[tokio::test]
async fn a_forged_result_is_not_used_and_the_league_is_told() {
    let mut world = World::new(sqlite().await, &TWO).await;
    browser(&world, 3, [11, 12]).await;
    let id = world.book_now().await;
    let view = world.until(id, "ready").await;
    assert_eq!(view.matrix_ms["host-1"]["Bruno"], Some(56.0));
    assert_eq!(view.flags[0].player, "Bruno");
    assert!(
        view.flags[0].sentences[0].contains("less than 2 hosts"),
        "{:?}",
        view.flags
    );
    let own = view_match(&world.app, &world.blue_admin, id).await.unwrap();
    assert_eq!((own.flags.len(), own.flags[0].sentences.len()), (1, 0));
    let other = view_match(&world.app, &world.red_admin, id).await.unwrap();
    assert_eq!(other.flags, []);
}

#[tokio::test]
async fn where_nobody_can_be_asked_nobody_is_waited_for() {
    let mut world = World::new(sqlite().await, &TWO).await;
    let start = Start::At(Time::from_millis(world.now() + 60 * MINUTE));
    let id = world.book(start).await.unwrap();
    world.until(id, "reserved").await;
    let probed = world.hosts[0].probed();
    // From now on none of them has an address that may be measured: on the internet theirs are nobody's.
    world.app.resolver = crate::resolve::Resolver::without_names(false);
    world.pass(45 * MINUTE);
    for player in 0..4 {
        browser(&world, player, [57, 90]).await;
    }
    world.ticks(2).await;
    let again = world.view(id).await.recheck.unwrap();
    assert_eq!(again.matrix_ms["host-1"]["Bruno"], Some(57.0));
    assert_eq!(world.hosts[0].probed(), probed, "no host was asked");
}

#[tokio::test]
async fn the_way_between_two_addresses_is_told_to_the_league_by_whatever_is_known() {
    let mut world = World::new(sqlite().await, &TWO).await;
    browser(&world, 2, [54, 100]).await;
    let id = world.book_now().await;
    world.until(id, "ready").await;
    let host = world.hosts[1].host.public_address;
    let (app, staff) = (&world.app, &world.staff);
    for (one, other) in [(host, address(1)), (address(1), host)] {
        let (rtt, note) = latency::between(app, staff, one, other).await.unwrap();
        assert_eq!((rtt.us(), note.source), (90_000, Source::Icmp));
    }
    let denied = latency::between(app, &world.red_admin, host, address(1)).await;
    assert!(matches!(denied, Err(ActionError::Forbidden(_))), "{denied:?}");
    for (from, to, field) in [
        ([127, 0, 0, 1].into(), host, "from"),
        (host, [224, 0, 0, 1].into(), "to"),
        (host, host, "to"),
    ] {
        let refused = latency::between(app, staff, from, to).await.unwrap_err();
        assert_eq!(refused.refusals()[0].field, field);
    }
    // Nothing was measured between players, and nobody knows name servers here.
    let unknown = latency::between(app, staff, address(0), [10, 8, 0, 1].into()).await;
    let said = unknown.unwrap_err().to_string();
    assert!(said.contains("no name server near `from`"), "{said}");
}

/// Two name servers on this machine at which nobody listens: what is asked of them counts, whatever they answer.
#[tokio::test]
async fn what_the_league_has_name_servers_asked_stands_in_the_ledger_and_has_its_limit() {
    let world = World::new(sqlite().await, &TWO).await;
    let (app, staff) = (&world.app, &world.staff);
    let ends = [[10, 7, 0, 1], [10, 8, 0, 1]].map(IpAddr::from);
    let servers = [[127, 77, 0, 1], [127, 78, 0, 1]].map(IpAddr::from);
    let mut tx = app.db.begin().await.unwrap();
    for (end, address) in ends.into_iter().zip(servers) {
        let zone = "example.".into();
        let server = NameServer { address, zone };
        let (prefix, now) = (Prefix::of(end).to_string(), app.now());
        name_servers::put(&mut tx, &prefix, Some(&server), now, now.plus(-1))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();

    let said = latency::between(app, staff, ends[0], ends[1])
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("does not answer"), "{said}");
    let sent = async |address| {
        let mut tx = app.db.read().await.unwrap();
        probes_sent::to_address(&mut tx, address, app.now())
            .await
            .unwrap()
            .day
    };
    assert_eq!([sent(servers[0]).await, sent(servers[1]).await], [11, 11]);
    let operator = User {
        role: Role::Operator,
        ..staff.clone()
    };
    let top = who_is_probed(app, &operator).await.unwrap();
    assert_eq!(
        (top[0].prefix.as_str(), top[0].hour, top[0].match_id),
        ("127.77.0.0/24", 11, None)
    );

    let mut tx = app.db.begin().await.unwrap();
    let much = ProbesSent {
        of: None,
        caused_by: staff.id,
        address: servers[1],
        by: Way::Dns {
            zone: "example.".into(),
        },
        packets: PACKETS_TO_AN_ADDRESS.ten_minutes - 11 - 10,
        at: app.now(),
    };
    probes_sent::insert(&mut tx, &much).await.unwrap();
    tx.commit().await.unwrap();
    let said = latency::between(app, staff, ends[0], ends[1])
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("not asked for an estimate now"), "{said}");
    assert_eq!(sent(servers[0]).await, 11, "neither was asked");
}
