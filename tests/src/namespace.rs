//! Network namespaces: working in one, and what runs in them.

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Prefix of all namespaces, bridges and devices of a world.
pub(crate) const PREFIX: &str = "vmx-";

/// Where `ip netns` keeps a namespace.
pub(crate) fn path(namespace: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(namespace)
}

/// Does some work on a thread of its own inside a namespace. What it starts stays there.
pub(crate) fn within<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let file = fs::File::open(path(namespace))?;
    let job = move || -> io::Result<T> {
        setns(file, CloneFlags::CLONE_NEWNET)?;
        Ok(work())
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name(namespace.to_owned())
            .spawn_scoped(scope, job)?;
        match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// All namespaces with our prefix.
pub(crate) fn all() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/run/netns") else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.starts_with(PREFIX)).collect()
}

/// The processes whose main thread is in one of these namespaces, without this one.
pub(crate) fn processes(namespaces: &[String]) -> Vec<Pid> {
    let inodes = namespaces
        .iter()
        .filter_map(|name| fs::metadata(path(name)).ok().map(|meta| meta.ino()));
    let inodes: BTreeSet<u64> = inodes.collect();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let inside =
        |pid: &i32| fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|m| inodes.contains(&m.ino()));
    pids.filter(inside)
        .map(Pid::from_raw)
        .filter(|pid| *pid != Pid::this())
        .collect()
}

/// Kills all processes in these namespaces, and waits until they are gone, for five seconds at most.
pub(crate) fn kill_all(namespaces: &[String]) {
    for _ in 0..250 {
        let left = processes(namespaces);
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
