//! The list of transactions in its own shape: an array of arrays of objects with lower-case keys (documented).

use domain::Kes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DONE, NOTHING, PullLine, PullOutcome, PullPage, UnreadableLine};
use crate::{
    http::Answer,
    payer::PayerNumber,
    reply::UnknownCause,
    timestamp,
    wire::{self, Lexeme},
};

/// How much of an unreadable row is kept.
const MAX_RAW: usize = 2_000;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "ResponseCode", default, deserialize_with = "wire::lexeme")]
    response_code: Option<Lexeme>,
    #[serde(rename = "Response", borrow)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(rename = "transactionId", default, deserialize_with = "wire::lexeme")]
    transaction_id: Option<Lexeme>,
    #[serde(rename = "trxDate", default, deserialize_with = "wire::lexeme")]
    trx_date: Option<Lexeme>,
    #[serde(default, deserialize_with = "wire::lexeme")]
    msisdn: Option<Lexeme>,
    #[serde(borrow)]
    transactiontype: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "wire::lexeme")]
    billreference: Option<Lexeme>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
}

/// Reads an answer that carries no error.
pub(super) fn read(answer: &Answer) -> Result<PullOutcome, UnknownCause> {
    let body: Body<'_> = wire::parse(&answer.body).ok_or(UnknownCause::Unreadable)?;
    let code = body.response_code.ok_or(UnknownCause::Unreadable)?;
    match code.as_str() {
        NOTHING => Ok(PullOutcome::Page(PullPage::default())),
        DONE => {
            let mut page = PullPage::default();
            collect(body.response.ok_or(UnknownCause::Unreadable)?, 0, &mut page);
            Ok(PullOutcome::Page(page))
        }
        other => Err(UnknownCause::UnexpectedResponseCode(wire::capped(other, 32))),
    }
}

/// Walks into arrays, at most three deep, and takes everything else for a row.
fn collect(raw: &RawValue, depth: usize, page: &mut PullPage) {
    let entries: Option<Vec<&RawValue>> =
        (raw.get().starts_with('[') && depth < 3).then(|| serde_json::from_str(raw.get()).ok()).flatten();
    match entries {
        Some(entries) => entries.into_iter().for_each(|entry| collect(entry, depth + 1, page)),
        None => match read_row(raw) {
            Ok(line) => page.lines.push(line),
            Err(why) => page.unreadable.push(UnreadableLine { raw: raw.get().chars().take(MAX_RAW).collect(), why }),
        },
    }
}

fn read_row(raw: &RawValue) -> Result<PullLine, &'static str> {
    let row: Row<'_> = serde_json::from_str(raw.get()).map_err(|_| "not a transaction")?;
    let receipt = row.transaction_id.and_then(|id| wire::receipt(id.as_str())).ok_or("no usable transactionId")?;
    let at = row.trx_date.and_then(|date| timestamp::parse_loose(date.as_str())).ok_or("no usable trxDate")?;
    let amount = row.amount.and_then(wire::decimal_text).ok_or("no usable amount")?;
    let reference = row.billreference.map(|text| wire::capped(text.as_str(), 40));
    Ok(PullLine {
        receipt,
        at,
        payer: row.msisdn.and_then(|number| PayerNumber::parse(number.as_str())),
        kind: wire::capped(&wire::sentence(row.transactiontype), 60),
        account_reference: reference.filter(|text| !text.is_empty()),
        amount: Kes::parse_decimal(amount.trim()).map_err(|_| "an amount that is not whole shillings")?,
    })
}

#[cfg(test)]
mod tests;
