//! Every reason there is, from what is known to the words.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MacAddr, PaymentId, PaymentState, RouterId};
use uuid::Uuid;

use super::*;
use crate::db::receipts::ReceiptState;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_327_200, 0).unwrap()
}

fn mac(last: u8) -> MacAddr {
    MacAddr::from_bytes([0xA4, 0xCF, 0x12, 0, 0, last]).unwrap()
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

fn payment(state: PaymentState) -> PaymentFact {
    PaymentFact {
        id: PaymentId::from_uuid(Uuid::from_u128(1)),
        state,
        created_at: ago(10),
        amount_kes: 20,
        held_kes: 0,
        failure: None,
        is_claimed: false,
        phone: "0712 *** 678".into(),
    }
}

/// A customer with whom all is well.
fn well() -> Facts {
    Facts {
        question: Question::read("0712345678"),
        now: now(),
        receipt: None,
        is_code_claimed: false,
        payment: Some(payment(PaymentState::Succeeded)),
        session: Some(SessionFact {
            package: "1 hour".into(),
            life: Life::Running { ends_at: now() + TimeDelta::minutes(50) },
            mac: mac(1),
            is_data_used: false,
            devices: 1,
            devices_max: 1,
        }),
        device: Some(DeviceFact { mac: mac(1), is_applied: true, is_online: true, last_error: None }),
        other_mac: None,
        block: None,
        router: Some(RouterFact {
            id: RouterId::from_uuid(Uuid::from_u128(2)),
            name: "Main cafe".into(),
            is_active: true,
            last_seen_at: Some(now()),
            away_since: None,
            look: Look::Now(Shown {
                user: UserShown::Ours,
                host: HostShown::Authorized,
                is_active: true,
                ..Shown::default()
            }),
        }),
        is_full_macs: true,
        done: Vec::new(),
    }
}

fn unpaid(payment: PaymentFact) -> Facts {
    Facts { payment: Some(payment), session: None, device: None, router: None, ..well() }
}

fn life(life: Life) -> Facts {
    let session = SessionFact { life, ..well().session.unwrap() };
    Facts { session: Some(session), ..well() }
}

fn over(reason: Over) -> Facts {
    life(Life::Over { at: ago(5), reason })
}

fn look(look: Look) -> Facts {
    Facts { router: Some(RouterFact { look, ..well().router.unwrap() }), ..well() }
}

fn shown(user: UserShown, host: HostShown) -> Shown {
    Shown { user, host, ..Shown::default() }
}

fn code(state: ReceiptState) -> Facts {
    Facts {
        question: Question::read("SKL1234ABC"),
        receipt: Some(ReceiptFact { state, amount_kes: 50 }),
        payment: None,
        session: None,
        device: None,
        router: None,
        ..well()
    }
}

fn away(is_applied: bool, is_online: bool) -> Facts {
    let router = RouterFact {
        away_since: Some(ago(90)),
        look: Look::Failed("The router cannot be reached.".into()),
        ..well().router.unwrap()
    };
    let device = DeviceFact { is_applied, is_online, ..well().device.unwrap() };
    Facts { router: Some(router), device: Some(device), ..well() }
}

#[test]
fn what_is_typed_is_read() {
    for (text, kind) in [
        ("0712 345 678", "phone"),
        ("+254712345678", "phone"),
        ("a4:cf:12:00:00:01", "mac"),
        ("A4-CF-12-00-00-01", "mac"),
        (" skl1234abc ", "receipt"),
        ("", "unknown"),
        ("hello there", "unknown"),
    ] {
        assert_eq!(Question::read(text).kind(), kind, "{text}");
    }
}

#[test]
fn who_is_on_is_on_at_every_station() {
    let why = decide(&well());
    assert!(why.is_well && why.todo.is_none(), "{why:?}");
    let stations: Vec<_> = why.steps.iter().map(|step| (step.station, step.state)).collect();
    let all = ["payment", "session", "router", "user", "host", "active"];
    assert_eq!(stations, all.map(|station| (station, StepState::Ok)));
    assert!(why.steps[0].payment_id.is_some() && why.steps[2].router_id.is_some());
}

#[test]
fn every_reason_is_said_at_its_station() {
    let bypassed = look(Look::Now(shown(UserShown::Ours, HostShown::Bypassed)));
    assert!(decide(&bypassed).is_well);
    let held = PaymentFact { held_kes: 15, ..payment(PaymentState::Expired) };
    let claimed = PaymentFact { is_claimed: true, ..payment(PaymentState::Expired) };
    let failed = PaymentFact { failure: Some("The customer cancelled.".into()), ..payment(PaymentState::Failed) };
    let removed = RouterFact { is_active: false, ..well().router.unwrap() };
    let not_told = DeviceFact { is_applied: false, last_error: Some("It was busy.".into()), ..well().device.unwrap() };
    let polls = |away_since| Some(RouterFact { look: Look::Polls, away_since, ..well().router.unwrap() });
    let full = Shown { is_full: true, ..shown(UserShown::Ours, HostShown::Waiting) };
    let others = Shown { at_portal: 3, ..shown(UserShown::Ours, HostShown::Missing) };
    let nobody = Facts { payment: None, session: None, device: None, router: None, ..well() };
    let of_mac = Facts { question: Question::read("A4:CF:12:00:00:09"), ..nobody.clone() };
    let unread = Facts { question: Question::read("?"), ..well() };
    let off = DeviceFact { is_online: false, ..well().device.unwrap() };
    for (name, facts, station, state, part) in [
        ("nonsense", unread, "", StepState::Wrong, "no phone number"),
        ("prompt open", unpaid(payment(PaymentState::Pending)), "payment", StepState::Waiting, "not finished"),
        ("prompt begun", unpaid(payment(PaymentState::Created)), "payment", StepState::Waiting, "not finished"),
        ("prompt unclear", unpaid(payment(PaymentState::Unknown)), "payment", StepState::Waiting, "not finished"),
        ("cancelled", unpaid(failed), "payment", StepState::Wrong, "The customer cancelled"),
        ("expired", unpaid(payment(PaymentState::Expired)), "payment", StepState::Wrong, "Not paid"),
        (
            "rejected",
            unpaid(payment(PaymentState::Rejected)),
            "payment",
            StepState::Wrong,
            "No payment request reached the phone",
        ),
        ("review", unpaid(payment(PaymentState::Review)), "payment", StepState::Wrong, "waits for a person"),
        ("refunded", unpaid(payment(PaymentState::Refunded)), "payment", StepState::Wrong, "given back"),
        ("part", unpaid(held), "payment", StepState::Wrong, "KES 5"),
        ("claim", unpaid(claimed), "payment", StepState::Wrong, "code waits for a person"),
        ("nothing bought", nobody, "payment", StepState::Wrong, "This phone has bought nothing"),
        ("device bought nothing", of_mac, "payment", StepState::Wrong, "This device has bought nothing"),
        ("unmatched", code(ReceiptState::Unmatched), "payment", StepState::Wrong, "nobody knows whose"),
        ("credit", code(ReceiptState::Credit), "payment", StepState::Wrong, "customer's credit"),
        ("dismissed", code(ReceiptState::Dismissed), "payment", StepState::Wrong, "not meant for the WiFi"),
        ("reversed", code(ReceiptState::Reversed), "payment", StepState::Wrong, "given back"),
        (
            "unknown code",
            Facts { receipt: None, ..code(ReceiptState::Part) },
            "payment",
            StepState::Wrong,
            "not known here",
        ),
        (
            "code claimed",
            Facts { receipt: None, is_code_claimed: true, ..code(ReceiptState::Part) },
            "payment",
            StepState::Wrong,
            "waits for a person",
        ),
        ("blocked", Facts { block: Some("noise".into()), ..well() }, "session", StepState::Wrong, "blocked"),
        ("being made", Facts { session: None, ..well() }, "session", StepState::Waiting, "a moment ago"),
        ("time over", over(Over::Time), "session", StepState::Wrong, "time is over"),
        ("data over", over(Over::Data), "session", StepState::Wrong, "data of the package"),
        ("money back", over(Over::Refunded), "session", StepState::Wrong, "given back"),
        ("stopped", over(Over::Stopped), "session", StepState::Wrong, "An admin ended"),
        ("extended", over(Over::Extended), "session", StepState::Wrong, "later purchase"),
        ("paused", life(Life::Paused), "session", StepState::Wrong, "paused"),
        (
            "data used",
            Facts { session: Some(SessionFact { is_data_used: true, ..well().session.unwrap() }), ..well() },
            "session",
            StepState::Wrong,
            "data",
        ),
        ("new address", Facts { other_mac: Some(mac(9)), ..well() }, "host", StepState::Wrong, "another device"),
        ("no router", Facts { router: None, ..well() }, "router", StepState::Wrong, "no router"),
        ("removed", Facts { router: Some(removed), ..well() }, "router", StepState::Wrong, "out of use"),
        ("away, not told", away(false, false), "router", StepState::Wrong, "as soon as it is back"),
        ("away, told", away(true, true), "router", StepState::Wrong, "told to let this device on before"),
        ("polls no more", Facts { router: polls(Some(ago(5))), ..well() }, "router", StepState::Wrong, "away"),
        (
            "foreign user",
            look(Look::Now(shown(UserShown::Foreign, HostShown::Waiting))),
            "user",
            StepState::Wrong,
            "made by hand",
        ),
        (
            "user off",
            look(Look::Now(shown(UserShown::Disabled, HostShown::Waiting))),
            "user",
            StepState::Waiting,
            "switched this device off",
        ),
        ("user lost", look(Look::Now(Shown::default())), "user", StepState::Waiting, "has lost"),
        (
            "not told",
            Facts { device: Some(not_told.clone()), ..look(Look::Now(Shown::default())) },
            "user",
            StepState::Waiting,
            "being told",
        ),
        (
            "will be told",
            Facts { device: Some(not_told), router: polls(None), ..well() },
            "user",
            StepState::Waiting,
            "asks next",
        ),
        (
            "not there",
            look(Look::Now(shown(UserShown::Ours, HostShown::Missing))),
            "host",
            StepState::Waiting,
            "not in the WiFi",
        ),
        ("maybe new address", look(Look::Now(others)), "host", StepState::Waiting, "not in the WiFi"),
        (
            "not seen lately",
            Facts { device: Some(off), router: polls(None), ..well() },
            "host",
            StepState::Waiting,
            "not seen lately",
        ),
        ("full", look(Look::Now(full)), "active", StepState::Wrong, "licence"),
        ("stuck", look(Look::Now(shown(UserShown::Ours, HostShown::Waiting))), "active", StepState::Waiting, "stuck"),
    ] {
        let why = decide(&facts);
        assert!(!why.is_well && why.verdict.contains(part), "{name}: {why:?}");
        let last = why.steps.last().map(|step| (step.station, step.state));
        assert_eq!(last.unwrap_or(("", StepState::Wrong)), (station, state), "{name}: {why:?}");
        assert!(why.steps.iter().rev().skip(1).all(|step| step.state == StepState::Ok), "{name}: {why:?}");
        assert!(state == StepState::Waiting || why.todo.is_some(), "{name}: {why:?}");
        let texts = why.steps.iter().map(|step| &step.text).chain([&why.verdict]);
        assert!(texts.into_iter().all(|text| text.ends_with('.')), "{name}: {why:?}");
    }
}

#[test]
fn a_router_that_just_stopped_answering_is_judged_by_what_it_said_last() {
    let facts = look(Look::Failed("It does not answer in time.".into()));
    let why = decide(&facts);
    assert!(why.is_well, "{why:?}");
    assert_eq!(why.steps[2].state, StepState::Unknown);
}

#[test]
fn an_attempt_that_failed_does_not_hide_time_that_runs() {
    let why = decide(&Facts { payment: Some(payment(PaymentState::Failed)), ..well() });
    assert!(why.is_well, "{why:?}");
}

#[test]
fn cashiers_see_devices_masked_unless_they_asked_for_them() {
    let whole = mac(1).to_string();
    let text = |facts: &Facts| format!("{:?}", decide(facts));
    let masked = Facts { is_full_macs: false, ..well() };
    assert!(!text(&masked).contains(&whole) && text(&well()).contains(&whole));
    assert!(text(&Facts { question: Question::Mac(mac(1)), ..masked }).contains(&whole));
}

#[test]
fn an_address_the_phone_made_up_is_said_to_be_one() {
    let made_up = MacAddr::from_bytes([0x06, 1, 2, 3, 4, 5]).unwrap();
    let text = |other| format!("{:?}", decide(&Facts { other_mac: Some(other), ..well() }).steps);
    assert!(text(made_up).contains("private addresses") && !text(mac(9)).contains("private addresses"));
}
