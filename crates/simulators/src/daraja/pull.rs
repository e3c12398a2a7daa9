//! Pull Transactions: what was paid in the last 48 hours, in its own peculiar shape.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::HeaderMap, http::StatusCode, response::Response};
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde_json::{Value, json};

use super::{
    body,
    engine::Shared,
    ledger::Channel,
    oauth::{Family, check_token},
    wire::{Fields, Refusal, is_callback_url, is_digits, json_response},
};

/// Rows in one answer. MODELLED.
const PAGE: usize = 1_000;

/// `POST /pulltransactions/v1/register`.
pub(crate) async fn register(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    registered(&shared, &headers, &body).unwrap_or_else(|refusal| shared.refuse(refusal))
}

fn registered(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    check_token(shared, headers, Family::Stk)?;
    let fields = Fields::read(headers, body, "ShortCode")?;
    let shortcode = fields.require("ShortCode", |text| shared.options.merchant(text).is_some())?;
    fields.require("RequestType", |text| text == "Pull")?;
    fields.require("NominatedNumber", |text| is_digits(text.trim_start_matches('+'), 9..=12))?;
    fields.require("CallBackURL", is_callback_url)?;
    let mut world = shared.world();
    let fresh = world.pull_registered.insert(shortcode.clone());
    let (code, status, message) = if fresh {
        ("1000", "Success", format!("ShortCode {shortcode} Registered Successfully"))
    } else {
        ("1001", "ShortCode already Registered", format!("ShortCode {shortcode} already Registered"))
    };
    let body = json!({
        "ResponseRefID": world.ids.merchant_request(),
        "ResponseCode": code,
        "ResponseStatus": status,
        "ShortCode": shortcode,
        "ResponseDescription": message
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// `POST /pulltransactions/v1/query`.
pub(crate) async fn query(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    queried(&shared, &headers, &body).unwrap_or_else(|refusal| shared.refuse(refusal))
}

fn queried(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    check_token(shared, headers, Family::Stk)?;
    let fields = Fields::read(headers, body, "ShortCode")?;
    let shortcode = fields.require("ShortCode", |text| shared.options.merchant(text).is_some())?;
    let from = instant(&fields, "StartDate")?;
    let until = instant(&fields, "EndDate")?;
    let offset = fields.require("OffSetValue", |text| is_digits(text, 1..=6))?;
    let offset: usize = offset.parse().map_err(|_| Refusal::field("OffSetValue"))?;
    let oldest = shared.clock.wall() - Duration::hours(48);
    let mut world = shared.world();
    let reference = world.ids.merchant_request();
    let may = world.pull_registered.contains(&shortcode);
    let within = |at: DateTime<Utc>| at >= from.max(oldest) && at <= until;
    let rows: Vec<Value> = world
        .charges
        .iter()
        .filter(|charge| may && charge.shortcode == shortcode && within(charge.at))
        .skip(offset)
        .take(PAGE)
        .map(|charge| {
            json!({
                "transactionId": charge.receipt,
                "trxDate": charge.at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "msisdn": body::payer(&charge.msisdn, world.settings.c2b_numbers),
                "sender": "MPESA",
                "transactiontype": if charge.channel == Channel::C2b { "c2b-pay-bill-debit" } else { "c2b-pay-bill-online" },
                "billreference": charge.account_reference,
                "amount": format!("{}.0", charge.amount),
                "organizationname": shared.options.merchant(&shortcode).map(|merchant| merchant.name.as_str())
            })
        })
        .collect();
    let (code, message) = if rows.is_empty() { ("1001", "No transactions found") } else { ("1000", "Success") };
    let body = json!({
        "ResponseRefID": reference,
        "ResponseCode": code,
        "ResponseMessage": message,
        "Response": [rows]
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// `YYYY-MM-DD HH:MM:SS`, East Africa Time. That it is EAT is MODELLED.
fn instant(fields: &Fields, name: &str) -> Result<DateTime<Utc>, Refusal> {
    let parse = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok();
    let text = fields.require(name, |text| parse(text).is_some())?;
    parse(&text).map(|local| local.and_utc() - Duration::hours(3)).ok_or_else(|| Refusal::field(name))
}
