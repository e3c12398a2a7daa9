//! Rows of the hotspot menus and of a few system menus, typed. Fields that a version does not send, or
//! sends in a form we do not know, read as absent: one strange row must not hide the others.

use std::time::Duration;

use domain::MacAddr;

use crate::{
    sentence::Attributes,
    value::{TimeLimit, parse_bytes, parse_duration},
};

fn text(row: &Attributes, name: &str) -> String {
    row.get(name).unwrap_or_default().to_owned()
}

fn id(row: &Attributes) -> Option<String> {
    row.get(".id").filter(|id| !id.is_empty()).map(str::to_owned)
}

fn mac(row: &Attributes, name: &str) -> Option<MacAddr> {
    row.get(name)?.parse().ok()
}

fn duration(row: &Attributes, name: &str) -> Duration {
    row.get(name).and_then(|text| parse_duration(text).ok()).unwrap_or_default()
}

fn bytes(row: &Attributes, name: &str) -> u64 {
    row.get(name).and_then(|text| parse_bytes(text).ok()).unwrap_or_default()
}

/// `/ip/hotspot/user`: who may log in. One a device, named by its MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The router's id, stable until the row is removed.
    pub id: String,
    /// The name; for our rows the MAC.
    pub name: String,
    /// The only device that may use it.
    pub mac: Option<MacAddr>,
    /// The user profile.
    pub profile: String,
    /// Lifetime limit of the row; absent and zero are unlimited.
    pub limit_uptime: Option<Duration>,
    /// Lifetime limit of the row, both directions; absent and zero are unlimited.
    pub limit_bytes_total: Option<u64>,
    /// Lifetime use, counted when a session ends.
    pub uptime: Duration,
    /// Lifetime upload, counted when a session ends.
    pub bytes_in: u64,
    /// Lifetime download, counted when a session ends.
    pub bytes_out: u64,
    /// The comment; ours says whose row it is.
    pub comment: String,
    /// Whether the row is switched off.
    pub is_disabled: bool,
}

impl User {
    /// What [`User::from_row`] reads.
    pub const FIELDS: [&'static str; 11] = [
        ".id",
        "name",
        "mac-address",
        "profile",
        "limit-uptime",
        "limit-bytes-total",
        "uptime",
        "bytes-in",
        "bytes-out",
        "comment",
        "disabled",
    ];

    /// `None` without an id or a name.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        let limit_uptime = row.get("limit-uptime").and_then(|text| match TimeLimit::parse(text) {
            Ok(TimeLimit::After(limit)) if !limit.is_zero() => Some(limit),
            _ => None,
        });
        let limit_bytes_total =
            row.get("limit-bytes-total").and_then(|text| parse_bytes(text).ok()).filter(|limit| *limit > 0);
        Some(Self {
            id: id(row)?,
            name: row.get("name")?.to_owned(),
            mac: mac(row, "mac-address"),
            profile: text(row, "profile"),
            limit_uptime,
            limit_bytes_total,
            uptime: duration(row, "uptime"),
            bytes_in: bytes(row, "bytes-in"),
            bytes_out: bytes(row, "bytes-out"),
            comment: text(row, "comment"),
            is_disabled: row.is_true("disabled"),
        })
    }
}

/// `/ip/hotspot/user/profile`: speed and sharing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserProfile {
    /// The router's id.
    pub id: String,
    /// The name.
    pub name: String,
    /// `rx/tx …` as the router prints it; empty is unlimited.
    pub rate_limit: String,
    /// Sessions one user may have; `unlimited` or a number.
    pub shared_users: String,
    /// Whether a cookie by MAC is kept after login.
    pub is_adding_mac_cookie: bool,
}

impl UserProfile {
    /// What [`UserProfile::from_row`] reads.
    pub const FIELDS: [&'static str; 5] = [".id", "name", "rate-limit", "shared-users", "add-mac-cookie"];

    /// `None` without an id or a name.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        Some(Self {
            id: id(row)?,
            name: row.get("name")?.to_owned(),
            rate_limit: text(row, "rate-limit"),
            shared_users: text(row, "shared-users"),
            is_adding_mac_cookie: row.is_true("add-mac-cookie"),
        })
    }
}

/// `/ip/hotspot/active`: who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// The router's id; changes with every login.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// The device.
    pub mac: Option<MacAddr>,
    /// Its address.
    pub address: String,
    /// Length of this session.
    pub uptime: Duration,
    /// What the router's own limit leaves.
    pub session_time_left: Option<Duration>,
    /// Upload of this session.
    pub bytes_in: u64,
    /// Download of this session.
    pub bytes_out: u64,
}

impl Active {
    /// What [`Active::from_row`] reads.
    pub const FIELDS: [&'static str; 8] =
        [".id", "user", "mac-address", "address", "uptime", "session-time-left", "bytes-in", "bytes-out"];

    /// `None` without an id.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        Some(Self {
            id: id(row)?,
            user: text(row, "user"),
            mac: mac(row, "mac-address"),
            address: text(row, "address"),
            uptime: duration(row, "uptime"),
            session_time_left: row.get("session-time-left").and_then(|text| parse_duration(text).ok()),
            bytes_in: bytes(row, "bytes-in"),
            bytes_out: bytes(row, "bytes-out"),
        })
    }
}

/// `/ip/hotspot/host`: every device the hotspot sees, logged in or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The router's id.
    pub id: String,
    /// The device.
    pub mac: Option<MacAddr>,
    /// Its own address.
    pub address: String,
    /// The address it is translated to; usually the same.
    pub to_address: String,
    /// Logged in.
    pub is_authorized: bool,
    /// Let through by an ip-binding, without login.
    pub is_bypassed: bool,
}

impl Host {
    /// What [`Host::from_row`] reads.
    pub const FIELDS: [&'static str; 6] = [".id", "mac-address", "address", "to-address", "authorized", "bypassed"];

    /// `None` without an id.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        Some(Self {
            id: id(row)?,
            mac: mac(row, "mac-address"),
            address: text(row, "address"),
            to_address: text(row, "to-address"),
            is_authorized: row.is_true("authorized"),
            is_bypassed: row.is_true("bypassed"),
        })
    }
}

/// `/ip/hotspot/cookie`: remembered logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The router's id.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// The device.
    pub mac: Option<MacAddr>,
}

impl Cookie {
    /// What [`Cookie::from_row`] reads.
    pub const FIELDS: [&'static str; 3] = [".id", "user", "mac-address"];

    /// `None` without an id.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        Some(Self { id: id(row)?, user: text(row, "user"), mac: mac(row, "mac-address") })
    }
}

/// `/ip/hotspot`: a hotspot on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The name.
    pub name: String,
    /// Its server profile.
    pub profile: String,
    /// The interface it serves.
    pub interface: String,
    /// Switched off.
    pub is_disabled: bool,
    /// The router says it cannot work, for instance because its interface is gone.
    pub is_invalid: bool,
}

impl Server {
    /// What [`Server::from_row`] reads.
    pub const FIELDS: [&'static str; 5] = ["name", "profile", "interface", "disabled", "invalid"];

    /// `None` without a name.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        Some(Self {
            name: row.get("name")?.to_owned(),
            profile: text(row, "profile"),
            interface: text(row, "interface"),
            is_disabled: row.is_true("disabled"),
            is_invalid: row.is_true("invalid"),
        })
    }
}

/// `/ip/hotspot/profile`: how devices may log in at a hotspot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerProfile {
    /// The name.
    pub name: String,
    /// The ways to log in, such as `mac`, `cookie`, `http-chap`.
    pub login_by: Vec<String>,
    /// `mac-as-username` or `mac-as-username-and-password`; empty when the version does not say.
    pub mac_auth_mode: String,
    /// Whether logins go to a RADIUS server too.
    pub is_using_radius: bool,
}

impl ServerProfile {
    /// What [`ServerProfile::from_row`] reads.
    pub const FIELDS: [&'static str; 4] = ["name", "login-by", "mac-auth-mode", "use-radius"];

    /// `None` without a name.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        let login_by = text(row, "login-by").split(',').map(str::trim).map(str::to_owned).collect();
        Some(Self {
            name: row.get("name")?.to_owned(),
            login_by,
            mac_auth_mode: text(row, "mac-auth-mode"),
            is_using_radius: row.is_true("use-radius"),
        })
    }
}

/// `/system/identity` and `/system/resource` together: which router this is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouterFacts {
    /// The name its owner gave it.
    pub identity: String,
    /// Such as `7.22.1 (stable)`.
    pub version: String,
    /// Such as `hAP ax lite`.
    pub board: String,
    /// Since its start.
    pub uptime: Duration,
}

impl RouterFacts {
    /// Reads the two singleton rows.
    #[must_use]
    pub fn from_rows(identity: &Attributes, resource: &Attributes) -> Self {
        Self {
            identity: text(identity, "name"),
            version: text(resource, "version"),
            board: text(resource, "board-name"),
            uptime: duration(resource, "uptime"),
        }
    }
}
