//! The menus a router has and the arguments each accepts. Names come from command schemas dumped from real routers.

mod access;
mod hotspot;
mod links;
mod network;
mod system;

use super::options::RosVersion;

/// What an argument accepts, and how it is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Any bytes.
    Text,
    /// Any bytes; printed only to accounts with the `sensitive` policy.
    Secret,
    /// `yes`/`no`/`true`/`false`, printed `true`/`false`.
    Bool,
    /// A duration or one of these words.
    Duration(&'static [&'static str]),
    /// A whole number in a range, or one of these words.
    Number(u64, u64, &'static [&'static str]),
    /// A count of bytes.
    Bytes,
    /// A hardware address.
    Mac,
    /// One IPv4 address.
    Ip,
    /// An address, a prefix or a range.
    Address,
    /// An address, a prefix or a range, or a host name (address lists take both).
    AddressOrName,
    /// One word of a list.
    Word(&'static [&'static str]),
    /// Several words of a list, joined by commas.
    Words(&'static [&'static str]),
    /// The name of a row of another menu, or one of these words.
    Ref(&'static str, &'static [&'static str]),
    /// `rx/tx …`
    RateLimit,
    /// Policies joined by commas; `!name` takes one away.
    Policies,
    /// 32 bytes in base64.
    Key,
}

/// One argument or read-only value of a menu.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Value of a row that was not given one; absent from prints when there is none.
    pub(crate) default: Option<&'static str>,
    /// Whether clients may set it.
    pub(crate) writable: bool,
    pub(crate) since: RosVersion,
    pub(crate) until: RosVersion,
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, default: None, writable: true, since: RosVersion::V6_42, until: RosVersion::V7_22 }
    }

    pub(crate) const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    pub(crate) const fn since(self, since: RosVersion) -> Self {
        Self { since, ..self }
    }

    pub(crate) const fn until(self, until: RosVersion) -> Self {
        Self { until, ..self }
    }

    /// Whether this release knows the argument.
    pub(crate) fn known_to(&self, ros: RosVersion) -> bool {
        self.since <= ros && ros <= self.until
    }
}

/// A value the router keeps and nobody sets.
pub(crate) const fn shown(name: &'static str, default: &'static str) -> Field {
    Field { writable: false, ..Field::new(name, Kind::Text).default(default) }
}

/// `disabled`, where the menu has it.
pub(crate) const DISABLED: Field = Field::new("disabled", Kind::Bool).default("false");
/// `comment`.
pub(crate) const COMMENT: Field = Field::new("comment", Kind::Text);
/// A plain text argument.
pub(crate) const fn text(name: &'static str) -> Field {
    Field::new(name, Kind::Text)
}

/// What must not occur twice in a menu.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unique {
    /// Nothing.
    No,
    /// The name.
    Name,
    /// These two fields together, with the trap the router answers.
    Pair(&'static str, &'static str, &'static str),
}

/// How a menu keeps its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A list; clients add and remove.
    List,
    /// A list whose order matters; `move` and `place-before` work.
    Ordered,
    /// One record without an id.
    Single,
    /// Rows the router makes; what clients may do to them is in the menu's verbs.
    Listing,
    /// One computed record, read-only.
    Facts,
}

/// One menu.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Menu {
    pub(crate) path: &'static str,
    pub(crate) shape: Shape,
    pub(crate) fields: &'static [Field],
    pub(crate) mandatory: &'static [&'static str],
    pub(crate) unique: Unique,
    /// Verbs beyond those of the shape.
    pub(crate) verbs: &'static [&'static str],
    pub(crate) since: RosVersion,
}

impl Menu {
    pub(crate) const fn new(path: &'static str, shape: Shape, fields: &'static [Field]) -> Self {
        Self { path, shape, fields, mandatory: &[], unique: Unique::No, verbs: &[], since: RosVersion::V6_42 }
    }

    /// A list with unique, mandatory names.
    pub(crate) const fn named(path: &'static str, fields: &'static [Field]) -> Self {
        Self { mandatory: &["name"], unique: Unique::Name, ..Self::new(path, Shape::List, fields) }
    }

    pub(crate) const fn mandatory(self, mandatory: &'static [&'static str]) -> Self {
        Self { mandatory, ..self }
    }

    pub(crate) const fn unique(self, unique: Unique) -> Self {
        Self { unique, ..self }
    }

    pub(crate) const fn verbs(self, verbs: &'static [&'static str]) -> Self {
        Self { verbs, ..self }
    }

    pub(crate) const fn since(self, since: RosVersion) -> Self {
        Self { since, ..self }
    }

    /// The field of that name, if this release knows it.
    pub(crate) fn field(&self, name: &str, ros: RosVersion) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name && field.known_to(ros))
    }

    /// Whether the verb exists here.
    pub(crate) fn has_verb(&self, verb: &str) -> bool {
        let of_shape: &[&str] = match self.shape {
            Shape::List => &[
                "print", "getall", "get", "find", "listen", "add", "set", "remove", "unset", "comment", "enable",
                "disable",
            ],
            Shape::Ordered => &[
                "print", "getall", "get", "find", "listen", "add", "set", "remove", "unset", "comment", "enable",
                "disable", "move",
            ],
            Shape::Single => &["print", "getall", "get", "set", "listen"],
            Shape::Listing => &["print", "getall", "get", "find", "listen"],
            Shape::Facts => &["print", "getall", "get"],
        };
        let switchable = !matches!(verb, "enable" | "disable") || self.fields.iter().any(|f| f.name == "disabled");
        let commentable = verb != "comment" || self.fields.iter().any(|f| f.name == "comment");
        (of_shape.contains(&verb) && switchable && commentable) || self.verbs.contains(&verb)
    }
}

/// Every menu.
pub(crate) fn menus() -> impl Iterator<Item = &'static Menu> {
    hotspot::MENUS.iter().chain(links::MENUS).chain(network::MENUS).chain(system::MENUS).chain(access::MENUS)
}

/// The menu at `path`, if this release has it.
pub(crate) fn menu(path: &str, ros: RosVersion) -> Option<&'static Menu> {
    menus().find(|menu| menu.path == path && menu.since <= ros)
}
