//! What Transaction Status says about a receipt.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{Kes, Receipt, ResultCode};

use super::{Contradiction, ResultMessage};
use crate::{party::Party, timestamp, wire};

/// Where a transaction stands (documented words).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionState {
    /// `Completed`: the money moved.
    Completed,
    /// `Initiated`, `Authorized` and the like: not decided yet.
    InFlight,
    /// `Cancelled`, `Declined`, `Expired` or a word nobody has described; the word, at most 40 characters.
    NotCompleted(String),
}

/// A transaction as M-Pesa's own books have it.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusResult {
    /// Where it stands. Only [`TransactionState::Completed`] is money.
    pub state: TransactionState,
    /// `ReceiptNo`. Compare it with the one asked about.
    pub receipt: Receipt,
    /// `Amount`.
    pub amount: Kes,
    /// `CreditPartyName`: who got the money, such as `600984 - BANDO WIFI`. A receipt proves nothing to us unless
    /// this is us: see [`credited`](Self::credited).
    pub credit_party: Option<String>,
    /// `DebitPartyName`: who paid. Personal data.
    pub debit_party: Option<Party>,
    /// `FinalisedTime`.
    pub finalised_at: Option<DateTime<Utc>>,
}

impl StatusResult {
    /// The number the money went to: the digits that [`credit_party`](Self::credit_party) begins with.
    #[must_use]
    pub fn credited(&self) -> Option<&str> {
        let text = self.credit_party.as_deref()?;
        let (number, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let ends = rest.is_empty() || rest.starts_with([' ', '-']);
        (ends && (5..=12).contains(&number.len())).then_some(number)
    }
}

impl fmt::Debug for StatusResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusResult")
            .field("state", &self.state)
            .field("receipt", &self.receipt)
            .field("amount", &self.amount)
            .field("credited", &self.credited())
            .finish_non_exhaustive()
    }
}

/// Why a result tells nothing about a transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusUnread {
    /// M-Pesa did not answer the question: there is no such transaction, or we may not ask.
    #[error("M-Pesa answered with code {0}")]
    Failed(ResultCode),
    /// A value is missing, unusable, or there twice with different content.
    #[error("the result has no usable {0}")]
    Field(&'static str),
}

impl ResultMessage {
    /// The result of a Transaction Status question.
    ///
    /// # Errors
    /// [`StatusUnread`]: nothing is known about the transaction then, and nothing may follow from it.
    pub fn as_status(&self) -> Result<StatusResult, StatusUnread> {
        if self.result_code.as_str() != "0" {
            return Err(StatusUnread::Failed(self.result_code.clone()));
        }
        let field = |key: &'static str| match self.value(key) {
            Ok(Some(text)) => Ok(text),
            Ok(None) | Err(Contradiction) => Err(StatusUnread::Field(key)),
        };
        let state = read_state(field("TransactionStatus")?);
        let receipt = wire::receipt(field("ReceiptNo")?).ok_or(StatusUnread::Field("ReceiptNo"))?;
        let amount = Kes::parse_decimal(field("Amount")?.trim()).map_err(|_| StatusUnread::Field("Amount"))?;
        // Documented to stand there twice; the one that names a phone says more.
        let debit: Vec<Party> = self.values("DebitPartyName").map(Party::parse).collect();
        let debit_party = debit.iter().find(|party| party.number.is_some()).or(debit.first()).cloned();
        let credit_party = match self.value("CreditPartyName") {
            Ok(party) => party.map(|text| wire::capped(text, 120)),
            Err(Contradiction) => return Err(StatusUnread::Field("CreditPartyName")),
        };
        let finalised_at = self.values("FinalisedTime").find_map(timestamp::parse_eat);
        Ok(StatusResult { state, receipt, amount, credit_party, debit_party, finalised_at })
    }
}

fn read_state(word: &str) -> TransactionState {
    let word = word.trim();
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    if is("completed") {
        TransactionState::Completed
    } else if is("initiated") || is("authorized") || is("authorised") || is("pending") || is("in progress") {
        TransactionState::InFlight
    } else {
        TransactionState::NotCompleted(wire::capped(word, 40))
    }
}
