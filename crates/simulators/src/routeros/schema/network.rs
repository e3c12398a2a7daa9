//! Menus around the hotspot: interfaces, addresses, pools, firewall, queues.

use super::{COMMENT, DISABLED, Field, Kind, Menu, Shape, Unique, shown, text};

const INTERFACE: &[Field] = &[
    text("name"),
    shown("type", "ether"),
    Field::new("mtu", Kind::Number(68, 65_535, &["auto"])).default("1500"),
    Field::new("mac-address", Kind::Mac),
    shown("running", "true"),
    DISABLED,
    COMMENT,
];

const ADDRESS: &[Field] = &[
    Field::new("address", Kind::Address),
    Field::new("network", Kind::Ip),
    Field::new("interface", Kind::Ref("/interface", &[])),
    shown("invalid", "false"),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const POOL: &[Field] =
    &[text("name"), text("ranges"), Field::new("next-pool", Kind::Ref("/ip/pool", &["none"])), COMMENT];

const SERVICE: &[Field] = &[
    shown("name", ""),
    Field::new("port", Kind::Number(1, 65_535, &[])),
    text("address").default(""),
    Field::new("certificate", Kind::Ref("/certificate", &["none"])),
    text("tls-version"),
    text("vrf"),
    text("available-from"),
    Field::new("max-sessions", Kind::Number(1, 1000, &[])).default("20"),
    shown("invalid", "false"),
    DISABLED,
];

const DNS: &[Field] = &[
    text("servers").default(""),
    shown("dynamic-servers", ""),
    text("use-doh-server").default(""),
    Field::new("verify-doh-cert", Kind::Bool).default("false"),
    Field::new("cache-max-ttl", Kind::Duration(&[])).default("1w"),
    Field::new("allow-remote-requests", Kind::Bool).default("true"),
    Field::new("cache-size", Kind::Number(64, 1_000_000, &[])).default("2048"),
];

const ADDRESS_LIST: &[Field] = &[
    text("list"),
    Field::new("address", Kind::AddressOrName),
    Field::new("timeout", Kind::Duration(&["none-static", "none-dynamic"])),
    shown("creation-time", ""),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const FILTER: &[Field] = &[
    Field::new("chain", Kind::Text),
    Field::new("action", Kind::Word(ACTIONS)).default("accept"),
    text("protocol"),
    Field::new("src-address", Kind::Address),
    Field::new("dst-address", Kind::Address),
    text("src-address-list"),
    text("dst-address-list"),
    text("src-port"),
    text("dst-port"),
    text("in-interface"),
    text("out-interface"),
    text("in-interface-list"),
    text("out-interface-list"),
    text("connection-state"),
    text("connection-nat-state"),
    text("connection-type"),
    text("connection-mark"),
    text("ipsec-policy"),
    text("src-mac-address"),
    text("src-address-type"),
    text("dst-address-type"),
    text("icmp-options"),
    text("tcp-flags"),
    text("limit"),
    text("dst-limit"),
    text("reject-with"),
    text("log-prefix"),
    text("address-list"),
    text("address-list-timeout"),
    text("new-packet-mark"),
    text("new-connection-mark"),
    text("passthrough"),
    text("hotspot"),
    text("to-addresses"),
    text("to-ports"),
    text("jump-target"),
    text("log"),
    text("hw-offload"),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const ACTIONS: &[&str] = &[
    "accept",
    "add-dst-to-address-list",
    "add-src-to-address-list",
    "drop",
    "dst-nat",
    "endpoint-independent-nat",
    "fasttrack-connection",
    "jump",
    "log",
    "mark-connection",
    "mark-packet",
    "masquerade",
    "netmap",
    "passthrough",
    "redirect",
    "reject",
    "return",
    "same",
    "src-nat",
    "tarpit",
];

const QUEUE: &[Field] = &[
    text("name"),
    text("target").default(""),
    text("dst"),
    text("parent").default("none"),
    text("packet-marks").default(""),
    text("priority").default("8/8"),
    text("queue").default("default-small/default-small"),
    Field::new("limit-at", Kind::RateLimit).default("0/0"),
    Field::new("max-limit", Kind::RateLimit).default("0/0"),
    Field::new("burst-limit", Kind::RateLimit).default("0/0"),
    Field::new("burst-threshold", Kind::RateLimit).default("0/0"),
    text("burst-time").default("0s/0s"),
    text("bucket-size").default("0.1/0.1"),
    text("total-max-limit"),
    text("total-limit-at"),
    text("time"),
    shown("bytes", "0/0"),
    shown("packets", "0/0"),
    shown("rate", "0/0"),
    shown("queued-bytes", "0/0"),
    shown("invalid", "false"),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const LEASE: &[Field] = &[
    Field::new("address", Kind::Ip),
    Field::new("mac-address", Kind::Mac),
    text("client-id"),
    text("server"),
    shown("status", "bound"),
    shown("dynamic", "false"),
    DISABLED,
    COMMENT,
];

const OPTION: &[Field] = &[
    text("name"),
    Field::new("code", Kind::Number(1, 254, &[])),
    text("value"),
    Field::new("force", Kind::Bool).default("false"),
    COMMENT,
];

const LIST: Unique = Unique::Pair("list", "address", "failure: already have such entry");

pub(super) const MENUS: &[Menu] = &[
    Menu::new("/interface", Shape::Listing, INTERFACE).verbs(&["set", "enable", "disable", "comment"]),
    Menu::new("/ip/address", Shape::List, ADDRESS).mandatory(&["address", "interface"]),
    Menu::named("/ip/pool", POOL).mandatory(&["name", "ranges"]),
    Menu::new("/ip/service", Shape::Listing, SERVICE).verbs(&["set", "enable", "disable"]),
    Menu::new("/ip/dns", Shape::Single, DNS),
    Menu::new("/ip/firewall/address-list", Shape::List, ADDRESS_LIST).mandatory(&["list", "address"]).unique(LIST),
    Menu::new("/ip/firewall/filter", Shape::Ordered, FILTER).mandatory(&["chain"]),
    Menu::new("/ip/firewall/nat", Shape::Ordered, FILTER).mandatory(&["chain"]),
    Menu::new("/ip/firewall/mangle", Shape::Ordered, FILTER).mandatory(&["chain"]),
    Menu::new("/ip/firewall/raw", Shape::Ordered, FILTER).mandatory(&["chain"]),
    Menu::named("/queue/simple", QUEUE).mandatory(&["target"]).verbs(&["move", "reset-counters", "reset-counters-all"]),
    Menu::new("/ip/dhcp-server/lease", Shape::List, LEASE).mandatory(&["address"]),
    Menu::named("/ip/dhcp-server/option", OPTION).mandatory(&["name", "code"]),
];
