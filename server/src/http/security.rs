//! Headers that keep browsers from doing what we never ask of them, on every answer.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::AppState;

/// Answers that are not pages load nothing at all.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The admin app: everything from here, no inline script or style.
pub(super) const ADMIN: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// The portal: everything from here, and exactly the one style sheet that is part of the page.
pub(super) fn portal_policy(inline_css: &str) -> Option<HeaderValue> {
    let hash = STANDARD.encode(Sha256::digest(inline_css.as_bytes()));
    HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'sha256-{hash}'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ))
    .ok()
}

/// Middleware around everything. What a handler has set itself stays.
pub(super) async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    default(headers, header::CONTENT_SECURITY_POLICY, NOTHING);
    default(headers, header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    default(headers, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    default(headers, header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not `no-referrer`: that makes browsers write `Origin: null` for the portal's own forms.
    default(headers, header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let permissions = HeaderName::from_static("permissions-policy");
    default(headers, permissions, HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    default(headers, opener, HeaderValue::from_static("same-origin"));
    if state.config().http.is_https() {
        default(headers, header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}
