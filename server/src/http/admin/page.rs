//! The document the admin app starts in. Every address under `/admin` gets it, because the app has its own
//! pages.

use std::sync::Arc;

use app::admin::{AdminAssets, admin_shell};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::http::{AppState, portal, security};

/// `GET /admin` and everything below.
pub(in crate::http) async fn shell(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let manifest = state.assets().manifest();
    let url = |name: &str| manifest.get(name).map(|hashed| Arc::<str>::from(format!("/assets/{hashed}")));
    let (Some(css_url), Some(boot_url), Some(glue_url)) = (url("admin.css"), url("boot.js"), url("admin.js")) else {
        let text = "<!DOCTYPE html><title>Bando</title><p>This build has no admin app in it. Build the browser side \
                    first, then the server.";
        return (StatusCode::NOT_FOUND, Html(text)).into_response();
    };
    let assets = AdminAssets { css_url, boot_url, glue_url, icon_url: "/icon.svg".into() };
    let zone = portal::time_zone(&state).await;
    let page = admin_shell(&assets, portal::theme_of(&headers), zone.name());
    ([(header::CONTENT_SECURITY_POLICY, security::ADMIN)], Html(page)).into_response()
}
