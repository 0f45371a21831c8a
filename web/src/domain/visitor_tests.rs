use super::*;
use crate::domain::{OfPings, Time, UserId};
use proptest::prelude::*;
use uuid::Uuid;

fn now() -> Time {
    Time::from_millis(1_000_000)
}

#[test]
fn a_name_is_theirs_who_came_with_it_first() {
    let from: IpAddr = "198.51.100.7".parse().unwrap();
    let other: IpAddr = "198.51.100.8".parse().unwrap();
    let player = |address: IpAddr, consent| {
        let id = PlayerId(Uuid::from_u128(1));
        let unknown = newcomer(id, ClanId(Uuid::nil()), "akela".parse().unwrap());
        come_from(&unknown, address, consent)
    };
    let is = Claim::Is(PlayerId(Uuid::from_u128(1)));
    assert_eq!(claim(None, false, from), Claim::New);
    // What a captain has typed is anybody's who has the link.
    assert_eq!(claim(Some(&player(other, Consent::Typed)), false, from), is);
    for consent in [Consent::Own { at: now() }, Consent::Declined { at: now() }] {
        let came = player(from, consent);
        assert_eq!(claim(Some(&came), true, from), is, "the same again");
        assert_eq!(claim(Some(&came), true, other), Claim::Taken);
        assert_eq!(
            claim(Some(&came), false, other),
            is,
            "by the link of another match"
        );
    }
    let (a, b): (IpAddr, IpAddr) = (
        "2001:db8::1".parse().unwrap(),
        "2001:db8::ffff:1".parse().unwrap(),
    );
    let came = player(a, Consent::Own { at: now() });
    assert_eq!(claim(Some(&came), true, b), is, "a customer has a whole /64");
    let c: IpAddr = "2001:db8:0:1::1".parse().unwrap();
    assert_eq!(claim(Some(&came), true, c), Claim::Taken);
    // Who has come by IPv6 may come by IPv4, too, and is known by both then.
    assert_eq!(claim(Some(&came), true, from), is);
    let both = come_from(&came, from, Consent::Own { at: now() });
    assert_eq!(claim(Some(&both), true, from), is);
    assert_eq!(claim(Some(&both), true, a), is);
    assert_eq!(claim(Some(&both), true, other), Claim::Taken);
    assert_eq!(claim(Some(&both), true, c), Claim::Taken);
}

proptest! {
    /// Whoever comes from wherever in whatever order: of each kind the newest is known, and a mapped address is of IPv4.
    #[test]
    fn a_visit_changes_the_address_of_its_own_kind_alone(
        visits in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<u32>(), any::<bool>()), 1..8),
    ) {
        let mut player = newcomer(PlayerId(Uuid::nil()), ClanId(Uuid::nil()), "akela".parse().unwrap());
        let (mut four, mut six) = (None, None);
        for (at, (by_six, mapped, bits, may_ping)) in (1..).zip(visits) {
            let said = if may_ping { OfPings::Yes } else { OfPings::No };
            let v4 = std::net::Ipv4Addr::from_bits(bits);
            let v6 = Ipv6Addr::from_bits((0x2620 << 112) | u128::from(bits));
            let from: IpAddr = match (by_six, mapped) {
                (true, _) => v6.into(),
                (false, true) => v4.to_ipv6_mapped().into(),
                (false, false) => v4.into(),
            };
            let consent = Consent::of_visitor(said, word_at(&player, from), Time::from_millis(at));
            player = come_from(&player, from, consent);
            if by_six {
                six = Some((v6, consent));
            } else {
                four = Some((v4, consent));
            }
            let (address, word) = four.map_or((PlayerAddress::Nothing, Consent::Typed), |(ip, word)| (PlayerAddress::Ip(ip), word));
            prop_assert_eq!((&player.address, player.consent), (&address, word));
            prop_assert_eq!(player.ipv6, six.map(|(ip, consent)| PlayerIpv6 { ip, consent }));
            prop_assert_eq!(claim(Some(&player), true, from), Claim::Is(player.id));
        }
    }
}

#[test]
fn nobody_gathers_under_the_name_of_who_has_come_by_the_other_kind() {
    let typed = newcomer(
        PlayerId(Uuid::nil()),
        ClanId(Uuid::nil()),
        "akela".parse().unwrap(),
    );
    let [v4, v6]: [IpAddr; 2] = ["203.0.113.7", "2001:db8::7"].map(|text| text.parse().unwrap());
    assert!(may_gather(&typed, v4) && may_gather(&typed, v6));
    for (here, elsewhere) in [(v4, v6), (v6, v4)] {
        let came = come_from(&typed, here, Consent::Came { at: now() });
        assert!(may_gather(&came, here) && !may_gather(&came, elsewhere), "{here}");
        assert_eq!(word_at(&came, here), Some(Consent::Came { at: now() }));
        assert_eq!(word_at(&came, elsewhere), None);
    }
}

#[test]
fn who_has_not_come_is_expected() {
    let [a, b]: [Name; 2] = ["strix", "bubo"].map(|name| name.parse().unwrap());
    assert_eq!(expected([(&a, false), (&b, true)].into_iter()), ["strix"]);
    assert!(expected([(&a, true)].into_iter()).is_empty());
}

#[test]
fn who_declined_and_says_nothing_from_another_line_is_pinged_at_neither() {
    let at = Time::from_millis;
    let by = UserId(Uuid::from_u128(7));
    let vouched = Consent::Vouched { by, at: at(1) };
    let no = Consent::Declined { at: at(5) };
    let four: [IpAddr; 2] = ["203.0.113.7", "203.0.113.8"].map(|text| text.parse().unwrap());
    let six: [IpAddr; 2] = ["2620:fe::1", "2620:fe:0:1::1"].map(|text| text.parse().unwrap());
    let akela = newcomer(
        PlayerId(Uuid::nil()),
        ClanId(Uuid::nil()),
        "akela".parse().unwrap(),
    );
    for (here, there) in [(four, six[0]), (six, four[0])] {
        let visit = |player: &Player, from, said, ms| {
            come_from(
                player,
                from,
                Consent::of_visitor(said, word_at(player, from), at(ms)),
            )
        };
        let word = |player: &Player, from: IpAddr| match from {
            IpAddr::V4(_) => player.consent,
            IpAddr::V6(_) => player.ipv6.unwrap().consent,
        };
        let known = come_from(&come_from(&akela, there, vouched), here[0], vouched);
        let declined = visit(&known, here[0], OfPings::No, 5);
        assert_eq!(
            word(&declined, there),
            vouched,
            "as long as the other stands beside it"
        );
        let moved = visit(&declined, here[1], OfPings::Unsaid, 9);
        assert_eq!(word(&moved, here[1]), Consent::Came { at: at(9) });
        assert_eq!(word(&moved, there), no);
        let agreed = visit(&declined, here[1], OfPings::Yes, 9);
        assert_eq!(word(&agreed, there), vouched);
        // What they said there later, they said.
        let later = visit(&declined, there, OfPings::Yes, 7);
        let moved = visit(&later, here[1], OfPings::Unsaid, 9);
        assert_eq!(word(&moved, there), Consent::Own { at: at(7) });
        // Where there is no other address nothing is said of one.
        let alone = visit(&come_from(&akela, here[0], no), here[1], OfPings::Unsaid, 9);
        assert_eq!(
            (alone.ipv6.is_none(), alone.address == PlayerAddress::Nothing),
            match here[0] {
                IpAddr::V4(_) => (true, false),
                IpAddr::V6(_) => (false, true),
            }
        );
        assert!(alone.address != PlayerAddress::Nothing || alone.consent == Consent::Typed);
    }
}

#[test]
fn what_a_customer_said_holds_in_their_whole_network_and_an_organisers_word_for_one_address() {
    let at = now();
    let by = UserId(Uuid::from_u128(7));
    let [one, two]: [IpAddr; 2] = ["2620:fe::1", "2620:fe::2"].map(|text| text.parse().unwrap());
    let akela = newcomer(
        PlayerId(Uuid::nil()),
        ClanId(Uuid::nil()),
        "akela".parse().unwrap(),
    );
    for word in [
        Consent::Own { at },
        Consent::Declined { at },
        Consent::Came { at },
    ] {
        assert_eq!(word_at(&come_from(&akela, one, word), two), Some(word));
    }
    for word in [Consent::Vouched { by, at }, Consent::Typed] {
        let known = come_from(&akela, one, word);
        assert_eq!((word_at(&known, one), word_at(&known, two)), (Some(word), None));
    }
}
