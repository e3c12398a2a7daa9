//! What kind of router the simulator plays: version, licence, accounts, clock, and the behaviours nobody has confirmed.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// The RouterOS release whose manners are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum RosVersion {
    /// 6.42: challenge login, `no such item (4)`, `nov/22/2026` dates, no `!empty`, no device-mode.
    V6_42,
    /// 6.49: plain login, otherwise as 6.42.
    V6_49,
    /// 7.9: plain login, `no such item`, dates still as before, no `:timestamp`.
    V7_9,
    /// 7.10: ISO dates and `:timestamp`.
    V7_10,
    /// 7.16: `:convert`, `:serialize`, `:onerror`; still no `!empty`.
    V7_16,
    /// 7.18: adds `!empty`.
    V7_18,
    /// 7.22: adds `otp-secret` (7.19).
    #[default]
    V7_22,
}

impl RosVersion {
    /// Every release, the oldest first.
    pub const ALL: [Self; 7] =
        [Self::V6_42, Self::V6_49, Self::V7_9, Self::V7_10, Self::V7_16, Self::V7_18, Self::V7_22];

    /// Parses `6.42`, `6.49`, `7.9`, `7.10`, `7.16`, `7.18` or `7.22`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "6.42" => Some(Self::V6_42),
            "6.49" => Some(Self::V6_49),
            "7.9" => Some(Self::V7_9),
            "7.10" => Some(Self::V7_10),
            "7.16" => Some(Self::V7_16),
            "7.18" => Some(Self::V7_18),
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
            Self::V7_9 => "7.9.2 (stable)",
            Self::V7_10 => "7.10.2 (stable)",
            Self::V7_16 => "7.16.2 (stable)",
            Self::V7_18 => "7.18.2 (stable)",
            Self::V7_22 => "7.22.1 (stable)",
        }
    }

    /// Whether this is the seventh major release.
    #[must_use]
    pub const fn is_v7(self) -> bool {
        !matches!(self, Self::V6_42 | Self::V6_49)
    }

    /// Whether the release sends `!empty` before the `!done` of a print without rows (7.18 and later).
    #[must_use]
    pub const fn sends_empty(self) -> bool {
        matches!(self, Self::V7_18 | Self::V7_22)
    }

    /// Whether dates are printed as `2026-11-22` (7.10 and later) instead of `nov/22/2026`.
    #[must_use]
    pub const fn has_iso_dates(self) -> bool {
        self.is_v7() && !matches!(self, Self::V7_9)
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
    /// There is no hotspot yet, only the network it could be made on.
    Absent,
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

/// What `:delay` and other pauses of scripts do on the virtual clock. On the real clock they always take their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScriptDelays {
    /// They are over at once, and the clock stands still: a test never hangs on one.
    #[default]
    AtOnce,
    /// The script waits until the clock is moved by `advance`.
    Wait,
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
    /// Whether text equals a number, a time or an address of the same digits in `=` outside `where`.
    pub loose_equality: bool,
    /// Whether `check-certificate=yes` fails for want of a revocation list (observed with DNS over HTTPS).
    pub crl_missing_fails: bool,
    /// Whether `/tool/fetch` into a file needs the policy `ftp` beside `test`.
    pub fetch_to_file_needs_ftp: bool,
    /// Whether a scheduler's script may do only what its owner's group may do now.
    pub owner_limits_scripts: bool,
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
            loose_equality: false,
            crl_missing_fails: true,
            fetch_to_file_needs_ftp: true,
            owner_limits_scripts: true,
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
    /// Whether it is a small board (`smips`, hAP lite): from 7.20 on the hotspot is not part of its system, and
    /// without the package of its own every `/ip/hotspot…` is unknown. [`Self::hotspot`] gives way to it.
    pub smips: bool,
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
    /// Whether `api-ssl` has a certificate at start, where [`Self::tls`] is given. Without one no handshake succeeds.
    pub api_certificate: bool,
    /// Whether MikroTik's default firewall is there: FastTrack, and an input chain that drops what does not come from
    /// the interface list LAN. The interface list WAN is `ether1`.
    pub default_firewall: bool,
    /// Whether the board keeps files in `flash/`, as boards with little memory do; other files are lost at a reboot.
    pub flash_folder: bool,
    /// Bytes of flash that are free at start; 93 MiB when absent.
    pub flash_bytes: Option<usize>,
    /// Pauses of scripts on the virtual clock.
    pub script_delays: ScriptDelays,
    /// Names and addresses that `/tool/fetch` and `:resolve` find, and where they really are; port 0 keeps the
    /// port of the URL. This machine is always found.
    pub internet: BTreeMap<String, SocketAddr>,
    /// Whether `/tool/fetch` may reach addresses beyond this machine. Never in tests.
    pub internet_anywhere: bool,
    /// Real time `/tool/fetch` waits for an answer.
    pub fetch_patience: Duration,
    /// The unconfirmed behaviours.
    pub unconfirmed: Unconfirmed,
}

/// 2026-11-22T06:00:00Z, the start of the virtual clock.
pub const VIRTUAL_START_EPOCH_SECS: i64 = 1_795_327_200;

impl Options {
    /// A router nobody has set up: no hotspot yet, MikroTik's default firewall, `api-ssl` on a free port and without
    /// a certificate.
    #[must_use]
    pub fn out_of_the_box() -> Self {
        Self {
            tls: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            server_profile: ServerProfile::Absent,
            api_certificate: false,
            default_firewall: true,
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            ros: RosVersion::default(),
            hotspot: true,
            smips: false,
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
            api_certificate: true,
            default_firewall: false,
            flash_folder: false,
            flash_bytes: None,
            script_delays: ScriptDelays::default(),
            internet: BTreeMap::new(),
            internet_anywhere: false,
            fetch_patience: Duration::from_secs(10),
            unconfirmed: Unconfirmed::default(),
        }
    }
}
