//! Routers that ask: behind CGNAT nothing can reach them, so they poll the server over HTTPS.
//!
//! The router runs `bando-pull` (`hotspot/bando-pull.rsc`). It asks with nothing but a word about itself; when there
//! is something to compare, the answer bears a ticket, the router says all it has, and the next answer has the
//! commands. What was told is believed only when a report shows it. The plan is [`domain::access::plan`], as for
//! routers the server connects to, and so is what is written down.

mod answer;
mod keys;
mod memory;
mod pace;
mod report;
mod round;
mod script;
pub(super) mod sweep;
mod watch;

use chrono::{DateTime, TimeDelta, Utc};
use domain::RouterId;
use routeros_api::system::License;

use self::{
    answer::Answer,
    keys::Shown,
    memory::Memory,
    report::{About, Poll, Report},
};
use super::Deps;
use crate::{
    Billing,
    db::{
        StoreError,
        router_facts::FactsRecord,
        router_pulls::{self, Facts, PullRecord},
        routers,
        routers::{Reach, RouterRecord},
        session_devices::WorkRecord,
    },
    health, random,
    seal::SealError,
};

pub use keys::PullKey;
pub(crate) use pace::Pace;
pub use script::{AgentScript, ScriptError, agent_script};

/// The rest of a router that nobody waits for, in seconds.
const REST_SECS: u64 = 30;
/// The rest of a router at which a customer is paying or waiting, in seconds; also the shortest. The agent looks every
/// five seconds whether its rest is over.
const BUSY_REST_SECS: u64 = 4;
/// How long after a payment was begun its customer may still wait for it.
const PAYING: TimeDelta = TimeDelta::minutes(3);
/// How long a device that was let on is expected to come.
const EXPECTED: TimeDelta = TimeDelta::minutes(2);
/// How often an expected device is looked for.
const LOOK_EVERY: TimeDelta = TimeDelta::seconds(10);
/// The longest a report is worked on before another may be.
const TURN_MAX: TimeDelta = TimeDelta::seconds(20);

/// Why a router's request is not answered. The texts are neutral: whoever has no key learns nothing.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// No such router, or the wrong key.
    #[error("The router or its key is not known.")]
    Unknown,
    /// More requests than any router makes.
    #[error("The router asks too often.")]
    TooOften {
        /// When to come again, in seconds.
        retry_after_secs: u64,
    },
    /// Not what the agent sends, or not all of it.
    #[error("The report cannot be read.")]
    Unreadable,
    /// The saved key cannot be opened: `APP_SECRET` has changed.
    #[error("The router or its key is not known.")]
    Sealed,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a router got no key.
#[derive(Debug, thiserror::Error)]
pub enum PullKeyError {
    /// It could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// Answers a router that asks. `shown` is the key from its request, `body` what it sent.
    ///
    /// # Errors
    /// [`PollError`].
    pub async fn answer_poll(&self, slug: &str, shown: &str, body: &str) -> Result<String, PollError> {
        answer(&self.access_deps(), &self.inner.pull_pace, slug, shown, body).await
    }

    /// Makes a key for a router that polls. The key in use counts until the router shows the new one.
    ///
    /// # Errors
    /// [`PullKeyError`].
    pub async fn make_pull_key(&self, router_id: RouterId) -> Result<PullKey, PullKeyError> {
        make_key(&self.access_deps(), router_id).await
    }
}

pub(super) async fn make_key(deps: &Deps, router_id: RouterId) -> Result<PullKey, PullKeyError> {
    let key = PullKey::draw();
    let sealed = key.seal(&deps.secret, router_id)?;
    router_pulls::keep_next_key(&deps.pool, router_id, &sealed, deps.clock.now()).await?;
    Ok(key)
}

pub(super) async fn answer(deps: &Deps, pace: &Pace, slug: &str, shown: &str, body: &str) -> Result<String, PollError> {
    let (router, record, key) = admit(deps, slug, shown).await?;
    // Counted for those with a key only, so that nobody else can use up a router's share.
    if let Some(retry_after_secs) = pace.wait_secs(router.id, deps.clock.now()) {
        return Err(PollError::TooOften { retry_after_secs });
    }
    let unreadable = |error: report::Unreadable| {
        tracing::warn!(router = router.slug, %error, "a router's report is not used");
        PollError::Unreadable
    };
    if body.len() > report::BODY_MAX {
        return Err(PollError::Unreadable);
    }
    let poll = Poll::parse(body).map_err(unreadable)?;
    let (now, pool) = (deps.clock.now(), &deps.pool);
    let Some(ticket) = poll.ticket else {
        let report = Report::parse(poll.lines).map_err(unreadable)?;
        let answer = greet(deps, &router, &record, &report.about, now).await?;
        return Ok(answer.render(poll.nonce, &key, report.about.is_digesting));
    };
    if !poll.is_last {
        let is_kept = router_pulls::keep_part(pool, router.id, ticket, poll.part, poll.lines, now).await?;
        return if is_kept { Ok("ok\n".to_owned()) } else { Err(PollError::Unreadable) };
    }
    let lines = assemble(deps, router.id, &poll, ticket).await?;
    let report = Report::parse(&lines).map_err(unreadable)?;
    let answer = take(deps, &router, &record, &report, ticket, now).await?;
    Ok(answer.render(poll.nonce, &key, report.about.is_digesting))
}

/// The router whose key was shown.
async fn admit(deps: &Deps, slug: &str, shown: &str) -> Result<(RouterRecord, PullRecord, PullKey), PollError> {
    let router = routers::find_by_slug(&deps.pool, slug).await?.filter(|router| router.reach == Reach::Pull);
    let router = router.ok_or(PollError::Unknown)?;
    let record = router_pulls::find_pull(&deps.pool, router.id).await?.ok_or(PollError::Unknown)?;
    let key = match keys::shown(&record, &deps.secret, router.id, shown) {
        Ok(Some(Shown::Current(key))) => key,
        Ok(Some(Shown::Next(key))) => {
            let sealed = record.next_key_sealed.as_deref().unwrap_or_default();
            router_pulls::use_next_key(&deps.pool, router.id, sealed, deps.clock.now()).await?;
            tracing::info!(router = router.slug, "the router uses its new key; the old one is worth nothing now");
            key
        }
        Ok(None) => {
            tracing::debug!(router = router.slug, "somebody asks for a router with a wrong key");
            return Err(PollError::Unknown);
        }
        Err(error) => {
            tracing::warn!(router = router.slug, %error, "the router's key cannot be used");
            let text = "The saved key of the router cannot be opened: APP_SECRET has changed. Set the router up again.";
            routers::record_error(&deps.pool, router.id, text, deps.clock.now()).await?;
            return Err(PollError::Sealed);
        }
    };
    Ok((router, record, key))
}

/// All lines of a report: the parts that came before, and this last one.
async fn assemble(deps: &Deps, router_id: RouterId, poll: &Poll<'_>, ticket: &str) -> Result<String, PollError> {
    if poll.part == 0 {
        return Ok(poll.lines.to_owned());
    }
    let parts = router_pulls::take_parts(&deps.pool, router_id, ticket).await?;
    let is_whole = parts.len() == usize::from(poll.part) && parts.iter().zip(0..).all(|((part, _), n)| *part == n);
    if !is_whole {
        return Err(PollError::Unreadable);
    }
    let mut lines: String = parts.into_iter().map(|(_, body)| body).collect();
    lines.push_str(poll.lines);
    Ok(lines)
}

/// The router asks: is there anything to compare?
async fn greet(
    deps: &Deps,
    router: &RouterRecord,
    record: &PullRecord,
    about: &About,
    now: DateTime<Utc>,
) -> Result<Answer, StoreError> {
    hear(deps, router, about, now).await?;
    let work = round::live_work(deps, router, now).await?;
    let full = TimeDelta::from_std(deps.timing.full).unwrap_or(TimeDelta::seconds(60));
    let is_older = |than: TimeDelta| record.reported_at.is_none_or(|at| now - at >= than);
    let is_due = work.iter().any(|device| device.is_due(now));
    let is_watched = watch::is_due(deps, router, &Memory::read(&record.memory)).await?;
    let is_looked_for = work.iter().any(|device| is_expected(device, now)) && is_older(LOOK_EVERY);
    if is_due || is_watched || is_looked_for || is_older(full) {
        return demand(deps, router.id, &work, now).await;
    }
    Ok(Answer::rest(rest_secs(deps, router.id, &work, now).await?))
}

/// The router has said all it has.
async fn take(
    deps: &Deps,
    router: &RouterRecord,
    record: &PullRecord,
    report: &Report,
    ticket: &str,
    now: DateTime<Utc>,
) -> Result<Answer, StoreError> {
    hear(deps, router, &report.about, now).await?;
    let turn = random::uuid(now);
    if !router_pulls::claim_ticket(&deps.pool, router.id, ticket, turn, now, now + TURN_MAX).await? {
        // A report of earlier, or a second one at the same time: it says nothing and is told nothing.
        return Ok(Answer::rest(BUSY_REST_SECS));
    }
    let done = round::work_off(deps, router, report, &record.memory, now).await;
    let outcome = match done {
        Ok(outcome) => outcome,
        Err(error) => {
            router_pulls::finish_turn(&deps.pool, router.id, turn).await?;
            return Err(error);
        }
    };
    router_pulls::record_report(&deps.pool, router.id, &outcome.memory, now).await?;
    router_pulls::finish_turn(&deps.pool, router.id, turn).await?;
    health::polled_heard(deps, router, facts(report, now), now).await?;
    let work = round::live_work(deps, router, now).await?;
    let answer = if outcome.is_again {
        demand(deps, router.id, &work, now).await?
    } else {
        Answer::rest(rest_secs(deps, router.id, &work, now).await?)
    };
    Ok(Answer { commands: outcome.commands, ..answer })
}

/// Asks for a report at once.
async fn demand(
    deps: &Deps,
    router_id: RouterId,
    work: &[WorkRecord],
    now: DateTime<Utc>,
) -> Result<Answer, StoreError> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes);
    let ticket = hex::encode(bytes);
    router_pulls::issue_ticket(&deps.pool, router_id, &ticket).await?;
    let rest = rest_secs(deps, router_id, work, now).await?;
    Ok(Answer { ticket: Some(ticket), ..Answer::rest(rest) })
}

/// The router is there: notes when, and what it says of itself.
async fn hear(deps: &Deps, router: &RouterRecord, about: &About, now: DateTime<Utc>) -> Result<(), StoreError> {
    let facts = Facts {
        clock_skew_secs: about.clock_secs.map(|secs| secs.saturating_sub(now.timestamp())),
        uptime_secs: about.uptime_secs,
        version: &about.version,
        board: &about.board,
        is_digesting: about.is_digesting,
    };
    router_pulls::record_poll(&deps.pool, router.id, facts, now).await?;
    routers::record_seen(&deps.pool, router.id, now).await
}

/// What a report says of the router itself.
fn facts(report: &Report, now: DateTime<Utc>) -> Option<FactsRecord> {
    let about = &report.about;
    let license = License { level: about.license.clone() };
    Some(FactsRecord {
        identity: about.identity.clone(),
        version: about.version.clone(),
        board: about.board.clone(),
        uptime_secs: about.uptime_secs?,
        clock_skew_secs: about.clock_secs.map(|secs| secs.saturating_sub(now.timestamp())),
        users_on: u32::try_from(report.state.active.len()).ok(),
        users_max: license.users_max().flatten(),
        license: Some(license.level).filter(|level| !level.is_empty()),
        has_reaper: Some(about.has_reaper),
        troubles: String::new(),
        read_at: now,
    })
}

/// Let on a moment ago and not there yet: its owner waits for the page to say so.
fn is_expected(device: &WorkRecord, now: DateTime<Utc>) -> bool {
    device.is_on_intended
        && device.is_applied()
        && !device.is_online
        && device.starts_at.is_some_and(|at| now - at < EXPECTED)
}

/// How long the router may rest: short while somebody waits, and not beyond the next end.
async fn rest_secs(
    deps: &Deps,
    router_id: RouterId,
    work: &[WorkRecord],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let is_waiting = |device: &WorkRecord| !device.is_applied() || is_expected(device, now);
    if work.iter().any(is_waiting) || router_pulls::has_open_payment(&deps.pool, router_id, now - PAYING).await? {
        return Ok(BUSY_REST_SECS);
    }
    let ends = work.iter().filter(|device| device.is_on_intended).filter_map(|device| device.ends_at);
    let next = ends.map(|at| domain::session::secs_rounded_up(at - now).saturating_add(1)).min().unwrap_or(REST_SECS);
    Ok(next.clamp(BUSY_REST_SECS, REST_SECS))
}
