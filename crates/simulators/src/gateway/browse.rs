//! What the browser of a virtual device meets: a page that opens, or the router's login page.

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{Site, page, servlet};
use crate::routeros::{ClientState, ServletFacts};

/// What a device opens when its owner did not name a page.
const ANYWHERE: &str = "http://example.com/";

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/devices/{mac}/connect", post(connect))
        .route("/devices/{mac}/disconnect", post(disconnect))
        .route("/devices/{mac}/open", get(open))
        .route("/devices/{mac}/login", get(login_page).post(log_in))
        .route("/devices/{mac}/logout", get(log_out).post(log_out))
        .route("/devices/{mac}/status", get(status))
}

#[derive(Deserialize)]
struct Opened {
    url: Option<String>,
}

/// The device joins, and its browser opens a page, as phones do by themselves.
async fn connect(State(site): State<Site>, Path(mac): Path<String>) -> Response {
    let fixed =
        site.options.devices.iter().find(|device| device.mac.eq_ignore_ascii_case(&mac)).map(|device| device.ip);
    let joined = match fixed {
        Some(ip) => site.control.join_at(&mac, ip),
        None => site.control.join(&mac).map(drop),
    };
    match joined {
        Ok(()) => browse(&site, &mac, ANYWHERE),
        Err(error) => page::refusal(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

async fn disconnect(State(site): State<Site>, Path(mac): Path<String>) -> Response {
    match site.control.leave(&mac) {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => page::refusal(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

async fn open(State(site): State<Site>, Path(mac): Path<String>, Query(query): Query<Opened>) -> Response {
    browse(&site, &mac, query.url.as_deref().filter(|url| !url.is_empty()).unwrap_or(ANYWHERE))
}

/// The browser of `mac` asks for `url`: it comes through, or meets the login page.
fn browse(site: &Site, mac: &str, url: &str) -> Response {
    let Ok(client) = site.control.client(mac) else {
        return page::refusal(StatusCode::NOT_FOUND, "There is no such device here.");
    };
    if client.state == ClientState::Off {
        return page::refusal(StatusCode::CONFLICT, "This device is not connected to the WiFi.");
    }
    if client.state == ClientState::Blocked {
        return page::refusal(StatusCode::FORBIDDEN, "The router shuts this device out.");
    }
    let lets_through = || site.control.traffic(mac, 2_000, 40_000).unwrap_or(false);
    // A browser that logged in before shows its cookie when it meets the login page.
    if lets_through() || (site.control.browser_cookie(mac).unwrap_or(false) && lets_through()) {
        return page::through(site, mac, url).into_response();
    }
    let state = site.control.client(mac).map(|client| client.state);
    match site.control.servlet_facts(mac) {
        Some(_) if state.is_ok_and(|state| state != ClientState::Portal) => Redirect::to("/").into_response(),
        Some(facts) => {
            let error = facts.client.last_error.clone().unwrap_or_default();
            answer(site, facts, url, &error)
        }
        None => page::refusal(StatusCode::NOT_FOUND, "There is no such device here."),
    }
}

#[derive(Deserialize)]
struct LoginQuery {
    dst: Option<String>,
    error: Option<String>,
}

/// `link-login-only`, opened by hand.
async fn login_page(State(site): State<Site>, Path(mac): Path<String>, Query(query): Query<LoginQuery>) -> Response {
    match site.control.servlet_facts(&mac) {
        Some(facts) => {
            answer(&site, facts, query.dst.as_deref().unwrap_or(ANYWHERE), query.error.as_deref().unwrap_or_default())
        }
        None => page::refusal(StatusCode::NOT_FOUND, "There is no such device here."),
    }
}

#[derive(Deserialize)]
struct LoginForm {
    username: Option<String>,
    password: Option<String>,
    dst: Option<String>,
}

/// The router's own login form: `username`, `password`, `dst`.
async fn log_in(State(site): State<Site>, Path(mac): Path<String>, Form(form): Form<LoginForm>) -> Response {
    let (user, password) = (form.username.unwrap_or_default(), form.password.unwrap_or_default());
    let to = form.dst.filter(|dst| !dst.is_empty());
    match site.control.browser_login(&mac, &user, &password) {
        Ok(()) => match to {
            Some(dst) => Redirect::to(&dst).into_response(),
            None => page::through(&site, &mac, ANYWHERE).into_response(),
        },
        Err(text) => match site.control.servlet_facts(&mac) {
            Some(facts) => answer(&site, facts, to.as_deref().unwrap_or(ANYWHERE), &text),
            None => page::refusal(StatusCode::NOT_FOUND, "There is no such device here."),
        },
    }
}

async fn log_out(State(site): State<Site>, Path(mac): Path<String>) -> Response {
    match site.control.browser_logout(&mac) {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => page::refusal(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

async fn status(State(site): State<Site>, Path(mac): Path<String>) -> Response {
    match site.control.client(&mac) {
        Ok(client) if client.state == ClientState::Online => page::through(&site, &mac, ANYWHERE).into_response(),
        Ok(_) => Redirect::to(&format!("/devices/{mac}/login")).into_response(),
        Err(error) => page::refusal(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

/// The router's login page for a device, as the router serves it.
fn answer(site: &Site, facts: ServletFacts, dst: &str, error: &str) -> Response {
    let Some(template) = facts.login_page.clone() else {
        // Missing pages look like this on a real router too: connected, and nothing happens.
        return page::refusal(StatusCode::NOT_FOUND, "The router has no login page (hotspot/login.html).");
    };
    let rendered = servlet::render(&template, &variables(site, &facts, dst, error));
    let status = StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Html(rendered.body)).into_response();
    for (name, value) in &rendered.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("mikrotik-simulator"));
    response
}

/// The variables of the manual that mean something here.
fn variables(site: &Site, facts: &ServletFacts, dst: &str, error: &str) -> Vec<(&'static str, String)> {
    let client = &facts.client;
    let here = |page: &str| format!("{}/devices/{}/{page}", site.base_url, client.mac);
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let login_only = here("login");
    let login = format!("{login_only}?dst={}", servlet::escape(dst));
    let secs = |secs: Option<u64>| secs.map(|secs| secs.to_string()).unwrap_or_default();
    vec![
        ("mac", client.mac.clone()),
        ("ip", client.ip.to_string()),
        ("host-ip", client.ip.to_string()),
        ("username", client.user.clone().unwrap_or_default()),
        ("domain", String::new()),
        ("logged-in", yes_no(client.state == ClientState::Online)),
        ("trial", "no".to_owned()),
        ("interface-name", "bridge-hotspot".to_owned()),
        ("hostname", facts.server_address.clone()),
        ("server-address", format!("{}:80", facts.server_address)),
        ("server-name", facts.server.clone()),
        ("identity", facts.identity.clone()),
        ("login-by", facts.login_by.clone()),
        ("plain-passwd", yes_no(facts.login_by.split(',').any(|way| way == "http-pap"))),
        ("ssl-login", "no".to_owned()),
        ("link-login", login.clone()),
        ("link-login-only", login_only),
        ("link-redirect", login),
        ("link-orig", dst.to_owned()),
        ("link-logout", here("logout")),
        ("link-status", here("status")),
        ("error", error.to_owned()),
        ("error-orig", error.to_owned()),
        ("uptime-secs", secs(client.uptime_secs)),
        ("session-time-left-secs", secs(client.seconds_left)),
        ("bytes-in", client.bytes_in.to_string()),
        ("bytes-out", client.bytes_out.to_string()),
        ("chap-id", String::new()),
        ("popup", "false".to_owned()),
    ]
}
