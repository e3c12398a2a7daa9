//! What the owner is told about a router: once while a trouble lasts, and taken back when it is over.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{NotificationId, RouterId};
use sqlx::MySqlPool;

use super::in_words;
use crate::{
    access::REAPER,
    db::{
        StoreError,
        notifications::{self, NewNotification, Severity},
        router_facts::FactsRecord,
    },
    random,
};

/// A clock that differs more is wrong: what is logged has the wrong time, and certificates may not be valid.
pub(crate) const SKEW_MAX_SECS: i64 = 120;
/// From this share of the licence on the owner is told, in percent.
const LICENCE_PERCENT: u32 = 90;

/// Whether so many users come close to what a licence allows.
pub(crate) const fn is_nearly_full(on: u32, max: u32) -> bool {
    on.saturating_mul(100) >= max.saturating_mul(LICENCE_PERCENT)
}

/// One thing to tell.
pub(super) struct Alert<'a> {
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    pub(super) message: &'a str,
}

/// Tells the owner, unless the same about the same router waits to be read.
pub(super) async fn tell(
    pool: &MySqlPool,
    router_id: RouterId,
    alert: &Alert<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let key = key(alert.kind, router_id);
    let new = NewNotification {
        id: NotificationId::from_uuid(random::uuid(now)),
        severity: alert.severity,
        kind: alert.kind,
        message: alert.message,
        subject: Some(router_id.to_string()),
        dedupe_key: Some(&key),
        created_at: now,
    };
    notifications::insert_notification(pool, &new).await.map(drop)
}

/// Marks as read what was told about a trouble that is over.
pub(super) async fn take_back(
    pool: &MySqlPool,
    router_id: RouterId,
    kind: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    notifications::resolve(pool, &key(kind, router_id), now).await.map(drop)
}

fn key(kind: &str, router_id: RouterId) -> String {
    format!("{kind}:{router_id}")
}

/// The troubles that a router's facts can show.
const TROUBLES: [&str; 3] = ["router_reaper", "router_clock", "router_license"];

/// Tells the owner about troubles that are new since `told`, takes back those that are over, and says which last.
pub(super) async fn compare(
    pool: &MySqlPool,
    router: (RouterId, &str),
    facts: &FactsRecord,
    told: &str,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let mut lasting = Vec::new();
    for kind in TROUBLES {
        let was_told = told.split(',').any(|word| word == kind);
        match trouble(kind, router.1, facts) {
            Found::Yes(message) => {
                if !was_told {
                    tell(pool, router.0, &Alert { kind, severity: Severity::Warning, message: &message }, now).await?;
                }
                lasting.push(kind);
            }
            Found::No if was_told => take_back(pool, router.0, kind, now).await?,
            // Not known now: what was told stays as it is.
            Found::Unknown if was_told => lasting.push(kind),
            Found::No | Found::Unknown => {}
        }
    }
    Ok(lasting.join(","))
}

enum Found {
    Yes(String),
    No,
    Unknown,
}

fn trouble(kind: &str, name: &str, facts: &FactsRecord) -> Found {
    match (kind, facts.has_reaper, facts.clock_skew_secs, facts.users_on.zip(facts.users_max)) {
        ("router_reaper", Some(false), ..) => Found::Yes(format!(
            "Router {name} has no script {REAPER}: while this server is away, customers could stay on beyond their \
             paid time. Set the router up again under Routers."
        )),
        ("router_reaper", Some(true), ..) => Found::No,
        ("router_clock", _, Some(skew), _) if skew.abs() > SKEW_MAX_SECS => Found::Yes(format!(
            "The clock of router {name} is {} {}. Switch on its time client: /system ntp client set enabled=yes",
            in_words(TimeDelta::seconds(skew.abs())),
            if skew < 0 { "behind" } else { "ahead" }
        )),
        ("router_clock", _, Some(_), _) => Found::No,
        ("router_license", _, _, Some((on, max))) if is_nearly_full(on, max) => Found::Yes(format!(
            "Router {name} has {on} of the {max} customers that its licence allows at once. When it is full, paid \
             customers cannot get on. Use a higher licence level."
        )),
        ("router_license", _, _, Some(_)) => Found::No,
        ("router_license", ..) if facts.users_on.is_some() => Found::No,
        _ => Found::Unknown,
    }
}
