use super::*;
use crate::agent::Server;
use crate::net::HostNetConfig;
use std::{collections::HashSet, net::IpAddr, path::Path};
use uuid::Uuid;
use vmatrix_wire::{Digest, Goal, HostId, Network, Secret};

fn order(number: u8) -> VmOrder {
    VmOrder {
        vm: VmId(Uuid::from_u128(number.into())),
        snapshot: Digest([number; 32]),
        goal: Goal::Fetched,
        port: 27_960,
        game: None,
    }
}

/// VMs on a host whose server is not there.
async fn vms(data: &Path) -> (Vms, Fetcher) {
    crate::tls::install();
    let net = HostNetConfig {
        host: HostId(Uuid::from_u128(1)),
        slots: 1,
        public_address: IpAddr::from([127, 0, 0, 1]),
        state: data.join("net"),
        network: Network::User,
    };
    let server = Server::new(
        &"http://127.0.0.1:9".parse().unwrap(),
        false,
        Some(Secret::new("s")),
    )
    .unwrap();
    let fetcher = Fetcher::new(data, server).unwrap();
    let net = HostNet::prepare(net).await.unwrap();
    let vms = Vms::start(data.to_owned(), net, fetcher.clone(), Accelerator::Tcg).await;
    (vms.unwrap(), fetcher)
}

fn of(numbers: &[u8]) -> Option<HashSet<SnapshotId>> {
    Some(numbers.iter().map(|number| Digest([*number; 32])).collect())
}

#[tokio::test]
async fn snapshots_of_orders_and_of_vms_that_are_still_here_are_kept_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    Kept::new(order(7))
        .save(&dir.path().join("vms").join(order(7).vm.to_string()))
        .unwrap();
    let (vms, fetcher) = vms(dir.path()).await;
    assert_eq!(fetcher.retained(), None, "nothing goes before the first orders");
    vms.intend(&[order(1), order(2)]);
    assert_eq!(fetcher.retained(), of(&[1, 2, 7]));

    let mut changed = vms.changed();
    let gone = changed.wait_for(|_| vms.observe().iter().all(|report| report.vm != order(7).vm));
    gone.await.unwrap();
    vms.intend(&[order(2)]);
    let kept = fetcher.retained().unwrap();
    assert!(kept.is_superset(&of(&[2]).unwrap()) && !kept.contains(&Digest([7; 32])));
}
