//! What the control plane shows of the router: devices as their owners see them, and the whole at a glance.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::{fault::FaultRule, router::Router};

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientState {
    /// Not on the air.
    Off,
    /// On the air, held at the portal.
    Portal,
    /// Let through by a session.
    Online,
    /// Let through by a binding.
    Bypassed,
    /// Shut out by a binding.
    Blocked,
}

/// One device, as its owner would see it.
#[derive(Debug, Clone, Serialize)]
pub struct Client {
    /// `AA:BB:CC:DD:EE:FF`.
    pub mac: String,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Where it stands.
    pub state: ClientState,
    /// Whether the router has a host entry for it.
    pub known: bool,
    /// User of its session.
    pub user: Option<String>,
    /// Seconds its session has run.
    pub uptime_secs: Option<u64>,
    /// Seconds left by time limits; absent when unlimited.
    pub seconds_left: Option<u64>,
    /// Bytes it sent in this session.
    pub bytes_in: u64,
    /// Bytes it got in this session.
    pub bytes_out: u64,
    /// Upload and download limit of its session, `up/down` in bits per second.
    pub rate_limit: Option<String>,
    /// Why its last login failed, in the router's words.
    pub last_error: Option<String>,
}

/// The router at a glance.
#[derive(Debug, Clone, Serialize)]
pub struct State {
    /// `/system/identity` name.
    pub identity: String,
    /// `/system/resource` version.
    pub version: String,
    /// Whether it is up; otherwise it boots.
    pub up: bool,
    /// Simulated milliseconds since start.
    pub now_ms: u64,
    /// Seconds since boot.
    pub uptime_secs: u64,
    /// What the router believes the time is, Unix seconds.
    pub router_epoch_secs: i64,
    /// The true simulated time, Unix seconds.
    pub true_epoch_secs: i64,
    /// Devices, sessions, hosts, users.
    pub clients: Vec<Client>,
    /// Rows of `/ip/hotspot/active`.
    pub active: usize,
    /// Rows of `/ip/hotspot/host`.
    pub hosts: usize,
    /// Logged-in API connections.
    pub api_sessions: usize,
    /// Armed faults.
    pub faults: Vec<FaultRule>,
}

/// What a login page is filled with.
#[derive(Debug)]
pub(crate) struct ServletFacts {
    pub(crate) client: Client,
    pub(crate) identity: String,
    pub(crate) server: String,
    pub(crate) server_address: String,
    pub(crate) login_by: String,
    pub(crate) login_page: Option<String>,
}

pub(super) fn clients(router: &Router) -> Vec<Client> {
    router.hotspot.devices.keys().filter_map(|mac| client(router, mac)).collect()
}

pub(super) fn client(router: &Router, mac: &str) -> Option<Client> {
    let device = router.hotspot.devices.get(mac)?;
    let host = router.hotspot.host(mac, device.ip);
    let session = router.hotspot.session_at(device.ip).filter(|session| session.mac == mac);
    let state = match (device.present, router.binding(mac, device.ip).as_str()) {
        (false, _) => ClientState::Off,
        (true, "blocked") => ClientState::Blocked,
        (true, "bypassed") => ClientState::Bypassed,
        (true, _) if session.is_some() => ClientState::Online,
        (true, _) => ClientState::Portal,
    };
    let queue = session.and_then(|s| router.named("/queue/simple", &format!("<hotspot-{}>", s.user)));
    Some(Client {
        mac: mac.to_owned(),
        ip: device.ip,
        state,
        known: host.is_some(),
        user: session.map(|session| session.user.clone()),
        uptime_secs: session.map(|session| session.uptime_ms(router.now_ms) / 1000),
        seconds_left: session.and_then(|session| router.session_left_ms(session)).map(|ms| ms / 1000),
        bytes_in: session.map_or(0, |session| session.bytes_in),
        bytes_out: session.map_or(0, |session| session.bytes_out),
        rate_limit: queue.map(|row| row.text("max-limit")),
        last_error: host.and_then(|host| host.last_error.clone()),
    })
}
