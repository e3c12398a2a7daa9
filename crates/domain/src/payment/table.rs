//! Writes the table of every state and every kind of evidence, and keeps the one in the documentation true:
//! `UPDATE_TABLE=1 cargo test -p domain the_documented_table`.

use std::fmt::Write as _;

use super::*;
use crate::{
    Kes,
    mpesa::{Receipt, ResultCode},
};

fn receipt(text: &str) -> Receipt {
    text.parse().unwrap()
}

fn every_evidence() -> Vec<(&'static str, Evidence)> {
    let paid = |receipt, amount, receipt_used_elsewhere| Evidence::Paid { receipt, amount, receipt_used_elsewhere };
    let by_hand = |receipt, amount, received_before_kes, ownership| Evidence::PaidByHand {
        receipt,
        amount,
        received_before_kes,
        ownership,
    };
    let (price, less, more) = (Kes::new(20).unwrap(), Kes::new(15).unwrap(), Kes::new(30).unwrap());
    let (known, new) = (receipt("UKM4T8IYOU"), receipt("UKM5X1B2C3"));
    let code = |code| Evidence::CallbackResult(ResultCode::new(code));
    vec![
        ("push accepted", Evidence::SubmitAccepted),
        ("push refused before processing", Evidence::SubmitRefused),
        ("push answer lost or unreadable", Evidence::SubmitUnknown),
        ("callback: paid, the receipt already known", paid(known.clone(), price, false)),
        ("callback: paid, a new receipt", paid(new.clone(), price, false)),
        ("callback: paid, another amount", paid(new.clone(), less, false)),
        ("callback: paid, the receipt is another payment's", paid(new.clone(), price, true)),
        ("callback: paid, unreadable", Evidence::PaidUnreadable),
        ("callback: code and words contradict each other", Evidence::Contradictory),
        ("callback: proves no debit (1032 …) or a set-up fault (2028 …)", code("1032")),
        ("callback: proves nothing (4999, 17, unknown codes)", code("4999")),
        ("query: paid", Evidence::QuerySucceeded),
        ("query: proves no debit, within the grace", Evidence::QueryResult(ResultCode::new("1037"))),
        ("query: proves nothing", Evidence::QueryResult(ResultCode::new("4999"))),
        ("by hand: the price or more, a new receipt", by_hand(new.clone(), more, 0, Ownership::Free)),
        ("by hand: the rest, with what was held", by_hand(new.clone(), less, 5, Ownership::Free)),
        ("by hand: less than the price", by_hand(new.clone(), less, 0, Ownership::Free)),
        ("by hand: told again", by_hand(known, less, 0, Ownership::Ours)),
        ("by hand: the receipt is another payment's", by_hand(new, price, 0, Ownership::Elsewhere)),
        ("the customer's credit covers it", Evidence::CoveredByCredit),
        ("a named admin: it was paid", Evidence::DecidedPaid),
        ("a named admin: it was not paid", Evidence::DecidedNotPaid),
        ("our schedule is exhausted", Evidence::GaveUp),
        ("the money was given back", Evidence::Refunded),
    ]
}

fn cell(outcome: Outcome) -> String {
    match outcome {
        Outcome::Moved(state) => format!("→ {state}"),
        Outcome::Settled => "**settled**".to_owned(),
        Outcome::ReceiptAdded => "receipt added".to_owned(),
        Outcome::PartKept => "part kept".to_owned(),
        Outcome::CreditKept => "credit kept, alert".to_owned(),
        Outcome::AlreadyKnown => "known".to_owned(),
        Outcome::Kept => "kept".to_owned(),
        Outcome::ToReview(conflict) => format!("→ review ({})", conflict.as_str()),
        Outcome::Alerted(conflict) => format!("alert ({})", conflict.as_str()),
    }
}

fn table() -> String {
    let mut text = String::from("| evidence |");
    for state in PaymentState::ALL {
        let _ = write!(text, " {state} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(PaymentState::ALL.len()));
    for (words, evidence) in every_evidence() {
        let _ = write!(text, "\n| {words} |");
        for state in PaymentState::ALL {
            let ours = matches!(state, PaymentState::Succeeded | PaymentState::Refunded).then(|| receipt("UKM4T8IYOU"));
            let known = Known {
                state,
                amount: Kes::new(20).unwrap(),
                receipt: ours,
                age_secs: 30,
                query_grace_secs: QUERY_FAILURE_GRACE_SECS,
            };
            let _ = write!(text, " {} |", cell(record(&known, &evidence)));
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_documented_table_is_what_the_rule_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/payment/table.md");
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(path, table()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        table(),
        "UPDATE_TABLE=1 cargo test -p domain the_documented_table"
    );
}
