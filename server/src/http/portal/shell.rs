//! What surrounds every portal page: the owner's name and phone, style, scripts and the policy for them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use app::portal::{
    model::{Assets, Islands, Page, PortalView, Shell, Theme},
    render,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use chrono_tz::Tz;

use crate::http::{AppState, assets::AssetStore, security};

/// How long the owner's settings are kept before they are read again.
const SETTINGS_KEPT: Duration = Duration::from_secs(5);

/// Style and scripts of the portal, with the policy that lets a browser use them and nothing else.
#[derive(Debug, Clone)]
pub(in crate::http) struct PortalAssets {
    assets: Assets,
    policy: Option<HeaderValue>,
}

impl PortalAssets {
    /// Reads them from the browser files. Without those, pages are plain but complete.
    pub(in crate::http) fn load(store: &AssetStore) -> Self {
        let manifest = store.manifest();
        let css = manifest.get("portal.css").and_then(|name| store.text(name)).unwrap_or_default();
        let url = |name: &str| manifest.get(name).map(|hashed| Arc::<str>::from(format!("/assets/{hashed}")));
        let islands = match (url("boot.js"), url("portal.js"), url("refresh.js")) {
            (Some(boot_url), Some(glue_url), Some(refresh_url)) => Some(Islands { boot_url, glue_url, refresh_url }),
            _ => None,
        };
        let policy = security::portal_policy(&css);
        let assets = Assets { inline_css: css.into(), islands, icon_url: Some("/icon.svg".into()) };
        Self { assets, policy }
    }
}

/// What the owner may change and pages show.
#[derive(Debug, Clone)]
pub(in crate::http) struct ShellSettings {
    business_name: String,
    support_phone: Option<String>,
    pub(super) time_zone: Tz,
}

/// The settings as last read: pages still have the owner's name while the database is away.
#[derive(Debug, Default)]
pub(in crate::http) struct ShellCache(Mutex<Option<(Instant, ShellSettings)>>);

impl ShellCache {
    fn read(&self) -> Option<(Instant, ShellSettings)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, settings: ShellSettings) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), settings));
    }
}

/// The owner's settings, read again every few seconds.
pub(super) async fn settings(state: &AppState) -> ShellSettings {
    let known = state.shell_cache().read();
    if let Some((read_at, settings)) = &known
        && read_at.elapsed() < SETTINGS_KEPT
    {
        return settings.clone();
    }
    let fresh = if state.readiness().is_migrated() { state.billing().list_settings().await.ok() } else { None };
    let stored = fresh.as_deref().unwrap_or_default();
    let value = |name: &str| stored.iter().find(|(setting, _)| setting.name == name).map(|(_, value)| value.clone());
    let settings = ShellSettings {
        business_name: value("business_name").unwrap_or_else(|| "WiFi".to_owned()),
        support_phone: value("support_phone").filter(|phone| !phone.is_empty()),
        time_zone: value("time_zone").and_then(|zone| zone.parse().ok()).unwrap_or(Tz::Africa__Nairobi),
    };
    match (fresh.is_some(), known) {
        (true, _) => {
            state.shell_cache().write(settings.clone());
            settings
        }
        (false, Some((_, known))) => known,
        (false, None) => settings,
    }
}

/// The zone the owner wants times in.
pub(in crate::http) async fn time_zone(state: &AppState) -> Tz {
    settings(state).await.time_zone
}

/// A finished answer with the page in it. `here` is where its reloads and its theme form return to.
pub(super) async fn answer(state: &AppState, status: StatusCode, theme: Theme, here: String, page: Page) -> Response {
    let settings = settings(state).await;
    let portal = state.portal_assets();
    let shell = Shell {
        business_name: settings.business_name,
        support_phone: settings.support_phone,
        theme,
        here,
        assets: portal.assets,
    };
    let mut response = (status, Html(render(&PortalView { shell, page }))).into_response();
    if let Some(policy) = portal.policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
