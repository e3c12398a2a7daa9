//! What kind of router the simulator plays: version, licence, accounts, clock, and the behaviours nobody has confirmed.

use std::net::{Ipv4Addr, SocketAddr};

/// The RouterOS release whose manners are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum RosVersion {
    /// 6.42: challenge login, `no such item (4)`, `nov/22/2026` dates, no `!empty`, no device-mode.
    V6_42,
    /// 6.49: plain login, otherwise as 6.42.
    V6_49,
    /// 7.16: ISO dates, `no such item`, device-mode, still no `!empty`.
    V7_16,
    /// 7.22: adds `!empty` (7.18) and `otp-secret` (7.19).
    #[default]
    V7_22,
}

impl RosVersion {
    /// Parses `6.42`, `6.49`, `7.16` or `7.22`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "6.42" => Some(Self::V6_42),
            "6.49" => Some(Self::V6_49),
            "7.16" => Some(Self::V7_16),
            "7.22" => Some(Self::V7_22),
            _ => None,
        }
    }

    /// The text of `/system/resource` `version`.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::V6_42 => "6.42.12 (long-term)",
            Self::V6_49 => "6.49.19 (long-term)",
            Self::V7_16 => "7.16.2 (stable)",
            Self::V7_22 => "7.22.1 (stable)",
        }
    }

    /// Whether this is the seventh major release.
    #[must_use]
    pub const fn is_v7(self) -> bool {
        matches!(self, Self::V7_16 | Self::V7_22)
    }

    /// Whether the release sends `!empty` before the `!done` of a print without rows (7.18 and later).
    #[must_use]
    pub const fn sends_empty(self) -> bool {
        matches!(self, Self::V7_22)
    }
}

/// How the simulated time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMode {
    /// Time stands still until `advance` moves it. `start_epoch_secs` is the instant at which it stands.
    Virtual {
        /// Unix seconds at start.
        start_epoch_secs: i64,
    },
    /// The wall clock, plus whatever `advance` added.
    Real,
}

/// The device-mode of the board: what the factory allows (7.17 and later, documented).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceMode {
    /// Everything allowed.
    #[default]
    Advanced,
    /// `hotspot`, `scheduler` and `fetch` are blocked until somebody presses the button on the board.
    Home,
}

/// What the server profile of `hotspot1` looks like at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerProfile {
    /// As the product's set-up leaves it: `login-by=mac,http-pap,cookie`, `mac-auth-mode=mac-as-username`.
    #[default]
    Ready,
    /// As the router makes it: `login-by=cookie,http-chap`. MAC login does not happen.
    Bare,
}

/// One login of the router itself (`/user`).
#[derive(Debug, Clone)]
pub struct Account {
    /// `/user name`.
    pub name: String,
    /// Its password, plain: it only guards a simulator.
    pub password: String,
    /// `/user/group` it belongs to: `full`, `write`, `read`, or one of [`Options::groups`].
    pub group: String,
}

/// One `/user/group` beside the stock ones.
#[derive(Debug, Clone)]
pub struct Group {
    /// Name of the group.
    pub name: String,
    /// Policies it holds, e.g. `read,write,api,test`.
    pub policy: String,
}

/// What the router does when `/ip/hotspot/active/login` names a host that is logged in already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoginOnLiveHost {
    /// A trap; the old session stays.
    #[default]
    Refuse,
    /// The old session ends, the new one takes its place.
    Replace,
}

/// Behaviours no source confirms. Every default is the one that hurts a careless client more.
#[derive(Debug, Clone)]
pub struct Unconfirmed {
    /// Whether `set limit-uptime`/`limit-bytes-*` on a user reaches a session that is already running.
    pub live_limits: bool,
    /// Whether `user/remove` ends the sessions of that user.
    pub user_remove_ends_session: bool,
    /// Whether a clean reboot logs sessions out first, so that their counters are kept.
    pub clean_reboot_keeps_counters: bool,
    /// Whether login cookies outlive a reboot.
    pub cookies_survive_reboot: bool,
    /// Seconds until a present device sends its next packet after its host entry went away.
    pub next_packet_secs: u64,
    /// Whether a bare `/login` on a current release is answered with a challenge instead of a trap.
    pub bare_login_challenges: bool,
    /// Whether an unambiguous beginning of a name is accepted where a reference or a word of a list is wanted.
    pub prefix_matching: bool,
    /// What `active/login` does for a host that is logged in.
    pub login_on_live_host: LoginOnLiveHost,
    /// Trap text for a second profile, scheduler, script or queue of the same name.
    pub duplicate_name_message: String,
    /// Bytes a client may send before it is logged in.
    pub pre_login_bytes_max: usize,
    /// Emit `.tag` as the last word of a reply (official examples) instead of the second (captures).
    pub tag_last: bool,
    /// Wire name of the DHCP flag of a host: `DHCP` or `dhcp`.
    pub dhcp_flag_name: &'static str,
}

impl Default for Unconfirmed {
    fn default() -> Self {
        Self {
            live_limits: false,
            user_remove_ends_session: false,
            clean_reboot_keeps_counters: true,
            cookies_survive_reboot: true,
            next_packet_secs: 1,
            bare_login_challenges: false,
            prefix_matching: true,
            login_on_live_host: LoginOnLiveHost::default(),
            duplicate_name_message: "failure: item with the same name already exists".to_owned(),
            pre_login_bytes_max: 16 * 1024,
            tag_last: false,
            dhcp_flag_name: "DHCP",
        }
    }
}

/// Everything that can be chosen before the router starts. [`Options::default`] is a current, licensed router, set
/// up for the product, on a virtual clock, with the account `admin`/`bando`.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the plain API listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the API over TLS listens, if anywhere.
    pub tls: Option<SocketAddr>,
    /// Release to imitate.
    pub ros: RosVersion,
    /// Whether the hotspot package is there. Without it every `/ip/hotspot…` is unknown.
    pub hotspot: bool,
    /// Device-mode of the board.
    pub device_mode: DeviceMode,
    /// How time runs.
    pub clock: ClockMode,
    /// Accounts of the router.
    pub accounts: Vec<Account>,
    /// Groups beside `full`, `write` and `read`.
    pub groups: Vec<Group>,
    /// State of the server profile at start.
    pub server_profile: ServerProfile,
    /// `/system/identity` name.
    pub identity: String,
    /// RouterOS licence level: 4 allows 200 hotspot sessions, 5 allows 500, 6 any number (documented).
    pub license_level: u8,
    /// Caps hotspot sessions below what the licence says, to reach the limit cheaply.
    pub license_sessions_max: Option<usize>,
    /// First three octets' network of the hotspot; devices get addresses from `.10` upwards.
    pub network: Ipv4Addr,
    /// Simulated seconds the API refuses connections after a reboot.
    pub boot_secs: u64,
    /// Simulated seconds after boot at which the clock is set from the network. When absent: never on the
    /// virtual clock, after 15 on the real one.
    pub ntp_after_secs: Option<u64>,
    /// Text of `hotspot/login.html`, with the portal filled in; the router's stock page when absent.
    pub login_html: Option<String>,
    /// The unconfirmed behaviours.
    pub unconfirmed: Unconfirmed,
}

/// 2026-11-22T06:00:00Z, the start of the virtual clock.
pub const VIRTUAL_START_EPOCH_SECS: i64 = 1_795_327_200;

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            ros: RosVersion::default(),
            hotspot: true,
            device_mode: DeviceMode::default(),
            clock: ClockMode::Virtual { start_epoch_secs: VIRTUAL_START_EPOCH_SECS },
            accounts: vec![Account { name: "admin".into(), password: "bando".into(), group: "full".into() }],
            groups: Vec::new(),
            server_profile: ServerProfile::default(),
            identity: "MikroTik".to_owned(),
            license_level: 4,
            license_sessions_max: None,
            network: Ipv4Addr::new(10, 5, 50, 0),
            boot_secs: 0,
            ntp_after_secs: None,
            login_html: None,
            unconfirmed: Unconfirmed::default(),
        }
    }
}
