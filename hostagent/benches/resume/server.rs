//! The server as an agent sees it, on a loopback: holds orders until there are newer ones, and keeps the last report.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use vmatrix_wire::{HOLD_SECONDS, HostId, Orders, Report, VmId, VmOrder, VmReport};

struct Said {
    orders: Orders,
    report: Option<Report>,
}

#[derive(Clone)]
pub struct Server(Arc<(Mutex<Said>, Condvar)>);

impl Server {
    /// Serves from this thread's namespace.
    pub fn start(host: HostId) -> (Self, SocketAddr) {
        let said = Said {
            orders: Orders::empty(host, 1),
            report: None,
        };
        let server = Self(Arc::new((Mutex::new(said), Condvar::new())));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                // An agent that has gone is no reason to end.
                std::thread::spawn(move || server.talk(stream));
            }
        });
        (server, address)
    }

    /// Commits a new generation of orders.
    pub fn order(&self, vms: Vec<VmOrder>) {
        let (said, bell) = &*self.0;
        let mut said = said.lock().unwrap();
        said.orders.generation += 1;
        said.orders.vms = vms;
        bell.notify_all();
    }

    /// Waits for a report in which the VM is as described; `None`: it is no more.
    pub fn until(&self, vm: VmId, is: impl Fn(Option<&VmReport>) -> bool) -> Option<VmReport> {
        let (said, bell) = &*self.0;
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut said = said.lock().unwrap();
        loop {
            if let Some(report) = said
                .report
                .as_ref()
                .filter(|report| report.generation == said.orders.generation)
            {
                let found = report.vms.iter().find(|found| found.vm == vm);
                if is(found) {
                    return found.cloned();
                }
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain; last report: {:#?}",
                said.report
            );
            said = bell.wait_timeout(said, Duration::from_secs(1)).unwrap().0;
        }
    }

    fn talk(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut stream = BufReader::new(stream);
        loop {
            let mut first = String::new();
            stream.read_line(&mut first).ok()?;
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).ok()? == 0 || line == "\r\n" {
                    break;
                }
                let line = line.to_ascii_lowercase();
                length = line
                    .strip_prefix("content-length:")
                    .map_or(length, |text| text.trim().parse().unwrap());
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).ok()?;
            let answer = self.answer(first.split(' ').nth(1)?, &body);
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

    fn answer(&self, path: &str, body: &[u8]) -> Option<String> {
        let (said, bell) = &*self.0;
        let mut said = said.lock().unwrap();
        let Some(since) = path.strip_prefix("/agent/v1/orders?since=") else {
            said.report = Some(serde_json::from_slice(body).unwrap());
            bell.notify_all();
            return Some(r#"{"taken":true}"#.into());
        };
        let since: u64 = since.parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(HOLD_SECONDS);
        while said.orders.generation <= since && Instant::now() < deadline {
            said = bell.wait_timeout(said, Duration::from_secs(1)).unwrap().0;
        }
        (said.orders.generation > since).then(|| serde_json::to_string(&said.orders).unwrap())
    }
}
