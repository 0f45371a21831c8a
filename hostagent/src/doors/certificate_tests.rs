use super::*;
use proptest::prelude::*;

const NOW: i64 = 1_800_000_000_000;

fn span(from_ms: i64, until_ms: i64) -> Span {
    Span { from_ms, until_ms }
}

fn after(spans: &[Span], now_ms: i64) -> Vec<Span> {
    let Duty { keep, make } = duty(spans, now_ms);
    let kept = keep.iter().map(|place| spans[*place]);
    kept.chain(make.then(|| Span::beginning(now_ms))).collect()
}

#[test]
fn no_browser_refuses_a_certificate_for_its_length() {
    let made = Span::beginning(NOW);
    assert!(made.until_ms - made.from_ms < 14 * DAY_MS);
    assert!(made.from_ms <= NOW - HOUR_MS);
}

/// A year, looked at every ten minutes, with restarts that make no difference.
#[test]
fn a_page_that_was_given_the_hashes_can_use_them_for_a_day_at_any_time_of_the_year() {
    let mut spans = Vec::new();
    let mut told: Vec<(i64, Vec<Span>)> = Vec::new();
    let mut most = 0;
    for now in (0..365 * 144).map(|step| NOW + step * 600_000) {
        spans = after(&spans, now);
        let shown = spans[0];
        assert!(shown.from_ms <= now && shown.until_ms > now + DAY_MS, "at {now}");
        most = most.max(spans.len());
        told.retain(|(at, _)| now - at <= DAY_MS);
        assert!(told.iter().all(|(_, pages)| pages.contains(&shown)), "at {now}");
        told.push((now, spans.clone()));
    }
    assert_eq!(most, 2);
}

proptest! {
    #[test]
    fn whatever_was_kept_the_one_that_is_shown_is_valid_and_nothing_is_left_to_do_after(
        kept in prop::collection::vec((-20 * DAY_MS..20 * DAY_MS, -20 * DAY_MS..40 * DAY_MS), 0..6),
    ) {
        let spans: Vec<Span> = kept.iter().map(|(from, until)| span(NOW + from, NOW + until)).collect();
        let once = after(&spans, NOW);
        let shown = once.first().copied();
        prop_assert!(shown.is_some_and(|shown| shown.from_ms <= NOW && shown.until_ms > NOW));
        prop_assert_eq!(after(&once, NOW), once);
    }

    #[test]
    fn no_clock_makes_it_panic(from: i64, until: i64, now: i64) {
        let _ = duty(&[span(from, until)], now);
    }
}

#[test]
fn a_certificate_is_the_same_after_it_was_kept() {
    let made = Certificate::make(NOW).unwrap();
    let text = serde_json::to_string(made.kept()).unwrap();
    let again = Certificate::take(serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!((again.hash(), again.span()), (made.hash(), made.span()));
    assert_eq!(made.fingerprint().replace(':', "").to_lowercase(), made.hash());
    assert!(!format!("{:?}", made.kept()).contains("PRIVATE KEY"));
}

#[test]
fn a_damaged_certificate_or_one_with_anothers_key_is_refused() {
    let (one, other) = (Certificate::make(NOW).unwrap(), Certificate::make(NOW).unwrap());
    let mut mixed = one.kept().clone();
    mixed.key = other.kept().key.clone();
    assert!(matches!(Certificate::take(mixed), Err(CertificateError::Tls(_))));
    let mut torn = one.kept().clone();
    torn.certificate.truncate(40);
    assert!(matches!(
        Certificate::take(torn),
        Err(CertificateError::Damaged(_))
    ));
}

#[test]
fn a_time_that_no_certificate_can_say_is_an_error() {
    assert!(matches!(
        Certificate::make(i64::MAX),
        Err(CertificateError::Make(_))
    ));
}
