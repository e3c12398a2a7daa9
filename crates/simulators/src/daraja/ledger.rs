//! What really happened, as only the operator of the money would know it: charges, payouts, messages, logs.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;

use super::{options::Merchant, outcome::PromptState};

/// A prompt sent to a handset, with its outcome once there is one.
#[derive(Debug, Clone, Serialize)]
pub struct Prompt {
    /// The number to approve or cancel it by.
    pub id: u64,
    /// The payer, `2547…`.
    pub msisdn: String,
    /// Shillings.
    pub amount: u32,
    /// The merchant's name as printed.
    pub business: String,
    /// `BusinessShortCode`.
    pub shortcode: String,
    /// `PartyB`: the pay bill again, or the till.
    pub party_b: String,
    /// The account the customer sees.
    pub account_reference: String,
    /// The description the customer sees.
    pub transaction_desc: String,
    /// Where it stands.
    pub state: PromptState,
    /// Daraja's id of the payment.
    pub checkout_request_id: String,
    /// Daraja's id of the request.
    pub merchant_request_id: String,
    /// The scenario it follows.
    pub scenario: String,
    /// The result code once decided.
    pub result_code: Option<String>,
    /// The receipt once money moved.
    pub receipt: Option<String>,
    /// When it was sent.
    pub opened_at: DateTime<Utc>,
}

/// How money came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Answering a prompt.
    Stk,
    /// Paying the pay bill or till by hand.
    C2b,
}

/// Money that really left a customer.
#[derive(Debug, Clone, Serialize)]
pub struct Charge {
    /// The M-Pesa receipt.
    pub receipt: String,
    /// Who paid.
    pub msisdn: String,
    /// Shillings.
    pub amount: u32,
    /// Who was paid: the pay bill, or the head-office number of the till.
    pub shortcode: String,
    /// The account named.
    pub account_reference: String,
    /// The payment it answers; none when paid by hand.
    pub checkout_request_id: Option<String>,
    /// How it came in.
    pub channel: Channel,
    /// When it moved.
    pub at: DateTime<Utc>,
    /// Whether it was sent back since.
    pub reversed: bool,
    #[serde(skip)]
    pub(crate) moved: Duration,
}

/// Money that went back to a customer who had paid.
#[derive(Debug, Clone, Serialize)]
pub struct Reversal {
    /// The M-Pesa receipt of the reversal itself.
    pub receipt: String,
    /// The receipt of the payment that was sent back.
    pub original_receipt: String,
    /// Who got it back.
    pub msisdn: String,
    /// Shillings: the whole payment.
    pub amount: u32,
    /// Who had been paid.
    pub shortcode: String,
    /// When it moved.
    pub at: DateTime<Utc>,
}

/// Money sent to a customer (B2C).
#[derive(Debug, Clone, Serialize)]
pub struct Payout {
    /// The M-Pesa receipt.
    pub receipt: String,
    /// Who got it.
    pub msisdn: String,
    /// Shillings.
    pub amount: u32,
    /// Who paid.
    pub shortcode: String,
    /// When it moved.
    pub at: DateTime<Utc>,
}

/// A request the simulator received on the Daraja paths; access tokens are not kept.
#[derive(Debug, Clone, Serialize)]
pub struct RequestRecord {
    /// Counts from 1.
    pub id: u64,
    /// HTTP method.
    pub method: String,
    /// Path without query string.
    pub path: String,
    /// The body, up to 8 KiB.
    pub body: String,
    /// The HTTP status answered; none while in work, or when the caller hung up first.
    pub status: Option<u16>,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// How a delivery to the merchant's server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The receiver answered, with whatever status.
    Answered,
    /// The receiver took longer than allowed.
    TimedOut,
    /// No connection, or it broke.
    Failed,
    /// Not sent: the host is not this machine.
    NotLoopback,
    /// Not sent: the control plane said so.
    Dropped,
}

/// One callback, confirmation or result sent to the merchant's server.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    /// The `CheckoutRequestID`, receipt or conversation it is about.
    pub about: String,
    /// `stk`, `stk_replay`, `c2b_validation`, `c2b_confirmation`, `result` or `timeout`.
    pub kind: &'static str,
    /// Where to.
    pub url: String,
    /// What was sent.
    pub body: String,
    /// 1 for the first try.
    pub attempt: u32,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// The receiver's HTTP status.
    pub status: Option<u16>,
    /// The receiver's answer, up to 4 KiB.
    pub answer: String,
    /// Real milliseconds until the answer.
    pub took_ms: u64,
    /// Whether that was over 5 s, which Safaricom's guidance calls too slow.
    pub slow: bool,
    /// When it was sent.
    pub at: DateTime<Utc>,
}

/// A text message on a virtual phone.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// When it came.
    pub at: DateTime<Utc>,
    /// What it says.
    pub text: String,
}

/// `1,500.00`.
pub(crate) fn shillings(amount: u32) -> String {
    let digits = amount.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + ".00"
}

/// The message a payer gets. MODELLED on the familiar wording, without a balance.
pub(crate) fn paid_text(charge: &Charge, merchant: &Merchant, at: DateTime<FixedOffset>) -> String {
    let amount = shillings(charge.amount);
    let (when, name) = (at.format("%-d/%-m/%y at %-I:%M %p"), &merchant.name);
    let to = if merchant.till.is_some() {
        format!("paid to {name}.")
    } else {
        format!("sent to {name} for account {}", charge.account_reference)
    };
    format!("{} Confirmed. Ksh{amount} {to} on {when}. Transaction cost, Ksh0.00.", charge.receipt)
}

/// The message after a refusal, where M-Pesa sends one. MODELLED.
pub(crate) fn refused_text(code: &str, amount: u32, name: &str) -> Option<String> {
    let amount = shillings(amount);
    Some(match code {
        "1" => format!("Failed. You do not have enough money in your M-PESA account to pay Ksh{amount} to {name}."),
        "2001" => "Failed. You have entered the wrong M-PESA PIN. Please try again.".to_owned(),
        "4" => "Failed. You have reached your daily M-PESA transaction limit.".to_owned(),
        "8006" => "Failed. Your M-PESA PIN is locked. Call 100 or 200 for help.".to_owned(),
        "17" => format!("Failed. You paid Ksh{amount} to {name} a moment ago. Please wait two minutes."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shillings_are_grouped() {
        assert_eq!(shillings(20), "20.00");
        assert_eq!(shillings(1_500), "1,500.00");
        assert_eq!(shillings(250_000), "250,000.00");
    }
}
