//! Refuses changes that another site's page asks a browser to make (CSRF). Browsers say where a request comes
//! from in `Sec-Fetch-Site` or `Origin`; the session cookie is SameSite=Lax besides.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::Url;

use super::{AppState, error::ApiError};

/// What a request says about the page it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// From our own pages.
    SameOrigin,
    /// From somebody else's page.
    OtherOrigin,
    /// Nothing: a program, or an old mini-browser.
    Silent,
}

fn evidence(headers: &HeaderMap, public_url: &Url) -> Evidence {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return Evidence::SameOrigin,
        Some(_) => return Evidence::OtherOrigin,
        None => {}
    }
    // Over plain http browsers leave out Sec-Fetch-Site, and some write `null` for a form of our own page.
    let Some(origin) = text(header::ORIGIN.as_str()).filter(|origin| *origin != "null") else {
        return Evidence::Silent;
    };
    let is_public = Url::parse(origin).is_ok_and(|origin| origin.origin() == public_url.origin());
    // Also reached under other names, such as the address on the hotspot's own network.
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| !host.is_empty() && authority == host);
    if is_public || is_host { Evidence::SameOrigin } else { Evidence::OtherOrigin }
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn refused() -> Response {
    ApiError::forbidden("cross_site", "This was asked for by another website, so it was not done.").into_response()
}

/// Middleware for the portal's forms, the public API, login and logout: refuses only what is known to come
/// from elsewhere, because captive mini-browsers and programs say nothing.
pub(super) async fn refuse_other_sites(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_foreign = evidence(request.headers(), &state.config().http.public_url) == Evidence::OtherOrigin;
    if is_change(request.method()) && is_foreign {
        return refused();
    }
    next.run(request).await
}

/// Middleware for what an admin may change: wants proof that the request comes from our own page, or the
/// header `X-Requested-With: bando`, which other sites cannot send.
pub(super) async fn want_own_site(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_named = request.headers().get("x-requested-with").is_some_and(|value| value == "bando");
    let is_own = is_named || evidence(request.headers(), &state.config().http.public_url) == Evidence::SameOrigin;
    if is_change(request.method()) && !is_own {
        return refused();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_say_is_believed() {
        let cases: &[(&[(&str, &str)], Evidence)] = &[
            (&[], Evidence::Silent),
            (&[("sec-fetch-site", "same-origin")], Evidence::SameOrigin),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://wifi.example")], Evidence::OtherOrigin),
            (&[("sec-fetch-site", "same-site")], Evidence::OtherOrigin),
            (&[("origin", "https://wifi.example")], Evidence::SameOrigin),
            (&[("origin", "https://wifi.example.evil")], Evidence::OtherOrigin),
            (&[("origin", "http://10.0.0.2:8080"), ("host", "10.0.0.2:8080")], Evidence::SameOrigin),
            (&[("origin", "null"), ("host", "x")], Evidence::Silent),
            (&[("origin", "https://evil"), ("host", "")], Evidence::OtherOrigin),
        ];
        let public_url = Url::parse("https://wifi.example/").unwrap();
        for (pairs, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in *pairs {
                headers.insert(axum::http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
            }
            assert_eq!(evidence(&headers, &public_url), *expected, "{pairs:?}");
        }
    }
}
