//! What became of a reversal.

use domain::{Kes, Receipt, ResultCode};

use super::ResultMessage;
use crate::wire;

/// How a reversal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReversalOutcome {
    /// Code exactly `0`: the customer has the money back.
    Reversed,
    /// `R000001`: it had been given back before (documented).
    AlreadyReversed,
    /// Any other code; see [`advice`](Self::advice) for the known ones.
    Failed(ResultCode),
}

impl ReversalOutcome {
    /// What the owner should do about a failure, in one plain sentence.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let Self::Failed(code) = self else { return None };
        Some(match code.as_str() {
            "R000002" => "M-Pesa does not know this receipt.",
            "1" => "There is not enough money on your M-Pesa account to give it back.",
            "21" => "The M-Pesa operator lacks the role to reverse payments. Add it in the M-Pesa portal.",
            "2001" => "The M-Pesa initiator or its security credential is wrong or has expired.",
            "8006" => "The M-Pesa operator is locked. Reset its password in the M-Pesa portal.",
            _ => "M-Pesa did not give the money back. Look at the payment in the M-Pesa portal.",
        })
    }
}

/// A reversal's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReversalResult {
    /// How it ended.
    pub outcome: ReversalOutcome,
    /// `OriginalTransactionID`: the payment that was given back. Compare it with the one asked for.
    pub original_receipt: Option<Receipt>,
    /// `TransactionID`: the receipt of the reversal itself.
    pub reversal_receipt: Option<Receipt>,
    /// `Amount` given back.
    pub amount: Option<Kes>,
}

impl ResultMessage {
    /// The result of a reversal.
    #[must_use]
    pub fn as_reversal(&self) -> ReversalResult {
        let outcome = match self.result_code.as_str() {
            "0" => ReversalOutcome::Reversed,
            "R000001" => ReversalOutcome::AlreadyReversed,
            _ => ReversalOutcome::Failed(self.result_code.clone()),
        };
        let value = |key| self.value(key).ok().flatten();
        ReversalResult {
            outcome,
            original_receipt: value("OriginalTransactionID").and_then(wire::receipt),
            reversal_receipt: self.transaction_id.clone(),
            amount: value("Amount").and_then(|text| Kes::parse_decimal(text.trim()).ok()),
        }
    }
}
