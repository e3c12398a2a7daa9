//! STK push: the checks in their order, then a prompt on the customer's phone.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    engine::Shared,
    ledger::{Channel, Prompt, shillings},
    oauth::{Family, check_token},
    options::{Merchant, Mode, ThrottleStyle},
    outcome::PromptState,
    scenario::{After, Decider, Plan, Scenario, Submit},
    wire::{Fields, Refusal, is_amount, is_callback_url, is_digits, is_msisdn, is_timestamp, json_response},
    world::{Event, Transaction, World},
};

/// An unresolved prompt locks its subscriber this long. DOCUMENTED.
const LOCK: Duration = Duration::from_secs(60);
/// The same amount from the same customer must wait this long. DOCUMENTED.
const RULE_17: Duration = Duration::from_secs(120);
/// A longer prompt cannot be sent. DOCUMENTED.
const PROMPT_LIMIT: usize = 182;
/// The longest texts taken where lengths are not checked.
const LOOSE_LENGTH: usize = 100;
/// How long `submit_timeout` keeps its caller waiting.
const HANG: Duration = Duration::from_secs(90);
/// How long `callback_first` waits for its own callback, real time.
const FIRST: Duration = Duration::from_secs(15);

/// The fields of a push, checked.
#[derive(Debug)]
struct Push {
    shortcode: String,
    transaction_type: String,
    amount: u32,
    party_b: String,
    msisdn: String,
    callback_url: String,
    account_reference: String,
    transaction_desc: String,
}

/// `POST /mpesa/stkpush/v1/processrequest`.
pub(crate) async fn process(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    match accept(&shared, &headers, &body) {
        Ok((submit, id)) => answer(&shared, submit, id).await,
        Err(refusal) => shared.refuse(refusal),
    }
}

fn accept(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<(Submit, u64), Refusal> {
    check_token(shared, headers, Family::Stk)?;
    let fields = Fields::read(headers, body, "BusinessShortCode")?;
    let push = read(shared, &fields)?;
    let merchant = check_password(shared, &fields, &push.shortcode)?;
    let now = shared.clock.elapsed();
    let mut world = shared.world();
    if let Some(limit) = world.settings.push_limit
        && !world.push_limiter.admit(limit, now)
    {
        return Err(throttled(world.settings.throttle_style, limit.per_minute, limit.burst));
    }
    let (scenario, plan) = plan(shared, &world, &push, merchant, now);
    match plan.submit {
        Submit::RefuseWithHtml => return Ok((Submit::RefuseWithHtml, 0)),
        Submit::RefuseWith500 => {
            return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "500.003.1001", "Internal Server Error"));
        }
        _ => {}
    }
    let locked = |t: &Transaction| {
        t.prompt.msisdn == push.msisdn && t.prompt.state.is_unresolved() && now.saturating_sub(t.opened) < LOCK
    };
    if shared.options.subscriber_lock && world.transactions.values().any(locked) {
        return Err(Refusal::merchant(
            "Unable to lock subscriber, a transaction is already in process for the current subscriber",
        ));
    }
    let submit = plan.submit;
    let id = open(shared, &mut world, push, merchant, &scenario, plan, now);
    drop(world);
    shared.touch();
    Ok((submit, id))
}

/// The per-field checks, in the documented order of the fields.
fn read(shared: &Shared, fields: &Fields) -> Result<Push, Refusal> {
    let shortcode = fields.require("BusinessShortCode", |text| is_digits(text, 5..=7))?;
    fields.require("Password", |text| !text.is_empty())?;
    fields.require("Timestamp", |text| is_timestamp(text) && is_current(shared, text))?;
    let transaction_type =
        fields.require("TransactionType", |text| matches!(text, "CustomerPayBillOnline" | "CustomerBuyGoodsOnline"))?;
    let amount = fields.require("Amount", is_amount)?.parse().map_err(|_| Refusal::field("Amount"))?;
    fields.require("PartyA", is_msisdn)?;
    let party_b = fields.require("PartyB", |text| is_digits(text, 5..=7))?;
    let msisdn = fields.require("PhoneNumber", is_msisdn)?;
    let callback_url = fields.require("CallBackURL", is_callback_url)?;
    let strict = shared.options.strict_lengths;
    let fits = |text: &str, most: usize| text.chars().count() <= if strict { most } else { LOOSE_LENGTH };
    let account_reference = fields.require("AccountReference", |text| !text.is_empty() && fits(text, 12))?;
    let transaction_desc = match fields.text("TransactionDesc") {
        None => String::new(),
        Some(text) if fits(&text, 13) => text,
        Some(_) => return Err(Refusal::field("TransactionDesc")),
    };
    Ok(Push { shortcode, transaction_type, amount, party_b, msisdn, callback_url, account_reference, transaction_desc })
}

fn is_current(shared: &Shared, timestamp: &str) -> bool {
    let Some(tolerance) = shared.options.timestamp_tolerance else { return true };
    let now = shared.clock.wall_eat().naive_local();
    chrono::NaiveDateTime::parse_from_str(timestamp, "%Y%m%d%H%M%S")
        .is_ok_and(|given| (now - given).abs().to_std().is_ok_and(|away| away <= tolerance))
}

/// The merchant, if it exists and `Password` is its own for `Timestamp`.
pub(crate) fn check_password<'a>(
    shared: &'a Shared,
    fields: &Fields,
    shortcode: &str,
) -> Result<&'a Merchant, Refusal> {
    let merchant = shared.options.merchant(shortcode).ok_or_else(|| Refusal::merchant("Merchant does not exist"))?;
    let timestamp = fields.text("Timestamp").unwrap_or_default();
    let expected = STANDARD.encode(format!("{shortcode}{}{timestamp}", merchant.passkey));
    if fields.text("Password").as_deref() == Some(expected.as_str()) {
        Ok(merchant)
    } else {
        Err(Refusal::merchant("Wrong credentials"))
    }
}

pub(crate) fn throttled(style: ThrottleStyle, per_minute: u32, burst: u32) -> Refusal {
    match style {
        ThrottleStyle::Fault => Refusal::SpikeArrest { per_minute, burst },
        ThrottleStyle::Busy => Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "500.003.02",
            "System is busy. Please try again in few minutes.",
        ),
    }
}

/// What will come of this push: an explicit scenario, else what the request itself is bound to run into.
fn plan(shared: &Shared, world: &World, push: &Push, merchant: &Merchant, now: Duration) -> (String, Plan) {
    if let Some(set) = world.scenarios.get(&push.msisdn).or(world.scenario_for_all.as_ref()) {
        return (set.name(), Plan::of(set));
    }
    let at_once = After::Secs(2);
    let wants_till = push.transaction_type == "CustomerBuyGoodsOnline";
    if wants_till != merchant.till.is_some() {
        return ("product_mismatch".to_owned(), Plan::network("2028", at_once));
    }
    if push.party_b != *merchant.till.as_ref().unwrap_or(&merchant.shortcode) {
        return ("no_operator".to_owned(), Plan::network("SFC_IC0003", at_once));
    }
    if prompt_text(push.amount, &merchant.name, &push.account_reference).chars().count() > PROMPT_LIMIT {
        return ("push_error".to_owned(), Plan::network("1025", at_once));
    }
    let repeats =
        world.charges.iter().rev().take_while(|charge| now.saturating_sub(charge.moved) < RULE_17).any(|charge| {
            charge.channel == Channel::Stk && charge.msisdn == push.msisdn && charge.amount == push.amount
        });
    if shared.options.rule_17 && repeats {
        return ("rule_limited".to_owned(), Plan::network("17", at_once));
    }
    let implied = shared
        .options
        .implied_scenarios
        .then(|| Scenario::implied(&push.msisdn, push.amount, &push.account_reference))
        .flatten();
    let scenario = implied.unwrap_or(Scenario::Listed(0));
    (scenario.name(), Plan::of(&scenario))
}

/// What the handset shows. MODELLED wording.
pub(crate) fn prompt_text(amount: u32, business: &str, account: &str) -> String {
    format!("Do you want to pay Ksh{} to {business} account no. {account}? Enter M-PESA PIN:", shillings(amount))
}

/// Puts the prompt on its way and plans how it ends by itself.
fn open(
    shared: &Shared,
    world: &mut World,
    push: Push,
    merchant: &Merchant,
    scenario: &str,
    plan: Plan,
    now: Duration,
) -> u64 {
    let id = world.transactions.last_key_value().map_or(1, |(last, _)| last.saturating_add(1));
    let checkout = world.ids.checkout(shared.clock.wall_eat(), &push.msisdn);
    let waits = world.settings.mode == Mode::Manual && plan.decider == Decider::Pin;
    let state = if plan.decider == Decider::Network { PromptState::Undelivered } else { PromptState::Open };
    if waits {
        let until = now.saturating_add(shared.options.prompt_life);
        world.schedule(until, Event::Expire { prompt: id });
    } else {
        let after = match plan.after {
            After::Approval => shared.options.approve_after,
            After::Silence => shared.options.unanswered_after,
            After::Secs(secs) => Duration::from_secs(secs),
        };
        let decide = Event::Decide { prompt: id, ticket: 0, code: plan.code.clone() };
        world.schedule(now.saturating_add(after), decide);
    }
    if plan.revoke_token {
        world.token = None;
    }
    let merchant_request_id = world.ids.merchant_request();
    world.add_transaction(Transaction {
        prompt: Prompt {
            id,
            msisdn: push.msisdn,
            amount: push.amount,
            business: merchant.name.clone(),
            shortcode: push.shortcode,
            party_b: push.party_b,
            account_reference: push.account_reference,
            transaction_desc: push.transaction_desc,
            state,
            checkout_request_id: checkout,
            merchant_request_id,
            scenario: scenario.to_owned(),
            result_code: None,
            receipt: None,
            opened_at: shared.clock.wall(),
        },
        plan,
        opened: now,
        callback_url: push.callback_url,
        decided: None,
        body: None,
        asked: 0,
        ticket: 0,
        dropped: false,
        held_until: Duration::ZERO,
        extra_copies: 0,
    });
    id
}

async fn answer(shared: &Shared, submit: Submit, id: u64) -> Response {
    match submit {
        Submit::RefuseWithHtml => {
            let page = "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. \
                        Please consult with your administrator.</body></html>";
            return (StatusCode::OK, [(header::CONTENT_TYPE, "text/html")], page).into_response();
        }
        Submit::AcceptThenHang => shared.clock.sleep(HANG).await,
        Submit::AcceptAfterCallback => {
            let checkout = checkout_of(&shared.world(), id);
            let delivered =
                shared.wait_until(|world| world.deliveries.iter().any(|d| Some(&d.about) == checkout.as_ref()));
            // After that the answer comes anyway: the receiver had its chance to be first.
            let _ = tokio::time::timeout(FIRST, delivered).await;
        }
        Submit::Accept | Submit::RefuseWith500 => {}
    }
    let world = shared.world();
    let Some(t) = world.transactions.get(&id) else {
        drop(world);
        return shared.refuse(Refusal::merchant("Wrong credentials"));
    };
    let accepted = "Success. Request accepted for processing";
    json_response(
        StatusCode::OK,
        &json!({
            "MerchantRequestID": t.prompt.merchant_request_id,
            "CheckoutRequestID": t.prompt.checkout_request_id,
            "ResponseCode": "0",
            "ResponseDescription": accepted,
            "CustomerMessage": accepted
        }),
    )
}

fn checkout_of(world: &World, id: u64) -> Option<String> {
    world.transactions.get(&id).map(|t| t.prompt.checkout_request_id.clone())
}
