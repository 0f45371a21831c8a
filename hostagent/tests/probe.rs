//! ICMP measured against players who answer late, from elsewhere, wrongly, or stop: a network namespace of the test's own with
//! a TUN device, on whose other side the test is all players. Needs root; without it, it says so and passes.
#![allow(clippy::unwrap_used)]

use nix::sched::{CloneFlags, unshare};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};
use uuid::Uuid;
use vmatrix_hostagent::command::run;
use vmatrix_hostagent::probe::Probes;
use vmatrix_wire::{ProbeId, ProbeOrder, RttSample, Target, TargetId, Way};

/// Who answers after 20 ms, and the first three requests only.
const MORTAL: u8 = 2;
/// Whose answers to even requests take 1.5 s, and to odd ones none.
const LATE: u8 = 3;
/// For whom somebody else answers.
const ELSEWHERE: u8 = 4;
/// Who answers with another sequence number.
const WRONG: u8 = 6;
/// For whom a router says that they are unreachable.
const UNREACHABLE: u8 = 7;
/// Who answers after 50 ms, always.
const STEADY: u8 = 8;

/// The same by IPv6: who answers after 50 ms, for whom somebody else answers, and who answers with another sequence number.
const STEADY_6: u8 = 200;
const ELSEWHERE_6: u8 = 201;
const WRONG_6: u8 = 202;
/// An IPv6 address to which this host has no way, as one without IPv6 has to nobody.
const NO_WAY_6: u8 = 210;

fn address_of(number: u8) -> IpAddr {
    match number {
        STEADY_6..NO_WAY_6 => Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, number.into()).into(),
        NO_WAY_6.. => Ipv6Addr::new(0xfd00, 8, 0, 0, 0, 0, 0, number.into()).into(),
        _ => [10, 99, 7, number].into(),
    }
}

/// Samples of all of them, in the order of their numbers. `None` without root.
fn measured(samples: u16, interval_ms: u64, timeout_ms: u64, whom: Vec<u8>) -> Option<Vec<RttSample>> {
    // Of its own thread, so that the rest of the process stays where it is.
    std::thread::spawn(move || {
        if unshare(CloneFlags::CLONE_NEWNET).is_err() {
            println!("skipped: no network namespace without root");
            return None;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let device = DeviceBuilder::new()
                .name("players0")
                .layer(Layer::L3)
                .mtu(1500)
                .build_sync()
                .unwrap();
            // The address is there at once; nobody looks for another who has it.
            std::fs::write("/proc/sys/net/ipv6/conf/players0/accept_dad", "0").unwrap();
            for words in [
                "addr add 10.99.7.1/24 dev players0",
                "link set players0 up",
                "addr add fd00:7::1/64 dev players0 nodad",
            ] {
                run("ip", &words.split(' ').collect::<Vec<_>>(), None)
                    .await
                    .unwrap();
            }
            let device = Arc::new(device);
            let players = Arc::clone(&device);
            std::thread::spawn(move || answer(&players));
            let target = |number: &u8| Target {
                target: TargetId(Uuid::from_u128(u128::from(*number))),
                address: address_of(*number),
                by: Way::Icmp,
            };
            let mut probes = Probes::default();
            let mut changed = probes.changed();
            probes.intend(&[ProbeOrder {
                probe: ProbeId(Uuid::nil()),
                samples,
                interval_ms,
                timeout_ms,
                targets: whom.iter().map(target).collect(),
            }]);
            loop {
                changed.changed().await.unwrap();
                let report = probes.observe().remove(0);
                if report.done {
                    return Some(report.samples);
                }
            }
        })
    })
    .join()
    .unwrap()
}

/// Is all players, until the device is gone.
fn answer(device: &Arc<SyncDevice>) {
    let mut buffer = [0; 2_000];
    let mut heard = [0_u16; 256];
    while let Ok(length) = device.recv(&mut buffer) {
        let packet = &buffer[..length];
        if length >= 48 && packet[0] >> 4 == 6 {
            answer_6(device, packet);
            continue;
        }
        // IPv4 without options, ICMP, echo request.
        if length < 28 || packet[0] != 0x45 || packet[9] != 1 || packet[20] != 8 {
            continue;
        }
        let who = packet[19];
        let turn = heard[usize::from(who)];
        heard[usize::from(who)] += 1;
        let mut reply = packet.to_vec();
        reply.copy_within(12..16, 16);
        reply[12..16].copy_from_slice(&packet[16..20]);
        reply[20] = 0;
        let mut delay = 50;
        match who {
            MORTAL if turn < 3 => delay = 20,
            LATE if turn % 2 == 0 => delay = 1_500,
            MORTAL | LATE => continue,
            ELSEWHERE => reply[15] = 99,
            WRONG => reply[27] ^= 0x40,
            UNREACHABLE => {
                reply[15] = 254;
                reply.truncate(20);
                reply.extend_from_slice(&[3, 1, 0, 0, 0, 0, 0, 0]);
                reply.extend_from_slice(&packet[..28]);
                let length = u16::try_from(reply.len()).unwrap();
                reply[2..4].copy_from_slice(&length.to_be_bytes());
            }
            _ => {}
        }
        seal(&mut reply, 10, 0..20);
        let end = reply.len();
        seal(&mut reply, 22, 20..end);
        let (device, sent) = (Arc::clone(device), Instant::now());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(delay).saturating_sub(sent.elapsed()));
            let _ = device.send(&reply);
        });
    }
}

/// The same for IPv6 without options, ICMPv6, echo request.
fn answer_6(device: &Arc<SyncDevice>, packet: &[u8]) {
    if packet[6] != 58 || packet[40] != 128 {
        return;
    }
    let mut reply = packet.to_vec();
    reply.copy_within(8..24, 24);
    reply[8..24].copy_from_slice(&packet[24..40]);
    reply[40] = 129;
    match packet[39] {
        ELSEWHERE_6 => reply[23] = 99,
        WRONG_6 => reply[47] ^= 0x40,
        _ => {}
    }
    // The checksum is also of addresses, length and protocol (RFC 8200, 8.1).
    reply[42..44].fill(0);
    let length = u32::try_from(reply.len() - 40).unwrap();
    let mut summed = reply[8..40].to_vec();
    summed.extend(length.to_be_bytes());
    summed.extend([0, 0, 0, 58]);
    summed.extend(&reply[40..]);
    let end = summed.len();
    seal(&mut summed, 42, 0..end);
    reply[42..44].copy_from_slice(&summed[42..44]);
    let (device, sent) = (Arc::clone(device), Instant::now());
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50).saturating_sub(sent.elapsed()));
        let _ = device.send(&reply);
    });
}

/// Writes the checksum of a part of the packet (RFC 1071).
fn seal(packet: &mut [u8], at: usize, part: std::ops::Range<usize>) {
    packet[at..at + 2].fill(0);
    let words = packet[part]
        .chunks(2)
        .map(|two| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    packet[at..at + 2].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
}

#[test]
fn only_answers_of_the_target_itself_to_the_request_itself_count() {
    let whom = vec![ELSEWHERE, WRONG, UNREACHABLE, STEADY];
    let Some(samples) = measured(4, 40, 2_000, whom) else {
        return;
    };
    for sample in &samples[..3] {
        assert_eq!((sample.sent, sample.received), (4, 0), "{samples:?}");
    }
    let steady = &samples[3];
    assert_eq!((steady.sent, steady.received), (4, 4), "{samples:?}");
    assert!(steady.min_us.unwrap() >= 50_000, "{steady:?}");
}

/// One round has both kinds; and whom this host has no way to is unknown there, without any harm to the others.
#[test]
fn ipv6_is_measured_as_ipv4_is_and_no_way_is_no_answer() {
    let whom = vec![STEADY_6, ELSEWHERE_6, WRONG_6, NO_WAY_6, STEADY];
    let Some(samples) = measured(4, 40, 2_000, whom) else {
        return;
    };
    for sample in &samples[1..4] {
        assert_eq!((sample.sent, sample.received), (4, 0), "{samples:?}");
    }
    for steady in [&samples[0], &samples[4]] {
        assert_eq!((steady.sent, steady.received), (4, 4), "{samples:?}");
        assert!(steady.min_us.unwrap() >= 50_000, "{steady:?}");
    }
}

/// An answer after 1.5 s comes while the requests after it are on their way.
#[test]
fn a_late_answer_is_not_the_next_ones() {
    let Some(samples) = measured(6, 400, 1_000, vec![LATE]) else {
        return;
    };
    assert_eq!((samples[0].sent, samples[0].received), (6, 0), "{samples:?}");
}

#[test]
fn a_player_who_goes_away_keeps_what_was_measured_and_the_rest_is_lost() {
    let Some(samples) = measured(6, 40, 1_000, vec![MORTAL]) else {
        return;
    };
    // On a machine that stands still for a second, fewer.
    assert_eq!(samples[0].sent, 6);
    assert!(samples[0].received <= 3, "{samples:?}");
    assert!(samples[0].min_us.is_none_or(|us| us >= 20_000), "{samples:?}");
}

/// 64 players, ten requests 200 ms apart, up to 300 ms away: as long as it must take, and no answer is lost on the way in.
#[test]
fn a_round_of_sixty_four_loses_no_answer() {
    let whom: Vec<u8> = (100..164).collect();
    let start = Instant::now();
    let Some(samples) = measured(10, 200, 20_000, whom) else {
        return;
    };
    println!("took {:?}", start.elapsed());
    assert!(samples.iter().all(|sample| sample.received == 10), "{samples:?}");
    assert!(start.elapsed() >= Duration::from_millis(1_850));
}
