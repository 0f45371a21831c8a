use super::super::{GAMENAME, PROTOCOL, Player};
use super::*;
use proptest::prelude::*;

fn packet(text: &[u8]) -> Vec<u8> {
    [PREFIX.as_slice(), text].concat()
}

/// As Debian's openarena-server 0.8.8 sent it.
const INFO: &[u8] = b"\xff\xff\xff\xffinfoResponse\n\\voip\\opus\\g_needpass\\1\\pure\\1\\gametype\\0\
    \\sv_maxclients\\8\\g_humanplayers\\0\\clients\\0\\mapname\\oa_dm1\\hostname\\noname\\protocol\\71\
    \\gamename\\Quake3Arena\\challenge\\abc123";

const STATUS: &[u8] =
    b"\xff\xff\xff\xffstatusResponse\n\\mapname\\oa_dm1\\sv_hostname\\noname\\challenge\\x\n\
    3 38 \"^1Wo^7lf\"\n-1 999 \"un named\"\n0 0 \"Grunt\"\n";

#[test]
fn a_real_info_answer_is_read() {
    let Ok(Packet::Info(info)) = Packet::parse(INFO) else {
        panic!("{:?}", Packet::parse(INFO))
    };
    assert_eq!(
        (info.challenge.as_str(), info.mapname.as_str()),
        ("abc123", "oa_dm1")
    );
    assert_eq!((info.clients, info.max_clients, info.protocol), (0, 8, PROTOCOL));
    assert_eq!(
        (info.hostname.as_str(), info.gamename.as_str()),
        ("noname", GAMENAME)
    );
    assert!(info.needs_password);
    assert_eq!(info.vars.get("VOIP"), Some("opus"));
    assert!(info.seen().needs_password);
    assert_eq!(Packet::Info(info).encode(), INFO);
}

#[test]
fn an_info_answer_that_directories_would_drop_is_refused_with_the_key() {
    let of = |text: &str| Packet::parse(&packet(format!("infoResponse\n{text}").as_bytes()));
    assert_eq!(
        of("\\protocol\\71\\clients\\0"),
        Err(Malformed::NoKey { key: "sv_maxclients" })
    );
    for text in [
        "\\sv_maxclients\\0\\protocol\\71\\clients\\0",
        "\\sv_maxclients\\-3\\protocol\\71\\clients\\0",
    ] {
        assert!(
            matches!(
                of(text),
                Err(Malformed::BadValue {
                    key: "sv_maxclients",
                    ..
                })
            ),
            "{text}"
        );
    }
    assert_eq!(
        of("\\sv_maxclients\\8\\clients\\0"),
        Err(Malformed::NoKey { key: "protocol" })
    );
}

#[test]
fn a_status_answer_gives_each_players_ping() {
    let Ok(Packet::Status(status)) = Packet::parse(STATUS) else {
        panic!()
    };
    let seen: Vec<_> = status
        .players
        .iter()
        .map(|p| (p.score, p.ping, p.plain_name()))
        .collect();
    assert_eq!(
        seen,
        [
            (3, 38, "Wolf".into()),
            (-1, 999, "un named".into()),
            (0, 0, "Grunt".into())
        ]
    );
    assert_eq!(status.vars.get("sv_hostname"), Some("noname"));
    assert_eq!(Packet::Status(status).encode(), STATUS);
}

#[test]
fn answers_to_rcon_and_connect_are_read() {
    assert_eq!(
        Packet::parse(&packet(b"print\nBad rconpassword.\n")),
        Ok(Packet::Print("Bad rconpassword.\n".into()))
    );
    assert_eq!(
        Packet::parse(&packet(b"print\n")),
        Ok(Packet::Print(String::new()))
    );
    assert_eq!(
        Packet::parse(&packet(b"challengeResponse -12345 77 71")),
        Ok(Packet::Challenge {
            challenge: -12345,
            client: Some(77),
            protocol: Some(71)
        })
    );
    assert_eq!(
        Packet::parse(&packet(b"challengeResponse 5")),
        Ok(Packet::Challenge {
            challenge: 5,
            client: None,
            protocol: None
        })
    );
    assert_eq!(
        Packet::parse(&packet(b"connectResponse")),
        Ok(Packet::Connected { challenge: None })
    );
}

#[test]
fn questions_have_the_bytes_that_the_engine_reads() {
    let rcon = Packet::Rcon {
        password: Secret::new("s3cret"),
        command: "map oa_dm1".into(),
    };
    assert_eq!(rcon.encode(), packet(b"rcon s3cret map oa_dm1"));
    assert_eq!(
        Packet::GetInfo {
            challenge: "x y;\n".into()
        }
        .encode(),
        packet(b"getinfo xy")
    );
    assert_eq!(
        Packet::Heartbeat {
            tag: "DarkPlaces".into()
        }
        .encode(),
        packet(b"heartbeat DarkPlaces\n")
    );
    let all = ServersQuery::all(GAMENAME, PROTOCOL);
    assert_eq!(
        Packet::GetServers(all.clone()).encode(),
        packet(b"getserversExt Quake3Arena 71 empty full")
    );
    assert_eq!(
        Packet::parse(&Packet::GetServers(all.clone()).encode()),
        Ok(Packet::GetServers(all))
    );
    let userinfo = Vars::new(&[("name", "Wolf\\"), ("password", "a;b")]);
    assert_eq!(
        Packet::Connect { userinfo }.encode(),
        packet(b"connect \"\\name\\Wolf\\password\\ab\"")
    );
}

#[test]
fn old_and_new_questions_for_servers_are_read() {
    let of = |text: &str| match Packet::parse(&packet(text.as_bytes())) {
        Ok(Packet::GetServers(query)) => query,
        other => panic!("{other:?}"),
    };
    let old = of("getservers 71 empty full");
    assert!(old.empty && old.full && old.ipv4 && !old.ipv6 && old.gamename.is_empty() && old.protocol == 71);
    assert_eq!(of("getservers Xonotic 3\n").gamename, "Xonotic");
    let six = of("getserversExt Quake3Arena 71 ipv6");
    assert!(six.extended && six.ipv6 && !six.ipv4 && !six.empty);
    assert!(matches!(
        Packet::parse(&packet(b"getservers many")),
        Err(Malformed::BadValue { key: "protocol", .. })
    ));
}

#[test]
fn a_list_of_servers_may_hold_backslashes_in_its_addresses() {
    let body = b"getserversResponse\\\x5c\x5c\x5c\x5c\x6d\x38\\\x0a\x4d\x01\x02\x6d\x39\\EOT\0\0\0";
    let Ok(Packet::Servers(list)) = Packet::parse(&packet(body)) else {
        panic!()
    };
    assert!(list.last && !list.extended);
    assert_eq!(
        list.servers,
        [
            "92.92.92.92:27960".parse().unwrap(),
            "10.77.1.2:27961".parse().unwrap()
        ]
    );
}

#[test]
fn an_extended_list_holds_both_families_and_shows_when_it_is_cut() {
    let servers = [
        "10.77.1.2:27960".parse().unwrap(),
        "[2001:db8::5c]:27961".parse().unwrap(),
    ];
    let packets = ServerList::packets(true, &servers);
    let [one] = packets.as_slice() else { panic!() };
    assert_eq!(
        Packet::parse(one),
        Ok(Packet::Servers(ServerList {
            extended: true,
            servers: servers.to_vec(),
            last: true
        }))
    );
    let Ok(Packet::Servers(cut)) = Packet::parse(&one[..one.len() - 8]) else {
        panic!()
    };
    assert_eq!((cut.servers.len(), cut.last), (1, false));
    assert_eq!(
        ServerList::packets(false, &servers[1..]),
        [packet(b"getserversResponse\\EOT\0\0\0")]
    );
}

fn addresses() -> impl Strategy<Value = Vec<std::net::SocketAddr>> {
    let one =
        (any::<[u8; 16]>(), any::<[u8; 4]>(), any::<bool>(), 1u16..).prop_map(|(six, four, is_six, port)| {
            let ip = if is_six {
                std::net::IpAddr::from(six)
            } else {
                std::net::IpAddr::from(four)
            };
            std::net::SocketAddr::new(ip, port)
        });
    proptest::collection::vec(one, 0..400)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Packet::parse(&bytes);
        let _ = Packet::parse(&packet(&bytes));
    }

    #[test]
    fn no_body_of_a_known_command_makes_it_panic(
        command in 0usize..13,
        bytes in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'\n'), Just(b' '), Just(b'"'), any::<u8>()], 0..300),
    ) {
        let head = ["getinfo ", "getstatus", "rcon ", "heartbeat ", "getservers ", "getserversExt ", "getchallenge ",
            "connect ", "infoResponse\n", "statusResponse\n", "print\n", "getserversResponse", "getserversExtResponse"];
        if let Ok(read) = Packet::parse(&packet(&[head[command].as_bytes(), &bytes].concat())) {
            prop_assert!(read.encode().len() <= bytes.len() + 1_500);
        }
    }

    #[test]
    fn a_list_of_servers_survives_its_packets(servers in addresses()) {
        let mut seen = Vec::new();
        let packets = ServerList::packets(true, &servers);
        for (index, bytes) in packets.iter().enumerate() {
            prop_assert!(bytes.len() <= 1_400);
            let Ok(Packet::Servers(list)) = Packet::parse(bytes) else { panic!() };
            prop_assert_eq!(list.last, index + 1 == packets.len());
            seen.extend(list.servers);
        }
        prop_assert_eq!(seen, servers);
    }

    #[test]
    fn what_is_asked_is_what_is_read(challenge in "[a-zA-Z0-9_-]{1,40}", number: i32) {
        for sent in [
            Packet::GetInfo { challenge: challenge.clone() },
            Packet::GetStatus { challenge: challenge.clone() },
            Packet::Heartbeat { tag: challenge.clone() },
            Packet::GetChallenge { challenge: number, gamename: challenge.clone() },
            Packet::Challenge { challenge: number, client: Some(1), protocol: Some(71) },
            Packet::Rcon { password: Secret::new(challenge.clone()), command: "status all".into() },
        ] {
            prop_assert_eq!(Packet::parse(&sent.encode()), Ok(sent));
        }
    }

    #[test]
    fn a_players_line_never_panics(line in ".{0,80}", name in ".{0,20}") {
        let _ = Packet::parse(&packet(format!("statusResponse\n\n{line}\n1 2 \"{name}\"\n").as_bytes()));
        let _ = Player { score: 0, ping: 0, name }.plain_name();
    }
}
