//! Buckets and cooldowns, without a database.

use super::*;

fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_300_000 + secs, 0).unwrap()
}

fn attempt(age_secs: i64, state: PaymentState, code: Option<&str>) -> Attempt {
    Attempt {
        amount_kes: 20,
        state,
        result_code: code.map(str::to_owned),
        submitted_at: Some(at(-age_secs)),
        created_at: at(-age_secs),
        updated_at: at(-age_secs),
    }
}

fn judged(attempts: &[Attempt], kes: u32) -> Option<(Option<CooldownReason>, u64)> {
    match judge_phone(attempts, Kes::new(kes).unwrap(), at(0)) {
        Ok(()) => None,
        Err(BeginError::Cooldown { retry_after_secs, reason }) => Some((Some(reason), retry_after_secs)),
        Err(BeginError::TooMany { retry_after_secs }) => Some((None, retry_after_secs)),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_phone_rests_as_long_as_mpesa_asks_for() {
    use CooldownReason::{LineBusy, SameAmount, TooSoon};
    use PaymentState::{Expired, Failed, Pending, Rejected, Succeeded};
    for (last, kes, expected) in [
        (attempt(30, Pending, Some("17")), 20, Some((Some(SameAmount), 90))),
        (attempt(119, Expired, Some("17")), 20, Some((Some(SameAmount), 1))),
        (attempt(120, Expired, Some("17")), 20, None),
        (attempt(70, Expired, Some("17")), 50, None),
        (attempt(30, Pending, Some("1001")), 50, Some((Some(LineBusy), 60))),
        (attempt(30, Rejected, Some("subscriber_busy")), 50, Some((Some(LineBusy), 60))),
        (attempt(90, Rejected, Some("subscriber_busy")), 50, None),
        (attempt(20, Failed, Some("1037")), 20, Some((Some(TooSoon), 40))),
        (attempt(60, Failed, Some("1037")), 20, None),
        (attempt(1, Failed, Some("1032")), 20, None),
        (attempt(1, Failed, Some("2001")), 20, None),
        (attempt(1, Succeeded, None), 20, None),
        (attempt(1, Rejected, Some("unreachable")), 20, None),
    ] {
        assert_eq!(judged(std::slice::from_ref(&last), kes), expected, "{last:?}");
    }
}

#[test]
fn nobody_is_prompted_without_end() {
    let cancelled = |age| attempt(age, PaymentState::Failed, Some("1032"));
    let five: Vec<Attempt> = (0..5).map(|n| cancelled(100 + n * 100)).collect();
    assert_eq!(judged(&five, 20), Some((None, 100)), "five in ten minutes; the oldest leaves after 100 s");
    assert_eq!(judged(&five[..4], 20), None);
    let a_day: Vec<Attempt> = (0..20).map(|n| cancelled(700 + n * 700)).collect();
    assert_eq!(judged(&a_day, 20), Some((Some(CooldownReason::TooManyUnpaid), 86_400 - 14_000)));
    let paid: Vec<Attempt> = (0..40).map(|n| attempt(700 + n * 700, PaymentState::Succeeded, None)).collect();
    assert_eq!(judged(&paid, 20), None, "who pays may pay");
}

#[tokio::test(start_paused = true)]
async fn five_hundred_phones_behind_one_address_are_served_and_a_flood_is_not() {
    let limits = Limits::new(PayLimits { per_sec: 50, burst: 1000, per_address: 600 });
    let house: IpAddr = "203.0.113.7".parse().unwrap();
    for _ in 0..600 {
        assert_eq!(limits.admit(Some(house)), Admission::Granted);
    }
    let refused = limits.admit(Some(house));
    assert_eq!(refused, Admission::Address { retry_after_secs: 2, recount: true });
    assert_eq!(limits.admit(Some(house)), Admission::Address { retry_after_secs: 2, recount: false });
    assert_eq!(limits.admit(Some("203.0.113.8".parse().unwrap())), Admission::Granted, "others are not concerned");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(limits.admit(Some(house)), Admission::Granted, "a share comes back every second");
    limits.set_unpaid(house, 100);
    assert_eq!(limits.admit(Some(house)), Admission::Granted, "what was paid does not count");
}

#[tokio::test(start_paused = true)]
async fn everybody_together_has_a_limit_that_comes_back() {
    let limits = Limits::new(PayLimits { per_sec: 10, burst: 20, per_address: 600 });
    let mut granted = 0;
    for number in 0..100_u8 {
        let address = IpAddr::from([198, 51, 100, number]);
        granted += u32::from(limits.admit(Some(address)) == Admission::Granted);
    }
    assert_eq!(granted, 20);
    assert_eq!(limits.admit(None), Admission::Everybody { retry_after_secs: 1 });
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!(limits.admit(None), Admission::Granted);
}

#[tokio::test(start_paused = true)]
async fn addresses_do_not_fill_the_memory() {
    let limits = Limits::new(PayLimits { per_sec: 1_000_000, burst: 1_000_000, per_address: 600 });
    for number in 0..30_000_u32 {
        assert_eq!(limits.admit(Some(IpAddr::from(number.to_be_bytes()))), Admission::Granted);
    }
    assert!(limits.addresses.lock().unwrap().buckets.len() <= MAX_ADDRESSES);
    let a: IpAddr = "2001:db8::1".parse().unwrap();
    let b: IpAddr = "2001:db8::2".parse().unwrap();
    assert_eq!(network(a), network(b), "one customer's IPv6 network is one address");
}

#[tokio::test]
async fn pushes_wait_in_a_line_of_bounded_length() {
    let limits = Limits::new(PayLimits::default());
    let places: Vec<_> = std::iter::from_fn(|| limits.place_for_push()).collect();
    assert_eq!(places.len(), MAX_WAITING);
    drop(places);
    assert!(limits.place_for_push().is_some());
}
