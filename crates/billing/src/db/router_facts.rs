//! `router_facts`: what each router said of itself last.

use chrono::{DateTime, TimeDelta, Utc};
use domain::RouterId;
use sqlx::{MySqlExecutor, MySqlPool};

use super::StoreError;

/// What a router said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsRecord {
    /// The name its owner gave it, on itself.
    pub identity: String,
    /// RouterOS release, such as `7.22.1 (stable)`.
    pub version: String,
    /// Model.
    pub board: String,
    /// Seconds since its start.
    pub uptime_secs: u64,
    /// Its clock less the server's; `None` when its date could not be read.
    pub clock_skew_secs: Option<i64>,
    /// Licence level.
    pub license: Option<String>,
    /// Devices logged in to the hotspot.
    pub users_on: Option<u32>,
    /// What the licence allows at once; `None` is unlimited or unknown.
    pub users_max: Option<u32>,
    /// Whether the script that ends paid time without the server is there.
    pub has_reaper: Option<bool>,
    /// Troubles the owner was told of and that last.
    pub troubles: String,
    /// When all this was read.
    pub read_at: DateTime<Utc>,
}

impl FactsRecord {
    /// When the router started.
    pub(crate) fn booted_at(&self) -> DateTime<Utc> {
        let uptime = i64::try_from(self.uptime_secs).ok().and_then(TimeDelta::try_seconds);
        uptime.and_then(|uptime| self.read_at.checked_sub_signed(uptime)).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

/// Writes what was read, in place of what was known.
pub(crate) async fn store_facts(
    executor: impl MySqlExecutor<'_>,
    id: RouterId,
    facts: &FactsRecord,
) -> Result<(), StoreError> {
    let cut = |text: &str, length| text.chars().take(length).collect::<String>();
    sqlx::query!(
        "insert into router_facts (router_id, identity, version, board, uptime_secs, clock_skew_secs, license, users_on,
                                   users_max, has_reaper, troubles, read_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on duplicate key update identity = values(identity), version = values(version), board = values(board),
             uptime_secs = values(uptime_secs), clock_skew_secs = values(clock_skew_secs), license = values(license),
             users_on = values(users_on), users_max = values(users_max), has_reaper = values(has_reaper),
             troubles = values(troubles), read_at = values(read_at)",
        id.as_uuid(),
        cut(&facts.identity, 64),
        cut(&facts.version, 40),
        cut(&facts.board, 60),
        facts.uptime_secs,
        facts.clock_skew_secs,
        facts.license.as_deref().map(|text| cut(text, 16)),
        facts.users_on,
        facts.users_max,
        facts.has_reaper,
        facts.troubles,
        facts.read_at
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// What a router said of itself last; `None` when it never answered.
pub(crate) async fn find_facts(pool: &MySqlPool, id: RouterId) -> Result<Option<FactsRecord>, StoreError> {
    Ok(sqlx::query_as!(
        FactsRecord,
        r#"select identity, version, board, uptime_secs, clock_skew_secs, license, users_on, users_max,
                  has_reaper as "has_reaper: bool", troubles, read_at as "read_at: DateTime<Utc>"
           from router_facts where router_id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?)
}
