//! What becomes of forwarding when an agent leaves a machine that others use, too.

use crate::world::{self, World};
use vmatrix_hostagent::net::Forwarding;

#[test]
fn forwarding_that_others_may_use_is_left_on() {
    let router = world!(1);
    world::inside(&router.host, || {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap()
    });
    drop(router.prepare());
    assert_eq!(router.remove().unwrap().forwarding, Forwarding::NotOurs);
    assert!(router.forwards());

    let shared = world!(1);
    drop(shared.prepare());
    world::ip(&shared.host, "link add vxffffffffs0 type veth peer name other0");
    let Forwarding::Left { why, guard } = shared.remove().unwrap().forwarding else {
        panic!("the other agent's players are cut off");
    };
    assert!(why.contains("vxffffffffs0"), "{why}");
    assert!(shared.forwards() && shared.rules().contains(&guard.unwrap()));
    assert!(shared.namespaces().is_empty());

    let flushed = world!(1);
    drop(flushed.prepare());
    flushed.flush_rules();
    let left = flushed.remove().unwrap().forwarding;
    assert!(matches!(left, Forwarding::Left { guard: None, .. }), "{left:?}");
    assert!(flushed.forwards());
}
