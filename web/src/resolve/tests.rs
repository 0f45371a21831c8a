use super::{
    testing::{Mood, NameServer},
    *,
};

#[test]
fn only_addresses_of_the_internet_are_public() {
    for text in ["9.9.9.9", "2620:fe::fe"] {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
    for text in [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2001:db8::1",
    ] {
        assert!(!is_public(text.parse().unwrap()), "{text}");
    }
}

#[tokio::test]
async fn a_private_address_is_refused_unless_allowed() {
    let address: PlayerAddress = "10.77.0.1".parse().unwrap();
    let ip: IpAddr = "10.77.0.1".parse().unwrap();
    assert_eq!(
        Resolver::system(false).resolve(&address).await,
        Err(AddressError::NotPublic(ip))
    );
    assert_eq!(Resolver::system(true).resolve(&address).await, Ok(ip));
}

#[tokio::test]
async fn the_host_itself_and_many_at_once_are_never_allowed() {
    let resolver = Resolver::system(true);
    for text in [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:db8::1",
    ] {
        let ip: IpAddr = text.parse().unwrap();
        assert_eq!(resolver.check(ip), Err(AddressError::NotPublic(ip)), "{text}");
    }
    for text in ["fd00::7", "fe80::7", "10.0.0.7"] {
        let ip: IpAddr = text.parse().unwrap();
        assert_eq!(resolver.check(ip), Ok(ip), "on a LAN");
        assert_eq!(
            Resolver::system(false).check(ip),
            Err(AddressError::NotPublic(ip))
        );
    }
}

#[tokio::test]
async fn a_name_without_ipv4_has_the_address_of_ipv6_that_it_says() {
    let server = NameServer::start().await;
    let known: PlayerAddress = "six.example.org".parse().unwrap();
    let ip: IpAddr = "2620:fe::fe".parse().unwrap();
    let resolver = server.resolver(false);
    assert_eq!(resolver.resolve(&known).await, Ok(ip));
    server.set(Mood::Silent);
    tokio::time::pause();
    assert_eq!(resolver.resolve(&known).await, Ok(ip), "as it was last known");
}

#[tokio::test]
async fn an_unknown_host_name_is_told_by_its_name() {
    let server = NameServer::start().await;
    let unknown: PlayerAddress = "nobody.example.org".parse().unwrap();
    let answer = server.resolver(true).resolve(&unknown).await;
    assert_eq!(answer, Err(AddressError::Unknown("nobody.example.org".into())));
    let known: PlayerAddress = "known.example.org".parse().unwrap();
    let ip = IpAddr::from([10, 9, 0, 1]);
    assert_eq!(server.resolver(true).resolve(&known).await, Ok(ip));
    // A name that leads to a private address is no way around the rule.
    assert_eq!(
        server.resolver(false).resolve(&known).await,
        Err(AddressError::NotPublic(ip))
    );
}

#[tokio::test]
async fn a_name_keeps_its_last_known_address_for_a_day_while_the_name_servers_are_silent() {
    let server = NameServer::start().await;
    let known: PlayerAddress = "known.example.org".parse().unwrap();
    let (resolver, ip) = (server.resolver(true), IpAddr::from([10, 9, 0, 1]));
    assert_eq!(resolver.resolve(&known).await, Ok(ip));
    server.set(Mood::Silent);
    // Nobody answers from here on: time passes as fast as it can.
    tokio::time::pause();
    assert_eq!(resolver.resolve(&known).await, Ok(ip));
    tokio::time::advance(KNOWN_FOR).await;
    let silent = Err(AddressError::NoAnswer("known.example.org".into()));
    assert_eq!(resolver.resolve(&known).await, silent);
    assert_eq!(server.resolver(true).resolve(&known).await, silent, "never known");
}

#[tokio::test]
async fn a_name_that_is_said_not_to_be_there_any_more_has_no_address() {
    let server = NameServer::start().await;
    let known: PlayerAddress = "known.example.org".parse().unwrap();
    let resolver = server.resolver(true);
    resolver.resolve(&known).await.unwrap();
    server.set(Mood::KnowsNothing);
    let gone = Err(AddressError::Unknown("known.example.org".into()));
    assert_eq!(resolver.resolve(&known).await, gone);
    server.set(Mood::Silent);
    tokio::time::pause();
    let silent = Err(AddressError::NoAnswer("known.example.org".into()));
    assert_eq!(resolver.resolve(&known).await, silent);
}

#[tokio::test]
async fn sixty_four_names_that_nobody_answers_for_take_two_seconds_together() {
    let server = NameServer::start().await;
    server.set(Mood::Silent);
    let resolver = server.resolver(true);
    let names: Vec<PlayerAddress> = (0..64)
        .map(|number| format!("p{number}.example.org").parse().unwrap())
        .collect();
    tokio::time::pause();
    let begun = Instant::now();
    let all = futures_util::future::join_all(names.iter().map(|name| resolver.resolve(name))).await;
    assert!(begun.elapsed() <= WITHIN, "{:?}", begun.elapsed());
    assert!(
        all.iter()
            .all(|answer| matches!(answer, Err(AddressError::NoAnswer(_))))
    );
}
