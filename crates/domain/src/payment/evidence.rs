//! What is known, what is said, and what it comes to.

use serde::{Deserialize, Serialize};

use super::PaymentState;
use crate::{
    Kes,
    mpesa::{Receipt, ResultCode},
};

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
    /// Age from which a failure learnt only by query is final; [`super::QUERY_FAILURE_GRACE_SECS`].
    pub query_grace_secs: u64,
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
    /// A success of our own prompt with a receipt, from a verified callback: it must have taken the price.
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
    /// A result whose code says one thing and whose words the opposite.
    Contradictory,
    /// A query answered exactly `0`. Queries carry neither receipt nor amount.
    QuerySucceeded,
    /// A result code other than `0`, from a verified callback.
    CallbackResult(ResultCode),
    /// A result code other than `0`, from a query.
    QueryResult(ResultCode),
    /// Money that a person typed an amount for, with its receipt: C2B confirmation, transaction status,
    /// statement line, pulled transaction, or an admin's assignment. It may be more or less than the price.
    PaidByHand {
        /// The M-Pesa receipt.
        receipt: Receipt,
        /// What was paid under it.
        amount: Kes,
        /// Whole shillings that other receipts brought for this payment while it was not settled.
        received_before_kes: u64,
        /// Whose the receipt was before.
        ownership: Ownership,
    },
    /// The customer's credit covers the price; it is taken in the same transaction.
    CoveredByCredit,
    /// A named admin says, with a reason, that this payment was made.
    DecidedPaid,
    /// A named admin says, with a reason, that this payment was not made.
    DecidedNotPaid,
    /// The query schedule is exhausted.
    GaveUp,
    /// The money was given back.
    Refunded,
}

/// Whose a receipt was when money under it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// Nobody's: never seen, or waiting in the queue of unmatched money.
    Free,
    /// This payment's.
    Ours,
    /// Another payment's or already turned into credit.
    Elsewhere,
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
    /// The result's code and its words say opposite things.
    Contradictory,
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
            Self::Contradictory => "contradictory",
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
    /// Less than the price: the money is held for this payment until the rest comes.
    PartKept,
    /// Paid once more by hand after it was settled: the money is kept as the customer's credit, with an alert.
    CreditKept,
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
            Self::PartKept => "part_kept",
            Self::CreditKept => "credit_kept",
            Self::AlreadyKnown => "already_known",
            Self::Kept => "kept",
            Self::ToReview(_) => "to_review",
            Self::Alerted(_) => "alerted",
        }
    }
}
