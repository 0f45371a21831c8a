//! A world to run vMatrix in: each host, player and directory in a network namespace of its own (`vmx-<name>`), joined
//! by an emulated wide area (`wan0`, 10.77.0.0/16) with real round-trip times.
//!
//! Agents reach the server over a management network (`ctl0`, 10.78.0.0/16, the server at [`SERVER`]), as machines in
//! hosting centres do: chunks do not pass the emulated wide area.

mod file;
pub mod wan;

pub use file::{Node, WorldFile};

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, setns};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

/// Where the server is, on the management network.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);

const BRIDGE: &str = "vmx-ctl";

/// Set for all that a world starts, so that `clean.sh` finds what is left of it: guests outlive their agents by design.
const MARK: (&str, &str) = ("VMATRIX_IN_WORLD", "1");

/// There can be one world at a time: its names are fixed. Others wait.
const ALONE: &str = "/tmp/vmatrix-world.lock";

/// Runs `act` on a thread inside a network namespace; sockets that it opens stay there.
///
/// # Errors
/// If the namespace cannot be entered.
pub fn enter<T: Send + 'static>(namespace: &str, act: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let path = format!("/run/netns/{namespace}");
    let file = File::open(&path).with_context(|| format!("namespace {path}"))?;
    let name = namespace.to_owned();
    thread::spawn(move || {
        setns(file, CloneFlags::CLONE_NEWNET).with_context(|| format!("entering namespace {name}"))?;
        Ok(act())
    })
    .join()
    .map_err(|_| anyhow::anyhow!("a thread in namespace {namespace} panicked"))?
}

/// A world that is up. Dropping it ends its processes and removes its namespaces.
pub struct Running {
    /// What it was made of.
    pub file: WorldFile,
    wan: Child,
    children: Vec<(String, Child)>,
    _alone: File,
}

impl Running {
    /// Makes the namespaces and starts the wide area. What an earlier run left is removed first.
    ///
    /// # Errors
    /// The step that failed; needs root.
    pub fn up(path: &Path) -> Result<Self> {
        let file = WorldFile::load(path)?;
        let alone = File::create(ALONE).context(ALONE)?;
        alone.lock().context(ALONE)?;
        remove_leftovers()?;
        ip(&format!("link add {BRIDGE} type bridge\naddress add {SERVER}/16 dev {BRIDGE}\nlink set {BRIDGE} up\n"))?;
        for node in file.nodes() {
            ip(&node_set_up(node))?;
            in_namespace_ip(&node.namespace(), &inside_set_up(node))?;
        }
        let mut wan = Command::new(program("vmatrix-wan")?)
            .arg(path)
            .env(MARK.0, MARK.1)
            .stdout(Stdio::piped())
            .spawn()
            .context("starting vmatrix-wan")?;
        let mut line = String::new();
        let stdout = wan.stdout.take().context("vmatrix-wan has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let running = Self { file, wan, children: Vec::new(), _alone: alone };
        ensure!(line.trim() == "ready", "vmatrix-wan did not start");
        Ok(running)
    }

    /// Starts a program in a node's namespace. It is killed when the world goes down, or by [`Running::kill`].
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&mut self, node: &Node, name: &str, command: &Command) -> Result<()> {
        let child = in_namespace(&node.namespace(), command).env(MARK.0, MARK.1).spawn().with_context(|| format!("starting {name}"))?;
        self.children.push((name.to_owned(), child));
        Ok(())
    }

    /// Keeps a program of the root namespace, so that it is killed with the world.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn_outside(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let child = command.env(MARK.0, MARK.1).spawn().with_context(|| format!("starting {name}"))?;
        self.children.push((name.to_owned(), child));
        Ok(())
    }

    /// Kills a program with SIGKILL and waits until it is gone. False if there is none of that name.
    pub fn kill(&mut self, name: &str) -> bool {
        let Some(at) = self.children.iter().position(|(own, _)| own == name) else { return false };
        let (_, mut child) = self.children.swap_remove(at);
        let _ = child.kill();
        let _ = child.wait();
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = self.wan.kill();
        let _ = self.wan.wait();
        if let Err(error) = remove_leftovers() {
            tracing::warn!("world not wholly removed: {error:#}");
        }
    }
}

/// `command` as it would run inside the namespace: same program, arguments, environment and directory.
#[must_use]
pub fn in_namespace(namespace: &str, command: &Command) -> Command {
    // nsenter and not `ip netns exec`, whose private mount namespace would hide the namespaces that agents make.
    let mut inside = Command::new("nsenter");
    inside.arg(format!("--net=/run/netns/{namespace}")).arg("--").arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(key, value),
            None => inside.env_remove(key),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        inside.current_dir(directory);
    }
    inside
}

/// A program of this workspace: beside the running one, or beside the folder of the running test.
///
/// # Errors
/// If it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not built: cargo build --workspace --bins"))
}

/// Removes namespaces, links, tables and processes of an earlier run.
///
/// # Errors
/// If the script cannot be run.
pub fn remove_leftovers() -> Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clean.sh");
    let status = Command::new("bash").arg(script).stdin(Stdio::null()).status()?;
    ensure!(status.success(), "{script} failed");
    Ok(())
}

fn node_set_up(node: &Node) -> String {
    let (namespace, name) = (node.namespace(), &node.name);
    format!(
        "netns add {namespace}\n\
         link add vmx{name} type veth peer name ctl0 netns {namespace}\n\
         link set vmx{name} master {BRIDGE} up\n"
    )
}

fn inside_set_up(node: &Node) -> String {
    let device = wan::DEVICE;
    format!(
        "link set lo up\n\
         address add {}/16 dev ctl0\n\
         link set ctl0 up\n\
         tuntap add dev {device} mode tun\n\
         address add {}/32 dev {device}\n\
         link set {device} up mtu 1500\n\
         route add 10.77.0.0/16 dev {device} src {}\n",
        node.control, node.address, node.address
    )
}

fn ip(batch: &str) -> Result<()> {
    feed(Command::new("ip").args(["-batch", "-"]), batch)
}

fn in_namespace_ip(namespace: &str, batch: &str) -> Result<()> {
    feed(Command::new("ip").args(["-n", namespace, "-batch", "-"]), batch)
}

fn feed(command: &mut Command, input: &str) -> Result<()> {
    let mut child = command.stdin(Stdio::piped()).spawn().context("ip")?;
    std::io::Write::write_all(&mut child.stdin.take().context("no input")?, input.as_bytes())?;
    ensure!(child.wait()?.success(), "ip failed at one of:\n{input}");
    Ok(())
}
