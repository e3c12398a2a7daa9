//! The `Result` that Safaricom posts when it has worked on a request: a transaction's status, a reversal.
//!
//! Its shape is loose (documented): the parameters are an array or a single object, keys repeat, values are missing
//! or change between text and number, and on failure there are no parameters and the transaction id is a
//! placeholder. Unsigned like every callback: whoever calls [`decode`] has checked the token in the path and compares
//! the conversation ids with those of the request.

mod reversal;
mod status;

use std::fmt;

use domain::{Receipt, ResultCode};
use serde::Deserialize;
use serde_json::value::RawValue;

pub use self::{
    reversal::{ReversalOutcome, ReversalResult},
    status::{StatusResult, StatusUnread, TransactionState},
};
use crate::wire::{self, Lexeme};

/// Largest result that is read (our decision; genuine ones are below 4 KiB).
pub const MAX_BODY: usize = 64 * 1024;
/// Most parameters that are looked at; genuine results have some fifteen.
const MAX_PARAMETERS: usize = 64;
/// Longest value that is kept.
const MAX_VALUE: usize = 200;

/// A result, read. `Debug` shows codes only: parameters hold names and numbers.
#[derive(Clone, PartialEq, Eq)]
pub struct ResultMessage {
    /// `ResultCode`, number or string, as its lexeme. Only exactly `0` is a success.
    pub result_code: ResultCode,
    /// `ResultDesc`, for the record only. At most 200 characters.
    pub result_desc: String,
    /// `ConversationID` of the request.
    pub conversation_id: Option<String>,
    /// `OriginatorConversationID` of the request.
    pub originator_conversation_id: Option<String>,
    /// `TransactionID`: of the reversal, or of the transaction asked about; a placeholder on failure (documented), so
    /// absent then.
    pub transaction_id: Option<Receipt>,
    parameters: Vec<(String, String)>,
}

impl fmt::Debug for ResultMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultMessage")
            .field("result_code", &self.result_code)
            .field("conversation_id", &self.conversation_id)
            .field("parameters", &self.parameters.len())
            .finish_non_exhaustive()
    }
}

/// Why a body is not a result. None of these says anything about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// Over [`MAX_BODY`] bytes.
    #[error("the result is too large")]
    TooLarge,
    /// Not JSON, nested too deeply, or without `Result`.
    #[error("the body is not a result")]
    NotAResult,
    /// No usable `ResultCode`.
    #[error("the result has no usable code")]
    NoCode,
}

/// The values of a parameter say different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contradiction;

impl ResultMessage {
    /// Every value of a parameter, in order: keys may repeat (documented).
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(move |(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may not contradict itself.
    pub(crate) fn value(&self, key: &str) -> Result<Option<&str>, Contradiction> {
        let mut values = self.values(key);
        let first = values.next();
        if values.any(|other| Some(other) != first) { Err(Contradiction) } else { Ok(first) }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "Result", borrow)]
    result: Body<'a>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "ResultCode", default, deserialize_with = "wire::lexeme")]
    result_code: Option<Lexeme>,
    #[serde(rename = "ResultDesc", borrow)]
    result_desc: Option<&'a RawValue>,
    #[serde(rename = "ConversationID", default, deserialize_with = "wire::lexeme")]
    conversation_id: Option<Lexeme>,
    #[serde(rename = "OriginatorConversationID", default, deserialize_with = "wire::lexeme")]
    originator_conversation_id: Option<Lexeme>,
    #[serde(rename = "TransactionID", default, deserialize_with = "wire::lexeme")]
    transaction_id: Option<Lexeme>,
    #[serde(rename = "ResultParameters", borrow)]
    parameters: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(rename = "ResultParameter", borrow)]
    parameter: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Parameter<'a> {
    #[serde(rename = "Key", default, deserialize_with = "wire::lexeme")]
    key: Option<Lexeme>,
    #[serde(rename = "Value", borrow)]
    value: Option<&'a RawValue>,
}

/// Reads a result. Never panics.
///
/// # Errors
/// [`ResultError`]; keep the raw body.
pub fn decode(body: &[u8]) -> Result<ResultMessage, ResultError> {
    if body.len() > MAX_BODY {
        return Err(ResultError::TooLarge);
    }
    let Envelope { result } = wire::parse(body).ok_or(ResultError::NotAResult)?;
    let code = result.result_code.filter(|code| (1..=32).contains(&code.as_str().len())).ok_or(ResultError::NoCode)?;
    let result_code = ResultCode::new(code.as_str());
    let id = |lexeme: Option<Lexeme>| lexeme.map(|id| wire::capped(id.as_str(), 100)).filter(|id| !id.is_empty());
    let succeeded = result_code.as_str() == "0";
    Ok(ResultMessage {
        result_desc: wire::sentence(result.result_desc),
        conversation_id: id(result.conversation_id),
        originator_conversation_id: id(result.originator_conversation_id),
        transaction_id: result.transaction_id.filter(|_| succeeded).and_then(|id| wire::receipt(id.as_str())),
        parameters: result.parameters.map(read_parameters).unwrap_or_default(),
        result_code,
    })
}

/// An array of parameters, or one parameter without its array; anything else holds none.
fn read_parameters(raw: &RawValue) -> Vec<(String, String)> {
    let parameters: Option<Parameters<'_>> = serde_json::from_str(raw.get()).ok();
    let Some(raw) = parameters.and_then(|parameters| parameters.parameter) else { return Vec::new() };
    let entries: Vec<&RawValue> =
        if raw.get().starts_with('[') { serde_json::from_str(raw.get()).unwrap_or_default() } else { vec![raw] };
    entries.into_iter().take(MAX_PARAMETERS).filter_map(read_parameter).collect()
}

fn read_parameter(raw: &RawValue) -> Option<(String, String)> {
    let parameter: Parameter<'_> = serde_json::from_str(raw.get()).ok()?;
    let value = parameter.value.and_then(wire::decimal_text)?;
    // Kept as written: what a value may be used for is decided where it is read.
    Some((parameter.key?.into_string(), value.chars().take(MAX_VALUE).collect()))
}

#[cfg(test)]
mod tests;
