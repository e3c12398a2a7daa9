//! The comparison itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Command, Current, HostRow, Intended, LoginRow, MARK, Profile, ProfileRow, Tag, UserRow, UserSpec};
use crate::{MacAddr, session::limit_uptime_secs};

/// The router counts whole seconds and so do we; a limit this much too short is a rounding.
const ROUNDING_SECS: u64 = 5;
/// A limit is lowered only when it exceeds what is left by this much or by an eighth, so that the flash of
/// the router is not written every minute for devices that are away.
const SLACK_SECS: u64 = 15 * 60;
/// The same for data.
const SLACK_BYTES: u64 = 8_000_000;
/// A row of ours that nobody knows is removed only after it was seen for this long, so that a purchase
/// under way, or a database that was restored, costs no customer his access.
const ORPHAN_GRACE: TimeDelta = TimeDelta::minutes(15);

/// What to do on one router.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In order.
    pub commands: Vec<Command>,
    /// Devices whose name is taken by a user that somebody else made. The owner has to remove it.
    pub conflicts: Vec<MacAddr>,
    /// Rows of ours that nobody knows, and since when they were seen: for the next plan.
    pub orphans: BTreeMap<MacAddr, DateTime<Utc>>,
}

/// Compares what one router should have with what it has.
///
/// `off` are devices we know and that should not be on; `orphans` is what the previous plan gave.
#[must_use]
pub fn plan(
    now: DateTime<Utc>,
    intended: &[Intended],
    off: &[MacAddr],
    current: &Current,
    orphans: &BTreeMap<MacAddr, DateTime<Utc>>,
) -> Plan {
    let mut plan = Plan::default();
    let rows = Rows::new(current);
    // First those whose time is over: they free licences and addresses for the others.
    for mac in off {
        plan.take_off(*mac, &rows);
    }
    plan.ensure_profiles(intended, &current.profiles);
    for device in intended {
        plan.bring_on(device, current, &rows);
    }
    let known: BTreeSet<MacAddr> = intended.iter().map(|device| device.mac).chain(off.iter().copied()).collect();
    plan.clear_orphans(now, &known, &rows, orphans);
    plan
}

/// The rows of a router by device.
struct Rows<'a> {
    users: BTreeMap<MacAddr, Vec<&'a UserRow>>,
    logins: BTreeMap<MacAddr, Vec<&'a LoginRow>>,
    hosts: BTreeMap<MacAddr, Vec<&'a HostRow>>,
}

impl<'a> Rows<'a> {
    fn new(current: &'a Current) -> Self {
        let mut rows = Self { users: BTreeMap::new(), logins: BTreeMap::new(), hosts: BTreeMap::new() };
        for user in &current.users {
            if let Ok(mac) = user.name.parse() {
                rows.users.entry(mac).or_default().push(user);
            }
        }
        for login in &current.logins {
            if let Ok(mac) = login.user.parse() {
                rows.logins.entry(mac).or_default().push(login);
            }
        }
        for host in &current.hosts {
            rows.hosts.entry(host.mac).or_default().push(host);
        }
        rows
    }

    fn users(&self, mac: MacAddr) -> &[&'a UserRow] {
        self.users.get(&mac).map_or(&[], Vec::as_slice)
    }

    fn logins(&self, mac: MacAddr) -> &[&'a LoginRow] {
        self.logins.get(&mac).map_or(&[], Vec::as_slice)
    }

    fn has_foreign_user(&self, mac: MacAddr) -> bool {
        self.users(mac).iter().any(|user| !user.comment.starts_with(MARK))
    }

    fn hosts(&self, mac: MacAddr) -> &[&'a HostRow] {
        self.hosts.get(&mac).map_or(&[], Vec::as_slice)
    }

    /// The entry to log in at: the one that is not logged in is the newest.
    fn host(&self, mac: MacAddr) -> Option<&'a HostRow> {
        let hosts = self.hosts(mac);
        let waiting = hosts.iter().find(|host| !host.is_authorized);
        waiting.or_else(|| hosts.first()).copied()
    }

    fn is_bypassed(&self, mac: MacAddr) -> bool {
        self.hosts(mac).iter().any(|host| host.is_bypassed)
    }
}

impl Plan {
    fn take_off(&mut self, mac: MacAddr, rows: &Rows<'_>) {
        if rows.has_foreign_user(mac) {
            return;
        }
        // A login may outlive its user: then there is still something to end.
        if !rows.users(mac).is_empty() || !rows.logins(mac).is_empty() {
            self.commands.push(Command::RemoveUser { mac });
        }
    }

    fn ensure_profiles(&mut self, intended: &[Intended], existing: &[ProfileRow]) {
        let mut seen = BTreeSet::new();
        for device in intended {
            let name = device.profile.name();
            let is_right = existing.iter().any(|row| row.name == name && gives(row, &device.profile));
            if seen.insert(name) && !is_right {
                self.commands.push(Command::EnsureProfile(device.profile));
            }
        }
    }

    fn bring_on(&mut self, device: &Intended, current: &Current, rows: &Rows<'_>) {
        let mac = device.mac;
        if rows.has_foreign_user(mac) {
            self.conflicts.push(mac);
            return;
        }
        let tag = Tag::new(device.session_id, device.ends_at);
        let is_of_session =
            |user: &UserRow| user.comment.parse::<Tag>().is_ok_and(|row| row.session_id == tag.session_id);
        let is_login_kept = match rows.users(mac) {
            [row] if is_of_session(row) => self.correct(device, row, current, rows, tag),
            [] => {
                // A login whose user is gone still runs under the limits of before. It ends first, so that
                // its use is not counted to the new row.
                for login in rows.logins(mac) {
                    self.commands.push(Command::Kick { mac, login_id: login.id.clone() });
                }
                self.commands.push(Command::AddUser(spec(device, tag, (0, 0))));
                false
            }
            _ => {
                self.commands.push(Command::RemoveUser { mac });
                self.commands.push(Command::AddUser(spec(device, tag, (0, 0))));
                false
            }
        };
        self.log_in(device, rows, is_login_kept);
    }

    /// Corrects a row of the right session; says whether its login may go on.
    fn correct(&mut self, device: &Intended, row: &UserRow, current: &Current, rows: &Rows<'_>, tag: Tag) -> bool {
        let mac = device.mac;
        let used = current.used(row);
        let wanted = spec(device, tag, used);
        let is_time_right =
            is_limit_right(row.limit_uptime_secs, used.0, device.remaining_secs, ROUNDING_SECS, SLACK_SECS);
        let is_data_right = match device.data_remaining {
            None => row.limit_bytes.is_none(),
            Some(left) => is_limit_right(row.limit_bytes, used.1, left.bytes(), 0, SLACK_BYTES),
        };
        let needs_login = !is_time_right || !is_data_right || row.profile != wanted.profile || row.is_disabled;
        if !needs_login && row.mac == Some(mac) && row.comment == wanted.comment {
            return !rows.logins(mac).is_empty();
        }
        self.commands.push(Command::UpdateUser { id: row.id.clone(), spec: wanted });
        if needs_login {
            for login in rows.logins(mac) {
                self.commands.push(Command::Kick { mac, login_id: login.id.clone() });
            }
        }
        !needs_login && !rows.logins(mac).is_empty()
    }

    fn log_in(&mut self, device: &Intended, rows: &Rows<'_>, is_login_kept: bool) {
        let mac = device.mac;
        if is_login_kept || rows.is_bypassed(mac) {
            return;
        }
        if device.was_refused {
            for host in rows.hosts(mac) {
                self.commands.push(Command::ClearStuckHost { mac, host_id: host.id.clone() });
            }
        } else if let Some(host) = rows.host(mac) {
            self.commands.push(Command::Login { mac, ip: host.address.clone() });
        }
        // Not in the host table: the router logs it in by itself when it comes.
    }

    fn clear_orphans(
        &mut self,
        now: DateTime<Utc>,
        known: &BTreeSet<MacAddr>,
        rows: &Rows<'_>,
        orphans: &BTreeMap<MacAddr, DateTime<Utc>>,
    ) {
        for (mac, users) in rows.users.iter().filter(|(mac, _)| !known.contains(mac)) {
            if rows.has_foreign_user(*mac) {
                continue;
            }
            let since = orphans.get(mac).copied().unwrap_or(now);
            let is_over = users.iter().all(|user| user.comment.parse::<Tag>().is_ok_and(|tag| tag.is_over(now)));
            if is_over || now.signed_duration_since(since) >= ORPHAN_GRACE {
                self.commands.push(Command::RemoveUser { mac: *mac });
            } else {
                self.orphans.insert(*mac, since);
            }
        }
    }
}

fn gives(row: &ProfileRow, profile: &Profile) -> bool {
    row.down == profile.down && row.up == profile.up && row.is_otherwise_right
}

/// Whether a lifetime limit leaves what is left: never less, and more only within the slack.
fn is_limit_right(limit: Option<u64>, used: u64, left: u64, rounding: u64, slack: u64) -> bool {
    let Some(limit) = limit else { return false };
    let wanted = used.saturating_add(left);
    limit.saturating_add(rounding) >= wanted && limit <= wanted.saturating_add(slack.max(left / 8))
}

fn spec(device: &Intended, tag: Tag, (used_secs, used_bytes): (u64, u64)) -> UserSpec {
    UserSpec {
        mac: device.mac,
        profile: device.profile.name(),
        limit_uptime_secs: limit_uptime_secs(used_secs, device.remaining_secs).max(1),
        limit_bytes: device.data_remaining.map(|left| used_bytes.saturating_add(left.bytes()).max(1)),
        comment: tag.to_string(),
    }
}
