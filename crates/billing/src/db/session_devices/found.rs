//! What was found on routers, written down: many devices in one statement, each under the generation of its intent
//! that it was found for. What is not of that generation any more is left alone.

use chrono::{DateTime, Utc};
use domain::{
    DeviceId, RouterId,
    access::{Counters, Used},
};
use serde_json::{Value, json};
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::WorkRecord;
use crate::db::{StoreError, hex_id};

/// What was found out about a device on its router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub is_online: bool,
    /// The counters of its row for this session; `None` when they were not read.
    pub counters: Option<Counters>,
    /// Whether the row was made anew after the counters were read: the next reading begins at zero.
    pub is_row_new: bool,
}

impl WorkRecord {
    /// What the device has used with a new reading, and the counters to compare the next one with.
    pub(crate) fn used_with(&self, usage: &Usage) -> (Used, Counters) {
        let before = Used { secs: self.used_secs, bytes: self.used_bytes };
        let more = usage.counters.and_then(|counters| Some((counters, counters.since(&self.counters)?)));
        let (used, counters) = match more {
            None => (before, self.counters),
            Some((counters, more)) => {
                let secs = before.secs.saturating_add(more.secs);
                (Used { secs, bytes: before.bytes.saturating_add(more.bytes) }, counters)
            }
        };
        (used, if usage.is_row_new { Counters::default() } else { counters })
    }
}

/// The router has what was intended for a device.
#[derive(Debug)]
pub(crate) struct Applied<'a> {
    pub device: &'a WorkRecord,
    pub usage: Usage,
    /// When paid time begins and ends, if this is the confirmation that it waited for.
    pub starts: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// As `datetime(6)` reads it out of a JSON document.
fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

fn usage_json(device: &WorkRecord, usage: &Usage, starts: Option<(DateTime<Utc>, DateTime<Utc>)>) -> Value {
    let (used, counters) = device.used_with(usage);
    json!({
        "id": hex_id(device.id.as_uuid()),
        "generation": device.generation,
        "online": u8::from(usage.is_online),
        "shown": u8::from(usage.is_online != device.is_online),
        "secs": used.secs,
        "bytes": used.bytes,
        "fsecs": counters.finished_secs,
        "fbytes": counters.finished_bytes,
        "rsecs": counters.running_secs,
        "rbytes": counters.running_bytes,
        "starts": starts.map(|(starts_at, _)| instant(starts_at)),
        "ends": starts.map(|(_, ends_at)| instant(ends_at)),
    })
}

/// Records that a router was brought to what was intended, and starts the paid time that waited for it. Gives the
/// devices whose intent has changed since: for them there is more to do.
pub(crate) async fn record_applied(
    connection: &mut MySqlConnection,
    applied: &[Applied<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<DeviceId>, StoreError> {
    let rows: Vec<_> = applied.iter().map(|one| usage_json(one.device, &one.usage, one.starts)).collect();
    let rows = Value::from(rows).to_string();
    sqlx::query!(
        "update json_table(?, '$[*]' columns (
             id char(32) path '$.id', generation int unsigned path '$.generation', online tinyint path '$.online',
             secs bigint unsigned path '$.secs', bytes bigint unsigned path '$.bytes',
             fsecs bigint unsigned path '$.fsecs', fbytes bigint unsigned path '$.fbytes',
             rsecs bigint unsigned path '$.rsecs', rbytes bigint unsigned path '$.rbytes')) v
         straight_join session_devices d force index (primary) on d.id = unhex(v.id)
         set d.applied = d.intended, d.applied_generation = d.generation, d.applied_at = ?, d.is_online = v.online,
             d.used_secs = v.secs, d.used_bytes = v.bytes, d.finished_secs = v.fsecs, d.finished_bytes = v.fbytes,
             d.running_secs = v.rsecs, d.running_bytes = v.rbytes,
             d.last_error = null, d.attempts = 0, d.next_try_at = null, d.is_kicked = 0, d.updated_at = ?
         where d.generation = v.generation",
        rows,
        now,
        now
    )
    .execute(&mut *connection)
    .await?;
    if applied.iter().any(|one| one.starts.is_some()) {
        // Once: the first confirmation by a router wins.
        sqlx::query!(
            "update json_table(?, '$[*]' columns (
                 id char(32) path '$.id', generation int unsigned path '$.generation',
                 starts_at datetime(6) path '$.starts', ends_at datetime(6) path '$.ends')) v
             straight_join session_devices d force index (primary) on d.id = unhex(v.id)
             straight_join sessions s force index (primary) on s.id = d.session_id
             set s.starts_at = v.starts_at, s.ends_at = v.ends_at, s.updated_at = ?
             where d.generation = v.generation and v.starts_at is not null and s.starts_at is null and s.ended_at is null",
            rows,
            now
        )
        .execute(&mut *connection)
        .await?;
    }
    // The payments are touched so that the live feed shows the change.
    sqlx::query!(
        "update json_table(?, '$[*]' columns (
             id char(32) path '$.id', generation int unsigned path '$.generation')) v
         straight_join session_devices d force index (primary) on d.id = unhex(v.id)
         straight_join sessions s force index (primary) on s.id = d.session_id
         straight_join payments p force index (primary) on p.id = s.payment_id
         set p.updated_at = ? where d.generation = v.generation",
        rows,
        now
    )
    .execute(&mut *connection)
    .await?;
    let outdated = sqlx::query_scalar!(
        r#"select d.id as "id: Uuid"
           from json_table(?, '$[*]' columns (
               id char(32) path '$.id', generation int unsigned path '$.generation')) v
           straight_join session_devices d force index (primary) on d.id = unhex(v.id)
           where d.generation <> v.generation"#,
        rows
    )
    .fetch_all(connection)
    .await?;
    Ok(outdated.into_iter().map(DeviceId::from_uuid).collect())
}

/// Records what devices have used and whether they are on.
pub(crate) async fn record_usage(
    connection: &mut MySqlConnection,
    devices: &[(&WorkRecord, Usage)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = devices.iter().map(|(device, usage)| usage_json(device, usage, None)).collect();
    let rows = Value::from(rows).to_string();
    // Only what people look at makes a row a changed one: bytes change all the time.
    sqlx::query!(
        "update json_table(?, '$[*]' columns (
             id char(32) path '$.id', generation int unsigned path '$.generation', online tinyint path '$.online',
             shown tinyint path '$.shown', secs bigint unsigned path '$.secs', bytes bigint unsigned path '$.bytes',
             fsecs bigint unsigned path '$.fsecs', fbytes bigint unsigned path '$.fbytes',
             rsecs bigint unsigned path '$.rsecs', rbytes bigint unsigned path '$.rbytes')) v
         straight_join session_devices d force index (primary) on d.id = unhex(v.id)
         set d.is_online = v.online, d.used_secs = v.secs, d.used_bytes = v.bytes,
             d.finished_secs = v.fsecs, d.finished_bytes = v.fbytes,
             d.running_secs = v.rsecs, d.running_bytes = v.rbytes,
             d.updated_at = if(v.shown = 1, ?, d.updated_at)
         where d.generation = v.generation",
        rows,
        now
    )
    .execute(&mut *connection)
    .await?;
    if devices.iter().any(|(device, usage)| device.is_online != usage.is_online) {
        sqlx::query!(
            "update json_table(?, '$[*]' columns (
                 id char(32) path '$.id', generation int unsigned path '$.generation', shown tinyint path '$.shown')) v
             straight_join session_devices d force index (primary) on d.id = unhex(v.id)
             straight_join sessions s force index (primary) on s.id = d.session_id
             straight_join payments p force index (primary) on p.id = s.payment_id
             set p.updated_at = ? where d.generation = v.generation and v.shown = 1",
            rows,
            now
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Records that attempts failed, why, and when to try again.
pub(crate) async fn record_failures(
    connection: &mut MySqlConnection,
    failures: &[(&WorkRecord, String, DateTime<Utc>)],
) -> Result<(), StoreError> {
    let rows: Vec<_> = failures
        .iter()
        .map(|(device, error, next_try_at)| {
            json!({
                "id": hex_id(device.id.as_uuid()),
                "generation": device.generation,
                "error": error,
                "next": instant(*next_try_at),
            })
        })
        .collect();
    sqlx::query!(
        "update json_table(?, '$[*]' columns (
             id char(32) path '$.id', generation int unsigned path '$.generation',
             error varchar(255) path '$.error', next_try_at datetime(6) path '$.next')) v
         straight_join session_devices d force index (primary) on d.id = unhex(v.id)
         set d.last_error = v.error, d.attempts = d.attempts + 1, d.next_try_at = v.next_try_at
         where d.generation = v.generation",
        Value::from(rows).to_string()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records why nothing could be done on a router for all that was due there, and when it is tried again.
pub(crate) async fn record_unreachable(
    connection: &mut MySqlConnection,
    router_id: RouterId,
    error: &str,
    now: DateTime<Utc>,
    next_try_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    for intended in ["off", "on"] {
        sqlx::query!(
            "update session_devices set last_error = ?, attempts = attempts + 1, next_try_at = ?
             where router_id = ? and intended = ? and next_try_at <= ?",
            error,
            next_try_at,
            router_id.as_uuid(),
            intended,
            now
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
