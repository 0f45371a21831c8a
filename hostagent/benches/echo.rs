//! `cargo bench -p vmatrix-hostagent --bench echo`: answers of the UDP echo a second on one core, against a loop that only
//! reads and sends. Prints a table with the goal and writes target/bench/echo.json. Needs no root.
//!
//! One thread, kept on one core: questions are put into the socket's queue, then one of the two empties it while the
//! clock runs, then the answers are read. So neither the asker nor the scheduler is part of what is measured. The two take turns.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod rows;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use rows::{median, told, write};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::Instant;
use vmatrix_hostagent::echo::Answering;
use vmatrix_hostagent::echo::limiter::{Limiter, Share};
use vmatrix_wire::echo::{Echo, LENGTH, Question};

const ROUNDS: usize = 2_000;
/// The default queue of a socket holds more.
const BATCH: u16 = 100;

fn main() {
    stay_on_one_core();
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    client.connect(server.local_addr().unwrap()).unwrap();
    let mut answering = Answering::new(Limiter::new(Share::unlimited()));
    let mut buffer = [0; LENGTH + 1];
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(answers_a_second(&client, || answering.next(&server).unwrap()));
        bare.push(answers_a_second(&client, || {
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to(&buffer[..length], from).unwrap();
        }));
    }
    let (ours, bare) = (median(&ours), median(&bare));
    println!("answers a second on one core: {ours:.0}; bare loop: {bare:.0}");
    let rows = told(&[("echo_over_bare", ours / bare, "ratio", ">=", 0.5)]);
    let json = serde_json::json!({ "rows": rows, "rounds": ROUNDS, "batch": BATCH, "answers_a_second": ours, "bare_a_second": bare });
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    write(&root, "echo", &json);
}

fn stay_on_one_core() {
    let itself = Pid::from_raw(0);
    let allowed = sched_getaffinity(itself).unwrap();
    let core = (0..CpuSet::count())
        .find(|core| allowed.is_set(*core).unwrap())
        .unwrap();
    let mut one = CpuSet::new();
    one.set(core).unwrap();
    sched_setaffinity(itself, &one).unwrap();
}

fn answers_a_second(client: &UdpSocket, mut answer: impl FnMut()) -> f64 {
    for sequence in 0..BATCH {
        let question = Question {
            nonce: [7; 16],
            sequence,
            asked: 0,
        };
        client.send(&Echo::ask(question).encode()).unwrap();
    }
    let start = Instant::now();
    for _ in 0..BATCH {
        answer();
    }
    let rate = f64::from(BATCH) / start.elapsed().as_secs_f64();
    // Each of ours is looked at: a loop that answers nonsense would be fast, too.
    let mut buffer = [0; LENGTH + 1];
    for sequence in 0..BATCH {
        let length = client.recv(&mut buffer).unwrap();
        let answer = Echo::parse(&buffer[..length]).unwrap();
        assert_eq!(answer.question.sequence, sequence);
    }
    rate
}
