//! The server as agents see it, with one order for all: holds orders until there are newer ones, and keeps who has
//! measured all of it and when.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use vmatrix_wire::{HOLD_SECONDS, HostId, Orders, ProbeId, ProbeOrder, ProbeReport, Report};

#[derive(Default)]
struct Said {
    generation: u64,
    probes: Vec<ProbeOrder>,
    /// Who has reported at all.
    here: BTreeSet<HostId>,
    done: BTreeMap<(ProbeId, HostId), (Instant, ProbeReport)>,
}

#[derive(Clone, Default)]
pub struct Server(Arc<Shared>);

#[derive(Default)]
struct Shared {
    said: Mutex<Said>,
    /// Rung for agents. Not the same as the other: hundreds of them wait, and reports come by the thousand.
    ordered: Condvar,
    reported: Condvar,
}

impl Server {
    /// Serves at `address`. A host's secret is its id.
    pub fn start(address: SocketAddr) -> Self {
        let server = Self::default();
        server.0.said.lock().unwrap().generation = 1;
        let listener = TcpListener::bind(address).unwrap();
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                // An agent that has gone is no reason to end.
                std::thread::spawn(move || server.talk(stream));
            }
        });
        server
    }

    /// Has all hosts measure this, and nothing else.
    pub fn order(&self, probe: ProbeOrder) {
        let mut said = self.0.said.lock().unwrap();
        said.generation += 1;
        said.probes = vec![probe];
        self.0.ordered.notify_all();
    }

    /// Waits until so many hosts have reported.
    pub fn wait_for(&self, hosts: usize) {
        self.until(|said| (said.here.len() >= hosts).then_some(()));
    }

    /// Waits until so many hosts have measured all; when the last one had said so, and what each said.
    pub fn measured(&self, probe: ProbeId, hosts: usize) -> (Instant, Vec<ProbeReport>) {
        self.until(|said| {
            let done: Vec<_> = said.done.iter().filter(|((id, _), _)| *id == probe).collect();
            let last = done.iter().map(|(_, (at, _))| *at).max()?;
            let reports = || done.iter().map(|(_, (_, report))| report.clone()).collect();
            (done.len() == hosts).then(|| (last, reports()))
        })
    }

    fn until<T>(&self, is: impl Fn(&Said) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(600);
        let mut said = self.0.said.lock().unwrap();
        loop {
            if let Some(value) = is(&said) {
                return value;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain: {} hosts are here, {} reports",
                said.here.len(),
                said.done.len()
            );
            said = self
                .0
                .reported
                .wait_timeout(said, Duration::from_secs(1))
                .unwrap()
                .0;
        }
    }

    fn talk(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut stream = BufReader::new(stream);
        loop {
            let mut first = String::new();
            stream.read_line(&mut first).ok()?;
            let (mut length, mut host) = (0, None);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).ok()? == 0 || line == "\r\n" {
                    break;
                }
                let line = line.to_ascii_lowercase();
                if let Some(text) = line.strip_prefix("content-length:") {
                    length = text.trim().parse().ok()?;
                } else if let Some(text) = line.strip_prefix("authorization: bearer") {
                    host = text.trim().parse().ok();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).ok()?;
            let answer = self.answer(first.split(' ').nth(1)?, HostId(host?), &body);
            let (status, body) = answer.map_or(("204 No Content", String::new()), |body| ("200 OK", body));
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream
                .get_mut()
                .write_all(format!("{head}{body}").as_bytes())
                .ok()?;
        }
    }

    fn answer(&self, path: &str, host: HostId, body: &[u8]) -> Option<String> {
        let Some(since) = path.strip_prefix("/agent/v1/orders?since=") else {
            let report: Report = serde_json::from_slice(body).unwrap();
            let now = Instant::now();
            let mut said = self.0.said.lock().unwrap();
            said.here.insert(host);
            for probe in report.probes.into_iter().filter(|probe| probe.done) {
                said.done.entry((probe.probe, host)).or_insert((now, probe));
            }
            self.0.reported.notify_all();
            return Some(r#"{"taken":true}"#.into());
        };
        let since: u64 = since.parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(HOLD_SECONDS);
        let mut said = self.0.said.lock().unwrap();
        while said.generation <= since && Instant::now() < deadline {
            said = self
                .0
                .ordered
                .wait_timeout(said, Duration::from_secs(1))
                .unwrap()
                .0;
        }
        let orders = Orders {
            probes: said.probes.clone(),
            ..Orders::empty(host, said.generation)
        };
        (said.generation > since).then(|| serde_json::to_string(&orders).unwrap())
    }
}
