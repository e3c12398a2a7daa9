//! Sessions: what they may use, what they used, how they end.

use std::net::Ipv4Addr;

use super::{Attempt, LoginBy};
use crate::routeros::{
    clock::Millis,
    router::Router,
    schema,
    table::Row,
    value::{format_seconds, parse_duration_ms, rate_limit_bps},
};

/// Bytes of one packet, to turn traffic into packet counts.
const PACKET_BYTES: u64 = 1400;

/// One row of `/ip/hotspot/active`. Limits and profile are those of the moment of login.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user_id: u32,
    pub(crate) user: String,
    pub(crate) mac: String,
    pub(crate) ip: Ipv4Addr,
    pub(crate) by: LoginBy,
    pub(crate) began_ms: Millis,
    /// What was left of `limit-uptime` at login.
    pub(crate) uptime_left_ms: Option<Millis>,
    pub(crate) session_timeout_ms: Option<Millis>,
    pub(crate) idle_timeout_ms: Option<Millis>,
    pub(crate) keepalive_timeout_ms: Option<Millis>,
    /// What was left of the byte limits at login: in, out, both.
    pub(crate) bytes_left: [Option<u64>; 3],
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// The dynamic rows of this session, by menu and id.
    rows: Vec<(&'static str, u32)>,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    SessionTimeout,
    TrafficLimit,
    KeepaliveTimeout,
    AdminReset,
    UserRequest,
    HostRemoved,
    Replaced,
    Reboot,
}

impl Cause {
    const fn text(self) -> &'static str {
        match self {
            Self::SessionTimeout => "session timeout",
            Self::TrafficLimit => "traffic limit reached",
            Self::KeepaliveTimeout => "keepalive timeout",
            Self::AdminReset => "admin reset",
            Self::UserRequest => "user request",
            Self::HostRemoved => "host removed",
            Self::Replaced => "new login",
            Self::Reboot => "nas reboot",
        }
    }

    /// Whether a MAC cookie goes with the session (documented).
    const fn drops_mac_cookie(self) -> bool {
        matches!(self, Self::SessionTimeout | Self::TrafficLimit | Self::AdminReset | Self::UserRequest)
    }
}

impl Session {
    pub(crate) fn uptime_ms(&self, now_ms: Millis) -> Millis {
        now_ms.saturating_sub(self.began_ms)
    }
}

impl Router {
    pub(super) fn begin_session(&mut self, attempt: &Attempt<'_>, user: &Row, profile: &Row) {
        let server = self.hotspot_server();
        let of_server = server.and_then(|row| timeout(row, "keepalive-timeout"));
        let mut session = Session {
            user_id: user.id,
            user: attempt.user.to_owned(),
            mac: attempt.mac.to_owned(),
            ip: attempt.ip,
            by: attempt.by,
            began_ms: self.now_ms,
            uptime_left_ms: uptime_left_ms(user),
            session_timeout_ms: timeout(profile, "session-timeout"),
            idle_timeout_ms: timeout(profile, "idle-timeout"),
            keepalive_timeout_ms: timeout(profile, "keepalive-timeout").or(of_server),
            bytes_left: bytes_left(user),
            bytes_in: 0,
            bytes_out: 0,
            rows: Vec::new(),
        };
        session.rows = self.session_rows(&session, profile);
        self.hotspot.sessions.push(session);
        self.enter_address(attempt.ip);
        self.announce_active(attempt.ip);
    }

    /// The dynamic queue and address-list entry a session brings.
    fn session_rows(&mut self, session: &Session, profile: &Row) -> Vec<(&'static str, u32)> {
        let mut made = Vec::new();
        let mut dynamic = |router: &mut Self, path: &'static str, values: Vec<(&'static str, String)>| {
            let Some(menu) = schema::menu(path, router.options.ros) else { return };
            let mut row = Row { dynamic: true, volatile: true, ..Row::default() };
            for (name, value) in values {
                row.set(name, value);
            }
            made.push((path, router.insert(menu, row)));
        };
        if let Some((up, down)) = rate_limit_bps(&profile.text("rate-limit")) {
            let values = vec![
                ("name", format!("<hotspot-{}>", session.user)),
                ("target", format!("{}/32", session.ip)),
                ("max-limit", format!("{up}/{down}")),
            ];
            dynamic(self, "/queue/simple", values);
        }
        let list = profile.text("address-list");
        if !list.is_empty() {
            dynamic(self, "/ip/firewall/address-list", vec![("list", list), ("address", session.ip.to_string())]);
        }
        made
    }

    /// When and why a session ends by itself.
    pub(super) fn session_ends(&self, session: &Session) -> Option<(Millis, Cause)> {
        let left_ms = self.session_uptime_left_ms(session);
        let limit = left_ms.into_iter().chain(session.session_timeout_ms).min();
        let at_limit = limit.map(|ms| (session.began_ms.saturating_add(ms), Cause::SessionTimeout));
        let silent_ms = self.hotspot.host(&session.mac, session.ip).and_then(|host| host.left_ms);
        let quiet = session.keepalive_timeout_ms.into_iter().chain(session.idle_timeout_ms).min();
        let at_silence = silent_ms.zip(quiet).map(|(left, ms)| (left.saturating_add(ms), Cause::KeepaliveTimeout));
        at_limit.into_iter().chain(at_silence).min_by_key(|(at, _)| *at)
    }

    /// The uptime a session may use: as captured at login, or live if the router is set to do so.
    pub(super) fn session_uptime_left_ms(&self, session: &Session) -> Option<Millis> {
        if !self.options.unconfirmed.live_limits {
            return session.uptime_left_ms;
        }
        let user = self.tables.get("/ip/hotspot/user").and_then(|table| table.find(session.user_id));
        user.map_or(session.uptime_left_ms, uptime_left_ms)
    }

    fn session_bytes_left(&self, session: &Session) -> [Option<u64>; 3] {
        let user = self.tables.get("/ip/hotspot/user").and_then(|table| table.find(session.user_id));
        user.filter(|_| self.options.unconfirmed.live_limits).map_or(session.bytes_left, bytes_left)
    }

    /// Ends the session at `ip`, if there is one; folds its counters into the user.
    pub(crate) fn end_session(&mut self, ip: Ipv4Addr, cause: Cause) {
        let Some(session) = self.hotspot.sessions.remove(|session| session.ip == ip) else { return };
        self.fold(&session);
        self.announce_gone("/ip/hotspot/active", &super::print::active_id(ip));
        for (path, id) in &session.rows {
            self.delete(path, *id);
        }
        let name = &session.user;
        self.note("hotspot,account,info,debug", &format!("{name} ({ip}): logged out: {}", cause.text()));
        if cause.drops_mac_cookie() {
            self.drop_mac_cookies(&session.mac);
        }
        let now_ms = self.now_ms;
        if let Some(host) = self.hotspot.host_mut(&session.mac, ip) {
            host.waiting_since_ms = now_ms;
        }
        self.enter_address(ip);
        match cause {
            Cause::KeepaliveTimeout => {
                let id = self.hotspot.host(&session.mac, ip).map(|host| host.id);
                if let Some(id) = id {
                    self.remove_host(id);
                }
            }
            // Logged out by an administrator, a device whose user still exists is back with its next packet.
            Cause::AdminReset => {
                if let Some(host) = self.hotspot.host_mut(&session.mac, ip) {
                    host.mac_login_tried = false;
                }
                self.expect_packet(&session.mac, ip);
            }
            _ => {}
        }
    }

    /// Counters reach the user when a session ends, not before (documented). A user made anew under the same
    /// name is another user.
    fn fold(&mut self, session: &Session) {
        let uptime_ms = session.uptime_ms(self.now_ms);
        let (bytes_in, bytes_out) = (session.bytes_in, session.bytes_out);
        let Some(user) = self.table("/ip/hotspot/user").find_mut(session.user_id) else { return };
        let used_ms = parse_duration_ms(&user.text("uptime")).unwrap_or(0);
        user.set("uptime", format_seconds(used_ms.saturating_add(uptime_ms)));
        for (name, more) in [
            ("bytes-in", bytes_in),
            ("bytes-out", bytes_out),
            ("packets-in", bytes_in.div_ceil(PACKET_BYTES)),
            ("packets-out", bytes_out.div_ceil(PACKET_BYTES)),
        ] {
            let used: u64 = user.text(name).parse().unwrap_or(0);
            user.set(name, used.saturating_add(more).to_string());
        }
    }

    /// A device sends `bytes_in` and gets `bytes_out`. Says whether the router let it through.
    pub(crate) fn traffic(&mut self, mac: &str, bytes_in: u64, bytes_out: u64) -> bool {
        let Some(device) = self.hotspot.devices.get(mac).filter(|device| device.present) else { return false };
        let ip = device.ip;
        self.packet(mac);
        if let Some(host) = self.hotspot.host_mut(mac, ip) {
            host.bytes_in = host.bytes_in.saturating_add(bytes_in);
            host.bytes_out = host.bytes_out.saturating_add(bytes_out);
        }
        let Some(session) = self.hotspot.sessions.find_at_mut(ip, |_| true) else {
            return self.hotspot.host(mac, ip).is_some() && self.binding(mac, ip) == "bypassed";
        };
        session.bytes_in = session.bytes_in.saturating_add(bytes_in);
        session.bytes_out = session.bytes_out.saturating_add(bytes_out);
        let session = session.clone();
        self.count_in_queue(&session);
        let used = [session.bytes_in, session.bytes_out, session.bytes_in.saturating_add(session.bytes_out)];
        let over = |(left, used): (Option<u64>, u64)| left.is_some_and(|left| used >= left);
        if self.session_bytes_left(&session).into_iter().zip(used).any(over) {
            self.end_session(ip, Cause::TrafficLimit);
        }
        true
    }

    fn count_in_queue(&mut self, session: &Session) {
        for (path, id) in session.rows.iter().filter(|(path, _)| *path == "/queue/simple") {
            if let Some(row) = self.table(path).find_mut(*id) {
                row.set("bytes", format!("{}/{}", session.bytes_in, session.bytes_out));
                let packets = [session.bytes_in, session.bytes_out].map(|bytes| bytes.div_ceil(PACKET_BYTES));
                row.set("packets", format!("{}/{}", packets[0], packets[1]));
            }
        }
    }
}

fn timeout(row: &Row, name: &str) -> Option<Millis> {
    parse_duration_ms(&row.text(name)).filter(|ms| *ms > 0)
}

fn uptime_left_ms(user: &Row) -> Option<Millis> {
    let used_ms = parse_duration_ms(&user.text("uptime")).unwrap_or(0);
    timeout(user, "limit-uptime").map(|limit| limit.saturating_sub(used_ms))
}

fn bytes_left(user: &Row) -> [Option<u64>; 3] {
    let number = |name: &str| user.text(name).parse::<u64>().unwrap_or(0);
    let (used_in, used_out) = (number("bytes-in"), number("bytes-out"));
    [
        ("limit-bytes-in", used_in),
        ("limit-bytes-out", used_out),
        ("limit-bytes-total", used_in.saturating_add(used_out)),
    ]
    .map(|(name, used)| Some(number(name)).filter(|limit| *limit > 0).map(|limit| limit.saturating_sub(used)))
}
