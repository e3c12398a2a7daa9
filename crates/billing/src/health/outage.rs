//! The beginning and the end of a time a router is away.

use chrono::{DateTime, Utc};
use domain::{
    RouterId,
    outage::{Shown, Span, Verdict, lost_secs},
};
use sqlx::MySqlPool;
use uuid::Uuid;

use crate::{
    db::{
        Repeat, StoreError, outages,
        router_events::{self, EventKind},
    },
    random,
};

/// Begins an outage that lasts since `from_at`; `false` when it is known already.
pub(crate) async fn open(
    pool: &MySqlPool,
    router_id: RouterId,
    from_at: DateTime<Utc>,
    text: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let id = random::uuid(now);
    Repeat::run(|| open_once(pool, id, router_id, from_at, text, now)).await
}

async fn open_once(
    pool: &MySqlPool,
    id: Uuid,
    router_id: RouterId,
    from_at: DateTime<Utc>,
    text: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin().await?;
    if !outages::open_outage(&mut transaction, id, router_id, from_at).await? {
        return Ok(false);
    }
    router_events::insert_event(&mut *transaction, router_id, EventKind::Offline, text, now).await?;
    transaction.commit().await?;
    Ok(true)
}

/// An outage that is over.
pub(crate) struct Over {
    pub(crate) span: Span,
    pub(crate) verdict: Verdict,
}

/// Ends the outage of a router, if there is one, and writes down what each customer lost in it. `uptime_secs` is
/// how long the router has been running; what its customers used is in the database already.
pub(crate) async fn close(
    pool: &MySqlPool,
    router_id: RouterId,
    uptime_secs: Option<u64>,
    now: DateTime<Utc>,
) -> Result<Option<Over>, StoreError> {
    Repeat::run(|| close_once(pool, router_id, uptime_secs, now)).await
}

async fn close_once(
    pool: &MySqlPool,
    router_id: RouterId,
    uptime_secs: Option<u64>,
    now: DateTime<Utc>,
) -> Result<Option<Over>, StoreError> {
    let mut transaction = pool.begin().await?;
    let Some((id, from_at)) = outages::lock_open(&mut transaction, router_id).await? else { return Ok(None) };
    let span = Span { from: from_at, to: now.max(from_at) };
    let sufferers = outages::list_sufferers(&mut transaction, id).await?;
    let shown = Shown {
        uptime_secs,
        on_secs: sufferers.iter().fold(0, |sum, one| sum.saturating_add(one.on_secs)),
        bytes: sufferers.iter().fold(0, |sum, one| sum.saturating_add(one.bytes)),
    };
    let verdict = Verdict::of(span, shown);
    for one in &sufferers {
        let lost = lost_secs(span, verdict, one.paid, one.on_secs);
        outages::record_loss(&mut transaction, id, one.session_id, lost).await?;
    }
    outages::close_outage(&mut transaction, id, span.to, verdict).await?;
    let text = format!("It was back after {}. {}", super::in_words(span.length()), words(verdict));
    router_events::insert_event(&mut *transaction, router_id, EventKind::Online, &text, now).await?;
    transaction.commit().await?;
    Ok(Some(Over { span, verdict }))
}

/// What is known of the time a router was away, for its owner.
pub(super) const fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Off { .. } => "It was without power, or was restarted, meanwhile.",
        Verdict::Cut => "It ran meanwhile, but its customers had no internet.",
        Verdict::Served => "Its customers were on all the time: only this server could not reach it.",
        Verdict::Unknown => "Whether its customers were on meanwhile is not known.",
    }
}
