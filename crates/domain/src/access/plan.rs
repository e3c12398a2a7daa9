//! The comparison itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Command, Current, HostRow, Intended, LoginRow, MARK, Profile, ProfileRow, Tag, Used, UserRow, UserSpec};
use crate::{MacAddr, session::limit_uptime_secs};

/// The router counts whole seconds and so do we; a limit this much too short is a rounding.
const ROUNDING_SECS: u64 = 2;
/// A limit is lowered only when it exceeds what is left by this much or by an eighth, so that the flash of
/// the router is not written every minute for devices that are away.
const SLACK_SECS: u64 = 15 * 60;
/// The same for data.
const SLACK_BYTES: u64 = 8_000_000;
/// Logins a device may have at once: the one of its old address is still alive when it comes with a new one.
/// The profiles we make allow as many.
const LOGINS: usize = 2;
/// A login that the router will end too early although its row is right was made before the row was corrected. It is
/// made anew; but a younger one than this is not, or a router that reports its time in some other way would have its
/// customers logged out for ever.
const FRESH_SECS: u64 = 300;
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
        plan.bring_on(device, &rows);
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
            if seen.contains(&name) {
                continue;
            }
            if !existing.iter().any(|row| row.name == name && gives(row, &device.profile)) {
                self.commands.push(Command::EnsureProfile(device.profile));
            }
            seen.insert(name);
        }
    }

    fn bring_on(&mut self, device: &Intended, rows: &Rows<'_>) {
        let mac = device.mac;
        if rows.has_foreign_user(mac) {
            self.conflicts.push(mac);
            return;
        }
        let tag = Tag::new(device.session_id, device.ends_at);
        let is_of_session =
            |user: &UserRow| user.comment.parse::<Tag>().is_ok_and(|row| row.session_id == tag.session_id);
        let ended = match rows.users(mac) {
            [row] if is_of_session(row) && row.profile == device.profile.name() => self.correct(device, row, rows, tag),
            [] => {
                // A login whose user is gone still runs under the limits of before. It ends first, so that
                // its use is not counted to the new row.
                let ended = rows.logins(mac).to_vec();
                self.kick(mac, &ended);
                self.commands.push(Command::AddUser(spec(device, tag, Used::default())));
                ended
            }
            // Another session, or another speed: counters and logins start again.
            _ => {
                self.commands.push(Command::RemoveUser { mac });
                self.commands.push(Command::AddUser(spec(device, tag, Used::default())));
                rows.logins(mac).to_vec()
            }
        };
        let mut ended = ended;
        if device.is_kicked {
            let is_left = |login: &&&LoginRow| ended.iter().all(|one| one.id != login.id);
            let left: Vec<&LoginRow> = rows.logins(mac).iter().filter(is_left).copied().collect();
            self.kick(mac, &left);
            ended.extend(left);
        }
        self.log_in(device, rows, &ended);
    }

    fn kick(&mut self, mac: MacAddr, logins: &[&LoginRow]) {
        self.commands.extend(logins.iter().map(|login| Command::Kick { mac, login_id: login.id.clone() }));
    }

    /// Corrects a row of the right session; the logins that are ended for it, because a login keeps the limits it
    /// was made with.
    fn correct<'a>(&mut self, device: &Intended, row: &UserRow, rows: &Rows<'a>, tag: Tag) -> Vec<&'a LoginRow> {
        let mac = device.mac;
        let used = row.counters(rows.logins(mac).iter().copied()).total();
        let wanted = spec(device, tag, used);
        let is_time_right =
            is_limit_right(row.limit_uptime_secs, used.secs, device.remaining_secs, ROUNDING_SECS, SLACK_SECS);
        let is_data_right = match device.data_remaining {
            None => row.limit_bytes.is_none(),
            Some(left) => is_limit_right(row.limit_bytes, used.bytes, left.bytes(), 0, SLACK_BYTES),
        };
        let is_row_right =
            is_time_right && is_data_right && row.mac == Some(mac) && row.comment == wanted.comment && !row.is_disabled;
        if !is_row_right {
            self.commands.push(Command::UpdateUser { id: row.id.clone(), spec: wanted });
        }
        let is_ended =
            |login: &&&LoginRow| !is_data_right || is_login_wrong(login, device.remaining_secs, is_time_right);
        let ended: Vec<_> = rows.logins(mac).iter().filter(is_ended).copied().collect();
        self.kick(mac, &ended);
        ended
    }

    /// Logs a device in wherever it waits. `ended` are the logins that this plan has ended.
    fn log_in(&mut self, device: &Intended, rows: &Rows<'_>, ended: &[&LoginRow]) {
        let mac = device.mac;
        if rows.is_bypassed(mac) {
            return;
        }
        let is_ended = |address: &str| ended.iter().any(|login| login.address == address);
        let kept: Vec<&LoginRow> =
            rows.logins(mac).iter().copied().filter(|login| ended.iter().all(|one| one.id != login.id)).collect();
        let hosts = rows.hosts(mac);
        let waits = |host: &&&HostRow| {
            !kept.iter().any(|login| login.address == host.address) && (!host.is_authorized || is_ended(&host.address))
        };
        // The entry that is not logged in yet is the newest.
        let mut waiting: Vec<&HostRow> = hosts.iter().filter(waits).copied().collect();
        waiting.sort_by_key(|host| host.is_authorized);
        if waiting.is_empty() && kept.is_empty() {
            // Logged in as somebody else, such as a trial user, or by a login that has just ended by itself.
            waiting.extend(hosts.first());
        }
        waiting.truncate(LOGINS);
        if waiting.is_empty() {
            // On already; or not in the host table: the router logs it in by itself when it comes.
            return;
        }
        // Who is kicked without being logged in is stuck at the login page.
        let is_stuck = device.is_kicked && rows.logins(mac).is_empty();
        if device.was_refused || is_stuck {
            let clear = |host: &&HostRow| Command::ClearStuckHost { mac, host_id: host.id.clone() };
            self.commands.extend(waiting.iter().map(clear));
            return;
        }
        // A device at a new address is not locked out by logins at addresses that it has left: the oldest go.
        let mut oldest = kept;
        oldest.sort_by_key(|login| std::cmp::Reverse(login.uptime_secs));
        oldest.truncate((oldest.len() + waiting.len()).saturating_sub(LOGINS));
        self.kick(mac, &oldest);
        let login = |host: &&HostRow| Command::Login { mac, ip: host.address.clone() };
        self.commands.extend(waiting.iter().map(login));
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

/// Whether a login would end at another time than it should. Too early by the router's own account counts always, too
/// late only when the row was wrong as well: that a row is right and its login late is what an old address leaves.
fn is_login_wrong(login: &LoginRow, left: u64, is_row_right: bool) -> bool {
    let Some(time_left) = login.time_left_secs else { return !is_row_right };
    let is_early = time_left.saturating_add(ROUNDING_SECS) < left;
    let is_late = time_left > left.saturating_add(SLACK_SECS.max(left / 8));
    if is_row_right { is_early && login.uptime_secs >= FRESH_SECS } else { is_early || is_late }
}

/// Whether a lifetime limit leaves what is left: never less, and more only within the slack.
fn is_limit_right(limit: Option<u64>, used: u64, left: u64, rounding: u64, slack: u64) -> bool {
    let Some(limit) = limit else { return false };
    let wanted = used.saturating_add(left);
    limit.saturating_add(rounding) >= wanted && limit <= wanted.saturating_add(slack.max(left / 8))
}

fn spec(device: &Intended, tag: Tag, used: Used) -> UserSpec {
    UserSpec {
        mac: device.mac,
        profile: device.profile.name(),
        limit_uptime_secs: limit_uptime_secs(used.secs, device.remaining_secs).max(1),
        limit_bytes: device.data_remaining.map(|left| used.bytes.saturating_add(left.bytes()).max(1)),
        comment: tag.to_string(),
    }
}
