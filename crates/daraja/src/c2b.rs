//! C2B: payments made by hand to the paybill or till, and a second witness for STK payments.

mod register;

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{AccountReference, Kes, Receipt, money::InvalidKes};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::register::{RegisterOutcome, RegisterReply, RegisterUrls, ResponseType};
use crate::{
    payer::PayerNumber,
    timestamp,
    wire::{self, Lexeme},
};

/// Largest validation or confirmation that is read (our decision; genuine ones are below 1 KiB).
pub const MAX_BODY: usize = 64 * 1024;

/// The answer to every confirmation that was stored (documented).
pub const CONFIRMED: &str = r#"{"ResultCode":0,"ResultDesc":"Success"}"#;

/// A validation or confirmation: the same shape for both (documented). Unsigned, like every callback: it is
/// evidence only as far as the address it came to is secret.
#[derive(Clone, PartialEq, Eq)]
pub struct C2bPayment {
    /// `TransactionType`: "Pay Bill", "Buy Goods", others or nothing (observed).
    pub transaction_type: String,
    /// `TransID`: the receipt, the same as an STK payment's `MpesaReceiptNumber` (community).
    pub receipt: Receipt,
    /// `TransTime`.
    pub paid_at: Option<DateTime<Utc>>,
    /// `TransAmount`; an error when it is no amount we can sell for, such as one with cents.
    pub amount: Result<Kes, InvalidKes>,
    /// `BusinessShortCode`.
    pub business_shortcode: String,
    /// `BillRefNumber` as typed by the customer, at most 40 characters; empty for tills.
    pub bill_ref_number: String,
    /// `ThirdPartyTransID`: what we answered to the validation, echoed.
    pub third_party_trans_id: String,
    /// `MSISDN`: plain, masked or hashed.
    pub payer: Option<PayerNumber>,
    /// First, middle and last name as far as given. Personal data.
    pub payer_name: String,
}

impl C2bPayment {
    /// What the customer typed as account number, if it could be one of our references.
    #[must_use]
    pub fn account_reference(&self) -> Option<AccountReference> {
        self.bill_ref_number.parse().ok()
    }
}

impl fmt::Debug for C2bPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("C2bPayment")
            .field("receipt", &self.receipt)
            .field("amount", &self.amount)
            .field("business_shortcode", &self.business_shortcode)
            .field("payer", &self.payer)
            .finish_non_exhaustive()
    }
}

/// Why a body is neither a validation nor a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum C2bError {
    /// Over [`MAX_BODY`] bytes.
    #[error("the C2B notice is too large")]
    TooLarge,
    /// Not JSON, nested too deeply, or not an object.
    #[error("the body is not a C2B notice")]
    NotC2b,
    /// A field that identifies the payment is missing or unusable.
    #[error("the C2B notice has no usable {0}")]
    Field(&'static str),
}

#[derive(Deserialize)]
struct C2bBody<'a> {
    #[serde(rename = "TransactionType", borrow)]
    transaction_type: Option<&'a RawValue>,
    #[serde(rename = "TransID", default, deserialize_with = "wire::lexeme")]
    trans_id: Option<Lexeme>,
    #[serde(rename = "TransTime", default, deserialize_with = "wire::lexeme")]
    trans_time: Option<Lexeme>,
    #[serde(rename = "TransAmount", borrow)]
    trans_amount: Option<&'a RawValue>,
    #[serde(rename = "BusinessShortCode", default, deserialize_with = "wire::lexeme")]
    business_shortcode: Option<Lexeme>,
    #[serde(rename = "BillRefNumber", default, deserialize_with = "wire::lexeme")]
    bill_ref_number: Option<Lexeme>,
    #[serde(rename = "ThirdPartyTransID", default, deserialize_with = "wire::lexeme")]
    third_party_trans_id: Option<Lexeme>,
    #[serde(rename = "MSISDN", default, deserialize_with = "wire::lexeme")]
    msisdn: Option<Lexeme>,
    #[serde(rename = "FirstName", borrow)]
    first_name: Option<&'a RawValue>,
    #[serde(rename = "MiddleName", borrow)]
    middle_name: Option<&'a RawValue>,
    #[serde(rename = "LastName", borrow)]
    last_name: Option<&'a RawValue>,
}

/// Reads a validation or a confirmation. Numbers are accepted where strings are documented. Never panics.
///
/// # Errors
/// [`C2bError`]; keep the raw body.
pub fn decode(body: &[u8]) -> Result<C2bPayment, C2bError> {
    if body.len() > MAX_BODY {
        return Err(C2bError::TooLarge);
    }
    let body: C2bBody<'_> = wire::parse(body).ok_or(C2bError::NotC2b)?;
    let text =
        |lexeme: Option<Lexeme>, max| lexeme.map(|lexeme| wire::capped(lexeme.as_str(), max)).unwrap_or_default();
    let trans_id = body.trans_id.ok_or(C2bError::Field("TransID"))?;
    let amount = body.trans_amount.and_then(wire::decimal_text).ok_or(C2bError::Field("TransAmount"))?;
    let business_shortcode = text(body.business_shortcode, 10);
    if business_shortcode.is_empty() {
        return Err(C2bError::Field("BusinessShortCode"));
    }
    let names = [body.first_name, body.middle_name, body.last_name].map(wire::sentence);
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    Ok(C2bPayment {
        transaction_type: wire::capped(&wire::sentence(body.transaction_type), 40),
        receipt: wire::receipt(trans_id.as_str()).ok_or(C2bError::Field("TransID"))?,
        paid_at: body.trans_time.and_then(|time| timestamp::parse_eat(time.as_str())),
        amount: Kes::parse_decimal(amount.trim()),
        business_shortcode,
        bill_ref_number: text(body.bill_ref_number, 40),
        third_party_trans_id: text(body.third_party_trans_id, 100),
        payer: body.msisdn.and_then(|msisdn| PayerNumber::parse(msisdn.as_str())),
        payer_name: wire::capped(&names.join(" "), 120),
    })
}

/// Our verdict on a payment announced for validation; the codes are documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Take it.
    Accept,
    /// `C2B00011`.
    InvalidMsisdn,
    /// `C2B00012`.
    InvalidAccountNumber,
    /// `C2B00013`.
    InvalidAmount,
    /// `C2B00014`.
    InvalidKycDetails,
    /// `C2B00015`.
    InvalidShortcode,
    /// `C2B00016`.
    Other,
}

/// The answer to a validation; serialise it as the JSON body of HTTP 200. It must arrive within 8 s (documented).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValidationReply {
    /// `"0"` or `C2B000xx`.
    #[serde(rename = "ResultCode")]
    pub result_code: &'static str,
    /// `Accepted` or `Rejected`.
    #[serde(rename = "ResultDesc")]
    pub result_desc: &'static str,
    /// Echoed in the confirmation.
    #[serde(rename = "ThirdPartyTransID", skip_serializing_if = "Option::is_none")]
    pub third_party_trans_id: Option<String>,
}

impl ValidationReply {
    /// The reply for a verdict, with an id of ours to be echoed in the confirmation.
    #[must_use]
    pub fn new(verdict: Verdict, third_party_trans_id: Option<String>) -> Self {
        let result_code = match verdict {
            Verdict::Accept => "0",
            Verdict::InvalidMsisdn => "C2B00011",
            Verdict::InvalidAccountNumber => "C2B00012",
            Verdict::InvalidAmount => "C2B00013",
            Verdict::InvalidKycDetails => "C2B00014",
            Verdict::InvalidShortcode => "C2B00015",
            Verdict::Other => "C2B00016",
        };
        let result_desc = if verdict == Verdict::Accept { "Accepted" } else { "Rejected" };
        Self { result_code, result_desc, third_party_trans_id }
    }
}

#[cfg(test)]
mod tests;
