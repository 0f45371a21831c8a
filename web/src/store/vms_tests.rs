//! The life of VMs, services and the slots that they hold, on both databases.

use super::life_tests::{at, rows};
use super::{StoreError, Tx, reservations, services, testing::databases, vms};
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
                from_at: at(10),
                until_at: Time::NEVER,
            };
            reservations::insert(&mut tx, &held).await.unwrap();
            assert_eq!(
                reservations::held(&mut tx).await.unwrap(),
                std::slice::from_ref(&held)
            );
            vm_of(&mut tx, &held).await.unwrap();
            assert!(reservations::set_port(&mut tx, held.id, 27961).await.unwrap());
            assert!(reservations::release(&mut tx, held.id, at(40)).await.unwrap());
            assert!(!reservations::release(&mut tx, held.id, at(41)).await.unwrap());
            assert!(!reservations::set_port(&mut tx, held.id, 27962).await.unwrap());
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

async fn vm_of(tx: &mut Tx, held: &Reservation) -> Result<(), StoreError> {
    let mut vm = Vm {
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
    assert_eq!(vms::present(tx).await?, std::slice::from_ref(&vm));
    assert!(vms::set_goal(tx, vm.id, VmGoal::Ordered(Goal::Open), 27961).await?);
    vm.goal = VmGoal::Ordered(Goal::Open);
    vm.port = 27961;
    vm.seen = VmSeen {
        report: Some(VmReport {
            vm: vm.id,
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
    };
    vms::set_seen(tx, vm.id, &vm.seen).await?;
    assert_eq!(vms::get(tx, vm.id).await?, Some(vm.clone()));
    assert!(vms::set_goal(tx, vm.id, VmGoal::Gone, vm.port).await?);
    // What should be gone does not come back.
    assert!(!vms::set_goal(tx, vm.id, VmGoal::Ordered(Goal::Open), vm.port).await?);
    vm.seen.gone_at = Some(at(30));
    vms::set_seen(tx, vm.id, &vm.seen).await?;
    assert!(vms::present(tx).await?.is_empty());
    Ok(())
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
            from_at: at(10),
            until_at: at(20),
        };
        reservations::insert(&mut tx, &held).await.unwrap();
        vm_of(&mut tx, &held).await.unwrap();
        assert!(vm_of(&mut tx, &held).await.unwrap_err().is_taken());
    }
}
