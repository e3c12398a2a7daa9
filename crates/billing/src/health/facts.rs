//! What a router says of itself, and what follows from it: it started anew, has other software, is another one.

use chrono::{DateTime, TimeDelta, Utc};
use routeros_api::{Connection, RouterOsError, System};
use sqlx::MySqlPool;

use super::{alerts, in_words};
use crate::{
    access::REAPER,
    db::{
        StoreError,
        router_events::{self, EventKind},
        router_facts::{self, FactsRecord},
        routers::RouterRecord,
    },
};

/// A start that seems later by less is the same start: clocks and round trips differ.
const BOOT_SLACK: TimeDelta = TimeDelta::seconds(90);

/// Asks a router about itself. What it will not tell is left out.
///
/// # Errors
/// When it does not even say how long it has been running.
pub(super) async fn read(connection: &Connection, now: DateTime<Utc>) -> Result<FactsRecord, RouterOsError> {
    let system = System::new(connection.clone());
    let resource = system.resource().await?;
    let (identity, clock, license, schedule, users_on) = tokio::join!(
        system.identity(),
        system.clock(),
        system.license(),
        system.schedule(REAPER),
        system.count_active()
    );
    let license = license.unwrap_or_default();
    Ok(FactsRecord {
        identity: identity.unwrap_or_default(),
        version: resource.version,
        board: resource.board,
        uptime_secs: resource.uptime.unwrap_or_default().as_secs(),
        clock_skew_secs: clock.ok().and_then(|clock| clock.epoch_secs).map(|secs| secs - now.timestamp()),
        users_on: users_on.ok(),
        users_max: license.users_max().flatten(),
        license: Some(license.level).filter(|level| !level.is_empty()),
        has_reaper: schedule.ok().map(|schedule| schedule.is_some_and(|schedule| !schedule.is_disabled)),
        troubles: String::new(),
        read_at: now,
    })
}

/// How often what a router that polls said of itself is written down although nothing has changed.
const POLLED_EVERY: TimeDelta = TimeDelta::minutes(5);

/// Writes what a router that polls said of itself: when something has changed, and once in a while.
pub(super) async fn record_polled(
    pool: &MySqlPool,
    router: &RouterRecord,
    facts: FactsRecord,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let before = router_facts::find_facts(pool, router.id).await?;
    let is_known = before.as_ref().is_some_and(|before| {
        now - before.read_at < POLLED_EVERY
            && before.read_at <= now
            && (before.has_reaper, &before.license) == (facts.has_reaper, &facts.license)
            && changes(Some(before), &facts).is_empty()
    });
    if is_known { Ok(()) } else { record_since(pool, router, before, facts, now).await }
}

/// Writes what was read, and what happened since it was read before.
pub(super) async fn record(
    pool: &MySqlPool,
    router: &RouterRecord,
    facts: FactsRecord,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let before = router_facts::find_facts(pool, router.id).await?;
    record_since(pool, router, before, facts, now).await
}

async fn record_since(
    pool: &MySqlPool,
    router: &RouterRecord,
    before: Option<FactsRecord>,
    mut facts: FactsRecord,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for (kind, text) in changes(before.as_ref(), &facts) {
        // It started before it was heard of again.
        let at = if kind == EventKind::Rebooted { facts.booted_at().min(now) } else { now };
        router_events::insert_event(pool, router.id, kind, &text, at).await?;
    }
    let told = before.map(|before| before.troubles).unwrap_or_default();
    facts.troubles = alerts::compare(pool, (router.id, &router.name), &facts, &told, now).await?;
    router_facts::store_facts(pool, router.id, &facts).await
}

fn changes(before: Option<&FactsRecord>, now: &FactsRecord) -> Vec<(EventKind, String)> {
    let board = if now.board.is_empty() { "MikroTik" } else { &now.board };
    let Some(before) = before else {
        let text = format!("It answered for the first time: {} ({board}) with RouterOS {}.", now.identity, now.version);
        return vec![(EventKind::Online, text)];
    };
    let mut changes = Vec::new();
    if before.board != now.board || before.identity != now.identity {
        changes.push((
            EventKind::Changed,
            format!("It was {} ({}) and is now {} ({board}).", before.identity, before.board, now.identity),
        ));
    }
    if before.version != now.version {
        let text = format!("Its software went from RouterOS {} to {}.", before.version, now.version);
        changes.push((EventKind::Upgraded, text));
    }
    if now.booted_at() > before.booted_at() + BOOT_SLACK {
        let secs = TimeDelta::seconds(i64::try_from(now.uptime_secs).unwrap_or(i64::MAX / 1000));
        let text = match secs {
            just if just < TimeDelta::minutes(1) => "It has just started anew.".to_owned(),
            _ => format!("It started anew, {} ago.", in_words(secs)),
        };
        changes.push((EventKind::Rebooted, text));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(uptime_secs: u64, read_secs: i64) -> FactsRecord {
        FactsRecord {
            identity: "cafe".into(),
            version: "7.16.2 (stable)".into(),
            board: "hAP".into(),
            uptime_secs,
            clock_skew_secs: Some(0),
            license: None,
            users_on: None,
            users_max: None,
            has_reaper: None,
            troubles: String::new(),
            read_at: DateTime::from_timestamp(1_795_300_000 + read_secs, 0).unwrap(),
        }
    }

    #[test]
    fn what_changed_is_told_and_nothing_else() {
        let before = facts(1000, 0);
        let kinds =
            |now: FactsRecord| changes(Some(&before), &now).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        assert!(kinds(facts(4600, 3600)).is_empty());
        assert!(kinds(facts(4550, 3600)).is_empty(), "clocks are not that exact");
        assert_eq!(kinds(facts(60, 3600)), [EventKind::Rebooted]);
        assert_eq!(kinds(facts(1200, 3600)), [EventKind::Rebooted], "although it runs for longer than it did then");
        assert_eq!(
            kinds(FactsRecord { version: "7.22".into(), ..facts(60, 3600) }),
            [EventKind::Upgraded, EventKind::Rebooted]
        );
        assert_eq!(kinds(FactsRecord { board: "CHR".into(), ..facts(4600, 3600) }), [EventKind::Changed]);
        assert_eq!(changes(None, &before)[0].0, EventKind::Online);
    }
}
