//! The Daraja paths on a socket: routing, the request log, and trouble at the gateway.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    business, c2b, engine::Shared, ledger::RequestRecord, oauth, pull, push, qr, query, wire::Refusal, world::Outage,
};

/// The largest body read.
const BODY_LIMIT: usize = 256 * 1024;
/// How much of a body the log keeps.
const LOGGED_BODY: usize = 8 * 1024;

/// The Daraja API.
pub(crate) fn api(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/oauth/v1/generate", get(oauth::generate))
        .route("/mpesa/stkpush/v1/processrequest", post(push::process))
        .route("/mpesa/stkpushquery/v1/query", post(query::query))
        .route("/mpesa/c2b/v1/registerurl", post(c2b::register_v1))
        .route("/mpesa/c2b/v2/registerurl", post(c2b::register_v2))
        .route("/mpesa/c2b/v1/simulate", post(c2b::simulate))
        .route("/mpesa/c2b/v2/simulate", post(c2b::simulate))
        .route("/mpesa/transactionstatus/v1/query", post(business::status))
        .route("/mpesa/reversal/v1/request", post(business::reversal))
        .route("/mpesa/accountbalance/v1/query", post(business::balance))
        .route("/mpesa/b2c/v3/paymentrequest", post(business::b2c))
        .route("/pulltransactions/v1/register", post(pull::register))
        .route("/pulltransactions/v1/query", post(pull::query))
        .route("/mpesa/qrcode/v1/generate", post(qr::generate))
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_such_path)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), gateway))
        .with_state(shared)
}

async fn wrong_method(State(shared): State<Arc<Shared>>) -> Response {
    shared.refuse(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "405.001", "Method Not Allowed"))
}

async fn no_such_path(State(shared): State<Arc<Shared>>) -> Response {
    shared.refuse(Refusal::new(StatusCode::NOT_FOUND, "404.001.01", "Resource not found"))
}

/// Writes every request down before anything else, and plays an outage when one is set.
async fn gateway(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path().to_owned();
    let id = record(&shared, parts.method.as_str(), &path, &body);
    let outage = shared.world().settings.outage;
    let response = match outage {
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
        Some(Outage::Hang) => {
            // Until the caller gives up or the trouble is over; then the connection ends without an answer to act on.
            shared.wait_until(|world| world.settings.outage != Some(Outage::Hang)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Some(Outage::Empty) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Outage::Throttled) => shared.refuse(Refusal::SpikeArrest { per_minute: 5, burst: 1 }),
        Some(Outage::Html) => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::CONTENT_TYPE, "text/html")],
            "<html><body><h1>Service Unavailable</h1></body></html>",
        )
            .into_response(),
    };
    let status = response.status().as_u16();
    if let Some(record) = shared.world().requests.iter_mut().rev().find(|record| record.id == id) {
        record.status = Some(status);
    }
    tracing::info!(path, status, "request");
    response
}

fn record(shared: &Shared, method: &str, path: &str, body: &Bytes) -> u64 {
    let kept = body.get(..body.len().min(LOGGED_BODY)).unwrap_or_default();
    let mut world = shared.world();
    let id = world.requests.back().map_or(1, |last| last.id.saturating_add(1));
    world.add_request(RequestRecord {
        id,
        method: method.to_owned(),
        path: path.to_owned(),
        body: String::from_utf8_lossy(kept).into_owned(),
        status: None,
        at: shared.clock.wall(),
    });
    id
}
