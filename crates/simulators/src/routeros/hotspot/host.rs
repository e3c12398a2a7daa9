//! The host table: who is on the air, since when, and when the router forgets them.

use std::{collections::HashSet, net::Ipv4Addr};

use super::{Cause, Device, Due, Host};
use crate::routeros::{
    clock::Millis,
    router::Router,
    table::Row,
    value::{address_contains, parse_duration_ms},
};

/// A device whose entry is refused (too many addresses of one MAC) tries again this often.
const RETRY_MS: Millis = 10_000;
/// Idle time after which a silent host is forgotten if the server says nothing (documented default).
const IDLE_DEFAULT_MS: Millis = 300_000;

/// How long hosts that are not logged in are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    idle_ms: Millis,
    login_ms: Option<Millis>,
}

impl Router {
    /// The first hotspot server that runs.
    pub(crate) fn hotspot_server(&self) -> Option<&Row> {
        if !self.options.hotspot || self.device_mode_blocks("/ip/hotspot") || !self.is_up() {
            return None;
        }
        self.rows("/ip/hotspot").iter().find(|row| !row.is_true("disabled"))
    }

    /// The profile of the running server.
    pub(crate) fn server_profile(&self) -> Option<&Row> {
        let server = self.hotspot_server()?;
        self.named("/ip/hotspot/profile", &server.text("profile"))
    }

    pub(crate) fn logs_in_by(&self, way: &str) -> bool {
        self.server_profile().is_some_and(|profile| profile.text("login-by").split(',').any(|word| word == way))
    }

    /// A device comes on the air. Without `ip` it keeps the one it had, or gets the next free one.
    pub(crate) fn join(&mut self, mac: &str, ip: Option<Ipv4Addr>) -> Ipv4Addr {
        let previous = self.hotspot.devices.get(mac).map(|device| device.ip);
        let ip = ip.or(previous).unwrap_or_else(|| self.free_address());
        if let Some(old) = previous.filter(|old| *old != ip) {
            // The device answers no more at the old address; the router notices after its timeouts.
            self.fall_silent(mac, old);
        }
        self.hotspot.devices.insert(mac.to_owned(), Device { ip, present: true, next_packet_ms: None });
        self.packet(mac);
        ip
    }

    /// A device goes off the air.
    pub(crate) fn leave(&mut self, mac: &str) {
        let Some(device) = self.hotspot.devices.get_mut(mac) else { return };
        device.present = false;
        device.next_packet_ms = None;
        let ip = device.ip;
        self.fall_silent(mac, ip);
    }

    /// A device goes off the air for good. What the router knows of it goes by its timeouts; nothing else is kept.
    pub(crate) fn leave_for_good(&mut self, mac: &str) {
        self.leave(mac);
        self.hotspot.devices.remove(mac);
    }

    fn fall_silent(&mut self, mac: &str, ip: Ipv4Addr) {
        let now_ms = self.now_ms;
        if let Some(host) = self.hotspot.host_mut(mac, ip) {
            host.left_ms.get_or_insert(now_ms);
        }
        self.enter_address(ip);
    }

    /// `.10` and upwards of the hotspot network, skipping what is in use.
    fn free_address(&self) -> Ipv4Addr {
        let base = self.options.network.to_bits();
        let used: HashSet<Ipv4Addr> = self.hotspot.devices.values().map(|device| device.ip).collect();
        (10..65_534_u32)
            .map(|offset| Ipv4Addr::from_bits(base.saturating_add(offset)))
            .find(|ip| !used.contains(ip) && self.hotspot.hosts.at(*ip).next().is_none())
            .unwrap_or(self.options.network)
    }

    /// A device sends something. The first packet makes a host entry, and the entry a MAC login.
    pub(crate) fn packet(&mut self, mac: &str) {
        let waits_until_ms = (!self.is_up()).then_some(self.up_at_ms);
        let Some(device) = self.hotspot.devices.get_mut(mac).filter(|device| device.present) else { return };
        device.next_packet_ms = waits_until_ms;
        let ip = device.ip;
        if let Some(at_ms) = waits_until_ms {
            self.hotspot.agenda.enter(at_ms, Due::Packet(mac.to_owned()));
        }
        if self.hotspot_server().is_none() {
            return;
        }
        if let Some(host) = self.hotspot.host_mut(mac, ip) {
            host.left_ms = None;
            self.try_mac_login(mac, ip);
            return;
        }
        let others = self.hotspot.hosts.iter().filter(|host| host.mac == mac).count();
        let server = self.hotspot_server();
        let most = server.and_then(|s| s.text("addresses-per-mac").parse::<usize>().ok()).unwrap_or(usize::MAX);
        if others >= most {
            let again_ms = self.now_ms.saturating_add(RETRY_MS);
            if let Some(device) = self.hotspot.devices.get_mut(mac) {
                device.next_packet_ms = Some(again_ms);
            }
            self.hotspot.agenda.enter(again_ms, Due::Packet(mac.to_owned()));
            return;
        }
        if others > 0 {
            self.drop_mac_cookies(mac);
        }
        let id = self.hotspot.fresh_id();
        self.hotspot.hosts.push(Host {
            id,
            mac: mac.to_owned(),
            ip,
            found_ms: self.now_ms,
            waiting_since_ms: self.now_ms,
            left_ms: None,
            mac_login_tried: false,
            last_error: None,
            bytes_in: 0,
            bytes_out: 0,
        });
        self.announce_host(id);
        self.enter_address(ip);
        self.try_mac_login(mac, ip);
    }

    /// When the router forgets a host that is not logged in: its login timeout, or its idle timeout once silent.
    pub(super) fn host_ends_ms(&self, host: &Host, timeouts: Timeouts) -> Option<Millis> {
        if self.hotspot.session_at(host.ip).is_some() {
            return None;
        }
        let idle_ms = host.left_ms.map(|left| left.saturating_add(timeouts.idle_ms));
        let login_ms = timeouts.login_ms.filter(|_| self.binding(&host.mac, host.ip) == "regular");
        let login_ms = login_ms.map(|ms| host.waiting_since_ms.saturating_add(ms));
        idle_ms.into_iter().chain(login_ms).min()
    }

    /// What the running server says of hosts that are not logged in.
    pub(super) fn timeouts(&self) -> Timeouts {
        let timeout = |name: &str| {
            self.hotspot_server().and_then(|server| parse_duration_ms(&server.text(name))).filter(|ms| *ms > 0)
        };
        Timeouts { idle_ms: timeout("idle-timeout").unwrap_or(IDLE_DEFAULT_MS), login_ms: timeout("login-timeout") }
    }

    /// Takes a host out of the table, with its session. A device that is still there sends its next packet soon.
    pub(crate) fn remove_host(&mut self, id: u32) -> bool {
        let Some(ip) = self.hotspot.hosts.iter().find(|host| host.id == id).map(|host| host.ip) else { return false };
        if self.hotspot.session_at(ip).is_some() {
            self.end_session(ip, Cause::HostRemoved);
        }
        let Some(host) = self.hotspot.hosts.remove(|host| host.id == id) else { return true };
        self.announce_gone("/ip/hotspot/host", &format!("*{id:X}"));
        self.expect_packet(&host.mac, host.ip);
        true
    }

    /// A present device whose entry is gone, or who was logged out, talks again after a moment.
    pub(crate) fn expect_packet(&mut self, mac: &str, ip: Ipv4Addr) {
        let at_ms = self.now_ms.saturating_add(self.options.unconfirmed.next_packet_secs.saturating_mul(1000));
        if let Some(device) = self.hotspot.devices.get_mut(mac).filter(|device| device.present && device.ip == ip) {
            device.next_packet_ms = Some(at_ms);
            self.hotspot.agenda.enter(at_ms, Due::Packet(mac.to_owned()));
        }
    }

    /// `regular`, `bypassed` or `blocked`: the first enabled binding that matches decides.
    pub(crate) fn binding(&self, mac: &str, ip: Ipv4Addr) -> String {
        // Asked for every host whenever something happens, so nothing is copied that does not decide.
        let fits = |row: &&Row| {
            let value = |name: &str| row.values.get(name).map_or(&[][..], Vec::as_slice);
            let of_mac = value("mac-address");
            (of_mac.is_empty() || of_mac == mac.as_bytes())
                && !row.is_true("disabled")
                && (value("address").is_empty() || address_contains(&row.text("address"), ip))
        };
        self.rows("/ip/hotspot/ip-binding")
            .iter()
            .find(fits)
            .map_or_else(|| "regular".to_owned(), |row| row.text("type"))
    }
}
