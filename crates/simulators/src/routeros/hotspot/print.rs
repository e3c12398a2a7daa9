//! The hotspot's own tables as the wire shows them.

use std::net::Ipv4Addr;

use super::{Cookie, Host, Session};
use crate::routeros::{
    canonical::flag, clock::Millis, query::Attribute, router::Router, table::Row, value::format_seconds,
};

/// The id of an active row: the address in hex without leading zeros (seen once in the field; opaque to clients).
pub(crate) fn active_id(ip: Ipv4Addr) -> String {
    format!("*{:X}", ip.to_bits())
}

fn put(record: &mut Vec<Attribute>, name: &str, value: impl Into<Vec<u8>>) {
    record.push((name.to_owned(), value.into()));
}

impl Router {
    /// The rows of `/ip/hotspot/active`, `/ip/hotspot/host` or `/ip/hotspot/cookie`; of a device only, if one is
    /// named.
    pub(crate) fn hotspot_records(&self, path: &str, mac: Option<&str>) -> Option<Vec<Vec<Attribute>>> {
        let is_of = |of: &str| mac.is_none_or(|mac| mac == of);
        match path {
            "/ip/hotspot/active" => {
                let sessions = self.hotspot.sessions.iter().filter(|session| is_of(&session.mac));
                Some(sessions.map(|session| self.active_record(session)).collect())
            }
            "/ip/hotspot/host" => {
                let hosts = self.hotspot.hosts.iter().filter(|host| is_of(&host.mac));
                Some(hosts.map(|host| self.host_record(host)).collect())
            }
            "/ip/hotspot/cookie" => Some(self.hotspot.cookies.iter().map(|c| self.cookie_record(c)).collect()),
            _ => None,
        }
    }

    /// One row of these tables, by its id.
    pub(crate) fn hotspot_record(&self, path: &str, id: &str) -> Option<Vec<Attribute>> {
        let number = || u32::from_str_radix(id.strip_prefix('*')?, 16).ok();
        match path {
            "/ip/hotspot/active" => {
                let session = self.hotspot.session_at(Ipv4Addr::from_bits(number()?))?;
                Some(self.active_record(session))
            }
            "/ip/hotspot/host" => {
                let id = number()?;
                self.hotspot.hosts.iter().find(|host| host.id == id).map(|host| self.host_record(host))
            }
            _ => None,
        }
    }

    /// The rows of `/ip/hotspot/active` or `/ip/hotspot/host` that `keep` takes by user and device.
    pub(crate) fn hotspot_records_if(
        &self,
        path: &str,
        keep: impl Fn(&[(&str, &str)]) -> bool,
    ) -> Option<Vec<Vec<Attribute>>> {
        match path {
            "/ip/hotspot/active" => {
                let kept = self.hotspot.sessions.iter().filter(|s| keep(&[("user", &s.user), ("mac-address", &s.mac)]));
                Some(kept.map(|session| self.active_record(session)).collect())
            }
            "/ip/hotspot/host" => {
                let kept = self.hotspot.hosts.iter().filter(|host| keep(&[("mac-address", &host.mac)]));
                Some(kept.map(|host| self.host_record(host)).collect())
            }
            _ => None,
        }
    }

    /// The ids of these tables, in order.
    pub(crate) fn hotspot_ids(&self, path: &str) -> Option<Vec<String>> {
        match path {
            "/ip/hotspot/active" => Some(self.hotspot.sessions.iter().map(|session| active_id(session.ip)).collect()),
            "/ip/hotspot/host" => Some(self.hotspot.hosts.iter().map(|host| format!("*{:X}", host.id)).collect()),
            _ => None,
        }
    }

    pub(super) fn announce_active(&self, ip: Ipv4Addr) {
        if let Some(session) = self.hotspot.session_at(ip).filter(|_| self.is_heard()) {
            self.announce("/ip/hotspot/active", self.active_record(session));
        }
    }

    pub(super) fn announce_host(&self, id: u32) {
        if !self.is_heard() {
            return;
        }
        if let Some(host) = self.hotspot.hosts.iter().find(|host| host.id == id) {
            self.announce("/ip/hotspot/host", self.host_record(host));
        }
    }

    /// Milliseconds a session has left by time limits.
    pub(crate) fn session_left_ms(&self, session: &Session) -> Option<Millis> {
        let limit = self.session_uptime_left_ms(session).into_iter().chain(session.session_timeout_ms).min();
        limit.map(|ms| ms.saturating_sub(session.uptime_ms(self.now_ms)))
    }

    fn server_name(&self) -> String {
        self.rows("/ip/hotspot")
            .iter()
            .find(|row| !row.is_true("disabled"))
            .map(|row| row.text("name"))
            .unwrap_or_default()
    }

    fn active_record(&self, session: &Session) -> Vec<Attribute> {
        let mut record = Vec::with_capacity(20);
        put(&mut record, ".id", active_id(session.ip));
        put(&mut record, "server", self.server_name());
        put(&mut record, "user", session.user.as_str());
        put(&mut record, "address", session.ip.to_string());
        put(&mut record, "mac-address", session.mac.as_str());
        let by = if session.user == session.mac { "mac" } else { session.by.word() };
        put(&mut record, "login-by", by);
        put(&mut record, "uptime", format_seconds(session.uptime_ms(self.now_ms)));
        if let Some(left_ms) = self.session_left_ms(session) {
            put(&mut record, "session-time-left", format_seconds(left_ms));
        }
        let host = self.hotspot.host(&session.mac, session.ip);
        let idle_ms = host.and_then(|host| host.left_ms).map_or(0, |left| self.now_ms.saturating_sub(left));
        put(&mut record, "idle-time", format_seconds(idle_ms));
        for (name, timeout) in
            [("idle-timeout", session.idle_timeout_ms), ("keepalive-timeout", session.keepalive_timeout_ms)]
        {
            if let Some(ms) = timeout {
                put(&mut record, name, format_seconds(ms));
            }
        }
        put_counters(&mut record, session.bytes_in, session.bytes_out);
        let limits = ["limit-bytes-in", "limit-bytes-out", "limit-bytes-total"];
        for (name, left) in limits.into_iter().zip(session.bytes_left) {
            if let Some(left) = left {
                put(&mut record, name, left.to_string());
            }
        }
        record.push(flag("radius", false));
        record.push(flag("blocked", false));
        record
    }

    fn host_record(&self, host: &Host) -> Vec<Attribute> {
        let mut record = Vec::with_capacity(20);
        let silent_ms = host.left_ms.map_or(0, |left| self.now_ms.saturating_sub(left));
        put(&mut record, ".id", format!("*{:X}", host.id));
        put(&mut record, "mac-address", host.mac.as_str());
        put(&mut record, "address", host.ip.to_string());
        put(&mut record, "to-address", host.ip.to_string());
        put(&mut record, "server", self.server_name());
        put(&mut record, "uptime", format_seconds(self.now_ms.saturating_sub(host.found_ms)));
        put(&mut record, "idle-time", format_seconds(silent_ms));
        let server = self.rows("/ip/hotspot").iter().find(|row: &&Row| !row.is_true("disabled"));
        if let Some(idle) = server.map(|row| row.text("idle-timeout")).filter(|text| text != "none") {
            put(&mut record, "idle-timeout", idle);
        }
        put(&mut record, "host-dead-time", format_seconds(silent_ms));
        put_counters(&mut record, host.bytes_in, host.bytes_out);
        put(&mut record, "found-by", "UDP :67 -> :68");
        record.push(flag("static", false));
        record.push(flag(self.options.unconfirmed.dhcp_flag_name, true));
        record.push(flag("dynamic", true));
        record.push(flag("authorized", self.hotspot.session_at(host.ip).is_some()));
        let binding = self.binding(&host.mac, host.ip);
        record.push(flag("bypassed", binding == "bypassed"));
        record.push(flag("blocked", binding == "blocked"));
        record
    }

    fn cookie_record(&self, cookie: &Cookie) -> Vec<Attribute> {
        let mut record = Vec::with_capacity(5);
        put(&mut record, ".id", format!("*{:X}", cookie.id));
        put(&mut record, "user", cookie.user.as_str());
        put(&mut record, "mac-address", cookie.mac.as_str());
        put(&mut record, "expires-in", format_seconds(cookie.expires_ms.saturating_sub(self.now_ms)));
        record.push(flag("mac-cookie", cookie.of_mac));
        record
    }
}

fn put_counters(record: &mut Vec<Attribute>, bytes_in: u64, bytes_out: u64) {
    let packets = |bytes: u64| bytes.div_ceil(1400).to_string();
    put(record, "bytes-in", bytes_in.to_string());
    put(record, "bytes-out", bytes_out.to_string());
    put(record, "packets-in", packets(bytes_in));
    put(record, "packets-out", packets(bytes_out));
}
