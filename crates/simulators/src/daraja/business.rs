//! The asynchronous APIs: acknowledged at once, their `Result` posted two seconds later.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, extract::State, http::HeaderMap, http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{
    callbacks::Outgoing,
    engine::Shared,
    ledger::Payout,
    oauth::{Family, check_token},
    wire::{Fields, Refusal, is_amount, is_callback_url, is_digits, is_msisdn, json_response},
    world::{Event, World},
};

/// From acknowledgement to result.
const RESULT_AFTER: Duration = Duration::from_secs(2);
/// How many B2C conversation ids are remembered.
const REMEMBERED: usize = 100_000;

/// What a request came to: its code, wording and, on success, parameters.
struct Finding {
    code: Value,
    desc: &'static str,
    transaction_id: Option<String>,
    parameters: Vec<(&'static str, Value)>,
}

impl Finding {
    fn failed(code: impl Into<Value>, desc: &'static str) -> Self {
        Self { code: code.into(), desc, transaction_id: None, parameters: Vec::new() }
    }

    fn done(transaction_id: String, parameters: Vec<(&'static str, Value)>) -> Self {
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
        json!({ "Key": "QueueTimeoutURL", "Value": timeout_url })
    };
    let body = result(&finding, &originator, &conversation, &reference);
    let post = Outgoing::new("result", &conversation, result_url, &shortcode, body);
    world.schedule(now.saturating_add(RESULT_AFTER), Event::Post(post));
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
            finding.parameters.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
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

const STATUS: Api = Api {
    family: Family::C2b,
    initiator: "Initiator",
    commands: &["TransactionStatusQuery"],
    party: "PartyA",
    codes_are_strings: false,
    keyed: false,
    check: |fields| {
        fields.require("PartyA", |text| is_digits(text, 5..=12))?;
        fields.require("IdentifierType", |text| matches!(text, "1" | "2" | "4"))?;
        if fields.text("TransactionID").or_else(|| fields.text("OriginalConversationID")).is_none() {
            return Err(Refusal::field("TransactionID"));
        }
        Ok(())
    },
    work: |_, world, fields| {
        let receipt = fields.text("TransactionID").unwrap_or_default();
        let Some(charge) = world.charges.iter().find(|charge| charge.receipt == receipt) else {
            return Finding::failed(2032, "The transaction does not exist.");
        };
        let party = format!("{} - JANE", charge.msisdn);
        let finalised = charge.at + chrono::Duration::hours(3);
        Finding::done(
            charge.receipt.clone(),
            vec![
                ("DebitPartyName", json!(party)),
                ("CreditPartyName", json!(format!("{} - BANDO WIFI", charge.shortcode))),
                ("Amount", json!(format!("{}.00", charge.amount))),
                ("ReceiptNo", json!(charge.receipt)),
                ("TransactionStatus", json!("Completed")),
                ("FinalisedTime", json!(finalised.format("%Y%m%d%H%M%S").to_string().parse::<u64>().ok())),
                ("ReasonType", json!("Pay Bill Online")),
                ("DebitAccountType", json!("MMF Account For Customer")),
            ],
        )
    },
};

const REVERSAL: Api = Api {
    family: Family::Stk,
    initiator: "Initiator",
    commands: &["TransactionReversal"],
    party: "ReceiverParty",
    codes_are_strings: true,
    keyed: false,
    check: |fields| {
        fields.require("TransactionID", |text| !text.is_empty())?;
        fields.require("Amount", is_amount)?;
        fields.require("ReceiverParty", |text| is_digits(text, 5..=7))?;
        fields.require("RecieverIdentifierType", |text| text == "11")?;
        fields.require("Remarks", |text| (2..=100).contains(&text.chars().count()))?;
        Ok(())
    },
    work: |shared, world, fields| {
        let receipt = fields.text("TransactionID").unwrap_or_default();
        let party = fields.text("ReceiverParty").unwrap_or_default();
        let amount = fields.text("Amount").and_then(|text| text.parse::<u32>().ok());
        let found = world.charges.iter_mut().find(|c| c.receipt == receipt && c.shortcode == party);
        let Some(charge) = found else {
            return Finding::failed("R000002", "The OriginalTransactionID is invalid.");
        };
        if charge.reversed {
            return Finding::failed("R000001", "The transaction has already been reversed.");
        }
        if amount != Some(charge.amount) {
            return Finding::failed(2, "Declined due to limit rule.");
        }
        charge.reversed = true;
        let (payer, amount) = (charge.msisdn.clone(), charge.amount);
        let own = world.ids.receipt(shared.clock.wall_eat());
        Finding::done(
            own,
            vec![
                ("Amount", json!(format!("{amount}.00"))),
                ("OriginalTransactionID", json!(receipt)),
                ("CreditPartyPublicName", json!(format!("{payer} - JANE"))),
                ("DebitPartyPublicName", json!(format!("{party} - BANDO WIFI"))),
            ],
        )
    },
};

const BALANCE: Api = Api {
    family: Family::Balance,
    initiator: "Initiator",
    commands: &["AccountBalance"],
    party: "PartyA",
    codes_are_strings: false,
    keyed: false,
    check: |fields| {
        fields.require("PartyA", |text| is_digits(text, 5..=7))?;
        fields.require("IdentifierType", |text| text == "4")?;
        Ok(())
    },
    work: |shared, world, fields| {
        let balance = shared.balance(world, &fields.text("PartyA").unwrap_or_default());
        let own = world.ids.receipt(shared.clock.wall_eat());
        let packed =
            format!("Utility Account|KES|{balance}|{balance}|0.00|0.00&Working Account|KES|0.00|0.00|0.00|0.00");
        let mut parameters = vec![("AccountBalance", json!(packed))];
        if !shared.options.bare_parameter {
            let now = shared.clock.wall_eat().format("%Y%m%d%H%M%S").to_string();
            parameters.push(("BOCompletedTime", json!(now.parse::<u64>().ok())));
        }
        Finding::done(own, parameters)
    },
};

const B2C: Api = Api {
    family: Family::Balance,
    initiator: "InitiatorName",
    commands: &["BusinessPayment", "SalaryPayment", "PromotionPayment"],
    party: "PartyA",
    codes_are_strings: false,
    keyed: true,
    check: |fields| {
        fields.require("OriginatorConversationID", |text| !text.is_empty())?;
        fields.require("Amount", |text| is_amount(text) && text.parse::<u32>().is_ok_and(|amount| amount >= 10))?;
        fields.require("PartyA", |text| is_digits(text, 5..=7))?;
        fields.require("PartyB", is_msisdn)?;
        Ok(())
    },
    work: |shared, world, fields| {
        let receipt = world.ids.receipt(shared.clock.wall_eat());
        let payout = Payout {
            receipt: receipt.clone(),
            msisdn: fields.text("PartyB").unwrap_or_default(),
            amount: fields.text("Amount").and_then(|text| text.parse().ok()).unwrap_or_default(),
            shortcode: fields.text("PartyA").unwrap_or_default(),
            at: shared.clock.wall(),
        };
        world.payouts.push(payout.clone());
        Finding::done(
            receipt.clone(),
            vec![
                ("TransactionAmount", json!(payout.amount)),
                ("TransactionReceipt", json!(receipt)),
                ("ReceiverPartyPublicName", json!(format!("{} - JANE", payout.msisdn))),
                ("B2CRecipientIsRegisteredCustomer", json!("Y")),
                (
                    "TransactionCompletedDateTime",
                    json!(shared.clock.wall_eat().format("%d.%m.%Y %H:%M:%S").to_string()),
                ),
            ],
        )
    },
};

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
