//! STK query: pending in several shapes, final answers with string codes and the service's own spelling.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, extract::State, http::HeaderMap, http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{
    engine::Shared,
    oauth::{Family, check_token},
    options::PendingStyle,
    outcome::Code,
    push::{check_password, throttled},
    scenario::Asked,
    wire::{Fields, Refusal, is_digits, is_timestamp, json_response},
};

/// `query_failure_then_success` says 1037 from here on. OBSERVED: 14 s in one run.
const SAYS_UNANSWERED_FROM: Duration = Duration::from_secs(14);
/// `query_throttled` refuses this many.
const THROTTLED_FIRST: u32 = 3;

/// `POST /mpesa/stkpushquery/v1/query`.
pub(crate) async fn query(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&shared, &headers, &body).unwrap_or_else(|refusal| shared.refuse(refusal))
}

fn answer(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    check_token(shared, headers, Family::Stk)?;
    let fields = Fields::read(headers, body, "BusinessShortCode")?;
    let shortcode = fields.require("BusinessShortCode", |text| is_digits(text, 5..=7))?;
    fields.require("Password", |text| !text.is_empty())?;
    fields.require("Timestamp", is_timestamp)?;
    let checkout = fields.require("CheckoutRequestID", |text| !text.is_empty())?;
    check_password(shared, &fields, &shortcode)?;
    let now = shared.clock.elapsed();
    let mut world = shared.world();
    let settings = world.settings;
    if let Some(limit) = settings.query_limit
        && !world.query_limiter.admit(limit, now)
    {
        return Err(throttled(settings.throttle_style, limit.per_minute, limit.burst));
    }
    let asked = world.by_checkout(&checkout).filter(|t| t.prompt.shortcode == shortcode);
    let Some(t) = asked else { return Err(Refusal::merchant("The transaction does not Exist")) };
    let turn = t.asked;
    t.asked = t.asked.saturating_add(1);
    let (merchant_request_id, how) = (t.prompt.merchant_request_id.clone(), t.plan.asked);
    let waited = now.saturating_sub(t.opened);
    let decided = match (&t.decided, how) {
        (None, Asked::SaysUnansweredMeanwhile) if waited >= SAYS_UNANSWERED_FROM => Some(Code::new("1037")),
        (decided, _) => decided.clone(),
    };
    drop(world);
    match how {
        Asked::ThrottledAtFirst if turn < THROTTLED_FIRST => return Err(throttled(settings.throttle_style, 5, 1)),
        Asked::Flaps if decided.is_some() && turn.is_multiple_of(2) => {
            return Err(Refusal::merchant("The transaction is being processed"));
        }
        _ => {}
    }
    let reply = |code: Value, desc: &str| {
        json_response(
            StatusCode::OK,
            &json!({
                "ResponseCode": "0",
                "ResponseDescription": "The service request has been accepted successsfully",
                "MerchantRequestID": merchant_request_id,
                "CheckoutRequestID": checkout,
                "ResultCode": code,
                "ResultDesc": desc
            }),
        )
    };
    match decided {
        Some(code) => Ok(reply(json!(code.0), code.query_desc())),
        None => pending(settings.pending_style, turn, reply),
    }
}

fn pending(style: PendingStyle, turn: u32, reply: impl Fn(Value, &str) -> Response) -> Result<Response, Refusal> {
    let desc = Code::new("4999").query_desc();
    let empty = |status| Err(Refusal::new(status, "500.001.1001", ""));
    match style {
        PendingStyle::Code4999 => Ok(reply(json!("4999"), desc)),
        PendingStyle::Code4999Number => Ok(reply(json!(4999), desc)),
        PendingStyle::Http500 => Err(Refusal::merchant("The transaction is being processed")),
        PendingStyle::Http500Empty => empty(StatusCode::INTERNAL_SERVER_ERROR),
        PendingStyle::Http200Empty => empty(StatusCode::OK),
        PendingStyle::Mixed => {
            let style = match turn % 5 {
                0 => PendingStyle::Code4999,
                1 => PendingStyle::Http200Empty,
                2 => PendingStyle::Http500,
                3 => PendingStyle::Http500Empty,
                _ => PendingStyle::Code4999Number,
            };
            pending(style, turn, reply)
        }
    }
}
