//! The asynchronous APIs: acknowledged at once, their `Result` posted two seconds later.

mod money;
mod reversal;
mod status;

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, extract::State, http::HeaderMap, http::StatusCode, response::Response};
use serde_json::{Value, json};

use self::{
    money::{B2C, BALANCE},
    reversal::REVERSAL,
    status::STATUS,
};
use super::{
    callbacks::Outgoing,
    engine::Shared,
    oauth::{Family, check_token},
    options::ResultDelivery,
    wire::{Fields, Refusal, is_callback_url, json_response},
    world::{Event, World},
};

/// From acknowledgement to result.
const RESULT_AFTER: Duration = Duration::from_secs(2);
/// From acknowledgement to the news that there is no result. MODELLED.
const TIMEOUT_AFTER: Duration = Duration::from_secs(30);
/// How many B2C conversation ids are remembered.
const REMEMBERED: usize = 100_000;

/// What a request came to: its code, wording and, on success, parameters.
struct Finding {
    code: Value,
    desc: &'static str,
    transaction_id: Option<String>,
    /// Keys with their values; some have none.
    parameters: Vec<(&'static str, Option<Value>)>,
}

impl Finding {
    fn failed(code: impl Into<Value>, desc: &'static str) -> Self {
        Self { code: code.into(), desc, transaction_id: None, parameters: Vec::new() }
    }

    fn done(transaction_id: String, parameters: Vec<(&'static str, Option<Value>)>) -> Self {
        let desc = "The service request is processed successfully.";
        Self { code: json!(0), desc, transaction_id: Some(transaction_id), parameters }
    }
}

type Work = fn(&Shared, &mut World, &Fields) -> Finding;

/// What the four APIs have in common: checks, acknowledgement, a result later.
fn begin(shared: &Shared, headers: &HeaderMap, body: &Bytes, api: &Api) -> Result<Response, Refusal> {
    check_token(shared, headers, api.family)?;
    let fields = Fields::read(headers, body, api.initiator)?;
    let initiator = fields.require(api.initiator, |text| !text.is_empty())?;
    fields.require("SecurityCredential", |text| !text.is_empty())?;
    fields.require("CommandID", |text| api.commands.contains(&text))?;
    (api.check)(&fields)?;
    fields.require("QueueTimeOutURL", is_callback_url)?;
    let result_url = fields.require("ResultURL", is_callback_url)?;
    let shortcode = fields.text(api.party).unwrap_or_default();
    let now = shared.clock.elapsed();
    let mut world = shared.world();
    let originator = match fields.text("OriginatorConversationID").filter(|_| api.keyed) {
        Some(own) => {
            if world.originators.len() >= REMEMBERED || !world.originators.insert(own.clone()) {
                return Err(Refusal::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "500.002.1001",
                    "Duplicate OriginatorConversationID.",
                ));
            }
            own
        }
        None => world.ids.merchant_request(),
    };
    let conversation = world.ids.conversation(shared.clock.wall_eat());
    let mut finding = if initiator == shared.options.initiator {
        (api.work)(shared, &mut world, &fields)
    } else {
        Finding::failed(21, "The initiator is not allowed to initiate this request.")
    };
    if api.codes_are_strings && finding.code.is_number() {
        finding.code = Value::from(finding.code.to_string());
    }
    let timeout_url = fields.text("QueueTimeOutURL").unwrap_or_default();
    let reference = if api.family == Family::C2b {
        json!({ "Key": "Occasion" })
    } else {
        json!({ "Key": "QueueTimeoutURL", "Value": &timeout_url })
    };
    match world.settings.result_delivery {
        ResultDelivery::Result => {
            let body = result(&finding, &originator, &conversation, &reference);
            let post = Outgoing::new("result", &conversation, result_url, &shortcode, body);
            world.schedule(now.saturating_add(RESULT_AFTER), Event::Post(post));
        }
        ResultDelivery::Timeout => {
            let body = timed_out(&originator, &conversation);
            let post = Outgoing::new("timeout", &conversation, timeout_url, &shortcode, body);
            world.schedule(now.saturating_add(TIMEOUT_AFTER), Event::Post(post));
        }
        ResultDelivery::Lost => {}
    }
    drop(world);
    shared.touch();
    let ack = json!({
        "OriginatorConversationID": originator,
        "ConversationID": conversation,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully."
    });
    Ok(json_response(StatusCode::OK, &ack))
}

/// The `Result` body: parameters only on success, a placeholder receipt on failure. DOCUMENTED.
fn result(finding: &Finding, originator: &str, conversation: &str, reference: &Value) -> String {
    let mut result = json!({
        "ResultType": 0,
        "ResultCode": finding.code,
        "ResultDesc": finding.desc,
        "OriginatorConversationID": originator,
        "ConversationID": conversation,
        "TransactionID": finding.transaction_id.as_deref().unwrap_or("SKE0000000"),
        "ReferenceData": { "ReferenceItem": reference }
    });
    if finding.transaction_id.is_some() {
        let parameters: Vec<Value> =
            finding.parameters.iter().map(|(key, value)| parameter(key, value.as_ref())).collect();
        // One parameter comes as a bare object instead of an array. DOCUMENTED.
        let parameters = match <[Value; 1]>::try_from(parameters) {
            Ok([only]) => only,
            Err(several) => Value::from(several),
        };
        if let Some(object) = result.as_object_mut() {
            object.insert("ResultParameters".to_owned(), json!({ "ResultParameter": parameters }));
        }
    }
    json!({ "Result": result }).to_string()
}

fn parameter(key: &str, value: Option<&Value>) -> Value {
    value.map_or_else(|| json!({ "Key": key }), |value| json!({ "Key": key, "Value": value }))
}

/// What is posted to QueueTimeOutURL. MODELLED: nobody has published one.
fn timed_out(originator: &str, conversation: &str) -> String {
    json!({ "Result": {
        "ResultType": 1,
        "ResultCode": 1,
        "ResultDesc": "The request timed out in the queue.",
        "OriginatorConversationID": originator,
        "ConversationID": conversation,
        "TransactionID": "SKE0000000"
    } })
    .to_string()
}

/// What differs between the APIs.
struct Api {
    family: Family,
    initiator: &'static str,
    commands: &'static [&'static str],
    party: &'static str,
    /// Whether the result code is written as a string.
    codes_are_strings: bool,
    /// Whether the caller's `OriginatorConversationID` is its idempotency key.
    keyed: bool,
    check: fn(&Fields) -> Result<(), Refusal>,
    work: Work,
}

fn respond(shared: &Shared, headers: &HeaderMap, body: &Bytes, api: &Api) -> Response {
    begin(shared, headers, body, api).unwrap_or_else(|refusal| shared.refuse(refusal))
}

/// `POST /mpesa/transactionstatus/v1/query`.
pub(crate) async fn status(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    respond(&shared, &headers, &body, &STATUS)
}

/// `POST /mpesa/reversal/v1/request`.
pub(crate) async fn reversal(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    respond(&shared, &headers, &body, &REVERSAL)
}

/// `POST /mpesa/accountbalance/v1/query`.
pub(crate) async fn balance(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    respond(&shared, &headers, &body, &BALANCE)
}

/// `POST /mpesa/b2c/v3/paymentrequest`.
pub(crate) async fn b2c(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    respond(&shared, &headers, &body, &B2C)
}
