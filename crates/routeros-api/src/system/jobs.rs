//! Rows of scripts, schedules, firewall rules and queues.

use std::time::Duration;

use super::read::{duration, text, words};
use crate::sentence::Attributes;

/// `/system/script`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Its text.
    pub source: String,
    /// What it may do.
    pub policy: Vec<String>,
    /// The router says it cannot be read.
    pub is_invalid: bool,
}

impl Script {
    /// What [`Script::from_row`] reads.
    pub const FIELDS: [&'static str; 4] = ["name", "source", "policy", "invalid"];

    /// Reads a row.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        Self { source: text(row, "source"), policy: words(row, "policy"), is_invalid: row.is_true("invalid") }
    }
}

/// `/system/scheduler`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    /// What it runs: a script's name or commands.
    pub on_event: String,
    /// How often; zero is once.
    pub interval: Option<Duration>,
    /// How often it has run since the router started.
    pub run_count: Option<u64>,
    /// When it runs next, as the router writes it; empty is never.
    pub next_run: String,
    /// What it may do.
    pub policy: Vec<String>,
    /// Switched off.
    pub is_disabled: bool,
}

impl Schedule {
    /// What [`Schedule::from_row`] reads.
    pub const FIELDS: [&'static str; 7] =
        ["name", "on-event", "interval", "run-count", "next-run", "policy", "disabled"];

    /// Reads a row.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        Self {
            on_event: text(row, "on-event"),
            interval: duration(row, "interval"),
            run_count: row.get("run-count").and_then(|text| text.parse().ok()),
            next_run: text(row, "next-run"),
            policy: words(row, "policy"),
            is_disabled: row.is_true("disabled"),
        }
    }
}

/// `/ip/firewall/filter`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterRule {
    /// Such as `accept` or `fasttrack-connection`.
    pub action: String,
    /// Such as `established` and `related`.
    pub connection_state: Vec<String>,
    /// Where packets come in.
    pub in_interface: String,
    /// Where packets go out.
    pub out_interface: String,
    /// The comment.
    pub comment: String,
    /// Whether it holds only for some addresses, ports, marks or lists.
    pub is_narrow: bool,
    /// Switched off.
    pub is_disabled: bool,
}

impl FilterRule {
    /// What [`FilterRule::from_row`] reads.
    pub const FIELDS: [&'static str; 15] = [
        "action",
        "connection-state",
        "in-interface",
        "out-interface",
        "in-interface-list",
        "out-interface-list",
        "src-address",
        "dst-address",
        "src-address-list",
        "dst-address-list",
        "protocol",
        "hotspot",
        "connection-mark",
        "comment",
        "disabled",
    ];

    /// Reads a row.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Self {
        let list = |name: &str| row.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let is_narrow =
            ["src-address", "dst-address", "src-address-list", "dst-address-list", "protocol", "connection-mark"]
                .into_iter()
                .any(|name| list(name).is_some());
        Self {
            action: text(row, "action"),
            connection_state: words(row, "connection-state"),
            in_interface: list("in-interface").or_else(|| list("in-interface-list")).unwrap_or_default(),
            out_interface: list("out-interface").or_else(|| list("out-interface-list")).unwrap_or_default(),
            comment: text(row, "comment"),
            is_narrow,
            is_disabled: row.is_true("disabled"),
        }
    }
}

/// `/queue/simple`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queue {
    /// The name, such as `hs-hotspot1` or `<hotspot-A4:CF:12:00:00:01>`.
    pub name: String,
    /// Addresses or interfaces it is for.
    pub target: String,
    /// The queue above it; empty is none.
    pub parent: String,
    /// Made by the router itself.
    pub is_dynamic: bool,
    /// Switched off.
    pub is_disabled: bool,
}

impl Queue {
    /// What [`Queue::from_row`] reads.
    pub const FIELDS: [&'static str; 5] = ["name", "target", "parent", "dynamic", "disabled"];

    /// `None` without a name.
    #[must_use]
    pub fn from_row(row: &Attributes) -> Option<Self> {
        let parent = text(row, "parent");
        Some(Self {
            name: row.get("name")?.to_owned(),
            target: text(row, "target"),
            parent: if parent == "none" { String::new() } else { parent },
            is_dynamic: row.is_true("dynamic"),
            is_disabled: row.is_true("disabled"),
        })
    }
}
