//! The control plane over HTTP: `/__sim/*`, JSON, never part of the real API.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    behaviour::BEHAVIOURS,
    control::{Control, ControlError, SettingsChange},
    scenario::SCENARIOS,
    statement::read_moment,
    world::Outage,
};

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoPrompt(_) | Self::NoPayment => StatusCode::NOT_FOUND,
            Self::NotOpen(_) | Self::Undecided => StatusCode::CONFLICT,
            Self::InVain => StatusCode::GATEWAY_TIMEOUT,
            Self::Pin | Self::NoScenario(_) | Self::NoMerchant | Self::Amount | Self::Payer | Self::Period => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

type Done = Result<Json<Value>, ControlError>;

fn ok() -> Json<Value> {
    Json(json!({ "ok": true }))
}

fn secs(given: f64) -> Duration {
    Duration::try_from_secs_f64(given).unwrap_or_default()
}

#[derive(Debug, Deserialize)]
struct Pin {
    pin: String,
}

#[derive(Debug, Deserialize)]
struct SetScenario {
    msisdn: Option<String>,
    /// A name of the table, `code:<lexeme>`, or null to clear.
    scenario: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Secs {
    secs: f64,
}

#[derive(Debug, Deserialize)]
struct Speed {
    speed: f64,
}

#[derive(Debug, Deserialize)]
struct SetOutage {
    kind: Option<Outage>,
}

#[derive(Debug, Deserialize)]
struct Times {
    times: u32,
}

#[derive(Debug, Deserialize)]
struct Period {
    shortcode: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ByHand {
    msisdn: String,
    number: String,
    amount: u32,
    #[serde(default)]
    account: String,
}

/// The routes of the control plane.
pub(crate) fn router(control: Control) -> Router {
    Router::new()
        .route("/__sim/prompts", get(prompts))
        .route("/__sim/prompts/{id}/approve", post(approve))
        .route("/__sim/prompts/{id}/cancel", post(cancel))
        .route("/__sim/prompts/{id}/ignore", post(ignore))
        .route("/__sim/scenarios", get(|| async { Json(json!({ "scenarios": SCENARIOS })) }))
        .route("/__sim/behaviours", get(|| async { Json(json!({ "behaviours": BEHAVIOURS })) }))
        .route("/__sim/scenario", post(scenario))
        .route("/__sim/charges", get(charges))
        .route("/__sim/statement.csv", get(statement))
        .route("/__sim/payouts", get(payouts))
        .route("/__sim/requests", get(requests))
        .route("/__sim/callbacks", get(callbacks))
        .route("/__sim/callbacks/{checkout}/replay", post(replay))
        .route("/__sim/callbacks/{checkout}/drop", post(drop_callback))
        .route("/__sim/callbacks/{checkout}/delay", post(delay))
        .route("/__sim/callbacks/{checkout}/duplicate", post(duplicate))
        .route("/__sim/phones/{msisdn}/messages", get(messages))
        .route("/__sim/pay", post(pay))
        .route("/__sim/clock", get(clock))
        .route("/__sim/speed", post(speed))
        .route("/__sim/advance", post(advance))
        .route("/__sim/tokens/revoke", post(revoke))
        .route("/__sim/settings", get(settings).post(change))
        .route("/__sim/rate-limit", post(change))
        .route("/__sim/outage", post(outage))
        .with_state(control)
}

async fn prompts(State(control): State<Control>) -> Json<Value> {
    Json(json!({ "prompts": control.prompts() }))
}

async fn approve(State(control): State<Control>, Path(id): Path<u64>, Json(given): Json<Pin>) -> Done {
    control.approve(id, &given.pin).map(|()| ok())
}

async fn cancel(State(control): State<Control>, Path(id): Path<u64>) -> Done {
    control.cancel(id).map(|()| ok())
}

async fn ignore(State(control): State<Control>, Path(id): Path<u64>) -> Done {
    control.ignore(id).map(|()| ok())
}

async fn scenario(State(control): State<Control>, Json(given): Json<SetScenario>) -> Done {
    control.set_scenario(given.msisdn.as_deref(), given.scenario.as_deref()).map(|()| ok())
}

async fn charges(State(control): State<Control>) -> Json<Value> {
    Json(json!({ "charges": control.charges(), "reversals": control.reversals() }))
}

async fn statement(State(control): State<Control>, Query(period): Query<Period>) -> Result<Response, ControlError> {
    let moment = |text: &Option<String>, ends| match text.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => read_moment(text, ends).map(Some).ok_or(ControlError::Period),
    };
    let (from, to) = (moment(&period.from, false)?, moment(&period.to, true)?);
    let csv = control.statement(period.shortcode.as_deref(), from, to)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv;charset=UTF-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"statement.csv\""),
    ];
    Ok((headers, csv).into_response())
}

async fn payouts(State(control): State<Control>) -> Json<Value> {
    Json(json!({ "payouts": control.payouts() }))
}

async fn requests(State(control): State<Control>) -> Json<Value> {
    Json(json!({ "requests": control.requests() }))
}

async fn callbacks(State(control): State<Control>) -> Json<Value> {
    Json(json!({ "callbacks": control.deliveries() }))
}

async fn replay(State(control): State<Control>, Path(checkout): Path<String>) -> Done {
    control.replay(&checkout).await.map(|()| ok())
}

async fn drop_callback(State(control): State<Control>, Path(checkout): Path<String>) -> Done {
    control.drop_callback(&checkout).map(|()| ok())
}

async fn delay(State(control): State<Control>, Path(checkout): Path<String>, Json(by): Json<Secs>) -> Done {
    control.delay_callback(&checkout, secs(by.secs)).map(|()| ok())
}

async fn duplicate(State(control): State<Control>, Path(checkout): Path<String>, Json(n): Json<Times>) -> Done {
    control.duplicate_callback(&checkout, n.times.saturating_sub(1)).map(|()| ok())
}

async fn messages(State(control): State<Control>, Path(msisdn): Path<String>) -> Json<Value> {
    Json(json!({ "messages": control.messages(&msisdn) }))
}

async fn pay(State(control): State<Control>, Json(given): Json<ByHand>) -> Done {
    control
        .pay_by_hand(&given.msisdn, &given.number, given.amount, &given.account)
        .map(|receipt| Json(json!({ "ok": true, "receipt": receipt })))
}

async fn clock(State(control): State<Control>) -> Json<Value> {
    let clock = &control.shared.clock;
    Json(json!({ "at": clock.wall(), "elapsed_secs": clock.elapsed().as_secs_f64(), "speed": clock.speed() }))
}

async fn speed(State(control): State<Control>, Json(given): Json<Speed>) -> Json<Value> {
    control.set_speed(given.speed);
    Json(json!({ "speed": control.shared.clock.speed() }))
}

async fn advance(State(control): State<Control>, Json(by): Json<Secs>) -> Done {
    control.advance(secs(by.secs)).await.map(|()| ok())
}

async fn revoke(State(control): State<Control>) -> Json<Value> {
    control.revoke_token();
    ok()
}

async fn settings(State(control): State<Control>) -> Json<Value> {
    Json(json!(control.settings()))
}

async fn change(State(control): State<Control>, Json(given): Json<SettingsChange>) -> Json<Value> {
    Json(json!(control.change_settings(&given)))
}

async fn outage(State(control): State<Control>, Json(given): Json<SetOutage>) -> Json<Value> {
    control.set_outage(given.kind);
    Json(json!(control.settings()))
}
