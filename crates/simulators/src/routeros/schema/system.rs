//! `/system`, `/file`, `/log`, `/certificate`.

use super::{COMMENT, DISABLED, Field, Kind, Menu, Shape, shown, text};
use crate::routeros::options::RosVersion;

const IDENTITY: &[Field] = &[text("name").default("MikroTik")];

const CLOCK: &[Field] = &[
    text("time"),
    text("date"),
    Field::new("time-zone-autodetect", Kind::Bool).default("true"),
    text("time-zone-name").default("UTC"),
    shown("gmt-offset", "+00:00"),
];

const NTP: &[Field] = &[
    Field::new("enabled", Kind::Bool).default("true"),
    text("mode").default("unicast"),
    text("servers").default("").since(RosVersion::V7_16),
    text("primary-ntp").default("0.0.0.0").until(RosVersion::V6_49),
    text("secondary-ntp").default("0.0.0.0").until(RosVersion::V6_49),
];

const SCHEDULER: &[Field] = &[
    text("name"),
    text("start-date"),
    text("start-time"),
    Field::new("interval", Kind::Duration(&[])).default("0s"),
    text("days"),
    text("on-event").default(""),
    text("policy").default("ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"),
    shown("owner", ""),
    shown("run-count", "0"),
    shown("next-run", ""),
    DISABLED,
    COMMENT,
];

const SCRIPT: &[Field] = &[
    text("name"),
    text("source").default(""),
    text("policy").default("ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"),
    Field::new("dont-require-permissions", Kind::Bool).default("false"),
    shown("owner", ""),
    shown("run-count", "0"),
    shown("invalid", "false"),
    COMMENT,
];

const FILE: &[Field] = &[
    text("name"),
    Field::new("type", Kind::Text).default(".txt file"),
    shown("size", "0"),
    shown("creation-time", ""),
    text("contents").default(""),
];

const CERTIFICATE: &[Field] = &[
    text("name"),
    text("common-name"),
    text("country"),
    text("organization"),
    text("subject-alt-name"),
    text("key-size").default("2048"),
    text("key-usage"),
    Field::new("days-valid", Kind::Number(1, 36_500, &[])).default("365"),
    Field::new("trusted", Kind::Bool).default("false"),
    shown("fingerprint", ""),
    shown("private-key", "true"),
];

pub(super) const MENUS: &[Menu] = &[
    Menu::new("/system/identity", Shape::Single, IDENTITY),
    Menu::new("/system/clock", Shape::Single, CLOCK),
    Menu::new("/system/ntp/client", Shape::Single, NTP),
    Menu::new("/system/resource", Shape::Facts, &[]),
    Menu::new("/system/license", Shape::Facts, &[]),
    Menu::new("/system/device-mode", Shape::Facts, &[]).since(RosVersion::V7_16),
    Menu::new(
        "/system/package",
        Shape::Listing,
        &[shown("name", ""), shown("version", ""), shown("disabled", "false")],
    ),
    Menu::named("/system/scheduler", SCHEDULER),
    Menu::named("/system/script", SCRIPT).verbs(&["run"]),
    Menu::named("/file", FILE),
    Menu::named("/certificate", CERTIFICATE).verbs(&["sign"]),
    Menu::new("/log", Shape::Listing, &[shown("time", ""), shown("topics", ""), shown("message", "")]),
];
