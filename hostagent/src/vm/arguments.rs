//! QEMU's command line, as a pure function, and the key of what can load a snapshot.
//!
//! The devices are the same whether a guest is booted to be frozen or resumed, on a tap or on the user network, with a
//! raw disk or an overlay: only backends differ, which are no part of a snapshot.

use std::path::Path;
use vmatrix_wire::{Accelerator, Clock, Contract, Digest, LoadKey, Machine};

/// The guest's card; frozen into every snapshot.
const MAC: &str = "52:54:00:12:34:56";
/// The name by which guest agents find their channel.
const AGENT_CHANNEL: &str = "org.qemu.guest_agent.0";

/// How a guest comes to life.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// From its kernel, with memory in `memory`, shared, so that freezing it later writes only device state.
    Boot {
        initrd: Option<&'a Path>,
        memory: &'a Path,
    },
    /// From a snapshot: memory is mapped copy-on-write from its file, device state comes by `migrate-incoming`.
    Snapshot { memory: &'a Path },
    /// From what it had become when it was suspended: memory and device state come by `migrate-incoming`.
    Suspended,
}

/// All that the command line depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch<'a> {
    pub contract: &'a Contract,
    pub accelerator: Accelerator,
    pub start: Start<'a>,
    pub kernel: &'a Path,
    /// The disk and its format, `raw` or `qcow2`.
    pub disk: (&'a Path, &'a str),
    /// Value of `-netdev`, with id `net0`.
    pub netdev: &'a str,
    /// Where sockets and the serial log are: [`MONITOR`], [`AGENT`], [`SERIAL`].
    pub dir: &'a Path,
}

/// QEMU's name for the guest's disk.
pub(crate) const DISK: &str = "disk0";
/// Name of QEMU's monitor socket in a VM's directory.
pub(crate) const MONITOR: &str = "monitor";
/// Name of the guest agent's socket.
pub(crate) const AGENT: &str = "agent";
/// Name of the serial console's log.
pub(crate) const SERIAL: &str = "serial.log";

/// QEMU's program.
pub(crate) const QEMU: &str = "qemu-system-x86_64";

/// The arguments of [`QEMU`].
pub(crate) fn arguments(launch: &Launch<'_>) -> Vec<String> {
    let machine = &launch.contract.machine;
    let in_dir = |name: &str| escaped(&launch.dir.join(name));
    let mut args = vec![
        "-nodefaults".into(),
        "-no-user-config".into(),
        "-no-reboot".into(),
        "-display".into(),
        "none".into(),
        "-machine".into(),
        format!("{},memory-backend=mem", machine.machine_type),
        "-accel".into(),
        launch.accelerator.name().into(),
        "-cpu".into(),
        machine.cpu.clone(),
        "-smp".into(),
        machine.cores.to_string(),
        "-m".into(),
        machine.memory_mb.to_string(),
        "-object".into(),
        memory(machine, launch.start),
        "-kernel".into(),
        launch.kernel.display().to_string(),
        "-append".into(),
        format!("{} console=ttyS0 panic=1", machine.cmdline),
        "-qmp".into(),
        format!("unix:{},server=on,wait=off", in_dir(MONITOR)),
        "-chardev".into(),
        format!("file,id=serial0,path={}", in_dir(SERIAL)),
        "-drive".into(),
        format!(
            "if=none,id={DISK},file={},format={},cache=writeback",
            escaped(launch.disk.0),
            launch.disk.1
        ),
        "-netdev".into(),
        launch.netdev.into(),
    ];
    if launch.contract.clock == Clock::Step {
        args.extend([
            "-chardev".into(),
            format!("socket,id=agent0,path={},server=on,wait=off", in_dir(AGENT)),
        ]);
    }
    args.extend(devices(launch.contract.clock));
    match launch.start {
        Start::Boot {
            initrd: Some(initrd), ..
        } => args.extend(["-initrd".into(), initrd.display().to_string()]),
        Start::Boot { initrd: None, .. } => {}
        Start::Snapshot { .. } | Start::Suspended => {
            args.extend(["-S", "-incoming", "defer"].map(String::from))
        }
    }
    args
}

/// What can load a snapshot that is made with these values.
pub(crate) fn load_key(machine: &Machine, clock: Clock, accelerator: Accelerator) -> LoadKey {
    let shape = format!(
        "{} cores={} memory={}",
        devices(clock).join(" "),
        machine.cores,
        machine.memory_mb
    );
    LoadKey {
        vmm: "qemu".into(),
        accelerator,
        machine_type: machine.machine_type.clone(),
        cpu: machine.cpu.clone(),
        devices: Digest(*blake3::hash(shape.as_bytes()).as_bytes()),
    }
}

/// The emulated devices. Their order and addresses are part of every snapshot: a change here makes all of them unloadable,
/// and [`load_key`] says so.
fn devices(clock: Clock) -> Vec<String> {
    let mut devices = vec![
        "isa-serial,chardev=serial0".to_owned(),
        format!("virtio-blk-pci,drive={DISK},addr=2"),
        format!("virtio-net-pci,netdev=net0,mac={MAC},romfile=,addr=3"),
        // A guest that panics says so by an event, instead of standing still.
        "pvpanic-pci,addr=4".to_owned(),
        // Clones of one snapshot start with one random pool; this stirs fresh entropy into each.
        "virtio-rng-pci,addr=5".to_owned(),
    ];
    if clock == Clock::Step {
        devices.push("virtio-serial-pci,addr=6".to_owned());
        devices.push(format!("virtserialport,chardev=agent0,name={AGENT_CHANNEL}"));
    }
    devices
        .into_iter()
        .flat_map(|device| ["-device".to_owned(), device])
        .collect()
}

fn memory(machine: &Machine, start: Start<'_>) -> String {
    let size = format!("id=mem,size={}M", machine.memory_mb);
    match start {
        Start::Boot { memory, .. } => {
            format!("memory-backend-file,{size},mem-path={},share=on", escaped(memory))
        }
        Start::Snapshot { memory } => format!(
            "memory-backend-file,{size},mem-path={},share=off",
            escaped(memory)
        ),
        Start::Suspended => format!("memory-backend-ram,{size}"),
    }
}

/// A path as a value in QEMU's option lists, where a comma is written twice.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmatrix_wire::{Need, Proof};

    fn contract(clock: Clock) -> Contract {
        Contract {
            name: "wiki".into(),
            title: "A wiki".into(),
            machine: Machine {
                machine_type: "pc-q35-10.0".into(),
                cpu: "qemu64".into(),
                cores: 1,
                memory_mb: 512,
                cmdline: "root=/dev/vda rw".into(),
            },
            needs: Need {
                memory_mb: 640,
                disk_mb: 2048,
            },
            port: 80,
            proof: Proof::Http { path: "/".into() },
            clock,
            game: None,
        }
    }

    fn lines(clock: Clock, start: Start<'_>) -> String {
        let launch = Launch {
            contract: &contract(clock),
            accelerator: Accelerator::Tcg,
            start,
            kernel: Path::new("/snap/kernel"),
            disk: (Path::new("/vms/a,b/disk"), "qcow2"),
            netdev: "tap,id=net0",
            dir: Path::new("/vms/a,b"),
        };
        arguments(&launch)
            .join("\n")
            .replace("\n-", "\n\n-")
            .replace('\n', " ")
            .replace("  -", "\n-")
    }

    #[test]
    fn the_command_line_of_a_resume() {
        insta::assert_snapshot!(lines(
            Clock::Keep,
            Start::Snapshot {
                memory: Path::new("/snap/memory")
            }
        ));
    }

    #[test]
    fn the_command_line_of_a_boot_with_a_guest_agent() {
        let start = Start::Boot {
            initrd: Some(Path::new("/image/initrd")),
            memory: Path::new("/out/memory"),
        };
        insta::assert_snapshot!(lines(Clock::Step, start));
    }

    #[test]
    fn another_device_is_another_key() {
        let machine = contract(Clock::Keep).machine;
        let key = load_key(&machine, Clock::Keep, Accelerator::Tcg);
        assert_eq!(key, load_key(&machine, Clock::Keep, Accelerator::Tcg));
        assert_ne!(
            key.devices,
            load_key(&machine, Clock::Step, Accelerator::Tcg).devices
        );
    }
}
