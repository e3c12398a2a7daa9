//! OAuth: one token at a time; asking for another makes the first one useless.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;

use super::{
    engine::Shared,
    wire::{Refusal, json_response},
    world::Token,
};

/// How long a token lives, and what `expires_in` says. DOCUMENTED.
const LIFE_SECS: u64 = 3599;

#[derive(Debug, Deserialize)]
pub(crate) struct Grant {
    grant_type: Option<String>,
}

/// `GET /oauth/v1/generate?grant_type=client_credentials`.
pub(crate) async fn generate(
    State(shared): State<Arc<Shared>>,
    Query(grant): Query<Grant>,
    headers: HeaderMap,
) -> Response {
    mint(&shared, &grant, &headers).unwrap_or_else(|refusal| shared.refuse(refusal))
}

fn mint(shared: &Shared, grant: &Grant, headers: &HeaderMap) -> Result<Response, Refusal> {
    let bad = StatusCode::BAD_REQUEST;
    let (key, secret) =
        basic(headers).ok_or_else(|| Refusal::new(bad, "400.008.01", "Invalid Authentication passed"))?;
    if grant.grant_type.as_deref() != Some("client_credentials") {
        return Err(Refusal::new(bad, "400.008.02", "Invalid grant type passed"));
    }
    if key != shared.options.consumer_key || secret != shared.options.consumer_secret {
        return Err(if shared.options.auth_error_body {
            Refusal::new(bad, "400.008.01", "Invalid Authentication passed")
        } else {
            Refusal::Empty(bad)
        });
    }
    let mut world = shared.world();
    let value = world.ids.token();
    let expires = shared.clock.elapsed().saturating_add(Duration::from_secs(LIFE_SECS));
    world.token = Some(Token { value: value.clone(), expires });
    drop(world);
    let expires_in = if shared.options.expires_in_number { json!(LIFE_SECS) } else { json!(LIFE_SECS.to_string()) };
    let body = json!({ "access_token": value, "expires_in": expires_in });
    let mut response = json_response(StatusCode::OK, &body);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response.into_response())
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (key, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}

/// The three ways in which Daraja's families of APIs refuse a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// STK push and query, reversal, pull, QR: 404.001.03.
    Stk,
    /// C2B and transaction status: 400.003.01.
    C2b,
    /// Account balance and B2C: 401.002.01.
    Balance,
}

/// Refuses a missing, unknown, superseded or expired token.
pub(crate) fn check_token(shared: &Shared, headers: &HeaderMap, family: Family) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let given = given.map(|(_, token)| token.trim()).unwrap_or_default();
    let now = shared.clock.elapsed();
    let world = shared.world();
    if world.token.as_ref().is_some_and(|token| token.value == given && token.expires > now) {
        return Ok(());
    }
    Err(match family {
        Family::Stk => Refusal::new(StatusCode::NOT_FOUND, "404.001.03", "Invalid Access Token"),
        Family::C2b => Refusal::new(StatusCode::BAD_REQUEST, "400.003.01", "Invalid Access Token"),
        Family::Balance => {
            Refusal::new(StatusCode::UNAUTHORIZED, "401.002.01", "Error Occurred - Invalid Access Token")
        }
    })
}
