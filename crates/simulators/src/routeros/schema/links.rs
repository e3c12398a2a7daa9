//! Interfaces, their lists, WireGuard, DHCP, routes.

use super::{COMMENT, DISABLED, Field, Kind, Menu, Shape, Unique, shown, text};
use crate::routeros::options::RosVersion;

const ETHERNET: &[Field] = &[
    text("name"),
    shown("default-name", ""),
    Field::new("mtu", Kind::Number(68, 65_535, &[])).default("1500"),
    Field::new("mac-address", Kind::Mac),
    shown("running", "true"),
    DISABLED,
    COMMENT,
];

const BRIDGE: &[Field] = &[
    text("name"),
    Field::new("mtu", Kind::Number(68, 65_535, &["auto"])).default("auto"),
    text("protocol-mode").default("rstp"),
    Field::new("vlan-filtering", Kind::Bool).default("false"),
    Field::new("auto-mac", Kind::Bool).default("true"),
    shown("running", "true"),
    DISABLED,
    COMMENT,
];

const BRIDGE_PORT: &[Field] = &[
    Field::new("interface", Kind::Ref("/interface", &[])),
    Field::new("bridge", Kind::Ref("/interface/bridge", &[])),
    text("pvid"),
    text("horizon"),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const LIST: &[Field] =
    &[text("name"), text("include").default(""), text("exclude").default(""), shown("dynamic", "false"), COMMENT];

const MEMBER: &[Field] = &[
    Field::new("list", Kind::Ref("/interface/list", &[])),
    Field::new("interface", Kind::Ref("/interface", &[])),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const WIREGUARD: &[Field] = &[
    text("name"),
    Field::new("listen-port", Kind::Number(0, 65_535, &[])),
    Field::new("mtu", Kind::Number(68, 65_535, &["auto"])).default("1420"),
    Field::new("private-key", Kind::Secret),
    shown("public-key", ""),
    shown("running", "true"),
    DISABLED,
    COMMENT,
];

const PEER: &[Field] = &[
    text("name").since(RosVersion::V7_16),
    Field::new("interface", Kind::Ref("/interface/wireguard", &[])),
    Field::new("public-key", Kind::Key),
    Field::new("preshared-key", Kind::Secret),
    text("endpoint-address").default(""),
    Field::new("endpoint-port", Kind::Number(0, 65_535, &[])).default("0"),
    text("allowed-address").default(""),
    Field::new("persistent-keepalive", Kind::Duration(&[])),
    shown("current-endpoint-address", ""),
    shown("current-endpoint-port", "0"),
    shown("last-handshake", ""),
    shown("rx", "0"),
    shown("tx", "0"),
    DISABLED,
    COMMENT,
];

const DHCP_SERVER: &[Field] = &[
    text("name"),
    Field::new("interface", Kind::Ref("/interface", &[])),
    Field::new("address-pool", Kind::Ref("/ip/pool", &["static-only"])).default("static-only"),
    Field::new("lease-time", Kind::Duration(&[])).default("30m"),
    text("authoritative").default("yes"),
    text("lease-script").default(""),
    Field::new("add-arp", Kind::Bool).default("false"),
    shown("dynamic", "false"),
    shown("invalid", "false"),
    DISABLED,
    COMMENT,
];

const DHCP_NETWORK: &[Field] = &[
    Field::new("address", Kind::Address),
    text("gateway").default(""),
    text("dns-server").default(""),
    Field::new("dns-none", Kind::Bool).default("false"),
    text("netmask"),
    text("domain").default(""),
    text("ntp-server").default(""),
    text("dhcp-option").default(""),
    shown("dynamic", "false"),
    COMMENT,
];

const DHCP_CLIENT: &[Field] = &[
    Field::new("interface", Kind::Ref("/interface", &[])),
    text("add-default-route").default("yes"),
    Field::new("use-peer-dns", Kind::Bool).default("true"),
    Field::new("use-peer-ntp", Kind::Bool).default("true"),
    shown("status", "bound"),
    shown("address", ""),
    shown("gateway", ""),
    shown("dynamic", "false"),
    shown("invalid", "false"),
    DISABLED,
    COMMENT,
];

const ROUTE: &[Field] = &[
    Field::new("dst-address", Kind::Address).default("0.0.0.0/0"),
    text("gateway"),
    Field::new("distance", Kind::Number(1, 255, &[])).default("1"),
    text("routing-table").default("main"),
    shown("active", "true"),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const DNS_STATIC: &[Field] = &[
    text("name"),
    text("regexp"),
    Field::new("address", Kind::Ip),
    text("cname"),
    text("type"),
    Field::new("ttl", Kind::Duration(&[])).default("1d"),
    Field::new("match-subdomain", Kind::Bool).since(RosVersion::V7_9),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const MEMBERS: Unique = Unique::Pair("list", "interface", "failure: already have interface in list");

pub(super) const MENUS: &[Menu] = &[
    Menu::new("/interface/ethernet", Shape::Listing, ETHERNET).verbs(&["set", "enable", "disable", "comment"]),
    Menu::named("/interface/bridge", BRIDGE).mandatory(&[]),
    Menu::new("/interface/bridge/port", Shape::List, BRIDGE_PORT).mandatory(&["interface", "bridge"]),
    Menu::named("/interface/list", LIST),
    Menu::new("/interface/list/member", Shape::List, MEMBER).mandatory(&["list", "interface"]).unique(MEMBERS),
    Menu::named("/interface/wireguard", WIREGUARD).mandatory(&[]).since(RosVersion::V7_9),
    Menu::new("/interface/wireguard/peers", Shape::List, PEER)
        .mandatory(&["interface", "public-key"])
        .since(RosVersion::V7_9),
    Menu::named("/ip/dhcp-server", DHCP_SERVER).mandatory(&["interface"]),
    Menu::new("/ip/dhcp-server/network", Shape::List, DHCP_NETWORK).mandatory(&["address"]),
    Menu::new("/ip/dhcp-client", Shape::List, DHCP_CLIENT).mandatory(&["interface"]),
    Menu::new("/ip/route", Shape::List, ROUTE).mandatory(&["gateway"]),
    Menu::new("/ip/dns/static", Shape::Ordered, DNS_STATIC),
];
