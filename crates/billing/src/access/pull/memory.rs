//! What one report of a router leaves for the next, as JSON in its row.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::MacAddr;
use serde_json::{Value, json};

/// A login that began nearer to another than this is the same: the router is not read in one instant. Seconds.
const SAME_SECS: u64 = 15;

/// What one report leaves for the next. What cannot be read is forgotten: orphans get their grace anew, and who was
/// told to be logged out is told once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    /// Rows of ours that nobody knows, and since when.
    pub orphans: BTreeMap<MacAddr, DateTime<Utc>>,
    /// What was there of a device when the router was told to log it out.
    pub kicks: BTreeMap<MacAddr, Trace>,
    /// Devices that the router was told to take off.
    pub removed: BTreeSet<MacAddr>,
    /// The last change of the blocks that the router was brought to, in microseconds; 0 for none.
    pub blocks_at: i64,
    /// Whether somebody of this router is on the list of those who are on unpaid.
    pub is_noted: bool,
}

/// What a report showed of a device, to tell whether the next shows the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// Addresses of its logins, and when each began, in seconds of the router's own count.
    pub logins: Vec<(String, i64)>,
    /// Its entries in the host table, by id.
    pub hosts: Vec<String>,
}

impl Trace {
    /// Whether something of this is still there in `now`; without a login its entry counts.
    pub(super) fn lasts_in(&self, now: &Self) -> bool {
        if self.logins.is_empty() {
            return now.logins.is_empty() && self.hosts.iter().any(|id| now.hosts.contains(id));
        }
        let is_same = |(address, at): &(String, i64), (other, then): &(String, i64)| {
            address == other && at.abs_diff(*then) <= SAME_SECS
        };
        now.logins.iter().any(|login| self.logins.iter().any(|before| is_same(login, before)))
    }
}

impl Memory {
    pub(super) fn read(text: &str) -> Self {
        let read: Value = serde_json::from_str(text).unwrap_or_default();
        let entries = |name: &str| read.get(name).and_then(Value::as_object).into_iter().flatten();
        let orphan =
            |(mac, at): (&String, &Value)| Some((mac.parse().ok()?, DateTime::from_timestamp(at.as_i64()?, 0)?));
        let kick = |(mac, seen): (&String, &Value)| {
            let logins = seen.get("logins")?.as_array()?.iter();
            let hosts = seen.get("hosts")?.as_array()?.iter();
            let login = |login: &Value| Some((login.get(0)?.as_str()?.to_owned(), login.get(1)?.as_i64()?));
            let trace = Trace {
                logins: logins.filter_map(login).collect(),
                hosts: hosts.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
            };
            Some((mac.parse().ok()?, trace))
        };
        let removed = read.get("removed").and_then(Value::as_array).into_iter().flatten();
        Self {
            orphans: entries("orphans").filter_map(orphan).collect(),
            kicks: entries("kicks").filter_map(kick).collect(),
            removed: removed.filter_map(|mac| mac.as_str()?.parse().ok()).collect(),
            blocks_at: read.get("blocks_at").and_then(Value::as_i64).unwrap_or(0),
            is_noted: read.get("is_noted").and_then(Value::as_bool).unwrap_or(true),
        }
    }

    pub(super) fn write(&self) -> String {
        let orphans: BTreeMap<String, i64> =
            self.orphans.iter().map(|(mac, at)| (mac.to_string(), at.timestamp())).collect();
        let kicks: BTreeMap<String, Value> = self
            .kicks
            .iter()
            .map(|(mac, seen)| (mac.to_string(), json!({ "logins": seen.logins, "hosts": seen.hosts })))
            .collect();
        let removed: Vec<String> = self.removed.iter().map(MacAddr::to_string).collect();
        json!({
            "orphans": orphans,
            "kicks": kicks,
            "removed": removed,
            "blocks_at": self.blocks_at,
            "is_noted": self.is_noted,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(logins: &[(&str, i64)], hosts: &[&str]) -> Trace {
        Trace {
            logins: logins.iter().map(|(address, at)| ((*address).to_owned(), *at)).collect(),
            hosts: hosts.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    #[test]
    fn memory_is_kept_and_nonsense_is_forgotten() {
        let mac: MacAddr = "A4:CF:12:00:00:01".parse().unwrap();
        let memory = Memory {
            orphans: BTreeMap::from([(mac, DateTime::from_timestamp(1_795_324_800, 0).unwrap())]),
            kicks: BTreeMap::from([(mac, trace(&[("10.5.50.2", -7)], &["*1"]))]),
            removed: BTreeSet::from([mac]),
            blocks_at: 5,
            is_noted: false,
        };
        assert_eq!(Memory::read(&memory.write()), memory);
        let nothing = Memory::read("");
        assert!(nothing.is_noted && nothing.orphans.is_empty() && nothing.kicks.is_empty());
        for nonsense in ["{}", "[]", r#"{"orphans":[1],"kicks":{"x":1},"removed":{},"blocks_at":"x"}"#] {
            assert_eq!(Memory::read(nonsense), nothing, "{nonsense}");
        }
    }

    #[test]
    fn a_login_that_was_made_anew_is_another() {
        let before = trace(&[("10.5.50.2", 1000)], &["*1"]);
        for (now, lasts) in [
            (trace(&[("10.5.50.2", 1000)], &["*1"]), true),
            (trace(&[("10.5.50.2", 1009)], &["*1"]), true),
            (trace(&[("10.5.50.2", 1060)], &["*1"]), false),
            (trace(&[("10.5.50.3", 1000)], &["*1"]), false),
            (trace(&[], &["*1"]), false),
        ] {
            assert_eq!(before.lasts_in(&now), lasts, "{now:?}");
        }
        let stuck = trace(&[], &["*1"]);
        assert!(stuck.lasts_in(&trace(&[], &["*2", "*1"])));
        assert!(!stuck.lasts_in(&trace(&[], &["*2"])));
        assert!(!stuck.lasts_in(&trace(&[("10.5.50.2", 5)], &["*1"])), "it is on");
    }
}
