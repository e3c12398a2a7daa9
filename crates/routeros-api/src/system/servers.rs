//! Rows of the hotspot menus that say how a hotspot is set up.

use std::time::Duration;

use super::read::{duration, text, words};
use crate::sentence::Attributes;

/// `/ip/hotspot`: a hotspot on an interface, with its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotspotServer {
    /// The name.
    pub name: String,
    /// Its server profile.
    pub profile: String,
    /// The interface it serves.
    pub interface: String,
    /// Addresses one device may have; `None` is unlimited.
    pub addresses_per_mac: Option<u32>,
    /// How long a device that is not logged in stays in the table of hosts without a packet.
    pub idle_timeout: Option<Duration>,
    /// How long a silent device stays; `None` when it is not looked at.
    pub keepalive_timeout: Option<Duration>,
    /// After how long a device that is not logged in is forgotten, so that it is tried again.
    pub login_timeout: Option<Duration>,
    /// Switched off.
    pub is_disabled: bool,
    /// The router says it cannot work, for instance because its interface is gone.
    pub is_invalid: bool,
}

impl HotspotServer {
    /// What [`HotspotServer::from_row`] reads.
    pub const FIELDS: [&'static str; 9] = [
        "name",
        "profile",
        "interface",
        "addresses-per-mac",
        "idle-timeout",
        "keepalive-timeout",
        "login-timeout",
        "disabled",
        "invalid",
    ];

    /// `None` without a name.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        Some(Self {
            name: row.get("name")?.to_owned(),
            profile: text(row, "profile"),
            interface: text(row, "interface"),
            addresses_per_mac: row.get("addresses-per-mac").and_then(|text| text.parse().ok()),
            idle_timeout: duration(row, "idle-timeout"),
            keepalive_timeout: duration(row, "keepalive-timeout"),
            login_timeout: duration(row, "login-timeout"),
            is_disabled: row.is_true("disabled"),
            is_invalid: row.is_true("invalid"),
        })
    }
}

/// `/ip/hotspot/profile`: how devices may log in at a hotspot, and which pages they see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginProfile {
    /// The name.
    pub name: String,
    /// The ways to log in, such as `mac`, `cookie`, `http-chap`.
    pub login_by: Vec<String>,
    /// `mac-as-username` or `mac-as-username-and-password`; empty when the version does not say.
    pub mac_auth_mode: String,
    /// Where its pages are, after the override.
    pub html_directory: String,
    /// Whether logins go to a RADIUS server too.
    pub is_using_radius: bool,
    /// Whether it makes a queue of its own above those of the customers.
    pub has_own_queue: bool,
    /// A limit for all customers together; empty is none.
    pub rate_limit: String,
    /// An outside HTTP proxy; empty is none.
    pub http_proxy: String,
}

impl LoginProfile {
    /// What [`LoginProfile::from_row`] reads.
    pub const FIELDS: [&'static str; 9] = [
        "name",
        "login-by",
        "mac-auth-mode",
        "html-directory",
        "html-directory-override",
        "use-radius",
        "install-hotspot-queue",
        "rate-limit",
        "http-proxy",
    ];

    /// `None` without a name.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        let named = row.get("html-directory-override").filter(|name| !name.is_empty());
        let proxy = text(row, "http-proxy");
        Some(Self {
            name: row.get("name")?.to_owned(),
            login_by: words(row, "login-by"),
            mac_auth_mode: text(row, "mac-auth-mode"),
            html_directory: named.map_or_else(|| text(row, "html-directory"), str::to_owned),
            is_using_radius: row.is_true("use-radius"),
            has_own_queue: row.is_true("install-hotspot-queue"),
            rate_limit: text(row, "rate-limit"),
            http_proxy: if proxy.starts_with("0.0.0.0") { String::new() } else { proxy },
        })
    }
}

/// A rule of the walled garden, of either kind. Absent conditions are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GardenRule {
    /// `allow` or `deny`, `accept`, `drop` or `reject`.
    pub action: String,
    /// A name with `*` and `?`, or an expression after a colon.
    pub dst_host: String,
    /// An address, a prefix or a range.
    pub dst_address: String,
    /// Ports, with commas and ranges.
    pub dst_port: String,
    /// A path on the host, for HTTP.
    pub path: String,
    /// Whether it has a condition that is not read here, so that it does not hold for everybody.
    pub is_narrow: bool,
    /// Switched off, or the router says it cannot work.
    pub is_off: bool,
    /// The comment.
    pub comment: String,
}

impl GardenRule {
    /// What is read of a rule for HTTP.
    pub const HTTP_FIELDS: &'static [&'static str] = &[
        "action",
        "dst-host",
        "dst-address",
        "dst-port",
        "path",
        "method",
        "server",
        "src-address",
        "disabled",
        "comment",
    ];
    /// What is read of a rule for addresses.
    pub const IP_FIELDS: &'static [&'static str] = &[
        "action",
        "dst-host",
        "dst-address",
        "dst-address-list",
        "dst-port",
        "protocol",
        "server",
        "src-address",
        "src-address-list",
        "disabled",
        "invalid",
        "comment",
    ];

    /// Reads a row of either menu.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        let is_set = |name: &str| row.get(name).is_some_and(|value| !value.is_empty() && value != "all");
        let is_udp = row.get("protocol").is_some_and(|value| !matches!(value, "" | "tcp" | "6"));
        Self {
            action: text(row, "action"),
            dst_host: text(row, "dst-host"),
            dst_address: text(row, "dst-address"),
            dst_port: text(row, "dst-port"),
            path: text(row, "path"),
            is_narrow: is_udp
                || ["method", "server", "src-address", "src-address-list", "dst-address-list"].into_iter().any(is_set),
            is_off: row.is_true("disabled") || row.is_true("invalid"),
            comment: text(row, "comment"),
        }
    }
}
