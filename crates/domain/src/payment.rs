//! What may happen to a payment. One pure function, [`record`], turns a state and a piece of evidence
//! into an outcome; it is exhaustive over both, so a new kind of evidence does not compile until every
//! state has an answer for it.
//!
//! The rules: success wins over everything but a refund, whenever it comes; what is
//! unknown never means failed; evidence that contradicts itself goes to a person, never silently to a
//! grant and never to the bin.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Kes,
    mpesa::{Receipt, ResultCode, ResultMeaning},
};

/// A failure learnt only by query is not final before this age of the payment, because queries have been
/// seen to report failure early (observed).
pub const QUERY_FAILURE_GRACE_SECS: u64 = 90;

/// The state of a payment, as stored in `payments.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Committed here; Daraja has not answered yet. A prompt may or may not exist.
    Created,
    /// Daraja accepted the push; the customer is looking at a prompt.
    Pending,
    /// The push may have been sent: its answer was lost. Never sent again.
    Unknown,
    /// Daraja refused the push before processing: provably no prompt.
    Rejected,
    /// M-Pesa said with a terminal code that no money moved.
    Failed,
    /// Nothing heard for the whole schedule; the customer may try again, evidence is still welcome.
    Expired,
    /// Paid. There is exactly one session for it.
    Succeeded,
    /// Evidence conflicts; a person decides. Nothing is granted and nothing is thrown away.
    Review,
    /// Paid back.
    Refunded,
}

/// The three words of the public API and of `payments.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PaymentStatus {
    /// Still open, or in review.
    Pending,
    /// Paid.
    Success,
    /// Not paid.
    Failed,
}

impl PaymentState {
    /// Every state, for tables and filters.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Pending,
        Self::Unknown,
        Self::Rejected,
        Self::Failed,
        Self::Expired,
        Self::Succeeded,
        Self::Review,
        Self::Refunded,
    ];

    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Succeeded => "succeeded",
            Self::Review => "review",
            Self::Refunded => "refunded",
        }
    }

    /// The coarse word of the public API.
    #[must_use]
    pub const fn status(self) -> PaymentStatus {
        match self {
            Self::Created | Self::Pending | Self::Unknown | Self::Review => PaymentStatus::Pending,
            Self::Succeeded => PaymentStatus::Success,
            Self::Rejected | Self::Failed | Self::Expired | Self::Refunded => PaymentStatus::Failed,
        }
    }

    /// Whether a prompt may still be open, so that no second one may be sent to the same phone or device.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Pending | Self::Unknown)
    }
}

impl fmt::Display for PaymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not one of the states.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a payment state")]
pub struct UnknownState(pub String);

impl FromStr for PaymentState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

impl PaymentStatus {
    /// `Pending`, `Success` or `Failed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Success => "Success",
            Self::Failed => "Failed",
        }
    }
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known about a payment when evidence arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its state.
    pub state: PaymentState,
    /// What the customer was asked to pay.
    pub amount: Kes,
    /// The receipt, once one is known.
    pub receipt: Option<Receipt>,
    /// Seconds since the push was submitted.
    pub age_secs: u64,
}

/// Something M-Pesa, or a person, says about one payment. Whoever builds it has already made sure that it
/// is about this payment (callback token, ids, query by CheckoutRequestID).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The push was accepted for processing.
    SubmitAccepted,
    /// The push was refused before processing: provably not sent.
    SubmitRefused,
    /// The push may have been sent; its answer was lost or made no sense.
    SubmitUnknown,
    /// A success with a receipt: verified callback, C2B confirmation, transaction status, statement line.
    Paid {
        /// The M-Pesa receipt.
        receipt: Receipt,
        /// What was really paid.
        amount: Kes,
        /// Whether the receipt already belongs to another payment.
        receipt_used_elsewhere: bool,
    },
    /// A success that cannot be read in full: no receipt, or an amount that is not whole shillings.
    PaidUnreadable,
    /// A query answered exactly `0`. Queries carry neither receipt nor amount.
    QuerySucceeded,
    /// A result code other than `0`, from a verified callback.
    CallbackResult(ResultCode),
    /// A result code other than `0`, from a query.
    QueryResult(ResultCode),
    /// The query schedule is exhausted.
    GaveUp,
    /// The money was given back.
    Refunded,
}

/// Why a payment needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// M-Pesa took another amount than was asked for.
    AmountDiffers,
    /// The receipt already pays for something else.
    ReceiptUsed,
    /// A second receipt for a payment that already has one.
    SecondReceipt,
    /// Success without a usable receipt or amount.
    Unreadable,
    /// Paid again after it was refunded.
    PaidAfterRefund,
}

impl Conflict {
    /// The word stored in `payments.review_reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AmountDiffers => "amount_differs",
            Self::ReceiptUsed => "receipt_used",
            Self::SecondReceipt => "second_receipt",
            Self::Unreadable => "unreadable",
            Self::PaidAfterRefund => "paid_after_refund",
        }
    }
}

/// What evidence does to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The state moves and nothing else follows.
    Moved(PaymentState),
    /// The payment succeeds: in the same transaction the receipt is entered and the session created.
    Settled,
    /// Already succeeded; the evidence adds a receipt that was missing.
    ReceiptAdded,
    /// The evidence says what is already known.
    AlreadyKnown,
    /// The evidence is weaker than what is known, or proves nothing; it is kept and changes nothing.
    Kept,
    /// The evidence conflicts and the payment goes to review, with an alert.
    ToReview(Conflict),
    /// The evidence conflicts with a payment that must keep its state (paid or refunded): alert only.
    Alerted(Conflict),
}

impl Outcome {
    /// The name written beside the evidence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Moved(state) => state.as_str(),
            Self::Settled => "settled",
            Self::ReceiptAdded => "receipt_added",
            Self::AlreadyKnown => "already_known",
            Self::Kept => "kept",
            Self::ToReview(_) => "to_review",
            Self::Alerted(_) => "alerted",
        }
    }
}

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
        Evidence::PaidUnreadable => unreadable(known.state),
        Evidence::QuerySucceeded => settle_without_receipt(known.state),
        Evidence::CallbackResult(code) => result(known.state, code, true),
        Evidence::QueryResult(code) => result(known.state, code, known.age_secs >= QUERY_FAILURE_GRACE_SECS),
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

fn unreadable(state: PaymentState) -> Outcome {
    match state {
        PaymentState::Succeeded | PaymentState::Refunded => Outcome::Alerted(Conflict::Unreadable),
        PaymentState::Review => Outcome::Kept,
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Unknown
        | PaymentState::Rejected
        | PaymentState::Failed
        | PaymentState::Expired => Outcome::ToReview(Conflict::Unreadable),
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

#[cfg(test)]
mod tests;
