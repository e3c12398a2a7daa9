//! The control plane: JSON over HTTP, the same as the methods of [`crate::routeros::Control`].

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Site;
use crate::routeros::{BEHAVIOURS, ControlError, FaultRule, Reboot, Record, RosVersion};

/// Longest leap of the clock: ten years.
const ADVANCE_SECS_MAX: u64 = 315_360_000;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/state", get(state))
        .route("/clients", get(clients).post(join))
        .route("/clients/{mac}", get(client))
        .route("/clients/{mac}/leave", post(leave))
        .route("/clients/{mac}/traffic", post(traffic))
        .route("/advance", post(advance))
        .route("/ntp", post(ntp))
        .route("/reboot", post(reboot))
        .route("/faults", get(faults).post(inject).delete(clear_faults))
        .route("/connections/cut", post(cut))
        .route("/log", get(log).delete(clear_log))
        .route("/users", get(users))
        .route("/active", get(active))
        .route("/hosts", get(hosts))
        .route("/rows", get(rows))
        .route("/behaviours", get(behaviours))
        .route("/terminal", post(terminal))
        .route("/files", get(file).post(put_file))
        .route("/internet", post(internet))
        .route("/upgrade", post(upgrade))
}

/// A refusal as JSON.
pub(super) struct Refusal(StatusCode, String);

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        let status = match error {
            ControlError::NotAMac(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ControlError::UnknownDevice(_) | ControlError::UnknownMenu(_) => StatusCode::NOT_FOUND,
            ControlError::Certificate(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": { "message": self.1 } }))).into_response()
    }
}

type Answer = Result<Json<Value>, Refusal>;

async fn state(State(site): State<Site>) -> impl IntoResponse {
    Json(json!(site.control.state()))
}

async fn clients(State(site): State<Site>) -> impl IntoResponse {
    Json(json!({ "clients": site.control.clients() }))
}

#[derive(Deserialize)]
struct Join {
    mac: String,
    ip: Option<std::net::Ipv4Addr>,
}

async fn join(State(site): State<Site>, Json(body): Json<Join>) -> Answer {
    match body.ip {
        Some(ip) => site.control.join_at(&body.mac, ip)?,
        None => drop(site.control.join(&body.mac)?),
    }
    Ok(Json(json!(site.control.client(&body.mac)?)))
}

async fn client(State(site): State<Site>, Path(mac): Path<String>) -> Answer {
    Ok(Json(json!(site.control.client(&mac)?)))
}

async fn leave(State(site): State<Site>, Path(mac): Path<String>) -> Answer {
    site.control.client(&mac)?;
    site.control.leave(&mac)?;
    Ok(Json(json!(site.control.client(&mac)?)))
}

#[derive(Deserialize)]
struct Traffic {
    #[serde(default)]
    bytes_in: u64,
    #[serde(default)]
    bytes_out: u64,
}

async fn traffic(State(site): State<Site>, Path(mac): Path<String>, Json(body): Json<Traffic>) -> Answer {
    site.control.client(&mac)?;
    let passed = site.control.traffic(&mac, body.bytes_in, body.bytes_out)?;
    Ok(Json(json!({ "passed": passed, "client": site.control.client(&mac)? })))
}

#[derive(Deserialize)]
struct Advance {
    secs: u64,
}

async fn advance(State(site): State<Site>, Json(body): Json<Advance>) -> Answer {
    if body.secs > ADVANCE_SECS_MAX {
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, format!("at most {ADVANCE_SECS_MAX} seconds at once")));
    }
    site.control.advance(Duration::from_secs(body.secs));
    let state = site.control.state();
    Ok(Json(json!({ "now_ms": state.now_ms, "true_epoch_secs": state.true_epoch_secs })))
}

async fn ntp(State(site): State<Site>) -> impl IntoResponse {
    site.control.ntp();
    Json(json!({ "router_epoch_secs": site.control.state().router_epoch_secs }))
}

#[derive(Deserialize)]
struct RebootBody {
    kind: Reboot,
    boot_secs: Option<u64>,
}

async fn reboot(State(site): State<Site>, Json(body): Json<RebootBody>) -> impl IntoResponse {
    match body.boot_secs {
        Some(secs) => site.control.reboot_for(body.kind, secs),
        None => site.control.reboot(body.kind),
    }
    Json(json!({ "up": site.control.state().up }))
}

async fn faults(State(site): State<Site>) -> impl IntoResponse {
    Json(json!({ "faults": site.control.state().faults }))
}

async fn inject(State(site): State<Site>, Json(rule): Json<FaultRule>) -> Answer {
    site.control.inject(rule)?;
    Ok(Json(json!({ "faults": site.control.state().faults })))
}

async fn clear_faults(State(site): State<Site>) -> impl IntoResponse {
    site.control.clear_faults();
    StatusCode::NO_CONTENT
}

async fn cut(State(site): State<Site>) -> impl IntoResponse {
    site.control.cut_connections();
    StatusCode::NO_CONTENT
}

async fn log(State(site): State<Site>) -> impl IntoResponse {
    Json(json!({ "sentences": site.control.log() }))
}

async fn clear_log(State(site): State<Site>) -> impl IntoResponse {
    site.control.clear_log();
    StatusCode::NO_CONTENT
}

async fn users(State(site): State<Site>) -> impl IntoResponse {
    Json(json!({ "users": objects(site.control.users()) }))
}

async fn active(State(site): State<Site>) -> impl IntoResponse {
    Json(json!({ "active": objects(site.control.active()) }))
}

async fn hosts(State(site): State<Site>) -> impl IntoResponse {
    Json(json!({ "hosts": objects(site.control.hosts()) }))
}

#[derive(Deserialize)]
struct Rows {
    path: String,
}

async fn rows(State(site): State<Site>, Query(query): Query<Rows>) -> Answer {
    Ok(Json(json!({ "rows": objects(site.control.rows(&query.path)?) })))
}

#[derive(Deserialize)]
struct Terminal {
    text: String,
    account: Option<String>,
}

/// Pastes text into the router's terminal and answers what was to be seen.
async fn terminal(State(site): State<Site>, Json(body): Json<Terminal>) -> impl IntoResponse {
    let transcript = match &body.account {
        Some(account) => site.control.paste_as(account, &body.text).await,
        None => site.control.paste(&body.text).await,
    };
    Json(json!({ "error": transcript.error(), "screen": transcript.screen(), "entered": transcript.entered }))
}

#[derive(Deserialize)]
struct FileName {
    name: String,
}

async fn file(State(site): State<Site>, Query(query): Query<FileName>) -> Answer {
    let contents = site.control.file(&query.name);
    let contents = contents.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("no file {}", query.name)))?;
    Ok(Json(json!({ "name": query.name, "contents": String::from_utf8_lossy(&contents) })))
}

#[derive(Deserialize)]
struct FileBody {
    name: String,
    contents: String,
}

async fn put_file(State(site): State<Site>, Json(body): Json<FileBody>) -> impl IntoResponse {
    site.control.put_file(&body.name, &body.contents);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Internet {
    up: bool,
}

/// Cuts or mends the router's line to the outside.
async fn internet(State(site): State<Site>, Json(body): Json<Internet>) -> impl IntoResponse {
    site.control.set_internet(body.up);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Upgrade {
    ros: String,
    #[serde(default = "yes")]
    hotspot: bool,
}

const fn yes() -> bool {
    true
}

/// Another release, with or without the hotspot package.
async fn upgrade(State(site): State<Site>, Json(body): Json<Upgrade>) -> Answer {
    let Some(ros) = RosVersion::parse(&body.ros) else {
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, format!("no release {}", body.ros)));
    };
    site.control.upgrade(ros, body.hotspot);
    Ok(Json(json!({ "version": site.control.state().version })))
}

async fn behaviours() -> impl IntoResponse {
    Json(json!({ "behaviours": BEHAVIOURS }))
}

/// Records as JSON objects; passwords stay on the router.
fn objects(records: Vec<Record>) -> Vec<Map<String, Value>> {
    let shown = |(name, _): &(String, String)| !name.contains("password") && !name.contains("secret");
    let object = |record: Record| record.into_iter().filter(shown).map(|(name, value)| (name, Value::String(value)));
    records.into_iter().map(|record| object(record).collect()).collect()
}
