//! `/ip/hotspot` and what is below it.

use super::{COMMENT, DISABLED, Field, Kind, Menu, Shape, Unique, shown, text};
use crate::routeros::options::RosVersion;

const NONE: &[&str] = &["none"];
const LOGIN_BY: &[&str] = &["mac", "cookie", "http-chap", "https", "http-pap", "trial", "mac-cookie"];

const SERVER: &[Field] = &[
    text("name"),
    Field::new("interface", Kind::Ref("/interface", &[])),
    Field::new("address-pool", Kind::Ref("/ip/pool", NONE)).default("none"),
    Field::new("profile", Kind::Ref("/ip/hotspot/profile", &[])).default("default"),
    Field::new("idle-timeout", Kind::Duration(NONE)).default("5m"),
    Field::new("keepalive-timeout", Kind::Duration(NONE)).default("none"),
    Field::new("login-timeout", Kind::Duration(NONE)).default("none"),
    Field::new("addresses-per-mac", Kind::Number(1, 65_535, &["unlimited"])).default("2"),
    shown("proxy-status", "running"),
    shown("invalid", "false"),
    shown("HTTPS", "false"),
    DISABLED,
];

const SERVER_PROFILE: &[Field] = &[
    text("name"),
    Field::new("hotspot-address", Kind::Ip).default("0.0.0.0"),
    text("dns-name").default(""),
    text("html-directory").default("hotspot"),
    text("html-directory-override").default(""),
    Field::new("install-hotspot-queue", Kind::Bool).default("false"),
    Field::new("rate-limit", Kind::RateLimit).default(""),
    text("http-proxy").default("0.0.0.0:0"),
    text("smtp-server").default("0.0.0.0"),
    Field::new("login-by", Kind::Words(LOGIN_BY)).default("cookie,http-chap"),
    Field::new("mac-auth-mode", Kind::Word(&["mac-as-username", "mac-as-username-and-password"]))
        .default("mac-as-username"),
    Field::new("mac-auth-password", Kind::Secret).default(""),
    Field::new("http-cookie-lifetime", Kind::Duration(&[])).default("3d"),
    // Removed in 7.5; current releases refuse it.
    Field::new("https-redirect", Kind::Bool).default("true").until(RosVersion::V6_49),
    Field::new("ssl-certificate", Kind::Ref("/certificate", NONE)).default("none"),
    Field::new("split-user-domain", Kind::Bool).default("false"),
    Field::new("trial-uptime-limit", Kind::Duration(&[])),
    Field::new("trial-uptime-reset", Kind::Duration(&[])),
    Field::new("trial-user-profile", Kind::Ref("/ip/hotspot/user/profile", &[])),
    Field::new("use-radius", Kind::Bool).default("false"),
    Field::new("radius-accounting", Kind::Bool),
    Field::new("radius-interim-update", Kind::Duration(&["received"])),
    text("nas-port-type"),
    text("radius-default-domain"),
    text("radius-location-id"),
    text("radius-location-name"),
    text("radius-mac-format"),
    shown("default", ""),
];

const USER: &[Field] = &[
    Field::new("server", Kind::Ref("/ip/hotspot", &["all"])),
    text("name"),
    Field::new("password", Kind::Secret),
    Field::new("mac-address", Kind::Mac),
    Field::new("address", Kind::Ip),
    Field::new("profile", Kind::Ref("/ip/hotspot/user/profile", &[])).default("default"),
    text("email"),
    text("routes"),
    Field::new("otp-secret", Kind::Secret).since(RosVersion::V7_22),
    Field::new("limit-uptime", Kind::Duration(&[])),
    Field::new("limit-bytes-in", Kind::Bytes),
    Field::new("limit-bytes-out", Kind::Bytes),
    Field::new("limit-bytes-total", Kind::Bytes),
    shown("uptime", "0s"),
    shown("bytes-in", "0"),
    shown("bytes-out", "0"),
    shown("packets-in", "0"),
    shown("packets-out", "0"),
    shown("default", ""),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const USER_PROFILE: &[Field] = &[
    text("name"),
    Field::new("address-pool", Kind::Ref("/ip/pool", NONE)),
    Field::new("session-timeout", Kind::Duration(NONE)),
    Field::new("idle-timeout", Kind::Duration(NONE)).default("none"),
    Field::new("keepalive-timeout", Kind::Duration(NONE)).default("2m"),
    Field::new("status-autorefresh", Kind::Duration(NONE)).default("1m"),
    Field::new("shared-users", Kind::Number(1, 4_294_967_295, &["unlimited"])).default("1"),
    Field::new("add-mac-cookie", Kind::Bool).default("true"),
    Field::new("mac-cookie-timeout", Kind::Duration(&[])).default("3d"),
    Field::new("rate-limit", Kind::RateLimit),
    text("insert-queue-before"),
    text("parent-queue"),
    text("queue-type"),
    text("address-list").default(""),
    text("incoming-filter"),
    text("outgoing-filter"),
    text("incoming-packet-mark"),
    text("outgoing-packet-mark"),
    text("on-login"),
    text("on-logout"),
    Field::new("transparent-proxy", Kind::Bool).default("true"),
    Field::new("open-status-page", Kind::Word(&["always", "http-login"])).default("always"),
    Field::new("advertise", Kind::Bool).default("false"),
    text("advertise-url"),
    text("advertise-interval"),
    text("advertise-timeout"),
    shown("default", ""),
];

const IP_BINDING: &[Field] = &[
    Field::new("mac-address", Kind::Mac),
    Field::new("address", Kind::Address),
    Field::new("to-address", Kind::Address),
    Field::new("server", Kind::Ref("/ip/hotspot", &["all"])),
    Field::new("type", Kind::Word(&["regular", "bypassed", "blocked"])).default("regular"),
    DISABLED,
    COMMENT,
];

const WALLED_GARDEN: &[Field] = &[
    Field::new("action", Kind::Word(&["allow", "deny"])).default("allow"),
    Field::new("server", Kind::Ref("/ip/hotspot", &["all"])),
    Field::new("src-address", Kind::Address),
    text("method"),
    text("dst-host"),
    text("dst-port"),
    text("path"),
    shown("hits", "0"),
    DISABLED,
    COMMENT,
];

const WALLED_GARDEN_IP: &[Field] = &[
    Field::new("action", Kind::Word(&["accept", "drop", "reject"])).default("accept"),
    Field::new("server", Kind::Ref("/ip/hotspot", &["all"])),
    text("protocol"),
    text("dst-port"),
    text("dst-host"),
    Field::new("dst-address", Kind::Address),
    text("dst-address-list"),
    Field::new("src-address", Kind::Address),
    text("src-address-list"),
    shown("invalid", "false"),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const PAIR: Unique = Unique::Pair("name", "server", "failure: already have user with this name for this server");

pub(super) const MENUS: &[Menu] = &[
    Menu::named("/ip/hotspot", SERVER).mandatory(&["interface"]).verbs(&["reset-html"]),
    Menu::named("/ip/hotspot/profile", SERVER_PROFILE),
    Menu::new("/ip/hotspot/user", Shape::List, USER).mandatory(&["name"]).unique(PAIR).verbs(&["reset-counters"]),
    Menu::named("/ip/hotspot/user/profile", USER_PROFILE),
    Menu::new("/ip/hotspot/active", Shape::Listing, &[]).verbs(&["remove", "login"]),
    Menu::new("/ip/hotspot/host", Shape::Listing, &[]).verbs(&["remove", "make-binding"]),
    Menu::new("/ip/hotspot/cookie", Shape::Listing, &[]).verbs(&["remove"]),
    Menu::new("/ip/hotspot/ip-binding", Shape::Ordered, IP_BINDING),
    Menu::new("/ip/hotspot/walled-garden", Shape::Ordered, WALLED_GARDEN)
        .verbs(&["reset-counters", "reset-counters-all"]),
    Menu::new("/ip/hotspot/walled-garden/ip", Shape::Ordered, WALLED_GARDEN_IP),
];
