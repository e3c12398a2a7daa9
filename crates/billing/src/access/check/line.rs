//! The lines of a test.

/// How a line came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Works, but not as well as it could.
    Warning,
    /// Keeps customers from getting on, or from getting what they paid for.
    Wrong,
    /// Could not be found out.
    Unknown,
}

impl CheckState {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

/// One line of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// A stable word, such as `walled-garden`.
    pub name: &'static str,
    /// The same for people.
    pub title: &'static str,
    /// How it came out.
    pub state: CheckState,
    /// What was found.
    pub text: String,
    /// What to do; may have a RouterOS command on a line of its own.
    pub todo: Option<String>,
}

/// What a line is about.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: &'static str,
    title: &'static str,
}

impl Line {
    const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }

    fn make(&self, state: CheckState, text: impl Into<String>, todo: Option<String>) -> Check {
        Check { name: self.name, title: self.title, state, text: text.into(), todo }
    }

    pub(super) fn ok(&self, text: impl Into<String>) -> Check {
        self.make(CheckState::Ok, text, None)
    }

    pub(super) fn warning(&self, text: impl Into<String>, todo: impl Into<String>) -> Check {
        self.make(CheckState::Warning, text, Some(todo.into()))
    }

    pub(super) fn wrong(&self, text: impl Into<String>, todo: impl Into<String>) -> Check {
        self.make(CheckState::Wrong, text, Some(todo.into()))
    }

    pub(super) fn unknown(&self, text: impl Into<String>) -> Check {
        self.make(CheckState::Unknown, text, None)
    }
}

pub(super) const REACH: Line = Line::new("reach", "The router can be reached");
pub(super) const TLS: Line = Line::new("tls", "Nobody can listen in");
pub(super) const LOGIN: Line = Line::new("login", "It takes our user name and password");
pub(super) const RIGHTS: Line = Line::new("rights", "Our user may do what it must, and no more");
pub(super) const ROUND_TRIP: Line = Line::new("round-trip", "It answers quickly");
pub(super) const VERSION: Line = Line::new("version", "Its software is new enough");
pub(super) const DEVICE_MODE: Line = Line::new("device-mode", "The board allows what is needed");
pub(super) const STORAGE: Line = Line::new("storage", "There is space on it");
pub(super) const HOTSPOT: Line = Line::new("hotspot", "The hotspot is on");
pub(super) const TIMEOUTS: Line = Line::new("timeouts", "Sleeping phones are not logged out");
pub(super) const LOGIN_BY: Line = Line::new("login-by", "Paid devices log in by themselves");
pub(super) const ADDRESSES: Line = Line::new("addresses-per-mac", "A phone may come back with a new address");
pub(super) const PROFILE: Line = Line::new("profile", "The hotspot adds no limits of its own");
pub(super) const GARDEN_IP: Line = Line::new("walled-garden-ip", "Our page is open to customers over HTTPS");
pub(super) const GARDEN: Line = Line::new("walled-garden", "Our page is open to customers over HTTP");
pub(super) const PAGE: Line = Line::new("login-page", "The login page leads to our page");
pub(super) const REAPER: Line = Line::new("reaper", "Paid time ends without this server, too");
pub(super) const REAPER_RUNS: Line = Line::new("reaper-runs", "The script for that runs");
pub(super) const CLOCK: Line = Line::new("clock", "Its clock is right");
pub(super) const ZONE: Line = Line::new("time-zone", "It is in your time zone");
pub(super) const NTP: Line = Line::new("ntp", "It sets its clock by itself");
pub(super) const FASTTRACK: Line = Line::new("fasttrack", "Speed limits are not bypassed");
pub(super) const QUEUES: Line = Line::new("queues", "No queue stands in front of the customers'");
pub(super) const LICENCE: Line = Line::new("licence", "The licence has room for more customers");

/// Every line, in the order in which one depends on the other.
pub(super) const ALL: [&Line; 24] = [
    &REACH,
    &TLS,
    &LOGIN,
    &RIGHTS,
    &ROUND_TRIP,
    &VERSION,
    &DEVICE_MODE,
    &STORAGE,
    &HOTSPOT,
    &TIMEOUTS,
    &LOGIN_BY,
    &ADDRESSES,
    &PROFILE,
    &GARDEN_IP,
    &GARDEN,
    &PAGE,
    &REAPER,
    &REAPER_RUNS,
    &CLOCK,
    &ZONE,
    &NTP,
    &FASTTRACK,
    &QUEUES,
    &LICENCE,
];
