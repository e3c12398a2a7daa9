//! The STK callback: what Safaricom posts to `CallBackURL`, once, when a push has ended.
//!
//! Decoding proves nothing about the sender: callbacks are unsigned (documented by silence, observed).
//! Whoever calls [`decode`] has checked the token in the path and checks the ids against the payment.

use chrono::{DateTime, Utc};
use domain::{CheckoutRequestId, Kes, MerchantRequestId, Receipt, ResultCode, mpesa::ResultMeaning, payment::Evidence};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    payer::PayerNumber,
    timestamp,
    wire::{self, Lexeme},
};

/// Largest callback that is read (our decision; genuine ones are below 2 KiB).
pub const MAX_BODY: usize = 64 * 1024;
/// Most metadata items that are looked at; genuine callbacks have five.
const MAX_ITEMS: usize = 64;

/// The answer to every callback that was stored, whatever it said (by convention; Safaricom reads HTTP 200).
pub const ACCEPTED: &str = r#"{"ResultCode":0,"ResultDesc":"Accepted"}"#;

/// A callback, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// `MerchantRequestID`.
    pub merchant_request_id: MerchantRequestId,
    /// `CheckoutRequestID`.
    pub checkout_request_id: CheckoutRequestId,
    /// `ResultCode`, number or string, as its lexeme. Only exactly `0` is a success.
    pub result_code: ResultCode,
    /// `ResultDesc`, for the record only: its wording is no contract (observed). At most 200 characters.
    pub result_desc: String,
    /// What was paid; `None` unless the result code is exactly `0`. An error means that M-Pesa took money but
    /// the details cannot be trusted, which is for a person to look at.
    pub paid: Option<Result<Paid, UnreadablePaid>>,
}

/// The metadata of a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// `MpesaReceiptNumber`.
    pub receipt: Receipt,
    /// `Amount`, whole shillings: `20`, `20.0`, `20.00` or `"20.00"`.
    pub amount: Kes,
    /// `PhoneNumber`, when it is there and readable; may be masked in newer products (documented).
    pub payer: Option<PayerNumber>,
    /// `TransactionDate`, when it is there and readable.
    pub paid_at: Option<DateTime<Utc>>,
}

/// Why a success cannot be read in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadablePaid {
    /// `CallbackMetadata` is absent, null or not a list of items.
    #[error("the success carries no payment details")]
    NoMetadata,
    /// The same item twice with different values, or an item that contradicts itself.
    #[error("the payment details contradict themselves")]
    Contradiction,
    /// No usable `MpesaReceiptNumber`.
    #[error("the success carries no usable receipt")]
    Receipt,
    /// No usable `Amount`: missing, with cents, or out of range.
    #[error("the success carries no usable amount")]
    Amount,
}

/// Why a body is not a callback. None of these says anything about the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Over [`MAX_BODY`] bytes.
    #[error("the callback is too large")]
    TooLarge,
    /// Not JSON, nested too deeply, or without `Body.stkCallback`.
    #[error("the body is not an STK callback")]
    NotACallback,
    /// A field that identifies the payment or its result is missing or unusable.
    #[error("the callback has no usable {0}")]
    Field(&'static str),
}

impl Callback {
    /// The callback as evidence about its payment. `receipt_used_elsewhere` is whether the receipt already
    /// belongs to another payment; it matters only when there is a receipt.
    #[must_use]
    pub fn evidence(&self, receipt_used_elsewhere: bool) -> Evidence {
        match &self.paid {
            Some(Ok(paid)) => {
                Evidence::Paid { receipt: paid.receipt.clone(), amount: paid.amount, receipt_used_elsewhere }
            }
            Some(Err(_)) => Evidence::PaidUnreadable,
            None => Evidence::CallbackResult(self.result_code.clone()),
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "Body", borrow)]
    body: Body<'a>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "stkCallback", borrow)]
    stk_callback: StkCallback<'a>,
}

#[derive(Deserialize)]
struct StkCallback<'a> {
    #[serde(rename = "MerchantRequestID", default, deserialize_with = "wire::lexeme")]
    merchant_request_id: Option<Lexeme>,
    #[serde(rename = "CheckoutRequestID", default, deserialize_with = "wire::lexeme")]
    checkout_request_id: Option<Lexeme>,
    #[serde(rename = "ResultCode", default, deserialize_with = "wire::lexeme")]
    result_code: Option<Lexeme>,
    #[serde(rename = "ResultDesc", borrow)]
    result_desc: Option<&'a RawValue>,
    #[serde(rename = "CallbackMetadata", borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(rename = "Item", borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "Name", default, deserialize_with = "wire::lexeme")]
    name: Option<Lexeme>,
    #[serde(rename = "Value", borrow)]
    value: Option<&'a RawValue>,
}

/// Reads a callback body. Never panics, and never finds a success that is not exactly one.
///
/// # Errors
/// [`CallbackError`]; keep the raw body and ask Daraja by query.
pub fn decode(body: &[u8]) -> Result<Callback, CallbackError> {
    if body.len() > MAX_BODY {
        return Err(CallbackError::TooLarge);
    }
    let Envelope { body: Body { stk_callback } } = wire::parse(body).ok_or(CallbackError::NotACallback)?;
    let field = |lexeme: Option<Lexeme>, name| lexeme.ok_or(CallbackError::Field(name));
    let merchant = field(stk_callback.merchant_request_id, "MerchantRequestID")?;
    let checkout = field(stk_callback.checkout_request_id, "CheckoutRequestID")?;
    let code = field(stk_callback.result_code, "ResultCode")?;
    if code.as_str().is_empty() || code.as_str().len() > 32 {
        return Err(CallbackError::Field("ResultCode"));
    }
    let result_code = ResultCode::new(code.as_str());
    let success = result_code.meaning() == ResultMeaning::Success;
    Ok(Callback {
        merchant_request_id: merchant.as_str().parse().map_err(|_| CallbackError::Field("MerchantRequestID"))?,
        checkout_request_id: checkout.as_str().parse().map_err(|_| CallbackError::Field("CheckoutRequestID"))?,
        result_desc: wire::sentence(stk_callback.result_desc),
        paid: success.then(|| read_paid(stk_callback.metadata)),
        result_code,
    })
}

fn read_paid(metadata: Option<&RawValue>) -> Result<Paid, UnreadablePaid> {
    let metadata = metadata.ok_or(UnreadablePaid::NoMetadata)?;
    let metadata: Metadata<'_> = serde_json::from_str(metadata.get()).map_err(|_| UnreadablePaid::NoMetadata)?;
    if metadata.items.len() > MAX_ITEMS {
        return Err(UnreadablePaid::NoMetadata);
    }
    let items = metadata
        .items
        .into_iter()
        .filter(|raw| raw.get().starts_with('{'))
        // An object that cannot be read names a key twice or nests oddly: it could be any item.
        .map(|raw| serde_json::from_str(raw.get()).map_err(|_| UnreadablePaid::Contradiction))
        .collect::<Result<Vec<Item<'_>>, _>>()?;
    let receipt = find(&items, "MpesaReceiptNumber")?.and_then(Lexeme::read).ok_or(UnreadablePaid::Receipt)?;
    let amount = find(&items, "Amount")?.and_then(wire::decimal_text).ok_or(UnreadablePaid::Amount)?;
    let payer = find(&items, "PhoneNumber")?.and_then(Lexeme::read);
    let date = find(&items, "TransactionDate")?.and_then(Lexeme::read);
    Ok(Paid {
        receipt: wire::receipt(receipt.as_str()).ok_or(UnreadablePaid::Receipt)?,
        amount: Kes::parse_decimal(&amount).map_err(|_| UnreadablePaid::Amount)?,
        payer: payer.and_then(|payer| PayerNumber::parse(payer.as_str())),
        paid_at: date.and_then(|date| timestamp::parse_eat(date.as_str())),
    })
}

/// The value of the item with this name, wherever it stands in the list. Repeats must say the same thing.
fn find<'a>(items: &[Item<'a>], name: &str) -> Result<Option<&'a RawValue>, UnreadablePaid> {
    let mut found: Option<&'a RawValue> = None;
    for item in items.iter().filter(|item| item.name.as_ref().is_some_and(|own| own.as_str() == name)) {
        match (found, item.value) {
            (Some(first), Some(second)) if first.get() != second.get() => return Err(UnreadablePaid::Contradiction),
            (None, value) => found = value,
            (Some(_), _) => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
