//! The hotspot: devices on the air, the hosts the router sees, the sessions it lets through.

mod agenda;
mod by_address;
mod cookie;
mod host;
mod login;
mod print;
mod session;

use std::collections::BTreeMap;

use agenda::{Agenda, Due};
use by_address::{ByAddress, HasAddress};
pub(crate) use login::{Attempt, LoginBy};
pub(crate) use session::{Cause, Session};

use super::{clock::Millis, router::Router};

/// A device of a customer, whether or not the router has an entry for it.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) ip: std::net::Ipv4Addr,
    pub(crate) present: bool,
    /// When its next packet meets a router without an entry for it.
    pub(crate) next_packet_ms: Option<Millis>,
}

/// One row of `/ip/hotspot/host`.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) id: u32,
    pub(crate) mac: String,
    pub(crate) ip: std::net::Ipv4Addr,
    pub(crate) found_ms: Millis,
    /// Since when it has been without a session; its login timeout counts from here.
    pub(crate) waiting_since_ms: Millis,
    /// When the device fell silent; absent while it talks.
    pub(crate) left_ms: Option<Millis>,
    /// MAC login is tried once per host entry (reported from the field); this says it was.
    pub(crate) mac_login_tried: bool,
    /// Why the last login failed, in the router's words.
    pub(crate) last_error: Option<String>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// One row of `/ip/hotspot/cookie`.
#[derive(Debug, Clone)]
pub(crate) struct Cookie {
    pub(crate) id: u32,
    pub(crate) user: String,
    pub(crate) mac: String,
    /// Whether it is a MAC cookie, which needs no browser.
    pub(crate) of_mac: bool,
    pub(crate) expires_ms: Millis,
}

impl HasAddress for Host {
    fn ip(&self) -> std::net::Ipv4Addr {
        self.ip
    }
}

impl HasAddress for Session {
    fn ip(&self) -> std::net::Ipv4Addr {
        self.ip
    }
}

/// Everything of the hotspot that is not configuration. All but cookies and devices is lost at a reboot.
#[derive(Debug, Default)]
pub(crate) struct Hotspot {
    pub(crate) devices: BTreeMap<String, Device>,
    pub(crate) hosts: ByAddress<Host>,
    pub(crate) sessions: ByAddress<Session>,
    pub(crate) cookies: Vec<Cookie>,
    pub(crate) agenda: Agenda,
    next_id: u32,
}

impl Hotspot {
    fn fresh_id(&mut self) -> u32 {
        self.next_id = self.next_id.saturating_add(1);
        self.next_id
    }

    pub(crate) fn host(&self, mac: &str, ip: std::net::Ipv4Addr) -> Option<&Host> {
        self.hosts.at(ip).find(|host| host.mac == mac)
    }

    pub(crate) fn session_at(&self, ip: std::net::Ipv4Addr) -> Option<&Session> {
        self.sessions.at(ip).next()
    }

    pub(crate) fn host_mut(&mut self, mac: &str, ip: std::net::Ipv4Addr) -> Option<&mut Host> {
        self.hosts.find_at_mut(ip, |host| host.mac == mac)
    }
}

impl Router {
    /// Ends every session of a user.
    pub(crate) fn end_sessions_of(&mut self, user: &str, cause: Cause) {
        let at: Vec<_> = self.hotspot.sessions.iter().filter(|s| s.user == user).map(|s| s.ip).collect();
        for ip in at {
            self.end_session(ip, cause);
        }
    }
}
