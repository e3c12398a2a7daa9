//! One report of a router that polls: compared with what it should have, written back, answered with commands.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    DataSize, MacAddr,
    access::{self, Command, Current, Intended, Plan, Tag, UserRow},
    session,
};
use routeros_api::RouterOsError;

use super::{
    answer,
    memory::Memory,
    report::{Failed, Report},
    watch::Watch,
};
use crate::{
    access::{
        Deps,
        delivery::Uses,
        reconciler::watch::taken_off,
        rows, spared, words,
        writeback::{self, Delivered},
    },
    db::{
        StoreError,
        routers::RouterRecord,
        session_devices::{self, Usage, WorkRecord},
    },
};

/// Paid time that does not run yet may end so much later by the router's clean-up script than by its limit: until
/// its start is confirmed nobody knows its end to the second, and nobody may be cut off early.
const UNCONFIRMED: TimeDelta = TimeDelta::seconds(120);

/// What a report led to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// For the answer.
    pub commands: Vec<String>,
    /// Whether the router should report again at once: something was told that it has not failed at just now.
    pub is_again: bool,
    /// For the next plan, as JSON.
    pub memory: String,
}

/// Works a report off. Every step may be repeated: what was written is found as written by the next report.
pub(super) async fn work_off(
    deps: &Deps,
    router: &RouterRecord,
    report: &Report,
    memory: &str,
    now: DateTime<Utc>,
) -> Result<Outcome, StoreError> {
    let mut before = Memory::read(memory);
    let current = rows::current_of_router(&report.state);
    spared::spare(&deps.pool, router.id, &mut before.orphans, &current, now).await?;
    let watch = Watch::prepare(deps, router, report, &before, now).await?;
    let round = Round { report, current: &current, uses: Uses::new(&current), before: &before, watch: &watch, now };
    let mut work = live_work(deps, router, now).await?;
    let mut plan = round.plan(&work);
    if write_back(deps, &round, &work, &plan).await? {
        deps.changed.notify_one();
        // Ends have become known, and some have passed: what the router is told takes them into account.
        work = live_work(deps, router, now).await?;
        plan = round.plan(&work);
    }
    let paid: BTreeSet<MacAddr> = round.on(&work).iter().map(|device| device.mac).collect();
    let mut after = Memory {
        orphans: std::mem::take(&mut plan.orphans),
        kicks: BTreeMap::new(),
        removed: taken_off(&plan.commands),
        ..before.clone()
    };
    let watched = watch.work_off(deps, router, (&paid, &current), &mut after, now).await?;
    if watched.is_news {
        deps.changed.notify_one();
    }
    let length = watched.lines.iter().map(|line| line.len() + 1).sum();
    let (lines, later) = answer::lines(&plan.commands, length);
    round.remember_kicks(&work, &later, &mut after);
    let has_failed = |mac: MacAddr| report.failed.iter().any(|failed| failed.mac == Some(mac));
    let is_news = |command: &Command| answer::mac_of(command).is_none_or(|mac| !has_failed(mac));
    Ok(Outcome {
        is_again: watched.is_again || !later.is_empty() || plan.commands.iter().any(is_news),
        commands: watched.lines.into_iter().chain(lines).collect(),
        memory: after.write(),
    })
}

/// The work list, after sessions that are over were ended.
pub(super) async fn live_work(
    deps: &Deps,
    router: &RouterRecord,
    now: DateTime<Utc>,
) -> Result<Vec<WorkRecord>, StoreError> {
    let work = session_devices::list_work(&deps.pool, router.id).await?;
    let mut is_changed = false;
    for device in &work {
        if let Some(reason) = writeback::is_over(device, now) {
            writeback::end(&deps.pool, router.id, device, reason, now).await?;
            is_changed = true;
        }
    }
    if !is_changed {
        return Ok(work);
    }
    deps.changed.notify_one();
    session_devices::list_work(&deps.pool, router.id).await
}

/// One comparison.
struct Round<'a> {
    report: &'a Report,
    current: &'a Current,
    uses: Uses<'a>,
    before: &'a Memory,
    watch: &'a Watch<'a>,
    now: DateTime<Utc>,
}

impl Round<'_> {
    fn plan(&self, work: &[WorkRecord]) -> Plan {
        let off: Vec<MacAddr> = work.iter().filter(|device| !device.is_on_intended).map(|device| device.mac).collect();
        access::plan(self.now, &self.on(work), &off, self.current, &self.before.orphans)
    }

    /// The devices that should be on.
    fn on(&self, work: &[WorkRecord]) -> Vec<Intended> {
        let refused: BTreeSet<MacAddr> =
            self.report.failed.iter().filter(|failed| failed.verb == "login").filter_map(|failed| failed.mac).collect();
        work.iter()
            .filter(|device| device.is_on_intended)
            .map(|device| self.intended(device, refused.contains(&device.mac)))
            .filter(|device| device.remaining_secs > 0)
            .collect()
    }

    /// Whether the router is still to log a customer out.
    fn is_kick_open(&self, device: &WorkRecord) -> bool {
        device.is_kicked && !self.watch.has_kicked(device.mac)
    }

    /// What was there of those that the router is told to log out, for as long as it was not written down that it has.
    fn remember_kicks(&self, work: &[WorkRecord], later: &BTreeSet<MacAddr>, after: &mut Memory) {
        for device in work.iter().filter(|device| device.is_kicked && !later.contains(&device.mac)) {
            let (mac, known) = (device.mac, self.before.kicks.get(&device.mac));
            let trace = match known.filter(|_| !self.is_kick_open(device)) {
                Some(known) => known.clone(),
                None => self.watch.trace(mac, &mac.to_string()),
            };
            after.kicks.insert(mac, trace);
        }
    }

    fn usage(&self, device: &WorkRecord) -> Usage {
        self.uses.of(device.mac, device.session_id)
    }

    /// The row that delivers a device's session, and the end that was planned when it was made.
    fn row(&self, device: &WorkRecord) -> Option<(&UserRow, Tag)> {
        let name = device.mac.to_string();
        let mut rows = self.current.users.iter().filter(|user| user.name == name);
        rows.find_map(|user| {
            let tag: Tag = user.comment.parse().ok()?;
            (tag.session_id == device.session_id).then_some((user, tag))
        })
    }

    fn intended(&self, device: &WorkRecord, was_refused: bool) -> Intended {
        let usage = self.usage(device);
        // What the router has just told counts, also for how much data is left.
        let more = DataSize::from_bytes(used_bytes(device, &usage).saturating_sub(device.used_bytes));
        let device = WorkRecord { session_used: device.session_used.saturating_add(more), ..device.clone() };
        let mut intended = rows::intended(&device, self.now, was_refused);
        intended.is_kicked = self.is_kick_open(&device);
        if device.starts_at.is_some() || device.ended_at.is_some() {
            return intended;
        }
        match self.row(&device) {
            // Made by an answer whose success was not heard of yet: it stays as it is, and its time counts since
            // the router let the device on.
            Some((row, tag)) => {
                let begun_secs = begun_secs(&device, row, row_secs(&usage));
                intended.remaining_secs = device.duration_secs.saturating_sub(begun_secs).max(1);
                let planned = i64::try_from(tag.ends_at_epoch_secs).ok();
                let planned = planned.and_then(|secs| DateTime::from_timestamp(secs, 0));
                intended.ends_at = planned.unwrap_or(intended.ends_at);
            }
            None => intended.ends_at = session::ends_at(self.now + UNCONFIRMED, device.duration_secs),
        }
        intended
    }

    /// Since when a device whose paid time does not run yet has had what was paid for.
    fn began_at(&self, device: &WorkRecord, usage: Usage) -> DateTime<Utc> {
        let begun_secs = self.row(device).map_or(0, |(row, _)| begun_secs(device, row, row_secs(&usage)));
        self.now - i64::try_from(begun_secs).ok().and_then(TimeDelta::try_seconds).unwrap_or_default()
    }
}

/// Use of a device under its session, with what the router has just told.
fn used_bytes(device: &WorkRecord, usage: &Usage) -> u64 {
    device.used_with(usage).0.bytes
}

/// What the router has counted under the row.
fn row_secs(usage: &Usage) -> u64 {
    usage.counters.map_or(0, |counters| counters.total().secs)
}

/// Seconds of a session that the router has counted although nobody knew yet that it had begun: what its limit
/// leaves is less by them than what was paid for. Use from before a pause is in the limit and does not count.
fn begun_secs(device: &WorkRecord, row: &UserRow, used_secs: u64) -> u64 {
    let left = row.limit_uptime_secs.unwrap_or(device.duration_secs).saturating_sub(used_secs);
    device.duration_secs.saturating_sub(left).min(used_secs).min(device.duration_secs)
}

/// Writes down what the report shows; `true` if that may have changed what is to be done.
async fn write_back(deps: &Deps, round: &Round<'_>, work: &[WorkRecord], plan: &Plan) -> Result<bool, StoreError> {
    let (pool, now) = (&deps.pool, round.now);
    let mut is_news = false;
    let (mut delivered, mut failed, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let told = Told::new(plan, &round.report.failed);
    for device in work {
        let usage = round.usage(device);
        if device.is_applied() {
            is_news |= used_bytes(device, &usage) > device.used_bytes && device.data.is_some();
            used.push((device, usage));
            continue;
        }
        match told.verdict(device, round.is_kick_open(device)) {
            Verdict::Right => delivered.push(Delivered { device, usage, since_at: round.began_at(device, usage) }),
            Verdict::Failed(text) => failed.push((device, text, None)),
            Verdict::Todo => {}
        }
    }
    is_news |= !delivered.is_empty();
    writeback::applied(pool, &delivered, now).await?;
    if !failed.is_empty() {
        writeback::failed(pool, failed, now).await?;
        deps.changed.notify_one();
    }
    is_news |= writeback::used(pool, &used, now).await?;
    Ok(is_news)
}

/// What a plan says of a device whose intent the router was not brought to yet.
enum Verdict {
    /// The router has it.
    Right,
    /// The router is being told.
    Todo,
    /// The router was told and could not, in words for the owner.
    Failed(String),
}

/// What a router is being told, by device.
struct Told<'a> {
    plan: &'a Plan,
    failed: &'a [Failed],
    commands: BTreeMap<MacAddr, Vec<&'a Command>>,
    profiles: BTreeSet<String>,
}

impl<'a> Told<'a> {
    fn new(plan: &'a Plan, failed: &'a [Failed]) -> Self {
        let mut told = Self { plan, failed, commands: BTreeMap::new(), profiles: BTreeSet::new() };
        for command in &plan.commands {
            match (answer::mac_of(command), command) {
                (Some(mac), _) => told.commands.entry(mac).or_default().push(command),
                (None, Command::EnsureProfile(profile)) => drop(told.profiles.insert(profile.name())),
                (None, _) => {}
            }
        }
        told
    }

    fn verdict(&self, device: &WorkRecord, is_kick_open: bool) -> Verdict {
        if self.plan.conflicts.contains(&device.mac) {
            return Verdict::Failed(words::for_owner(&RouterOsError::NotOurs { name: device.mac.to_string() }));
        }
        // To be let on it is enough that the row is right: a device that is not there is let on when it comes.
        let is_essential = |command: &&Command| match command {
            Command::Login { .. } => false,
            Command::ClearStuckHost { .. } => is_kick_open,
            _ => true,
        };
        let profile = rows::intended(device, DateTime::UNIX_EPOCH, false).profile.name();
        let is_profile_made = device.is_on_intended && self.profiles.contains(&profile);
        if !is_profile_made && !self.commands.get(&device.mac).into_iter().flatten().any(is_essential) {
            return Verdict::Right;
        }
        let is_of_device = |failed: &&Failed| failed.mac == Some(device.mac) || failed.about == profile;
        match self.failed.iter().filter(is_of_device).find(|failed| failed.verb != "login") {
            Some(failed) => Verdict::Failed(cannot(&failed.verb)),
            None => Verdict::Todo,
        }
    }
}

/// The router says which command it could not carry out, and no more.
fn cannot(verb: &str) -> String {
    let what = match verb {
        "profile" => "make the profile of the package",
        "add" | "set" => "make the customer's entry",
        "remove" | "kick" => "take the customer off",
        _ => "do what it was told",
    };
    format!("The router could not {what}. Its log says why; it is told again by itself.")
}
