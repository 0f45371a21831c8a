//! What goes amiss on a host where a match is being played, and must not end it.

use super::house::{House, Made, PUBLIC, a_match, inside, wait};
use super::{PORT, assert_plays};
use std::path::PathBuf;
use vmatrix_hostagent::command::run;
use vmatrix_wire::{Network, Phase, Problem, VmReport};

/// A file system of a few megabytes; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(dir: PathBuf) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        let args = [
            "-t",
            "tmpfs",
            "-o",
            "size=64m",
            "vmatrix-test",
            dir.to_str().unwrap(),
        ];
        wait(run("mount", &args, None)).unwrap();
        Self(dir)
    }

    /// Fills it by a file in one of its directories.
    fn fill(&self, dir: &str) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.0.join(dir).join("filler")).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
    }

    fn make_room(&self, dir: &str) {
        std::fs::remove_file(self.0.join(dir).join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Guests that still use it keep it until they are gone.
        let _ = wait(run("umount", &["-l", self.0.to_str().unwrap()], None));
    }
}

#[test]
fn a_match_goes_on_while_its_network_cannot_be_applied_again() {
    let (house, made) = house!(1);
    let order = a_match(&made, 1, PORT);
    let agent = house.agent();
    agent.intend(std::slice::from_ref(&order));
    agent.until_is(order.vm, Phase::Open);
    house.rcon(PORT, "console1", "set vmx_memory kept").unwrap();
    agent.kill();
    // Nobody holds the port now. The kernel's rules go before the program that takes it.
    let other = inside(&house.host, || std::net::UdpSocket::bind((PUBLIC, PORT)).unwrap());
    let guests = house.guests();

    let agent = house.agent();
    agent.intend(std::slice::from_ref(&order));
    let report = agent.until(order.vm, "it has a problem", |report| report.problem.is_some());
    assert_eq!(
        (report.problem, report.phase),
        (Some(Problem::PortTaken { port: PORT }), Phase::Open)
    );
    assert_plays(&house, &order);
    drop(other);
    let report = agent.until(order.vm, "it has no problem", |report| report.problem.is_none());
    assert_eq!((report.phase, report.revived), (Phase::Open, 0));
    assert_eq!(house.guests(), guests);
    let printed = house.rcon(PORT, "console1", "vmx_memory").unwrap();
    assert!(printed.contains("kept"), "{printed}");
}

#[test]
fn a_guest_whose_disk_is_full_stands_still_and_goes_on_when_there_is_room() {
    let (house, made) = house!(1);
    let vms = SmallDisk::at(house.data().join("vms"));
    let agent = house.agent();
    let order = a_match(&made, 1, PORT);
    agent.intend(std::slice::from_ref(&order));
    agent.until_is(order.vm, Phase::Open);
    house.rcon(PORT, "console1", "set vmx_memory kept").unwrap();
    let guests = house.guests();

    vms.fill(&order.vm.to_string());
    // The guest writes this to its disk some seconds later, when nothing can be written.
    for number in 0..20 {
        house.rcon(PORT, "console1", &format!("writeconfig full{number}.cfg"));
    }
    let is_full = |report: &VmReport| matches!(report.problem, Some(Problem::DiskFull { .. }));
    let report = agent.until(order.vm, "its disk is full", is_full);
    let needed_mb = made.manifest.contract.needs.disk_mb;
    assert_eq!(
        report.problem,
        Some(Problem::DiskFull {
            needed_mb,
            free_mb: 0
        })
    );

    // Another agent does not take it for a dead one.
    agent.kill();
    let agent = house.agent();
    agent.intend(std::slice::from_ref(&order));
    agent.until(order.vm, "its disk is still full", is_full);
    vms.make_room(&order.vm.to_string());
    let report = agent.until(order.vm, "it has no problem", |report| report.problem.is_none());
    assert_eq!((report.phase, report.revived), (Phase::Open, 0));
    assert_eq!(house.guests(), guests);
    let printed = house.rcon(PORT, "console1", "vmx_memory").unwrap();
    assert!(printed.contains("kept"), "{printed}");
}
