//! `session_devices`: delivery, third of the three facts. What each router should have for each device,
//! and what it was last brought to.

use std::{collections::HashMap, net::IpAddr};

use chrono::{DateTime, Utc};
use domain::{DataSize, DeviceId, MacAddr, PackageId, Rate, RouterId, SessionId, session::Session};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use super::{StoreError, hex_id};

/// The session a device on a router belongs to, holding the device's row until the transaction ends.
pub(crate) async fn lock_device(
    connection: &mut MySqlConnection,
    router_id: RouterId,
    mac: MacAddr,
) -> Result<Option<SessionId>, StoreError> {
    let id = sqlx::query_scalar!(
        r#"select session_id as "session_id: Uuid" from session_devices where router_id = ? and mac = ? for update"#,
        router_id.as_uuid(),
        mac.bytes().to_vec()
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(SessionId::from))
}

/// A device on a router: what the unique key is over.
pub(crate) type Place = (RouterId, MacAddr);

/// The session that each of some devices has now, and where it is in its life. The devices' rows are held until the
/// transaction ends, so that an expiry at the same moment waits.
pub(crate) async fn lock_devices(
    connection: &mut MySqlConnection,
    places: &[Place],
    now: DateTime<Utc>,
) -> Result<HashMap<Place, (SessionId, Session)>, StoreError> {
    let mut rows: Vec<_> =
        places.iter().map(|(router_id, mac)| (hex_id(router_id.as_uuid()), hex::encode(mac.bytes()))).collect();
    rows.sort_unstable();
    let rows = sqlx::query!(
        r#"select d.router_id as "router_id: Uuid", d.mac, s.id as "session_id: Uuid", s.duration_secs,
                  s.starts_at as "starts_at: DateTime<Utc>", s.ends_at as "ends_at: DateTime<Utc>",
                  s.ended_at as "ended_at: DateTime<Utc>"
           from json_table(?, '$[*]' columns (router_id char(32) path '$[0]', mac char(12) path '$[1]')) v
           straight_join session_devices d force index (session_devices_device)
               on d.router_id = unhex(v.router_id) and d.mac = unhex(v.mac)
           straight_join sessions s force index (primary) on s.id = d.session_id
           for update"#,
        json!(rows).to_string()
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let wrong = || StoreError::inconsistent("session_devices", "mac", row.session_id);
            let mac = super::payments::read_mac(&row.mac).ok_or_else(wrong)?;
            let session = Session::at(now, row.duration_secs, row.starts_at, row.ends_at, row.ended_at);
            Ok(((row.router_id.into(), mac), (row.session_id.into(), session)))
        })
        .collect()
}

/// A device to be let on under a session.
#[derive(Debug)]
pub(crate) struct Intent {
    /// Key of the row if the device is new on the router.
    pub new_id: DeviceId,
    pub session_id: SessionId,
    pub place: Place,
    pub ip: Option<IpAddr>,
}

/// Says that devices are to be let on. A new generation of each: the router has to be brought to it.
pub(crate) async fn intend_on(
    connection: &mut MySqlConnection,
    intents: &[Intent],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = intents
        .iter()
        .map(|intent| {
            json!({
                "id": hex_id(intent.new_id.as_uuid()),
                "session_id": hex_id(intent.session_id.as_uuid()),
                "router_id": hex_id(intent.place.0.as_uuid()),
                "mac": hex::encode(intent.place.1.bytes()),
                "ip": intent.ip.map(|ip| ip.to_string()),
            })
        })
        .collect();
    sqlx::query!(
        "insert into session_devices (id, session_id, router_id, mac, ip, intended, next_try_at, created_at, updated_at)
         select unhex(v.id), unhex(v.session_id), unhex(v.router_id), unhex(v.mac), v.ip, 'on', ?, ?, ?
         from json_table(?, '$[*]' columns (
             id char(32) path '$.id', session_id char(32) path '$.session_id', router_id char(32) path '$.router_id',
             mac char(12) path '$.mac', ip varchar(45) path '$.ip')) v
         on duplicate key update session_id = values(session_id), ip = coalesce(values(ip), session_devices.ip),
             intended = 'on', generation = generation + 1, used_secs = 0, used_bytes = 0, attempts = 0,
             last_error = null, next_try_at = values(next_try_at), updated_at = values(updated_at)",
        now,
        now,
        now,
        json!(rows).to_string()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the other devices of a session that was extended to the new one.
pub(crate) async fn move_devices(
    connection: &mut MySqlConnection,
    from: SessionId,
    to: SessionId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update session_devices
         set session_id = ?, generation = generation + 1, used_secs = 0, used_bytes = 0, attempts = 0, next_try_at = ?, updated_at = ?
         where session_id = ?",
        to.as_uuid(),
        now,
        now,
        from.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One device on a router's work list, with the session it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct WorkRecord {
    pub id: DeviceId,
    pub session_id: SessionId,
    pub mac: MacAddr,
    /// Whether the device is to be on.
    pub is_on_intended: bool,
    pub generation: u32,
    pub applied_generation: u32,
    pub is_online: bool,
    pub used_secs: u64,
    pub used_bytes: u64,
    pub attempts: u32,
    pub next_try_at: Option<DateTime<Utc>>,
    pub package_id: PackageId,
    pub package_revision: u32,
    pub down: Option<Rate>,
    pub up: Option<Rate>,
    pub duration_secs: u64,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub data: Option<DataSize>,
    /// What all devices of the session have used.
    pub session_used: DataSize,
    /// The request that bought the session, to follow it through the logs; `None` for a voucher.
    pub request_id: Option<String>,
}

impl WorkRecord {
    /// Where its session is in its life at `now`.
    pub(crate) fn session_at(&self, now: DateTime<Utc>) -> Session {
        Session::at(now, self.duration_secs, self.starts_at, self.ends_at, self.ended_at)
    }

    /// Data left of the session; `None` is unlimited.
    pub(crate) fn data_left(&self) -> Option<DataSize> {
        self.data.map(|data| data.saturating_sub(self.session_used))
    }

    /// Whether the router has been brought to what is intended.
    pub(crate) const fn is_applied(&self) -> bool {
        self.applied_generation == self.generation
    }

    /// Whether something is to be done for it now.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        !self.is_applied() && self.next_try_at.is_none_or(|at| at <= now)
    }
}

struct WorkRow {
    id: Uuid,
    session_id: Uuid,
    mac: Vec<u8>,
    is_on_intended: bool,
    generation: u32,
    applied_generation: u32,
    is_online: bool,
    used_secs: u64,
    used_bytes: u64,
    attempts: u32,
    next_try_at: Option<DateTime<Utc>>,
    package_id: Uuid,
    package_revision: u32,
    down_kbps: Option<u32>,
    up_kbps: Option<u32>,
    duration_secs: u64,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    data_bytes: Option<u64>,
    session_used_bytes: u64,
    request_id: Option<String>,
}

impl TryFrom<WorkRow> for WorkRecord {
    type Error = StoreError;

    fn try_from(row: WorkRow) -> Result<Self, StoreError> {
        let mac = <[u8; 6]>::try_from(row.mac.as_slice())
            .ok()
            .and_then(|bytes| MacAddr::from_bytes(bytes).ok())
            .ok_or_else(|| StoreError::inconsistent("session_devices", "mac", row.id))?;
        Ok(Self {
            id: row.id.into(),
            session_id: row.session_id.into(),
            mac,
            is_on_intended: row.is_on_intended,
            generation: row.generation,
            applied_generation: row.applied_generation,
            is_online: row.is_online,
            used_secs: row.used_secs,
            used_bytes: row.used_bytes,
            attempts: row.attempts,
            next_try_at: row.next_try_at,
            package_id: row.package_id.into(),
            package_revision: row.package_revision,
            down: row.down_kbps.map(Rate::from_kbps),
            up: row.up_kbps.map(Rate::from_kbps),
            duration_secs: row.duration_secs,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            ended_at: row.ended_at,
            data: row.data_bytes.map(DataSize::from_bytes),
            session_used: DataSize::from_bytes(row.session_used_bytes),
            request_id: row.request_id,
        })
    }
}

/// Every device that a router should have on, or that it was not yet told to take off. The limit is far
/// beyond what any router holds: a list that was cut would make paid devices look like strangers.
pub(crate) async fn list_work(pool: &MySqlPool, router_id: RouterId) -> Result<Vec<WorkRecord>, StoreError> {
    let rows = sqlx::query_as!(
        WorkRow,
        r#"select d.id as "id: Uuid", d.session_id as "session_id: Uuid", d.mac as "mac: Vec<u8>",
                  d.intended = 'on' as "is_on_intended!: bool", d.generation, d.applied_generation,
                  d.is_online as "is_online: bool", d.used_secs, d.used_bytes, d.attempts,
                  d.next_try_at as "next_try_at: DateTime<Utc>", s.package_id as "package_id: Uuid",
                  s.package_revision, s.down_kbps, s.up_kbps, s.duration_secs,
                  s.starts_at as "starts_at: DateTime<Utc>", s.ends_at as "ends_at: DateTime<Utc>",
                  s.ended_at as "ended_at: DateTime<Utc>", s.data_bytes,
                  cast((select sum(o.used_bytes) from session_devices o where o.session_id = s.id) as unsigned)
                      as "session_used_bytes!: u64",
                  p.request_id as "request_id?"
           from (select id from session_devices where router_id = ? and intended = 'on'
                 union all
                 select id from session_devices
                 where router_id = ? and intended = 'off' and next_try_at is not null) as work
           join session_devices d on d.id = work.id
           join sessions s on s.id = d.session_id
           left join payments p on p.id = s.payment_id
           order by d.updated_at, d.id limit 100000"#,
        router_id.as_uuid(),
        router_id.as_uuid()
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(WorkRecord::try_from).collect()
}

/// Routers for which something is due, whichever process caused it.
pub(crate) async fn list_due_routers(pool: &MySqlPool, now: DateTime<Utc>) -> Result<Vec<RouterId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select distinct router_id as "router_id: Uuid" from session_devices where next_try_at <= ?"#,
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(RouterId::from).collect())
}

/// What was found out about a device on its router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub is_online: bool,
    pub used_secs: u64,
    pub used_bytes: u64,
}

/// Records that the router was brought to generation `generation` of the intent. `false` when the intent
/// has changed since: then there is more to do. Use never goes down: a router forgets in a power cut.
pub(crate) async fn record_applied(
    connection: &mut MySqlConnection,
    device: &WorkRecord,
    usage: Usage,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update session_devices
         set applied = intended, applied_generation = generation, applied_at = ?, is_online = ?,
             used_secs = greatest(used_secs, ?), used_bytes = greatest(used_bytes, ?),
             last_error = null, attempts = 0, next_try_at = null, updated_at = ?
         where id = ? and generation = ?",
        now,
        usage.is_online,
        usage.used_secs,
        usage.used_bytes,
        now,
        device.id.as_uuid(),
        device.generation
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records what a device has used and whether it is on, under the generation it was read for.
pub(crate) async fn record_usage(
    connection: &mut MySqlConnection,
    device: &WorkRecord,
    usage: Usage,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update session_devices
         set is_online = ?, used_secs = greatest(used_secs, ?), used_bytes = greatest(used_bytes, ?)
         where id = ? and generation = ?",
        usage.is_online,
        usage.used_secs,
        usage.used_bytes,
        device.id.as_uuid(),
        device.generation
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records that an attempt failed, why, and when to try again.
pub(crate) async fn record_failure(
    connection: &mut MySqlConnection,
    device: &WorkRecord,
    error: &str,
    next_try_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update session_devices set last_error = ?, attempts = attempts + 1, next_try_at = ?
         where id = ? and generation = ?",
        error,
        next_try_at,
        device.id.as_uuid(),
        device.generation
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says that every device of a session is to be taken off: a new generation for those that were on.
pub(crate) async fn intend_off(
    connection: &mut MySqlConnection,
    session_id: SessionId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update session_devices
         set intended = 'off', generation = generation + 1, attempts = 0, last_error = null, next_try_at = ?,
             updated_at = ?
         where session_id = ? and intended = 'on'",
        now,
        now,
        session_id.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
