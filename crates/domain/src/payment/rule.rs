//! The rule: one function, total over every state and every kind of evidence.

use super::{Conflict, Evidence, Known, Outcome, Ownership, PaymentState};
use crate::{
    Kes,
    mpesa::{Receipt, ResultCode, ResultMeaning},
};

/// A failure learnt only by query is not final before this age of the payment unless the owner says
/// otherwise, because queries have been seen to report failure early (observed).
pub const QUERY_FAILURE_GRACE_SECS: u64 = 90;

/// Decides what one piece of evidence does to a payment. Pure and total.
#[must_use]
pub fn record(known: &Known, evidence: &Evidence) -> Outcome {
    match evidence {
        Evidence::SubmitAccepted => submit(known.state, PaymentState::Pending),
        Evidence::SubmitRefused => submit(known.state, PaymentState::Rejected),
        Evidence::SubmitUnknown => submit(known.state, PaymentState::Unknown),
        Evidence::Paid { receipt, amount, receipt_used_elsewhere } => {
            paid(known, receipt, *amount, *receipt_used_elsewhere)
        }
        Evidence::PaidUnreadable => doubtful(known.state, Conflict::Unreadable),
        Evidence::Contradictory => doubtful(known.state, Conflict::Contradictory),
        Evidence::QuerySucceeded => settle_without_receipt(known.state),
        Evidence::CallbackResult(code) => result(known.state, code, true),
        Evidence::PaidByHand { receipt, amount, received_before_kes, ownership } => {
            paid_by_hand(known, receipt, *amount, *received_before_kes, *ownership)
        }
        Evidence::CoveredByCredit => covered_by_credit(known.state),
        Evidence::DecidedPaid => decided_paid(known.state),
        Evidence::DecidedNotPaid => decided_not_paid(known.state),
        Evidence::QueryResult(code) => result(known.state, code, known.age_secs >= known.query_grace_secs),
        Evidence::GaveUp => gave_up(known.state),
        Evidence::Refunded => refunded(known.state),
    }
}

/// The answer to our own push only ever moves a payment that has heard nothing else: a callback may have
/// been faster.
fn submit(state: PaymentState, next: PaymentState) -> Outcome {
    match state {
        PaymentState::Created => Outcome::Moved(next),
        PaymentState::Unknown => match next {
            PaymentState::Unknown => Outcome::AlreadyKnown,
            _ => Outcome::Moved(next),
        },
        PaymentState::Pending
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Succeeded
        | PaymentState::Review
        | PaymentState::Refunded => Outcome::Kept,
    }
}

fn paid(known: &Known, receipt: &Receipt, amount: Kes, used_elsewhere: bool) -> Outcome {
    let conflict = if used_elsewhere {
        Some(Conflict::ReceiptUsed)
    } else if amount != known.amount {
        Some(Conflict::AmountDiffers)
    } else {
        None
    };
    match known.state {
        PaymentState::Succeeded => match (&known.receipt, conflict) {
            (Some(ours), _) if ours == receipt => Outcome::AlreadyKnown,
            (Some(_), _) => Outcome::Alerted(Conflict::SecondReceipt),
            (None, Some(conflict)) => Outcome::Alerted(conflict),
            (None, None) => Outcome::ReceiptAdded,
        },
        PaymentState::Refunded => match &known.receipt {
            Some(ours) if ours == receipt => Outcome::AlreadyKnown,
            _ => Outcome::Alerted(Conflict::PaidAfterRefund),
        },
        // A person is already looking at contradicting evidence; more evidence is kept for them.
        PaymentState::Review => Outcome::Kept,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Unknown
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired => conflict.map_or(Outcome::Settled, Outcome::ToReview),
    }
}

/// What a person typed: exact or over settles, under is held for the rest, once more is credit.
fn paid_by_hand(known: &Known, receipt: &Receipt, amount: Kes, before_kes: u64, ownership: Ownership) -> Outcome {
    let received_kes = before_kes.saturating_add(u64::from(amount.shillings()));
    match (known.state, ownership) {
        // Whoever has the receipt keeps it.
        (_, Ownership::Elsewhere) => Outcome::Kept,
        (PaymentState::Succeeded | PaymentState::Refunded, Ownership::Ours) => Outcome::AlreadyKnown,
        (PaymentState::Succeeded, Ownership::Free) => match &known.receipt {
            Some(ours) if ours == receipt => Outcome::AlreadyKnown,
            // Learnt by query: this is the missing receipt.
            None if amount == known.amount => Outcome::ReceiptAdded,
            Some(_) | None => Outcome::CreditKept,
        },
        (PaymentState::Refunded, Ownership::Free) => Outcome::Alerted(Conflict::PaidAfterRefund),
        // A person is already looking; the money is held for their decision.
        (PaymentState::Review, Ownership::Free | Ownership::Ours) => Outcome::Kept,
        (
            PaymentState::Created
            | PaymentState::Pending
            | PaymentState::Unknown
            | PaymentState::Rejected
            | PaymentState::Failed
            | PaymentState::Expired,
            Ownership::Free | Ownership::Ours,
        ) => {
            if received_kes >= u64::from(known.amount.shillings()) {
                Outcome::Settled
            } else if ownership == Ownership::Ours {
                Outcome::AlreadyKnown
            } else {
                Outcome::PartKept
            }
        }
    }
}

fn covered_by_credit(state: PaymentState) -> Outcome {
    match state {
        PaymentState::Created => Outcome::Settled,
        PaymentState::Succeeded => Outcome::AlreadyKnown,
        PaymentState::Pending
        | PaymentState::Unknown
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Review
        | PaymentState::Refunded => Outcome::Kept,
    }
}

fn decided_paid(state: PaymentState) -> Outcome {
    match state {
        PaymentState::Succeeded => Outcome::AlreadyKnown,
        PaymentState::Refunded => Outcome::Kept,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Unknown
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Review => Outcome::Settled,
    }
}

/// A prompt that may still be open is not closed by a decision: it may yet be paid.
fn decided_not_paid(state: PaymentState) -> Outcome {
    match state {
        PaymentState::Review | PaymentState::Unknown | PaymentState::Expired => Outcome::Moved(PaymentState::Failed),
        PaymentState::Rejected | PaymentState::Failed => Outcome::AlreadyKnown,
        PaymentState::Created | PaymentState::Pending | PaymentState::Succeeded | PaymentState::Refunded => {
            Outcome::Kept
        }
    }
}

/// Money may have moved, but what is said cannot be relied on: a person decides.
fn doubtful(state: PaymentState, conflict: Conflict) -> Outcome {
    match state {
        PaymentState::Succeeded | PaymentState::Refunded => Outcome::Alerted(conflict),
        PaymentState::Review => Outcome::Kept,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Unknown
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired => Outcome::ToReview(conflict),
    }
}

fn settle_without_receipt(state: PaymentState) -> Outcome {
    match state {
        PaymentState::Succeeded => Outcome::AlreadyKnown,
        PaymentState::Review | PaymentState::Refunded => Outcome::Kept,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Unknown
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired => Outcome::Settled,
    }
}

/// A result code other than `0`. `may_finish` is false while a failure learnt by query is too young.
fn result(state: PaymentState, code: &ResultCode, may_finish: bool) -> Outcome {
    let proves_failure = match code.meaning() {
        ResultMeaning::NoDebit | ResultMeaning::Configuration => true,
        // `Success` comes with a receipt or from a query, as its own evidence; here it proves nothing.
        ResultMeaning::Success | ResultMeaning::Pending | ResultMeaning::Inconclusive | ResultMeaning::Unknown => false,
    };
    match state {
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown | PaymentState::Expired => {
            if proves_failure && may_finish {
                Outcome::Moved(PaymentState::Failed)
            } else {
                Outcome::Kept
            }
        }
        PaymentState::Failed if proves_failure => Outcome::AlreadyKnown,
        PaymentState::Failed
        | PaymentState::Rejected
        | PaymentState::Succeeded
        | PaymentState::Review
        | PaymentState::Refunded => Outcome::Kept,
    }
}

fn gave_up(state: PaymentState) -> Outcome {
    match state {
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown => Outcome::Moved(PaymentState::Expired),
        PaymentState::Expired => Outcome::AlreadyKnown,
        PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Succeeded
        | PaymentState::Review
        | PaymentState::Refunded => Outcome::Kept,
    }
}

fn refunded(state: PaymentState) -> Outcome {
    match state {
        PaymentState::Succeeded | PaymentState::Review => Outcome::Moved(PaymentState::Refunded),
        PaymentState::Refunded => Outcome::AlreadyKnown,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Unknown
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired => Outcome::Kept,
    }
}
