//! Result codes with the two wordings Daraja has for each: the callback's and the query's.

use serde::Serialize;

/// A result code by its exact lexeme: `0`, `1032`, `SFC_IC0003`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Code(pub(crate) String);

/// How a prompt ended on the handset, as the phone page and `GET /__sim/prompts` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptState {
    /// On the screen, waiting for a person.
    Open,
    /// The person looks away; it will expire.
    Ignored,
    /// Never reached the handset; the network will give up.
    Undelivered,
    /// The PIN was entered and M-Pesa is working.
    Processing,
    /// Paid.
    Approved,
    /// Cancelled by the person.
    Cancelled,
    /// Nobody answered in time.
    Expired,
    /// Refused after the PIN, or never shown.
    Failed,
}

impl PromptState {
    /// Whether an outcome is still to come.
    #[must_use]
    pub fn is_unresolved(self) -> bool {
        matches!(self, Self::Open | Self::Ignored | Self::Undelivered | Self::Processing)
    }

    /// Whether the handset shows it.
    #[must_use]
    pub fn is_on_screen(self) -> bool {
        self == Self::Open
    }
}

impl Code {
    pub(crate) fn new(lexeme: &str) -> Self {
        Self(lexeme.to_owned())
    }

    pub(crate) fn is_success(&self) -> bool {
        self.0 == "0"
    }

    /// The JSON token in a callback: a number when it is one, else a string.
    pub(crate) fn callback_json(&self) -> String {
        if !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_digit()) {
            self.0.clone()
        } else {
            serde_json::Value::from(self.0.as_str()).to_string()
        }
    }

    /// The handset's state after this code.
    pub(crate) fn state(&self) -> PromptState {
        match self.0.as_str() {
            "0" => PromptState::Approved,
            "1031" | "1032" => PromptState::Cancelled,
            "1019" | "1036" | "1037" => PromptState::Expired,
            _ => PromptState::Failed,
        }
    }

    /// The wording of the callback. Wordings are no contract; they differ between the two channels.
    pub(crate) fn callback_desc(&self) -> &'static str {
        match self.0.as_str() {
            "0" => "The service request is processed successfully.",
            "1037" => "No response from user.",
            "1032" => "Request cancelled by user",
            _ => self.query_desc(),
        }
    }

    /// The wording of the query.
    pub(crate) fn query_desc(&self) -> &'static str {
        match self.0.as_str() {
            "0" => "The service request is processed successfully.",
            "1" => "The balance is insufficient for the transaction.",
            "4" => "The initiator of the transaction would exceed the daily transfer limit.",
            "17" => "Rule limited.",
            "26" => "System busy. Traffic blocked.",
            "1001" => "Unable to lock subscriber, a transaction is already in process for the current subscriber",
            "1019" => "Transaction has expired.",
            "1025" | "9999" => "An error occurred while sending a push request",
            "1031" | "1032" => "Request cancelled by user",
            "1036" => "SMSC ACK timeout.",
            "1037" => "DS timeout user cannot be reached.",
            "2001" => "The initiator information is invalid.",
            "2028" => "The request is not permitted according to product assignment.",
            "2040" => {
                "Credit Party customer type (Unregistered or Registered Customer) can't be supported by the service."
            }
            "4999" => "The transaction is still under processing",
            "8006" => "The security credential is locked.",
            "SFC_IC0003" => "The operator does not exist.",
            _ => "Internal error.",
        }
    }
}
