//! Beside what was paid for: who is kept out, who is to be logged out, and who is on without paid time.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{
    MacAddr,
    access::Current,
    live::{self, Stranger},
};

use super::{
    memory::{Memory, Trace},
    report::Report,
};
use crate::{
    access::{Deps, reconciler::watch},
    db::{StoreError, blocks, router_strangers, routers::RouterRecord, session_devices},
};

/// From this version of its script on a router knows bindings and the logging out of others.
const AGENT: u32 = 2;
/// Lines about those who did not pay in one answer. The rest comes with the next.
const LINES: usize = 300;

/// Whether something of this waits for the router.
pub(super) async fn is_due(deps: &Deps, router: &RouterRecord, memory: &Memory) -> Result<bool, StoreError> {
    Ok(blocks::changed_micros(&deps.pool).await? != memory.blocks_at
        || (memory.is_noted && !router_strangers::list_kicked(&deps.pool, router.id).await?.is_empty()))
}

/// What is asked for, and what a report shows of it.
pub(super) struct Watch<'a> {
    report: &'a Report,
    before: &'a Memory,
    /// What the router's logins are counted from.
    uptime_secs: i64,
    blocks_at: i64,
    blocked: BTreeSet<MacAddr>,
    /// Strangers that are to be logged out.
    kicked: Vec<MacAddr>,
}

/// What there is to tell and to remember.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub lines: Vec<String>,
    /// Whether the router should report again at once.
    pub is_again: bool,
    /// Whether something was written that people look at.
    pub is_news: bool,
}

impl<'a> Watch<'a> {
    /// Reads what is asked for. Devices that were blocked at the moment of their purchase are taken off.
    pub(super) async fn prepare(
        deps: &Deps,
        router: &RouterRecord,
        report: &'a Report,
        before: &'a Memory,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let pool = &deps.pool;
        let blocks_at = blocks::changed_micros(pool).await?;
        let blocked: BTreeSet<MacAddr> = match blocks_at {
            0 => BTreeSet::new(),
            _ => blocks::list_blocks(pool, blocks::MOST).await?.into_iter().map(|block| block.mac).collect(),
        };
        if !blocked.is_empty() {
            let mut connection = pool.acquire().await?;
            session_devices::intend_off_blocked(&mut connection, Some(router.id), now).await?;
        }
        let kicked = router_strangers::list_kicked(pool, router.id).await?;
        let uptime_secs = report.about.uptime_secs.and_then(|secs| i64::try_from(secs).ok());
        let uptime_secs = uptime_secs.unwrap_or_else(|| now.timestamp());
        Ok(Self { report, before, uptime_secs, blocks_at, blocked, kicked })
    }

    /// Whether the router has logged a customer out as it was told.
    pub(super) fn has_kicked(&self, mac: MacAddr) -> bool {
        self.before.kicks.get(&mac).is_some_and(|before| !before.lasts_in(&self.trace(mac, &mac.to_string())))
    }

    /// What the report shows of a device under a user's name.
    pub(super) fn trace(&self, mac: MacAddr, user: &str) -> Trace {
        let began = |secs: u64| self.uptime_secs.saturating_sub(i64::try_from(secs).unwrap_or(i64::MAX));
        let state = &self.report.state;
        let logins = state.active.iter().filter(|login| login.user == user && login.mac.is_none_or(|of| of == mac));
        let hosts = state.hosts.iter().filter(|host| host.mac == Some(mac));
        Trace {
            logins: logins.map(|login| (login.address.clone(), began(login.uptime.as_secs()))).collect(),
            hosts: hosts.map(|host| host.id.clone()).collect(),
        }
    }

    /// Finds who is on unpaid, writes it down, and gives what the router is to be told. `paid` are those that should be
    /// on, `removed` those that it is told to take off: for as long as they were not told before, they are no strangers.
    pub(super) async fn work_off(
        &self,
        deps: &Deps,
        router: &RouterRecord,
        (paid, current): (&BTreeSet<MacAddr>, &Current),
        memory: &mut Memory,
        now: DateTime<Utc>,
    ) -> Result<Watched, StoreError> {
        let has_failed = |verb: &str, mac: MacAddr| {
            self.report.failed.iter().any(|failed| failed.verb == verb && failed.mac == Some(mac))
        };
        let is_going = |mac: &&MacAddr| !self.before.removed.contains(mac) && !has_failed("remove", **mac);
        let going: BTreeSet<MacAddr> = memory.removed.iter().filter(is_going).copied().collect();
        let seen = live::strangers(paid, &going, current);
        let mut watched = Watched::default();
        let mut logged_out = Vec::new();
        for stranger in seen.iter().filter(|one| self.kicked.contains(&one.mac)) {
            if !self.log_out(stranger, memory, &mut watched) {
                logged_out.push(stranger.mac);
            }
        }
        self.keep_out(memory, &mut watched);
        if self.report.about.agent < AGENT {
            watched.lines.clear();
            watched.is_again = false;
        }
        watched.is_again |= watched.lines.len() > LINES;
        watched.lines.truncate(LINES);
        if !seen.is_empty() || self.before.is_noted {
            watch::note(&deps.pool, router.id, &seen, &logged_out, now).await?;
            watched.is_news = true;
        }
        memory.is_noted = !seen.is_empty();
        Ok(watched)
    }

    /// Tells the router to log a stranger out; `false` when it has done so.
    fn log_out(&self, stranger: &Stranger, memory: &mut Memory, watched: &mut Watched) -> bool {
        let trace = self.trace(stranger.mac, &stranger.user);
        if self.before.kicks.get(&stranger.mac).is_some_and(|before| !before.lasts_in(&trace)) {
            return false;
        }
        for (address, _) in &trace.logins {
            if let Ok(address) = address.parse::<std::net::IpAddr>() {
                watched.lines.push(format!("logout;{};{address}", stranger.mac));
                watched.is_again |= !self.has_failed("logout", &stranger.mac.to_string());
            }
        }
        memory.kicks.insert(stranger.mac, trace);
        true
    }

    /// Tells the router whom to keep out by bindings of ours, and which of these to remove.
    fn keep_out(&self, memory: &mut Memory, watched: &mut Watched) {
        let (add, remove) = live::block_changes(&self.blocked, &self.report.bindings);
        let add = add.into_iter().map(|mac| ("block", mac.to_string()));
        let changes: Vec<(&str, String)> = remove.into_iter().map(|id| ("unblock", id)).chain(add).collect();
        let mut is_waiting = false;
        for (verb, about) in changes {
            if self.has_failed(verb, &about) {
                tracing::warn!(verb, "a router that polls does not keep out who is blocked; it is told again");
            } else {
                is_waiting = true;
            }
            watched.lines.push(format!("{verb};{about}"));
        }
        watched.is_again |= is_waiting;
        let is_able = self.report.about.agent >= AGENT;
        memory.blocks_at = if is_waiting && is_able { self.before.blocks_at } else { self.blocks_at };
    }

    fn has_failed(&self, verb: &str, about: &str) -> bool {
        self.report.failed.iter().any(|failed| failed.verb == verb && failed.about == about)
    }
}
