//! The pages a person sees: the devices, the router behind them, and what a device gets when it opens a page.

use std::time::Duration;

use axum::{
    Form, Router,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Deserialize;

use super::Site;
use crate::routeros::{Client, ClientState, Reboot, Record, State as RouterState};

const STYLE: &str = include_str!("style.css");
/// Seconds after which the page of devices loads again by itself.
const REFRESH_SECS: u32 = 5;
/// Seconds the API is away when the page restarts the router.
const BOOT_SECS: u64 = 10;
/// Rows of a table that are shown.
const ROWS_MAX: usize = 50;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(devices))
        .route("/forms/advance", post(advance))
        .route("/forms/reboot", post(reboot))
        .route("/forms/terminal", get(terminal_page).post(terminal))
}

#[derive(Deserialize)]
struct View {
    refresh: Option<String>,
}

async fn devices(State(site): State<Site>, Query(view): Query<View>) -> Response {
    let still = view.refresh.as_deref() == Some("off");
    let state = site.control.state();
    let body = html! {
        h1 { "Hotspot" }
        p.soft { "Virtual devices on the simulated router " strong { (state.identity) } " (RouterOS " (state.version) ")." }
        @if still { p { a href="/" { "Keep this page up to date" } } }
        @else { p { a href="/?refresh=off" { "Stop updating this page" } " (it loads again every " (REFRESH_SECS) " seconds)" } }
        @if !state.up { p.warn role="status" { "The router is starting. It will be back in a moment." } }
        (walled_garden_warning(&site))
        h2 { "Devices" }
        ul.devices {
            @for (name, client) in named_clients(&site, &state) { li.card { (card(&name, &client)) } }
        }
        (router_section(&state))
        h2 { "RouterOS terminal" }
        // Its own page, because this one loads again by itself and would lose what is typed.
        p { a href="/forms/terminal" { "Open the router's terminal" } }
        h2 { "Users on the router" }
        (table(&site.control.users(), &["name", "profile", "limit-uptime", "uptime", "limit-bytes-total", "comment"], "Users on the router"))
        h2 { "Online now" }
        (table(&site.control.active(), &["user", "address", "uptime", "session-time-left", "bytes-in", "bytes-out"], "Online now"))
    };
    let mut response = layout("Hotspot", &body).into_response();
    if !still {
        // A header instead of an element in the page: it can be turned off by the link above.
        let refresh = HeaderValue::from_str(&format!("{REFRESH_SECS}; url=/"));
        response.headers_mut().extend(refresh.ok().map(|value| (header::REFRESH, value)));
    }
    response
}

/// The devices of the page, then whatever else was ever on the air.
fn named_clients(site: &Site, state: &RouterState) -> Vec<(String, Client)> {
    let of = |mac: &str| state.clients.iter().find(|client| client.mac.eq_ignore_ascii_case(mac)).cloned();
    let mut all: Vec<(String, Client)> = site
        .options
        .devices
        .iter()
        .map(|device| (device.name.clone(), of(&device.mac).unwrap_or_else(|| off(&device.mac, device.ip))))
        .collect();
    let listed = |mac: &str| site.options.devices.iter().any(|device| device.mac.eq_ignore_ascii_case(mac));
    let others = state.clients.iter().filter(|client| !listed(&client.mac));
    all.extend(others.map(|client| ("Another device".to_owned(), client.clone())));
    all
}

fn off(mac: &str, ip: std::net::Ipv4Addr) -> Client {
    Client {
        mac: mac.to_owned(),
        ip,
        state: ClientState::Off,
        known: false,
        user: None,
        uptime_secs: None,
        seconds_left: None,
        bytes_in: 0,
        bytes_out: 0,
        rate_limit: None,
        last_error: None,
    }
}

const fn state_words(state: ClientState) -> (&'static str, &'static str) {
    match state {
        ClientState::Off => ("off", "Off"),
        ClientState::Portal => ("portal", "At the portal"),
        ClientState::Online => ("online", "Online"),
        ClientState::Bypassed => ("bypassed", "Online (bypassed)"),
        ClientState::Blocked => ("blocked", "Shut out"),
    }
}

fn card(name: &str, client: &Client) -> Markup {
    let (class, words) = state_words(client.state);
    let path = format!("/devices/{}", client.mac);
    html! {
        div.top { h3 { (name) } span.state.(class) data-state=(class) { (words) } }
        dl {
            dt { "MAC" } dd { code { (client.mac) } }
            dt { "IP" } dd { code { (client.ip) } }
            @if client.state == ClientState::Online {
                dt { "Time left" } dd { (client.seconds_left.map_or_else(|| "no limit".to_owned(), time_left)) }
                dt { "Used" } dd { (megabytes(client.bytes_in.saturating_add(client.bytes_out))) }
            }
        }
        @if let Some(error) = &client.last_error { p.soft { "Router: " (error) } }
        div.actions {
            @if client.state == ClientState::Off {
                form method="post" action=(format!("{path}/connect")) {
                    button.go type="submit" aria-label=(format!("Connect {name}")) { "Connect" }
                }
            } @else {
                form method="get" action=(format!("{path}/open")) { button.go type="submit" { "Open a page" } }
                form method="post" action=(format!("{path}/disconnect")) { button type="submit" { "Disconnect" } }
            }
        }
    }
}

fn walled_garden_warning(site: &Site) -> Markup {
    let portal = url::Url::parse(&site.options.portal).ok();
    let reach = portal.as_ref().and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
    let open = reach.is_some_and(|(host, port)| site.control.walled_garden_allows(&host, port));
    html! {
        @if !open {
            p.warn { "The router's walled garden does not let devices reach the portal (" code { (site.options.portal) } "). A real phone would see nothing." }
        }
    }
}

fn router_section(state: &RouterState) -> Markup {
    let leap = |secs: u64, words: &str| {
        html! {
            form method="post" action="/forms/advance" {
                input type="hidden" name="secs" value=(secs);
                button type="submit" { (words) }
            }
        }
    };
    let restart = |kind: &str, words: &str| {
        html! {
            form method="post" action="/forms/reboot" {
                input type="hidden" name="kind" value=(kind);
                button type="submit" { (words) }
            }
        }
    };
    let clock = chrono::DateTime::from_timestamp(state.router_epoch_secs, 0).unwrap_or_default();
    html! {
        h2 { "Router" }
        div.card {
            dl {
                dt { "Clock" } dd { (clock.format("%Y-%m-%d %H:%M:%S")) " UTC" }
                dt { "Up for" } dd { (time_left(state.uptime_secs)) }
                dt { "Devices seen" } dd { (state.hosts) ", " (state.active) " online" }
                dt { "API logins" } dd { (state.api_sessions) }
            }
            div.actions {
                (leap(300, "5 minutes later")) (leap(3_600, "1 hour later")) (leap(86_400, "1 day later"))
                (restart("clean", "Restart the router")) (restart("power_cut", "Pull its plug"))
            }
        }
    }
}

fn table(rows: &[Record], columns: &[&str], label: &str) -> Markup {
    let cell = |row: &Record, column: &str| {
        row.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    html! {
        @if rows.is_empty() { p.soft { "Nobody." } }
        @else {
            div.scroll role="region" aria-label=(label) tabindex="0" {
                table {
                    thead { tr { @for column in columns { th scope="col" { (column) } } } }
                    tbody { @for row in rows.iter().take(ROWS_MAX) { tr { @for column in columns { td { (cell(row, column)) } } } } }
                }
            }
            @if rows.len() > ROWS_MAX { p.soft { (rows.len() - ROWS_MAX) " more are not shown." } }
        }
    }
}

/// What a device sees that is let through.
pub(super) fn through(site: &Site, mac: &str, url: &str) -> Markup {
    let device = site.options.devices.iter().find(|device| device.mac.eq_ignore_ascii_case(mac));
    let name = device.map_or(mac, |device| device.name.as_str());
    let left = site.control.client(mac).ok().and_then(|client| client.seconds_left);
    layout(
        "Online",
        &html! {
            h1 data-through="yes" { (name) " is on the internet" }
            p { "The router let the request for " code { (url) } " through." }
            @if let Some(left) = left { p { "Time left: " (time_left(left)) } }
            div.actions { a.button href="/" { "Back to the devices" } }
        },
    )
}

/// A page that says why something did not happen.
pub(super) fn refusal(status: StatusCode, text: &str) -> Response {
    let body =
        html! { h1 { "That did not work" } p { (text) } div.actions { a.button href="/" { "Back to the devices" } } };
    (status, layout("That did not work", &body)).into_response()
}

fn layout(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · hotspot simulator" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    }
}

#[derive(Deserialize)]
struct AdvanceForm {
    secs: u64,
}

async fn advance(State(site): State<Site>, Form(form): Form<AdvanceForm>) -> Redirect {
    site.control.advance(Duration::from_secs(form.secs.min(31_536_000)));
    Redirect::to("/")
}

#[derive(Deserialize)]
struct TerminalForm {
    text: String,
}

async fn terminal_page() -> Markup {
    layout(
        "Terminal",
        &html! {
            h1 { "Terminal" }
            p.soft { "Paste here what a router's terminal is given, for instance the line that sets a router up." }
            (terminal_box(""))
            div.actions { a.button href="/" { "Back to the devices" } }
        },
    )
}

/// What the terminal showed, and room for the next line.
async fn terminal(State(site): State<Site>, Form(form): Form<TerminalForm>) -> Markup {
    let transcript = site.control.paste(&form.text).await;
    layout(
        "Terminal",
        &html! {
            h1 { "Terminal" }
            @if transcript.error().is_some() { p.warn role="status" { "The router refused a line." } }
            pre.screen role="region" aria-label="What the terminal shows" tabindex="0" { (transcript.screen()) }
            (terminal_box(&form.text))
            div.actions { a.button href="/" { "Back to the devices" } }
        },
    )
}

fn terminal_box(text: &str) -> Markup {
    html! {
        form.terminal method="post" action="/forms/terminal" {
            label for="terminal" { "Commands, as pasted into the terminal of a real router" }
            textarea #terminal name="text" rows="3" spellcheck="false" autocapitalize="off" required { (text) }
            button type="submit" { "Run" }
        }
    }
}

#[derive(Deserialize)]
struct RebootForm {
    kind: Reboot,
}

async fn reboot(State(site): State<Site>, Form(form): Form<RebootForm>) -> Redirect {
    site.control.reboot_for(form.kind, BOOT_SECS);
    Redirect::to("/")
}

fn time_left(secs: u64) -> String {
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", secs % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
