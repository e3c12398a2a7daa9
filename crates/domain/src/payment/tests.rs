use proptest::prelude::*;

use super::{Outcome::*, Ownership::*, PaymentState::*, *};
use crate::{
    Kes,
    mpesa::{Receipt, ResultCode},
};

const OURS: &str = "UKM4T8IYOU";
const OTHER: &str = "UKM5X1B2C3";

fn receipt(text: &str) -> Receipt {
    text.parse().unwrap()
}

fn known(state: PaymentState) -> Known {
    let receipt = matches!(state, Succeeded | Refunded).then(|| receipt(OURS));
    Known { state, amount: Kes::new(20).unwrap(), receipt, age_secs: 10, query_grace_secs: QUERY_FAILURE_GRACE_SECS }
}

fn paid(receipt_text: &str, amount: u32) -> Evidence {
    Evidence::Paid { receipt: receipt(receipt_text), amount: Kes::new(amount).unwrap(), receipt_used_elsewhere: false }
}

fn by_hand(receipt_text: &str, amount: u32, received_before_kes: u64, ownership: Ownership) -> Evidence {
    Evidence::PaidByHand {
        receipt: receipt(receipt_text),
        amount: Kes::new(amount).unwrap(),
        received_before_kes,
        ownership,
    }
}

/// One row per kind of evidence, one column per state in the order of [`PaymentState::ALL`].
#[test]
fn the_whole_table() {
    let failed = Moved(Failed);
    let code = |code| Evidence::CallbackResult(ResultCode::new(code));
    let doubtful = |conflict| {
        let review = ToReview(conflict);
        [review, review, review, review, review, review, Alerted(conflict), Kept, Alerted(conflict)]
    };
    let queried = |code| Evidence::QueryResult(ResultCode::new(code));
    let table: Vec<(Evidence, [Outcome; 9])> = vec![
        // evidence                    Created  Pending  Unknown  Rejected Failed  Expired  Succeeded Review Refunded
        (Evidence::SubmitAccepted, [Moved(Pending), Kept, Moved(Pending), Kept, Kept, Kept, Kept, Kept, Kept]),
        (Evidence::SubmitRefused, [Moved(Rejected), Kept, Moved(Rejected), Kept, Kept, Kept, Kept, Kept, Kept]),
        (Evidence::SubmitUnknown, [Moved(Unknown), Kept, AlreadyKnown, Kept, Kept, Kept, Kept, Kept, Kept]),
        (paid(OURS, 20), [Settled, Settled, Settled, Settled, Settled, Settled, AlreadyKnown, Kept, AlreadyKnown]),
        (Evidence::QuerySucceeded, [Settled, Settled, Settled, Settled, Settled, Settled, AlreadyKnown, Kept, Kept]),
        (code("1032"), [failed, failed, failed, Kept, AlreadyKnown, failed, Kept, Kept, Kept]),
        (Evidence::Contradictory, doubtful(Conflict::Contradictory)),
        (Evidence::PaidUnreadable, doubtful(Conflict::Unreadable)),
        (code("4999"), [Kept; 9]),
        (code("7777"), [Kept; 9]),
        (queried("1032"), [Kept, Kept, Kept, Kept, AlreadyKnown, Kept, Kept, Kept, Kept]),
        (
            Evidence::GaveUp,
            [Moved(Expired), Moved(Expired), Moved(Expired), Kept, Kept, AlreadyKnown, Kept, Kept, Kept],
        ),
        (
            by_hand(OURS, 20, 0, Free),
            [
                Settled,
                Settled,
                Settled,
                Settled,
                Settled,
                Settled,
                AlreadyKnown,
                Kept,
                Alerted(Conflict::PaidAfterRefund),
            ],
        ),
        (
            by_hand(OTHER, 20, 0, Free),
            [
                Settled,
                Settled,
                Settled,
                Settled,
                Settled,
                Settled,
                CreditKept,
                Kept,
                Alerted(Conflict::PaidAfterRefund),
            ],
        ),
        (
            by_hand(OTHER, 5, 10, Free),
            [
                PartKept,
                PartKept,
                PartKept,
                PartKept,
                PartKept,
                PartKept,
                CreditKept,
                Kept,
                Alerted(Conflict::PaidAfterRefund),
            ],
        ),
        (
            by_hand(OTHER, 5, 10, Ours),
            [
                AlreadyKnown,
                AlreadyKnown,
                AlreadyKnown,
                AlreadyKnown,
                AlreadyKnown,
                AlreadyKnown,
                AlreadyKnown,
                Kept,
                AlreadyKnown,
            ],
        ),
        (by_hand(OTHER, 30, 0, Elsewhere), [Kept; 9]),
        (Evidence::CoveredByCredit, [Settled, Kept, Kept, Kept, Kept, Kept, AlreadyKnown, Kept, Kept]),
        (Evidence::DecidedPaid, [Settled, Settled, Settled, Settled, Settled, Settled, AlreadyKnown, Settled, Kept]),
        (Evidence::DecidedNotPaid, [Kept, Kept, failed, AlreadyKnown, AlreadyKnown, failed, Kept, failed, Kept]),
        (Evidence::Refunded, [Kept, Kept, Kept, Kept, Kept, Kept, Moved(Refunded), Moved(Refunded), AlreadyKnown]),
    ];
    for (evidence, outcomes) in table {
        for (state, outcome) in PaymentState::ALL.into_iter().zip(outcomes) {
            assert_eq!(record(&known(state), &evidence), outcome, "{state} with {evidence:?}");
        }
    }
}

#[test]
fn a_wrong_amount_is_never_a_grant_and_never_thrown_away() {
    for state in [Created, Pending, Unknown, Rejected, Failed, Expired] {
        assert_eq!(record(&known(state), &paid(OTHER, 19)), ToReview(Conflict::AmountDiffers), "{state}");
    }
}

#[test]
fn a_receipt_pays_once() {
    let used = Evidence::Paid { receipt: receipt(OTHER), amount: Kes::new(20).unwrap(), receipt_used_elsewhere: true };
    assert_eq!(record(&known(Pending), &used), ToReview(Conflict::ReceiptUsed));
    assert_eq!(record(&known(Succeeded), &paid(OTHER, 20)), Alerted(Conflict::SecondReceipt));
    assert_eq!(record(&known(Refunded), &paid(OTHER, 20)), Alerted(Conflict::PaidAfterRefund));
}

#[test]
fn a_success_learnt_by_query_gets_its_receipt_later() {
    let without = Known { receipt: None, ..known(Succeeded) };
    assert_eq!(record(&without, &paid(OURS, 20)), ReceiptAdded);
    assert_eq!(record(&without, &paid(OURS, 19)), Alerted(Conflict::AmountDiffers));
}

#[test]
fn a_query_failure_waits_out_the_grace() {
    let evidence = Evidence::QueryResult(ResultCode::new("1037"));
    let aged = |age_secs| Known { age_secs, ..known(Pending) };
    assert_eq!(record(&aged(QUERY_FAILURE_GRACE_SECS - 1), &evidence), Kept);
    assert_eq!(record(&aged(QUERY_FAILURE_GRACE_SECS), &evidence), Moved(Failed));
}

#[test]
fn states_read_back() {
    for state in PaymentState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    assert!("Pending".parse::<PaymentState>().is_err());
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        Just(Evidence::SubmitAccepted),
        Just(Evidence::SubmitRefused),
        Just(Evidence::SubmitUnknown),
        Just(paid(OURS, 20)),
        Just(by_hand(OURS, 20, 0, Free)),
        Just(by_hand(OTHER, 30, 0, Elsewhere)),
        Just(Evidence::QuerySucceeded),
        Just(Evidence::DecidedPaid),
        Just(Evidence::DecidedNotPaid),
        Just(Evidence::GaveUp),
        prop_oneof!["[0-9]{1,5}", "SFC_IC0003"].prop_map(|code| Evidence::CallbackResult(ResultCode::new(&code))),
        prop_oneof!["[0-9]{1,5}", "SFC_IC0003"].prop_map(|code| Evidence::QueryResult(ResultCode::new(&code))),
    ]
}

proptest! {
    /// Whatever else arrives, in whatever order and however often: if there is one success among it, the
    /// payment settles exactly once and ends as succeeded.
    #[test]
    fn success_wins_exactly_once(before in prop::collection::vec(any_evidence(), 0..12), after in prop::collection::vec(any_evidence(), 0..12), age in 0u64..200_000) {
        let mut known = Known { age_secs: age, receipt: None, ..known(Created) };
        let mut settled = 0;
        let history = before.into_iter().chain([paid(OURS, 20)]).chain(after);
        for evidence in history {
            match record(&known, &evidence) {
                Moved(next) => known.state = next,
                Settled => {
                    settled += 1;
                    known.state = Succeeded;
                    known.receipt = brought_receipt(&evidence);
                }
                ReceiptAdded => known.receipt = brought_receipt(&evidence),
                AlreadyKnown | Kept => {}
                outcome @ (PartKept | CreditKept | ToReview(_) | Alerted(_)) => prop_assert!(false, "{outcome:?} without a reason"),
            }
        }
        prop_assert_eq!(settled, 1);
        prop_assert_eq!(known.state, Succeeded);
    }

    /// Parts of any size, in any order, each told any number of times: the payment settles exactly once,
    /// exactly when their sum reaches the price, and every shilling is somewhere.
    #[test]
    fn parts_add_up(amounts in prop::collection::vec(1u32..30, 1..8), repeats in 1usize..3) {
        let mut known = Known { receipt: None, ..known(Pending) };
        let (mut held, mut credited, mut credit) = (0u64, 0u64, 0u64);
        let mut seen = Vec::new();
        for (index, amount) in amounts.iter().enumerate() {
            let text = format!("UKM4T8IY{index:02}");
            for _ in 0..repeats {
                let ownership = if seen.contains(&text) { Ours } else { Free };
                let amount_kes = u64::from(*amount);
                let before = if ownership == Ours { held.saturating_sub(amount_kes) } else { held };
                match record(&known, &by_hand(&text, *amount, before, ownership)) {
                    PartKept => held += amount_kes,
                    Settled => {
                        prop_assert!(held + amount_kes >= 20);
                        (credited, credit) = (20, credit + held + amount_kes - 20);
                        held = 0;
                        known.state = Succeeded;
                        known.receipt = Some(receipt(&text));
                    }
                    CreditKept => credit += amount_kes,
                    outcome => prop_assert_eq!(outcome, AlreadyKnown),
                }
                seen.push(text.clone());
            }
        }
        let total: u64 = amounts.iter().map(|amount| u64::from(*amount)).sum();
        prop_assert_eq!(held + credited + credit, total);
        prop_assert_eq!(known.state == Succeeded, total >= 20);
    }
}

fn brought_receipt(evidence: &Evidence) -> Option<Receipt> {
    match evidence {
        Evidence::Paid { receipt, .. } | Evidence::PaidByHand { receipt, .. } => Some(receipt.clone()),
        _ => None,
    }
}
