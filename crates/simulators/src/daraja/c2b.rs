//! C2B: registering URLs, the sandbox's simulate call, and customers who pay a short code by hand.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, extract::State, http::HeaderMap, http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{
    callbacks::{Outgoing, Then},
    engine::Shared,
    ledger::{Channel, Charge, Delivery, Message},
    oauth::{Family, check_token},
    options::{Merchant, Profile},
    wire::{Fields, Refusal, is_amount, is_digits, is_msisdn, is_neutral_url, json_response},
    world::{C2bUrls, Event, World},
};

/// From paying by hand to the first notice.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

/// `POST /mpesa/c2b/v1/registerurl`.
pub(crate) async fn register_v1(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    register(&shared, &headers, &body, 1).unwrap_or_else(|refusal| shared.refuse(refusal))
}

/// `POST /mpesa/c2b/v2/registerurl`.
pub(crate) async fn register_v2(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    register(&shared, &headers, &body, 2).unwrap_or_else(|refusal| shared.refuse(refusal))
}

fn register(shared: &Shared, headers: &HeaderMap, body: &Bytes, version: u8) -> Result<Response, Refusal> {
    check_token(shared, headers, Family::C2b)?;
    let fields = Fields::read(headers, body, "ShortCode")?;
    let shortcode = fields.require("ShortCode", |text| is_digits(text, 5..=7))?;
    let response_type = fields.require("ResponseType", |text| matches!(text, "Completed" | "Cancelled"))?;
    let confirmation = fields.require("ConfirmationURL", is_neutral_url)?;
    let validation = fields.require("ValidationURL", is_neutral_url)?;
    known(shared, &shortcode)?;
    let mut world = shared.world();
    if shared.options.profile == Profile::Production && world.c2b_urls.contains_key(&shortcode) {
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "500.003.1001", "Urls are already registered"));
    }
    let urls = C2bUrls { version, completes_unvalidated: response_type == "Completed", confirmation, validation };
    world.c2b_urls.insert(shortcode, urls);
    Ok(acknowledged(&mut world, "Success"))
}

/// The reply with the key spelt as Daraja spells it.
fn acknowledged(world: &mut World, description: &str) -> Response {
    let body = json!({
        "OriginatorCoversationID": world.ids.merchant_request(),
        "ResponseCode": "0",
        "ResponseDescription": description
    });
    json_response(StatusCode::OK, &body)
}

fn known<'a>(shared: &'a Shared, shortcode: &str) -> Result<&'a Merchant, Refusal> {
    shared.options.merchant(shortcode).ok_or_else(|| Refusal::field("ShortCode"))
}

/// `POST /mpesa/c2b/v1/simulate` and `/v2/simulate`.
pub(crate) async fn simulate(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    simulated(&shared, &headers, &body).unwrap_or_else(|refusal| shared.refuse(refusal))
}

fn simulated(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    check_token(shared, headers, Family::C2b)?;
    let fields = Fields::read(headers, body, "ShortCode")?;
    let shortcode = fields.require("ShortCode", |text| is_digits(text, 5..=7))?;
    fields.require("CommandID", |text| matches!(text, "CustomerPayBillOnline" | "CustomerBuyGoodsOnline"))?;
    let amount = fields.require("Amount", is_amount)?.parse().map_err(|_| Refusal::field("Amount"))?;
    let msisdn = fields.require("Msisdn", is_msisdn)?;
    let account = fields.text("BillRefNumber").unwrap_or_default();
    if account.chars().count() > 20 {
        return Err(Refusal::field("BillRefNumber"));
    }
    let merchant = known(shared, &shortcode)?;
    pay(shared, merchant, &msisdn, amount, &account);
    Ok(acknowledged(&mut shared.world(), "Accept the service request successfully."))
}

/// A customer pays a short code by hand. With validation on, the merchant's server is asked first. Gives the receipt
/// under which the money moves, if it does.
pub(crate) fn pay(shared: &Shared, merchant: &Merchant, msisdn: &str, amount: u32, account: &str) -> String {
    let now = shared.clock.elapsed();
    let due = now.saturating_add(NOTICE_AFTER);
    let mut world = shared.world();
    let charge = Charge {
        receipt: String::new(),
        msisdn: msisdn.to_owned(),
        amount,
        shortcode: merchant.shortcode.clone(),
        account_reference: account.to_owned(),
        checkout_request_id: None,
        channel: Channel::C2b,
        at: shared.clock.wall(),
        reversed: false,
        moved: now,
    };
    let urls = world.c2b_urls.get(&merchant.shortcode).cloned().filter(|_| world.settings.c2b_validation);
    let receipt = if let Some(urls) = urls {
        let receipt = world.ids.receipt(shared.clock.wall_eat());
        let asked = Charge { receipt: receipt.clone(), ..charge };
        let body = shared.c2b_body(&world, &asked, urls.version, "", "");
        let mut post = Outgoing::new("c2b_validation", &asked.receipt, urls.validation, &asked.shortcode, body);
        post.then = Then::Validated { charge: Box::new(asked), completes: urls.completes_unvalidated };
        world.schedule(due, Event::Post(post));
        receipt
    } else {
        let charge = shared.take(&mut world, charge);
        shared.confirm_c2b(&mut world, &charge, "", due);
        charge.receipt
    };
    drop(world);
    shared.touch();
    receipt
}

impl Shared {
    /// Makes the charge if the merchant's server accepted it, or could not be asked and had said "Completed".
    pub(crate) fn after_validation(
        &self,
        world: &mut World,
        charge: Charge,
        completes: bool,
        answered: &Delivery,
        at: Duration,
    ) {
        let answer: Option<Value> =
            answered.status.filter(|status| *status == 200).and_then(|_| serde_json::from_str(&answered.answer).ok());
        let accepted = answer.as_ref().map_or(completes, |answer| {
            answer.get("ResultCode").is_some_and(|code| code.as_str() == Some("0") || code.as_u64() == Some(0))
        });
        if !accepted {
            let name = self.options.merchant(&charge.shortcode).map(|m| m.name.as_str()).unwrap_or_default();
            let text = format!("Failed. {name} did not accept this payment. No money was taken.");
            return world.add_message(&charge.msisdn, Message { at: self.clock.wall(), text });
        }
        let third_party = answer.as_ref().and_then(|answer| answer.get("ThirdPartyTransID")?.as_str());
        let third_party = third_party.unwrap_or_default().to_owned();
        let charge = self.book(world, charge);
        self.confirm_c2b(world, &charge, &third_party, at);
    }
}
