//! A server with fake hosts, two clans, and a clock that is moved by hand.

use super::fake_host::{FakeHost, Outside};
use crate::{
    actions::{
        self, ActionError,
        matches::{Booking, Roster, Start, book_match, view_match},
    },
    app::{App, Clock, Settings},
    domain::{
        Clan, ClanId, Host, MatchId, Player, PlayerId, Role, Seat, SiteId, Time, User, UserId, testing,
        view::MatchView,
    },
    resolve::Resolver,
    store::{Db, clans, hosts, players, reservations, sites, snapshots, testing::Base, users, vms},
};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use uuid::Uuid;
use vmatrix_wire::Digest;

/// Where the world's clock begins.
pub(super) const DAWN: i64 = 1_800_000_000_000;
pub(super) const MINUTE: i64 = 60_000;

pub(super) struct World {
    pub(super) base: Base,
    pub(super) app: App,
    clock: Arc<AtomicI64>,
    pub(super) hosts: Vec<FakeHost>,
    pub(super) reds: Clan,
    pub(super) blues: Clan,
    /// Reds first.
    pub(super) players: Vec<Player>,
    pub(super) staff: User,
    pub(super) red_admin: User,
    pub(super) blue_admin: User,
    /// Whether the server is dropped and opened again between any two parts of the Oracle's work.
    pub(super) restarts: bool,
}

fn app(db: Db, clock: &Arc<AtomicI64>) -> App {
    let settings = Settings {
        masters: vec!["10.77.9.9:27950".parse().unwrap()],
        allow_private_addresses: true,
        trust_captains: true,
        ..Settings::default()
    };
    let clock = Arc::clone(clock);
    let now = Clock::new(move || Time::from_millis(clock.load(Ordering::SeqCst)));
    App::new(db, settings, Resolver::without_names(true)).with_clock(now)
}

pub(super) fn address(player: usize) -> IpAddr {
    [10, 9, 0, u8::try_from(player).unwrap() + 1].into()
}

impl World {
    /// Hosts with these round trips in milliseconds: a row per host, a column per player (two reds, two blues).
    pub(super) async fn new(base: Base, rtts_ms: &[[u32; 4]]) -> Self {
        let clock = Arc::new(AtomicI64::new(DAWN));
        let app = app(base.db.clone(), &clock);
        let now = app.now();
        let clan = |name: &str| Clan {
            id: ClanId(Uuid::now_v7()),
            name: name.parse().unwrap(),
        };
        let (reds, blues) = (clan("Reds"), clan("Blues"));
        let user = |name: &str, role| User {
            id: UserId(Uuid::now_v7()),
            name: name.parse().unwrap(),
            role,
            created_at: now,
        };
        let (staff, red_admin, blue_admin) = (
            user("olga", Role::Organiser),
            user("rita", Role::ClanAdmin(reds.id)),
            user("bert", Role::ClanAdmin(blues.id)),
        );
        let player = |(index, name): (usize, &str)| Player {
            id: PlayerId(Uuid::now_v7()),
            clan: if index < 2 { reds.id } else { blues.id },
            name: name.parse().unwrap(),
            address: address(index).to_string().parse().unwrap(),
            consent: crate::domain::Consent::Typed,
            ipv6: None,
        };
        let all: Vec<Player> = ["Ruby", "Rowan", "Basil", "Bruno"]
            .into_iter()
            .enumerate()
            .map(player)
            .collect();

        let mut tx = app.db.begin().await.unwrap();
        for clan in [&reds, &blues] {
            clans::insert(&mut tx, clan, now).await.unwrap();
        }
        for user in [&staff, &red_admin, &blue_admin] {
            users::insert(&mut tx, user, "hash").await.unwrap();
        }
        for player in &all {
            players::insert(&mut tx, player, now).await.unwrap();
        }
        let manifest = testing::manifest("openarena", 1);
        snapshots::insert(&mut tx, Digest([1; 32]), "text", &manifest, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let mut world = Self {
            base,
            app,
            clock,
            hosts: Vec::new(),
            reds,
            blues,
            players: all,
            staff,
            red_admin,
            blue_admin,
            restarts: false,
        };
        for (number, row) in (1..).zip(rtts_ms) {
            world.join(number, row).await;
        }
        world.ticks(4).await;
        world
    }

    async fn join(&mut self, number: u8, rtts_ms: &[u32; 4]) {
        self.join_with(number, rtts_ms, |_| {}).await;
    }

    /// A host that is not quite as usual.
    pub(super) async fn join_with(&mut self, number: u8, rtts_ms: &[u32; 4], change: impl FnOnce(&mut Host)) {
        let mut fake = FakeHost::new(number);
        change(&mut fake.host);
        fake.rtts = rtts_ms
            .iter()
            .enumerate()
            .map(|(player, ms)| (address(player), ms * 1000))
            .collect();
        let mut tx = self.app.db.begin().await.unwrap();
        fake.host.site = sites::find_or_insert(&mut tx, &format!("site-{number}"), SiteId(Uuid::now_v7()))
            .await
            .unwrap();
        fake.host.joined_at = self.app.now();
        hosts::insert(
            &mut tx,
            &fake.host,
            &format!("secret-{number}"),
            Digest([number; 32]),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        self.hosts.push(fake);
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Lets time pass without anything happening.
    pub(super) fn pass(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    /// The server is killed and started again.
    pub(super) async fn restart(&mut self) {
        self.app.db.close().await;
        self.app = app(Db::open(&self.base.url).await.unwrap(), &self.clock);
    }

    /// One second: the hosts live, then the Oracle.
    pub(super) async fn tick(&mut self) {
        self.pass(1_000);
        self.live().await;
        if self.restarts {
            self.oracle_in_pieces().await;
        } else {
            crate::oracle::step(&self.app).await;
        }
        assert!(
            self.app.oracle.status().errors.is_empty(),
            "{:?}",
            self.app.oracle.status().errors
        );
    }

    /// The hosts do what they were told and report it; the server only takes it.
    pub(super) async fn live(&mut self) {
        let mut outside = Outside::default();
        for host in &self.hosts {
            host.show(&mut outside);
        }
        for host in self.hosts.iter_mut().filter(|host| !host.silent) {
            let mut tx = self.app.db.read().await.unwrap();
            let orders = hosts::get(&mut tx, host.host.id).await.unwrap().unwrap().orders;
            drop(tx);
            let report = host.live(&orders, &outside);
            assert!(
                actions::hosts::take_report(&self.app, host.host.id, &report)
                    .await
                    .unwrap()
            );
        }
    }

    /// The Oracle's work with a restart of the server between any two parts of it.
    async fn oracle_in_pieces(&mut self) {
        use crate::oracle::{matches, measure, observe, orders, services};
        measure::step(&self.app).await.unwrap();
        self.restart().await;
        for _ in 0..4 {
            let mut changed = observe::step(&self.app).await.unwrap();
            self.restart().await;
            changed |= matches::step(&self.app).await.unwrap();
            self.restart().await;
            changed |= services::step(&self.app).await.unwrap();
            changed |= orders::step(&self.app).await.unwrap();
            self.restart().await;
            if !changed {
                break;
            }
        }
    }

    pub(super) async fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            self.tick().await;
        }
    }

    /// Ticks until a match is in a state; a minute at most.
    pub(super) async fn until(&mut self, id: MatchId, state: &str) -> MatchView {
        for _ in 0..60 {
            let view = self.view(id).await;
            if view.booked.state == state {
                return view;
            }
            self.tick().await;
        }
        let view = self.view(id).await;
        panic!(
            "the match is {} and not {state}: {:#?}",
            view.booked.state, view.story
        );
    }

    pub(super) async fn view(&self, id: MatchId) -> MatchView {
        view_match(&self.app, &self.staff, id).await.unwrap()
    }

    pub(super) fn booking(&self, start: Start) -> Booking {
        let ids = |clan: &Clan| {
            self.players
                .iter()
                .filter(|p| p.clan == clan.id)
                .map(|p| (p.id, Seat::default()))
                .collect()
        };
        Booking {
            policy: vmatrix_placement::Policy::default(),
            image: "openarena".into(),
            map: None,
            start,
            zone: None,
            length_minutes: 30,
            freeze: false,
            rosters: [&self.reds, &self.blues]
                .map(|clan| Roster {
                    clan: clan.id,
                    players: ids(clan),
                })
                .to_vec(),
        }
    }

    pub(super) async fn book(&self, start: Start) -> Result<MatchId, ActionError> {
        book_match(&self.app, &self.staff, self.booking(start)).await
    }

    pub(super) async fn book_now(&self) -> MatchId {
        self.book(Start::Now).await.unwrap()
    }

    pub(super) fn host(&mut self, name: &str) -> &mut FakeHost {
        self.hosts.iter_mut().find(|host| host.host.name == name).unwrap()
    }

    /// How many slots are held and how many VMs are not known to be gone.
    pub(super) async fn held(&self) -> (usize, usize) {
        let mut tx = self.app.db.read().await.unwrap();
        (
            reservations::held(&mut tx).await.unwrap().len(),
            vms::present(&mut tx).await.unwrap().len(),
        )
    }

    /// Nothing is held, ordered or running anywhere.
    pub(super) async fn assert_clean(&mut self) {
        self.ticks(3).await;
        assert_eq!(self.held().await, (0, 0));
        for host in &self.hosts {
            assert!(host.vms.is_empty(), "{} still has {:?}", host.host.name, host.vms);
        }
    }
}
