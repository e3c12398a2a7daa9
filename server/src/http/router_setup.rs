//! Routers that are being connected. The addresses carry the secrets, so they are short, say nothing, and are logged
//! as patterns only. What is wrong is said in few words: RouterOS shows no more than the status anyway.

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use billing::onboarding::{Answer, RouterSideError};

use super::{AppState, error::ApiError, extract::body_error, request::Origin};
use crate::config::site;

/// The script that a pasted line fetches.
pub(super) async fn script(State(state): State<AppState>, Path(key): Path<String>) -> Result<Response, ApiError> {
    Ok(text(state.billing().setup_script(&key, true, &site(state.config())).await?))
}

/// What a run asks for: the same script without a checked certificate (`u`), what to do next, the login page.
pub(super) async fn ask(
    State(state): State<AppState>,
    Path((key, what)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let (billing, site) = (state.billing(), site(state.config()));
    match what.as_str() {
        "u" => Ok(text(billing.setup_script(&key, false, &site).await?)),
        "next" => Ok(text(billing.setup_next(&key, &site).await?)),
        "login.html" => Ok(answer(billing.setup_login_page(&key, &site).await?)),
        _ => Err(ApiError::not_found()),
    }
}

/// The script of one step, or a login page as it was.
pub(super) async fn fetch(
    State(state): State<AppState>,
    Path((key, what, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let (billing, site) = (state.billing(), site(state.config()));
    match what.as_str() {
        "do" => Ok(text(billing.setup_step(&key, &name, &site).await?)),
        "before" => Ok(answer(billing.setup_page_before(&key, &name, &site).await?)),
        _ => Err(ApiError::not_found()),
    }
}

/// What came of a step: `ok` or `no`.
pub(super) async fn report(
    State(state): State<AppState>,
    Origin { ip, .. }: Origin,
    Path((key, what, name)): Path<(String, String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let is_ok = match what.as_str() {
        "ok" => true,
        "no" => false,
        _ => return Err(ApiError::not_found()),
    };
    let body = body.map_err(|rejection| body_error(&rejection))?;
    state.billing().setup_report(&key, &name, is_ok, &body, (!ip.is_unspecified()).then_some(ip)).await?;
    Ok(text("ok".to_owned()))
}

/// Scripts must never be kept by a cache on the way.
fn text(body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

fn answer(answer: Answer) -> Response {
    match answer {
        Answer::Text(body) => text(body),
        Answer::Page(body) => {
            // Not as HTML: the page was made for the router, and must never run under this server's name.
            let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
    }
}

impl From<RouterSideError> for ApiError {
    fn from(error: RouterSideError) -> Self {
        match error {
            RouterSideError::Unknown => Self::not_found(),
            RouterSideError::Garbage => Self::bad_request("not_a_report", "This is not a report."),
            RouterSideError::TooMany => Self::too_many(3600, "There are too many reports. Begin a new set-up."),
            RouterSideError::NotNow => Self::new(StatusCode::CONFLICT, "not_now", "This is not to be done now."),
            RouterSideError::Template(error) => {
                tracing::error!(%error, "a script for a router could not be made");
                Self::internal()
            }
            RouterSideError::Seal(error) => {
                tracing::error!(%error, "a secret for a router could not be made");
                Self::internal()
            }
            RouterSideError::Store(error) => error.into(),
        }
    }
}
