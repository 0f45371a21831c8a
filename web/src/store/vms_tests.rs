//! The life of VMs, services and the slots that they hold, on both databases.

use super::life_tests::{Rows, at, rows};
use super::{Db, StoreError, Tx, reservations, services, testing::databases, vms};
use crate::domain::{
    Purpose, Reservation, ReservationId, Service, ServiceGoal, ServiceId, Time, Vm, VmGoal, VmId, VmSeen,
    VmmSeen,
};
use uuid::Uuid;
use vmatrix_wire::{Accelerator, Digest, Goal, Phase, VmReport, VmTimes};

#[tokio::test]
async fn the_life_of_a_vm_and_its_slot() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = rows(&mut tx).await;
        let service = Service {
            id: ServiceId(Uuid::now_v7()),
            name: "wiki".into(),
            image: "wiki".into(),
            host: rows.host,
            goal: ServiceGoal::Open,
            created_at: at(3),
            removed_at: None,
        };
        services::insert(&mut tx, &service).await.unwrap();
        assert_eq!(
            services::list(&mut tx).await.unwrap(),
            std::slice::from_ref(&service)
        );
        assert!(
            services::set_goal(&mut tx, service.id, ServiceGoal::Suspended)
                .await
                .unwrap()
        );

        for purpose in [Purpose::Match(rows.of.id), Purpose::Service(service.id)] {
            let held = Reservation {
                id: ReservationId(Uuid::now_v7()),
                host: rows.host,
                purpose,
                port: 27960,
                ports_tried: Vec::new(),
                memory_mb: 700,
                from_at: at(10),
                until_at: Time::NEVER,
            };
            reservations::insert(&mut tx, &held).await.unwrap();
            assert_eq!(
                reservations::held(&mut tx).await.unwrap(),
                std::slice::from_ref(&held)
            );
            vm_of(&mut tx, &held).await.unwrap();
            assert!(
                reservations::set_port(&mut tx, held.id, 27961, &[27960])
                    .await
                    .unwrap()
            );
            let moved = Reservation {
                port: 27961,
                ports_tried: vec![27960],
                ..held.clone()
            };
            assert_eq!(reservations::held(&mut tx).await.unwrap(), [moved]);
            assert!(reservations::release(&mut tx, held.id, at(40)).await.unwrap());
            assert!(!reservations::release(&mut tx, held.id, at(41)).await.unwrap());
            assert!(
                !reservations::set_port(&mut tx, held.id, 27962, &[])
                    .await
                    .unwrap()
            );
        }
        assert_eq!(vms::of_match(&mut tx, rows.of.id).await.unwrap().len(), 1);
        assert!(vms::of_service(&mut tx, service.id).await.unwrap().is_some());

        assert!(services::remove(&mut tx, service.id, at(50)).await.unwrap());
        assert!(!services::remove(&mut tx, service.id, at(51)).await.unwrap());
        assert!(
            !services::set_goal(&mut tx, service.id, ServiceGoal::Open)
                .await
                .unwrap()
        );
        assert_eq!(
            services::get(&mut tx, service.id)
                .await
                .unwrap()
                .unwrap()
                .removed_at,
            Some(at(50))
        );
        assert!(services::list(&mut tx).await.unwrap().is_empty());
        // Its name is free again.
        services::insert(
            &mut tx,
            &Service {
                id: ServiceId(Uuid::now_v7()),
                ..service
            },
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
}

async fn vm_row(tx: &mut Tx, held: &Reservation) -> Result<Vm, StoreError> {
    let vm = Vm {
        id: VmId(Uuid::now_v7()),
        reservation: held.id,
        host: held.host,
        purpose: held.purpose,
        snapshot: Digest([1; 32]),
        goal: VmGoal::Ordered(Goal::Fetched),
        port: held.port,
        created_at: at(11),
        seen: VmSeen::default(),
    };
    vms::insert(tx, &vm).await?;
    Ok(vm)
}

/// A VM of a match, with all that it needs.
pub(super) async fn vm(tx: &mut Tx) -> (Rows, VmId) {
    let rows = rows(tx).await;
    let held = Reservation {
        id: ReservationId(Uuid::now_v7()),
        host: rows.host,
        purpose: Purpose::Match(rows.of.id),
        port: 27960,
        ports_tried: Vec::new(),
        memory_mb: 700,
        from_at: at(10),
        until_at: Time::NEVER,
    };
    reservations::insert(tx, &held).await.unwrap();
    let vm = vm_row(tx, &held).await.unwrap();
    (rows, vm.id)
}

async fn vm_of(tx: &mut Tx, held: &Reservation) -> Result<(), StoreError> {
    let mut vm = vm_row(tx, held).await?;
    assert_eq!(vms::present(tx).await?, std::slice::from_ref(&vm));
    assert!(vms::set_goal(tx, vm.id, VmGoal::Ordered(Goal::Open), 27961).await?);
    vm.goal = VmGoal::Ordered(Goal::Open);
    vm.port = 27961;
    vm.seen = everything(vm.id);
    vms::set_ordered(tx, vm.id, at(12)).await?;
    assert!(vms::set_report(tx, vm.id, &vm.seen).await?);
    assert!(vms::add_facts(tx, &vm, &vm.seen).await?);
    assert_eq!(vms::get(tx, vm.id).await?, Some(vm.clone()));
    assert!(vms::set_goal(tx, vm.id, VmGoal::Gone, vm.port).await?);
    // What should be gone does not come back.
    assert!(!vms::set_goal(tx, vm.id, VmGoal::Ordered(Goal::Open), vm.port).await?);
    vm.seen.gone_at = Some(at(30));
    assert!(vms::set_report(tx, vm.id, &vm.seen).await?);
    assert!(vms::present(tx).await?.is_empty());
    assert!(!vms::set_report(tx, vm.id, &VmSeen::default()).await?);
    assert_eq!(vms::get(tx, vm.id).await?.map(|vm| vm.seen), Some(vm.seen));
    Ok(())
}

/// All that can be seen of a VM that was ordered at 12.
fn everything(vm: VmId) -> VmSeen {
    VmSeen {
        report: Some(VmReport {
            vm,
            phase: Phase::Open,
            problem: None,
            revived: 1,
            times: VmTimes {
                configure: Some(1.5),
                ..VmTimes::default()
            },
            game: None,
            silent: true,
            fetched_bytes: 1,
            fetch_bytes: 1,
            pings: None,
        }),
        vmm: Some(VmmSeen {
            name: "qemu 10.0.2".into(),
            accelerator: Accelerator::Tcg,
        }),
        ordered_at: Some(at(12)),
        answered_at: Some(at(13)),
        verified_at: Some(at(14)),
        listed_at: Some(at(15)),
        gone_at: None,
    }
}

/// A VM that was ordered to be open at 12, committed.
async fn ordered_vm(db: &Db) -> Vm {
    let mut tx = db.begin().await.unwrap();
    let rows = rows(&mut tx).await;
    let held = Reservation {
        id: ReservationId(Uuid::now_v7()),
        host: rows.host,
        purpose: Purpose::Match(rows.of.id),
        port: 27960,
        ports_tried: Vec::new(),
        memory_mb: 700,
        from_at: at(10),
        until_at: at(20),
    };
    reservations::insert(&mut tx, &held).await.unwrap();
    let vm = vm_row(&mut tx, &held).await.unwrap();
    vms::set_ordered(&mut tx, vm.id, at(12)).await.unwrap();
    let vm = vms::get(&mut tx, vm.id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    vm
}

#[derive(Clone, Copy)]
enum Writer {
    Report,
    Oracle,
    Witness,
}

/// Each writes what it has seen, in a transaction of its own, from what it read long before.
async fn write(db: &Db, vm: &Vm, who: Writer) {
    let all = everything(vm.id);
    let seen = vm.seen.clone();
    let mut tx = db.begin().await.unwrap();
    let done = match who {
        Writer::Report => {
            let (report, vmm) = (all.report, all.vmm);
            vms::set_report(&mut tx, vm.id, &VmSeen { report, vmm, ..seen }).await
        }
        Writer::Oracle => {
            let answered_at = all.answered_at;
            vms::add_facts(&mut tx, vm, &VmSeen { answered_at, ..seen }).await
        }
        Writer::Witness => {
            let (verified_at, listed_at) = (all.verified_at, all.listed_at);
            let seen = VmSeen {
                verified_at,
                listed_at,
                ..seen
            };
            vms::add_facts(&mut tx, vm, &seen).await
        }
    };
    assert!(done.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn who_writes_from_an_old_read_undoes_nobody_else_s_facts() {
    use Writer::{Oracle, Report, Witness};
    let orders = [
        [Report, Oracle, Witness],
        [Report, Witness, Oracle],
        [Oracle, Report, Witness],
        [Oracle, Witness, Report],
        [Witness, Report, Oracle],
        [Witness, Oracle, Report],
    ];
    for order in orders {
        for base in databases().await {
            let vm = ordered_vm(&base.db).await;
            for who in order {
                write(&base.db, &vm, who).await;
            }
            let mut tx = base.db.read().await.unwrap();
            let seen = vms::get(&mut tx, vm.id).await.unwrap().unwrap().seen;
            assert_eq!(seen, everything(vm.id));
        }
    }
}

#[tokio::test]
async fn who_writes_at_one_moment_with_others_undoes_nothing_either() {
    for base in databases().await {
        let vm = ordered_vm(&base.db).await;
        tokio::join!(
            write(&base.db, &vm, Writer::Report),
            write(&base.db, &vm, Writer::Oracle),
            write(&base.db, &vm, Writer::Witness)
        );
        let mut tx = base.db.read().await.unwrap();
        let seen = vms::get(&mut tx, vm.id).await.unwrap().unwrap().seen;
        assert_eq!(seen, everything(vm.id));
    }
}

#[tokio::test]
async fn a_fact_once_seen_stays_and_one_of_an_earlier_order_or_another_port_is_not_taken() {
    for base in databases().await {
        let vm = ordered_vm(&base.db).await;
        write(&base.db, &vm, Writer::Witness).await;
        let mut tx = base.db.begin().await.unwrap();
        let later = VmSeen {
            verified_at: Some(at(99)),
            ..vm.seen.clone()
        };
        assert!(vms::add_facts(&mut tx, &vm, &later).await.unwrap());
        let seen = vms::get(&mut tx, vm.id).await.unwrap().unwrap().seen;
        assert_eq!((seen.verified_at, seen.listed_at), (Some(at(14)), Some(at(15))));

        vms::set_ordered(&mut tx, vm.id, at(50)).await.unwrap();
        assert!(!vms::add_facts(&mut tx, &vm, &later).await.unwrap());
        let seen = vms::get(&mut tx, vm.id).await.unwrap().unwrap().seen;
        let anew = VmSeen {
            ordered_at: Some(at(50)),
            ..VmSeen::default()
        };
        assert_eq!(seen, anew);

        // What was seen on another port is no more either, and what comes of it too late.
        let vm = vms::get(&mut tx, vm.id).await.unwrap().unwrap();
        let all = VmSeen {
            ordered_at: Some(at(50)),
            ..everything(vm.id)
        };
        assert!(vms::add_facts(&mut tx, &vm, &all).await.unwrap());
        let goal = VmGoal::Ordered(Goal::Open);
        assert!(vms::set_goal(&mut tx, vm.id, goal, vm.port).await.unwrap());
        let seen = vms::get(&mut tx, vm.id).await.unwrap().unwrap().seen;
        assert_eq!((seen.verified_at, seen.listed_at), (Some(at(14)), Some(at(15))));
        assert!(vms::set_goal(&mut tx, vm.id, goal, vm.port + 1).await.unwrap());
        assert!(!vms::add_facts(&mut tx, &vm, &all).await.unwrap());
        let seen = vms::get(&mut tx, vm.id).await.unwrap().unwrap().seen;
        assert_eq!(
            (seen.answered_at, seen.verified_at, seen.listed_at),
            (Some(at(13)), None, None)
        );
    }
}

#[tokio::test]
async fn a_report_that_another_version_wrote_is_as_good_as_none() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = rows(&mut tx).await;
        let held = Reservation {
            id: ReservationId(Uuid::now_v7()),
            host: rows.host,
            purpose: Purpose::Match(rows.of.id),
            port: 27960,
            ports_tried: Vec::new(),
            memory_mb: 700,
            from_at: at(10),
            until_at: at(20),
        };
        reservations::insert(&mut tx, &held).await.unwrap();
        let vm = Vm {
            id: VmId(Uuid::now_v7()),
            reservation: held.id,
            host: held.host,
            purpose: held.purpose,
            snapshot: Digest([1; 32]),
            goal: VmGoal::Ordered(Goal::Open),
            port: held.port,
            created_at: at(11),
            seen: VmSeen::default(),
        };
        vms::insert(&mut tx, &vm).await.unwrap();
        let text = "update vms set report = $1, vmm = $1";
        sql!(&mut tx, execute text, r#"{"of":"tomorrow"}"#).unwrap();
        assert_eq!(vms::present(&mut tx).await.unwrap(), [vm]);
    }
}

#[tokio::test]
async fn one_slot_is_for_one_vm() {
    for base in databases().await {
        let mut tx = base.db.begin().await.unwrap();
        let rows = rows(&mut tx).await;
        let held = Reservation {
            id: ReservationId(Uuid::now_v7()),
            host: rows.host,
            purpose: Purpose::Match(rows.of.id),
            port: 27960,
            ports_tried: Vec::new(),
            memory_mb: 700,
            from_at: at(10),
            until_at: at(20),
        };
        reservations::insert(&mut tx, &held).await.unwrap();
        vm_of(&mut tx, &held).await.unwrap();
        assert!(vm_of(&mut tx, &held).await.unwrap_err().is_taken());
    }
}
