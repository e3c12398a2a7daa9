//! What a `!trap` means. RouterOS has no error codes: only texts, some with a category, and the same text
//! may come with or without `failure: ` in front. The texts are those seen on real routers and in
//! MikroTik's manual; matching ignores case.

use std::fmt;

use crate::sentence::Attributes;

/// What a trap means to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrapKind {
    /// Wrong user name or password at login.
    BadCredentials,
    /// The API user's group lacks a policy.
    Permission,
    /// The path or verb does not exist: an old version, or the hotspot package is missing.
    NoSuchCommand,
    /// This version does not know the attribute.
    UnknownParameter {
        /// The attribute.
        name: String,
    },
    /// The value is malformed, or refers to something that does not exist.
    InvalidValue {
        /// The attribute; empty when the router did not say.
        arg: String,
    },
    /// The id is stale. Success for a removal, a reason to read again for a change.
    NoSuchItem,
    /// The row is already there.
    Duplicate,
    /// The router's device-mode forbids the feature until somebody confirms it at the router itself.
    DeviceMode,
    /// A hotspot login was refused.
    Hotspot(HotspotRefusal),
    /// The command was cancelled.
    Interrupted,
    /// The router gave up on its own command, or is busy: worth trying again.
    Busy,
    /// None of the known texts.
    Other,
}

/// Why `/ip/hotspot/active/login` refused a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HotspotRefusal {
    /// The user's time is used up.
    UptimeLimit,
    /// The user's data is used up.
    TrafficLimit,
    /// Too many sessions of this user.
    SessionLimit,
    /// The router's licence allows no more hotspot users.
    LicenceLimit,
    /// The user belongs to another device.
    WrongMac,
    /// No such hotspot user, or another password.
    BadCredentials,
    /// The device is not in the host table: it left, or changed its address.
    UnknownHost,
    /// The address pool is empty.
    NoFreeAddress,
}

/// One `!trap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// What it means.
    pub kind: TrapKind,
    /// 0 to 7 as documented by MikroTik; most traps have none.
    pub category: Option<u8>,
    /// The router's text.
    pub message: String,
}

impl Trap {
    /// Reads the attributes of a `!trap`; those we do not know are ignored.
    #[must_use]
    pub fn from_attributes(attributes: &Attributes) -> Self {
        let message = attributes.get("message").unwrap_or_default().trim().to_owned();
        let category = attributes.get("category").and_then(|text| text.parse().ok());
        Self { kind: classify(&message, category), category, message }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() { f.write_str("no reason given") } else { f.write_str(&self.message) }
    }
}

/// Every trap of one command, at least one, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traps {
    first: Trap,
    more: Vec<Trap>,
}

impl Traps {
    /// `None` when there was no trap.
    #[must_use]
    pub fn new(traps: Vec<Trap>) -> Option<Self> {
        let mut traps = traps.into_iter();
        Some(Self { first: traps.next()?, more: traps.collect() })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Trap> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The first trap with a known meaning, else the first.
    #[must_use]
    pub fn telling(&self) -> &Trap {
        self.iter().find(|trap| trap.kind != TrapKind::Other).unwrap_or(&self.first)
    }
}

impl fmt::Display for Traps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.more.iter().filter(|trap| **trap != self.first).try_for_each(|trap| write!(f, "; {trap}"))
    }
}

/// Texts that are enough by themselves, lower case. The first that is contained in the message wins.
const TEXTS: [(&str, TrapKind); 36] = [
    ("invalid user name or password", TrapKind::BadCredentials),
    ("cannot log in", TrapKind::BadCredentials),
    ("not enough permissions", TrapKind::Permission),
    ("not allowed by device-mode", TrapKind::DeviceMode),
    ("no such command", TrapKind::NoSuchCommand),
    ("bad command name", TrapKind::NoSuchCommand),
    ("no such item", TrapKind::NoSuchItem),
    ("unknown host ip", TrapKind::Hotspot(HotspotRefusal::UnknownHost)),
    ("you are not logged in", TrapKind::Hotspot(HotspotRefusal::UnknownHost)),
    ("has reached uptime limit", TrapKind::Hotspot(HotspotRefusal::UptimeLimit)),
    ("has reached traffic limit", TrapKind::Hotspot(HotspotRefusal::TrafficLimit)),
    ("no more sessions are allowed", TrapKind::Hotspot(HotspotRefusal::SessionLimit)),
    ("session limit reached", TrapKind::Hotspot(HotspotRefusal::LicenceLimit)),
    ("mac address is not yours", TrapKind::Hotspot(HotspotRefusal::WrongMac)),
    ("not allowed to log in from this mac", TrapKind::Hotspot(HotspotRefusal::WrongMac)),
    ("wrong mac provided", TrapKind::Hotspot(HotspotRefusal::WrongMac)),
    ("mac address required", TrapKind::Hotspot(HotspotRefusal::WrongMac)),
    ("invalid value for argument ip", TrapKind::Hotspot(HotspotRefusal::UnknownHost)),
    ("invalid username or password", TrapKind::Hotspot(HotspotRefusal::BadCredentials)),
    ("web browser did not send challenge response", TrapKind::Hotspot(HotspotRefusal::BadCredentials)),
    ("otp token is already used", TrapKind::Hotspot(HotspotRefusal::BadCredentials)),
    ("no more free addresses", TrapKind::Hotspot(HotspotRefusal::NoFreeAddress)),
    ("already authorizing", TrapKind::Busy),
    ("radius server is not responding", TrapKind::Busy),
    ("radius timeout", TrapKind::Busy),
    ("hotspot service is shutting down", TrapKind::Busy),
    ("std failure: timeout", TrapKind::Busy),
    ("already have", TrapKind::Duplicate),
    ("already exists", TrapKind::Duplicate),
    ("with the same name", TrapKind::Duplicate),
    ("with same name", TrapKind::Duplicate),
    ("same name already", TrapKind::Duplicate),
    ("such name exists", TrapKind::Duplicate),
    ("such name already", TrapKind::Duplicate),
    ("name exists", TrapKind::Duplicate),
    ("not unique", TrapKind::Duplicate),
];

/// Reads the meaning out of a message. `category` decides only when the text says nothing.
#[must_use]
pub fn classify(message: &str, category: Option<u8>) -> TrapKind {
    let text = message.to_lowercase();
    if let Some((_, kind)) = TEXTS.iter().find(|(part, _)| text.contains(part)) {
        return kind.clone();
    }
    if let Some(name) = after(&text, "unknown parameter") {
        return TrapKind::UnknownParameter { name };
    }
    for lead in [
        "input does not match any value of",
        "ambiguous value of",
        "invalid time value for argument",
        "invalid value for argument",
        "invalid value of",
        "value of",
    ] {
        if let Some(arg) = after(&text, lead) {
            return TrapKind::InvalidValue { arg };
        }
    }
    match (text.as_str(), category) {
        ("interrupted", _) | (_, Some(2)) => TrapKind::Interrupted,
        ("timeout", _) => TrapKind::Busy,
        (_, Some(1)) => TrapKind::InvalidValue { arg: String::new() },
        _ => TrapKind::Other,
    }
}

/// The word that follows `lead`, without punctuation.
fn after(text: &str, lead: &str) -> Option<String> {
    let (_, rest) = text.split_once(lead)?;
    let word = rest.split_whitespace().next().unwrap_or_default();
    Some(word.trim_end_matches([',', '.', ':', ';']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(arg: &str) -> TrapKind {
        TrapKind::InvalidValue { arg: arg.into() }
    }

    #[test]
    fn every_text_seen_on_routers_is_understood() {
        use HotspotRefusal as Refusal;
        let hotspot = TrapKind::Hotspot;
        for (text, kind) in [
            ("invalid user name or password (6)", TrapKind::BadCredentials),
            ("cannot log in", TrapKind::BadCredentials),
            ("no such command", TrapKind::NoSuchCommand),
            ("no such command prefix", TrapKind::NoSuchCommand),
            ("no such command or directory (hotspot)", TrapKind::NoSuchCommand),
            ("unknown parameter https-redirect", TrapKind::UnknownParameter { name: "https-redirect".into() }),
            ("input does not match any value of profile", invalid("profile")),
            ("ambiguous value of type, more than one possible value matches input", invalid("type")),
            ("invalid value for argument limit-uptime", invalid("limit-uptime")),
            ("invalid value of rate-limit", invalid("rate-limit")),
            ("value of shared-users expects range of integer numbers", invalid("shared-users")),
            ("invalid time value for argument limit-uptime", invalid("limit-uptime")),
            ("no such item", TrapKind::NoSuchItem),
            ("no such item (4)", TrapKind::NoSuchItem),
            ("failure: already have user with this name for this server", TrapKind::Duplicate),
            ("failure: already have such entry", TrapKind::Duplicate),
            ("failure: user profile with the same name already exists", TrapKind::Duplicate),
            ("failure: item with such name already exists", TrapKind::Duplicate),
            ("not enough permissions (9)", TrapKind::Permission),
            ("failure: not allowed by device-mode", TrapKind::DeviceMode),
            ("interrupted", TrapKind::Interrupted),
            ("unknown host IP 10.5.50.23", hotspot(Refusal::UnknownHost)),
            ("wrong MAC provided", hotspot(Refusal::WrongMac)),
            ("invalid value of mac-address, mac address required", hotspot(Refusal::WrongMac)),
            ("invalid value for argument ip", hotspot(Refusal::UnknownHost)),
            ("invalid username or password", hotspot(Refusal::BadCredentials)),
            ("std failure: timeout (13)", TrapKind::Busy),
            ("timeout", TrapKind::Busy),
            ("failure: no more sessions are allowed for user X", hotspot(Refusal::SessionLimit)),
            ("session limit reached (200)", hotspot(Refusal::LicenceLimit)),
            ("invalid username (A4:CF:12:00:00:01): this MAC address is not yours", hotspot(Refusal::WrongMac)),
            ("user X is not allowed to log in from this MAC address", hotspot(Refusal::WrongMac)),
            ("user X has reached uptime limit", hotspot(Refusal::UptimeLimit)),
            ("USER X HAS REACHED TRAFFIC LIMIT", hotspot(Refusal::TrafficLimit)),
            ("RADIUS server is not responding", TrapKind::Busy),
            ("could not authenticate - radius timeout", TrapKind::Busy),
            ("already authorizing, retry later", TrapKind::Busy),
            ("cannot assign ip address - no more free addresses from pool", hotspot(Refusal::NoFreeAddress)),
            ("hotspot service is shutting down", TrapKind::Busy),
            ("you are not logged in (ip 10.5.50.23)", hotspot(Refusal::UnknownHost)),
            ("web browser did not send challenge response (try again)", hotspot(Refusal::BadCredentials)),
            ("this OTP token is already used", hotspot(Refusal::BadCredentials)),
            ("something nobody has seen", TrapKind::Other),
            ("", TrapKind::Other),
        ] {
            assert_eq!(classify(text, None), kind, "{text}");
            if !["interrupted", "timeout"].contains(&text) {
                assert_eq!(classify(&format!("failure: {text}"), None), kind, "failure: {text}");
            }
        }
    }

    #[test]
    fn the_category_decides_only_without_a_known_text() {
        assert_eq!(classify("stopped", Some(2)), TrapKind::Interrupted);
        assert_eq!(classify("nonsense", Some(1)), invalid(""));
        assert_eq!(classify("no such item", Some(1)), TrapKind::NoSuchItem);
        assert_eq!(classify("nonsense", Some(4)), TrapKind::Other);
    }

    #[test]
    fn of_several_traps_the_telling_one_speaks() {
        let trap = |message: &str| Trap { kind: classify(message, None), category: None, message: message.into() };
        let traps = Traps::new(vec![trap("strange"), trap("no such item"), trap("strange")]).unwrap();
        assert_eq!(traps.telling().kind, TrapKind::NoSuchItem);
        assert_eq!(traps.to_string(), "strange; no such item");
        assert_eq!(traps.iter().count(), 3);
        assert!(Traps::new(Vec::new()).is_none());
    }
}
