//! What may happen to a payment. One pure function, [`record`], turns a state and a piece of evidence
//! into an outcome; it is exhaustive over both, so a new kind of evidence does not compile until every
//! state has an answer for it.
//!
//! The rules: success wins over everything but a refund, whenever it comes; what is
//! unknown never means failed; evidence that contradicts itself goes to a person, never silently to a
//! grant and never to the bin.
//!
//! Every pair of state and evidence, as the rule answers it (generated from the rule, kept true by a test):
//!
#![doc = include_str!("payment/table.md")]

mod evidence;
mod rule;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use evidence::{Conflict, Evidence, Known, Outcome, Ownership};
pub use rule::{QUERY_FAILURE_GRACE_SECS, record};

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

#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
