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
    text("mode").default("unicast").since(RosVersion::V7_9),
    text("servers").default("").since(RosVersion::V7_9),
    text("vrf").default("main").since(RosVersion::V7_9),
    text("primary-ntp").default("0.0.0.0").until(RosVersion::V6_49),
    text("secondary-ntp").default("0.0.0.0").until(RosVersion::V6_49),
    text("server-dns-names").default("").until(RosVersion::V6_49),
    shown("status", "synchronized"),
];

const ROUTERBOARD: &[Field] = &[
    shown("routerboard", "true"),
    shown("model", "hAP ax lite"),
    shown("serial-number", "BNDO00000001"),
    shown("firmware-type", "ipq5000"),
];

const SCHEDULER: &[Field] = &[
    text("name"),
    text("start-date"),
    text("start-time"),
    Field::new("interval", Kind::Duration(&[])).default("0s"),
    text("days"),
    text("on-event").default(""),
    Field::new("policy", Kind::Policies).default("ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"),
    shown("owner", ""),
    shown("run-count", "0"),
    shown("next-run", ""),
    DISABLED,
    COMMENT,
];

const SCRIPT: &[Field] = &[
    text("name"),
    text("source").default(""),
    Field::new("policy", Kind::Policies).default("ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"),
    Field::new("dont-require-permissions", Kind::Bool).default("false"),
    shown("owner", ""),
    shown("run-count", "0"),
    shown("invalid", "false"),
    COMMENT,
];

const FILE: &[Field] = &[
    text("name"),
    Field::new("type", Kind::Text),
    shown("size", "0"),
    shown("creation-time", ""),
    shown("last-modified", ""),
    text("contents").default(""),
];

const CERTIFICATE: &[Field] = &[
    text("name"),
    text("common-name"),
    text("country"),
    text("state"),
    text("locality"),
    text("organization"),
    text("unit"),
    text("subject-alt-name"),
    Field::new(
        "key-size",
        Kind::Word(&["1024", "1536", "2048", "4096", "8192", "prime256v1", "secp384r1", "secp521r1"]),
    )
    .default("2048"),
    Field::new("key-usage", Kind::Words(KEY_USAGES))
        .default("digital-signature,key-encipherment,data-encipherment,key-cert-sign,crl-sign,tls-server,tls-client"),
    Field::new("days-valid", Kind::Number(1, 36_500, &[])).default("365"),
    Field::new("trusted", Kind::Bool).default("false"),
    shown("serial-number", ""),
    shown("fingerprint", ""),
    shown("ca", ""),
    shown("issuer", ""),
    shown("invalid-before", ""),
    shown("invalid-after", ""),
    shown("private-key", "false"),
    shown("authority", "false"),
    shown("expired", "false"),
];

const KEY_USAGES: &[&str] = &[
    "digital-signature",
    "content-commitment",
    "key-encipherment",
    "data-encipherment",
    "key-agreement",
    "key-cert-sign",
    "crl-sign",
    "encipher-only",
    "decipher-only",
    "dvcs",
    "server-gated-crypto",
    "ocsp-sign",
    "timestamp",
    "ipsec-user",
    "ipsec-tunnel",
    "ipsec-end-system",
    "email-protect",
    "code-sign",
    "tls-server",
    "tls-client",
];

pub(super) const MENUS: &[Menu] = &[
    Menu::new("/system/identity", Shape::Single, IDENTITY),
    Menu::new("/system/clock", Shape::Single, CLOCK),
    Menu::new("/system/ntp/client", Shape::Single, NTP),
    Menu::new("/system/resource", Shape::Facts, &[]),
    Menu::new("/system/license", Shape::Facts, &[]),
    Menu::new("/system/routerboard", Shape::Single, ROUTERBOARD),
    Menu::new("/system/device-mode", Shape::Facts, &[]).since(RosVersion::V7_9),
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
