//! QEMU's user network with a real QEMU, which need not run a guest for that. Needs no root.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use vmatrix_hostagent::command::{Detached, run, spawn_detached};
use vmatrix_hostagent::facts::QEMU;
use vmatrix_hostagent::net::{Hmp, HmpError, HostNet, HostNetConfig, NetError, SlotNet, Transport};
use vmatrix_wire::{HostId, Network};

/// A QEMU that does not outlive a test that fails.
struct Vm(Option<Detached>);

impl Vm {
    async fn ended(mut self) {
        self.0.take().unwrap().wait().await.unwrap();
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        if let Some(detached) = &self.0 {
            let pid = nix::unistd::Pid::from_raw(detached.pid.try_into().unwrap());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

struct Monitor(Mutex<BufReader<UnixStream>>);

impl Monitor {
    async fn connect(path: &Path) -> Self {
        // QEMU makes the socket when it is up.
        let stream = loop {
            match UnixStream::connect(path).await {
                Ok(stream) => break stream,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        };
        let monitor = Self(Mutex::new(BufReader::new(stream)));
        monitor.say(r#"{"execute":"qmp_capabilities"}"#).await;
        monitor
    }

    async fn say(&self, command: &str) -> serde_json::Value {
        let mut stream = self.0.lock().await;
        stream.write_all(format!("{command}\n").as_bytes()).await.unwrap();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let Some(answer) = value.get("return") {
                return answer.clone();
            }
        }
    }
}

impl Hmp for Monitor {
    async fn hmp(&self, command: &str) -> Result<String, HmpError> {
        let line = serde_json::json!({
            "execute": "human-monitor-command",
            "arguments": { "command-line": command },
        });
        Ok(self.say(&line.to_string()).await.as_str().unwrap().to_owned())
    }
}

async fn slot(dir: &Path) -> SlotNet {
    let config = HostNetConfig {
        host: HostId(uuid::Uuid::nil()),
        slots: 1,
        public_address: IpAddr::from([127, 0, 0, 1]),
        state: dir.join("net"),
        network: Network::User,
    };
    HostNet::prepare(config).await.unwrap().slot(0).unwrap()
}

async fn qemu(dir: &Path, slot: &SlotNet) -> (Vm, PathBuf) {
    let socket = dir.join("qmp");
    let _ = std::fs::remove_file(&socket);
    let qmp = format!("unix:{},server=on,wait=off", socket.display());
    let netdev = slot.netdev();
    let args = [
        "-M",
        "pc-q35-10.0",
        "-accel",
        "tcg",
        "-m",
        "16",
        "-nodefaults",
        "-display",
        "none",
        "-S",
        "-qmp",
        &qmp,
        "-netdev",
        &netdev,
        "-device",
        "virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56",
    ];
    (
        Vm(Some(spawn_detached(QEMU, &args, &dir.join("log")).unwrap())),
        socket,
    )
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind(("0.0.0.0", port)).is_ok()
}

#[tokio::test]
async fn a_port_is_opened_and_closed_by_the_monitor_and_found_again_after_a_restart() {
    if run(QEMU, &["--version"], None).await.is_err() {
        return println!("skipped: {QEMU} is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    let port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let net = slot(dir.path()).await;
    assert!(net.launcher().is_empty());
    net.wire(27960, Transport::Udp, &[]).await.unwrap();
    let (vm, socket) = qemu(dir.path(), &net).await;
    let monitor = Monitor::connect(&socket).await;
    assert!(
        !is_free(net.inside().port()),
        "the inside is reached by the loopback"
    );
    assert!(is_free(port));

    let other = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    assert!(matches!(net.open(port, &monitor).await, Err(NetError::PortTaken(taken)) if taken == port));
    drop(other);
    net.open(port, &monitor).await.unwrap();
    net.open(port, &monitor).await.unwrap();
    assert!(!is_free(port));

    // The agent is killed and started again; QEMU goes on.
    let inside = net.inside();
    drop(net);
    let net = slot(dir.path()).await;
    net.wire(27960, Transport::Udp, &[]).await.unwrap();
    assert_eq!(net.inside(), inside);
    net.open(port, &monitor).await.unwrap();
    net.close(Some(&monitor)).await.unwrap();
    net.close(Some(&monitor)).await.unwrap();
    assert!(is_free(port) && !is_free(net.inside().port()));

    // QEMU dies and is resumed: nothing is opened there, whatever the agent remembers.
    net.open(port, &monitor).await.unwrap();
    monitor
        .0
        .lock()
        .await
        .write_all(b"{\"execute\":\"quit\"}\n")
        .await
        .unwrap();
    vm.ended().await;
    assert!(is_free(port));
    let (vm, socket) = qemu(dir.path(), &net).await;
    let monitor = Monitor::connect(&socket).await;
    net.open(port, &monitor).await.unwrap();
    assert!(!is_free(port));
    monitor
        .0
        .lock()
        .await
        .write_all(b"{\"execute\":\"quit\"}\n")
        .await
        .unwrap();
    vm.ended().await;
    net.close(None::<&Monitor>).await.unwrap();
    net.unwire().await.unwrap();
    assert!(matches!(
        net.open(port, &monitor).await,
        Err(NetError::NotWired(0))
    ));
    assert!(matches!(net.players_packets().await, Err(NetError::Uncounted)));
}
