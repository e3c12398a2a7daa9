//! One router's health for its owner, and what is done about outages.

use std::{iter, net::IpAddr};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{RouterId, outage::Span};
use uuid::Uuid;

use super::{EventRecord, FactsRecord, OutageRecord};
use crate::{
    Billing,
    db::{
        StoreError,
        logs::{self, NewLog},
        outages, router_events, router_facts, router_setups,
        routers::{self, listing},
    },
    settings::{OUTAGE_CREDIT, OUTAGE_CREDIT_MIN, SettingError},
    trail,
};

/// How far back it is looked how much a router answered.
const ANSWERED_OVER: TimeDelta = TimeDelta::days(30);
/// Lines of a router's history that are shown.
const SHOWN: u32 = 100;
/// The kind of what a person did, beside those of [`router_events`].
const BY_PERSON: &str = "person";
/// History is kept for so long.
const KEPT_DAYS: i64 = 400;
/// Old rows that are forgotten in one turn.
const FORGOTTEN_AT_ONCE: u32 = 500;

/// How one router fares.
#[derive(Debug, Clone)]
pub struct Health {
    /// What it said of itself last; `None` when it never answered.
    pub facts: Option<FactsRecord>,
    /// How much of the last 30 days it answered, in thousandths; `None` when it never did.
    pub answered_permille: Option<u32>,
    /// What happened to it, newest first, at most 100.
    pub history: Vec<EventRecord>,
    /// Customers with paid time left there.
    pub customers: u32,
    /// Times it was away, newest first, at most 100.
    pub outages: Vec<OutageRecord>,
}

/// What is done for customers whose paid time ran while a router was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutagePolicy {
    /// Whether lost time is given back by itself.
    pub is_automatic: bool,
    /// Only for outages of at least this many minutes.
    pub min_minutes: u32,
}

impl Billing {
    /// How a router fares; `None` if there is no such router.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn router_health(&self, id: RouterId) -> Result<Option<Health>, StoreError> {
        let (pool, now) = (self.pool(), self.now());
        let Some((seen_at, created_at)) = routers::find_seen(pool, id).await? else { return Ok(None) };
        let since = created_at.max(now - ANSWERED_OVER);
        let away = outages::list_spans(pool, id, since, now).await?;
        let mut history = router_events::list_events(pool, id, SHOWN).await?;
        history.extend(self.done_to_router(id).await?);
        history.sort_by_key(|event| std::cmp::Reverse(event.at));
        history.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
        Ok(Some(Health {
            facts: router_facts::find_facts(pool, id).await?,
            answered_permille: seen_at.map(|_| answered_permille(Span { from: since, to: now }, &away)),
            history,
            customers: listing::count_customers(pool, id, now).await?,
            outages: outages::list_outages(pool, id, SHOWN).await?,
        }))
    }

    /// What people did about a router, newest first.
    async fn done_to_router(&self, id: RouterId) -> Result<Vec<EventRecord>, StoreError> {
        let pool = self.pool();
        let Some((slug, _)) = router_setups::find_router_names(pool, id.as_uuid()).await? else {
            return Ok(Vec::new());
        };
        let setups = router_setups::list_setups_of(pool, id, SHOWN).await?;
        let subjects: Vec<_> = iter::once(slug).chain(setups.iter().map(Uuid::to_string)).collect();
        let lines = logs::list_lines(pool, &trail::OF_ROUTER, &subjects, SHOWN).await?;
        let event = |deed: trail::Deed| EventRecord { at: deed.at, kind: BY_PERSON.to_owned(), text: deed.text };
        Ok(lines.iter().filter_map(trail::of_router).map(event).collect())
    }

    /// What is done about outages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outage_policy(&self) -> Result<OutagePolicy, StoreError> {
        Ok(OutagePolicy {
            is_automatic: self.setting(OUTAGE_CREDIT).await? == "on",
            min_minutes: self.setting(OUTAGE_CREDIT_MIN).await?.parse().unwrap_or(10),
        })
    }

    /// Changes what is done about outages.
    ///
    /// # Errors
    /// [`SettingError`].
    pub async fn set_outage_policy(
        &self,
        policy: OutagePolicy,
        by: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), SettingError> {
        let word = if policy.is_automatic { "on" } else { "off" };
        self.set_setting(OUTAGE_CREDIT_MIN, &policy.min_minutes.to_string()).await?;
        self.set_setting(OUTAGE_CREDIT, word).await?;
        let detail = format!("{word}, from {} minutes", policy.min_minutes);
        let (action, subject) = ("outage.policy", Some(OUTAGE_CREDIT));
        let log = NewLog { actor: by, action, subject, detail: Some(&detail), remote_ip, at: self.now() };
        Ok(logs::insert_log(self.pool(), &log).await?)
    }

    /// What is to be done about routers' health once in a while.
    pub(crate) async fn keep_health(&self) -> Result<(), StoreError> {
        self.credit_by_policy().await?;
        let before: DateTime<Utc> = self.now() - TimeDelta::days(KEPT_DAYS);
        router_events::forget_events(self.pool(), before, FORGOTTEN_AT_ONCE).await?;
        outages::forget_outages(self.pool(), before, FORGOTTEN_AT_ONCE).await.map(drop)
    }
}

/// How much of a time a router answered, in thousandths. Always is 1000, and 1000 is only always.
fn answered_permille(whole: Span, away: &[Span]) -> u32 {
    let total = whole.length().num_seconds().max(1);
    let missing: i64 = away.iter().map(|span| span.overlap(whole).length().num_seconds()).sum();
    let answered = (total - missing).clamp(0, total);
    u32::try_from(answered.saturating_mul(1000) / total).unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_taken_off() {
        let at = |secs: i64| DateTime::from_timestamp(1_795_300_000 + secs, 0).unwrap();
        let span = |from, to| Span { from: at(from), to: at(to) };
        for (away, permille) in [
            (vec![], 1000),
            (vec![span(0, 1)], 999),
            (vec![span(-500, 2500)], 750),
            (vec![span(0, 1000), span(9000, 12_000)], 800),
            (vec![span(-10, 20_000)], 0),
        ] {
            assert_eq!(answered_permille(span(0, 10_000), &away), permille);
        }
        assert_eq!(answered_permille(span(0, 0), &[]), 1000);
    }
}
