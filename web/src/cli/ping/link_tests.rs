//! What servers say, and what becomes of it.

use super::*;

const BEGUN: &str = r#"{"nonce": "n", "ticket": "t", "samples": 15, "warm_up": 3, "interval_ms": 60, "hosts": [
    {"id": "a", "name": "newyork", "site": "Ashburn", "address": "10.77.1.6", "doors": {"echo": 27900, "webtransport": {"port": 27901, "hashes": ["ab"]}}},
    {"id": "b", "name": "paris", "site": "Paris", "address": "2001:db8::2", "doors": {"webrtc": {"port": 1, "fingerprint": "AA"}}},
    {"id": "c", "name": "madrid", "site": "Madrid", "address": "10.77.1.8"}]}"#;

fn begun() -> Begun {
    serde_json::from_str(BEGUN).unwrap()
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

#[test]
fn only_hosts_with_an_echo_are_asked() {
    let begun = begun();
    let (hosts, addresses) = reachable(&begun).unwrap();
    assert_eq!(hosts.len(), 1);
    assert_eq!(addresses, ["10.77.1.6:27900".parse().unwrap()]);
    let mut without = begun;
    without.hosts.remove(0);
    let refused = reachable(&without).unwrap_err().to_string();
    assert!(refused.contains("none of the match's 2 hosts"), "{refused}");
}

#[test]
fn a_server_cannot_ask_for_a_flood() {
    assert!(plan(&begun()).is_ok());
    for (change, named) in [
        (
            (|begun: &mut Begun| begun.samples = 60_000) as fn(&mut Begun),
            "samples is 60000",
        ),
        (|begun| begun.samples = 0, "samples is 0"),
        (|begun| begun.warm_up = 21, "warm_up is 21"),
        (|begun| begun.interval_ms = 1, "interval_ms is 1"),
        (
            |begun| {
                while begun.hosts.len() <= HOSTS {
                    let more = serde_json::from_str::<Begun>(BEGUN).unwrap().hosts;
                    begun.hosts.extend(more);
                }
            },
            "hosts has 2001 entries",
        ),
    ] {
        let mut begun = begun();
        change(&mut begun);
        let refused = plan(&begun).unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
    }
}

#[test]
fn what_is_no_invite_link_is_refused_with_what_one_looks_like() {
    for right in [
        "https://play.example/play/abc",
        "http://10.77.0.1:8080/vm/play/abc?x=1#top",
    ] {
        let link = invite(&url(right)).unwrap();
        assert!(
            right.starts_with(link.as_str()) && link.path().ends_with("/play/abc"),
            "{link}"
        );
    }
    for wrong in [
        "https://play.example/",
        "https://play.example/play/",
        "https://play.example/matches/abc",
        "ftp://play.example/play/abc",
        "data:play/abc",
    ] {
        let refused = invite(&url(wrong)).unwrap_err().to_string();
        assert!(refused.contains("https://SERVER/play/"), "{refused}");
    }
}

#[test]
fn a_name_from_the_network_does_not_steer_the_terminal() {
    assert_eq!(printable("a\u{1b}[2Jb\nc"), "a[2Jbc");
}
