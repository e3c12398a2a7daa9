//! `session_devices`: delivery, third of the three facts. What each router should have for each device,
//! and what it was last brought to.

mod found;
mod sharing;
mod work;

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use chrono::{DateTime, Utc};
use domain::{DeviceId, MacAddr, RouterId, SessionId, UserId, session::Session};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

pub(crate) use found::*;
pub(crate) use sharing::*;
pub(crate) use work::*;

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

/// The session a device's row belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub session_id: SessionId,
    /// Where the session is in its life.
    pub session: Session,
    /// The customer who bought the session, if it was paid for.
    pub user_id: Option<UserId>,
    /// Whether the device is there because the session's customer added it.
    pub is_guest: bool,
    /// Whether the device has left the session: then its time is not this device's any more.
    pub has_left: bool,
}

/// The session that each of some devices has now. The devices' rows are held until the transaction ends, so that an
/// expiry at the same moment waits.
pub(crate) async fn lock_devices(
    connection: &mut MySqlConnection,
    places: &[Place],
    now: DateTime<Utc>,
) -> Result<HashMap<Place, Held>, StoreError> {
    let mut rows: Vec<_> =
        places.iter().map(|(router_id, mac)| (hex_id(router_id.as_uuid()), hex::encode(mac.bytes()))).collect();
    rows.sort_unstable();
    let rows = sqlx::query!(
        r#"select d.router_id as "router_id: Uuid", d.mac, d.is_guest as "is_guest: bool",
                  d.left_at is not null as "has_left!: bool", s.id as "session_id: Uuid", s.user_id as "user_id: Uuid",
                  s.duration_secs, s.starts_at as "starts_at: DateTime<Utc>", s.ends_at as "ends_at: DateTime<Utc>",
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
            let held = Held {
                session_id: row.session_id.into(),
                session: Session::at(now, row.duration_secs, row.starts_at, row.ends_at, row.ended_at),
                user_id: row.user_id.map(UserId::from),
                is_guest: row.is_guest,
                has_left: row.has_left,
            };
            Ok(((row.router_id.into(), mac), held))
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

/// Says that devices are to be let on. A new generation of each: the router has to be brought to it. One that is
/// blocked, or whose session is paused, stays off until that is over.
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
         select unhex(v.id), unhex(v.session_id), unhex(v.router_id), unhex(v.mac), v.ip,
                if(exists(select 1 from blocks b where b.active_mac = unhex(v.mac))
                   or exists(select 1 from sessions s where s.id = unhex(v.session_id) and s.paused_at is not null),
                   'off', 'on'), ?, ?, ?
         from json_table(?, '$[*]' columns (
             id char(32) path '$.id', session_id char(32) path '$.session_id', router_id char(32) path '$.router_id',
             mac char(12) path '$.mac', ip varchar(45) path '$.ip')) v
         on duplicate key update session_id = values(session_id), ip = coalesce(values(ip), session_devices.ip),
             intended = values(intended), generation = generation + 1, used_secs = 0, used_bytes = 0, before_secs = 0,
             before_bytes = 0, is_kicked = 0, attempts = 0,
             last_error = null, left_at = null, is_guest = 0, label = null, next_try_at = values(next_try_at),
             updated_at = values(updated_at)",
        now,
        now,
        now,
        json!(rows).to_string()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the other devices of a session that was extended to the new one. Those that were off because the session was
/// paused are to be on again.
pub(crate) async fn move_devices(
    connection: &mut MySqlConnection,
    from: SessionId,
    to: SessionId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update session_devices
         set session_id = ?, generation = generation + 1, used_secs = 0, used_bytes = 0, before_secs = 0,
             intended = if(exists(select 1 from blocks b where b.active_mac = session_devices.mac), 'off', 'on'),
             before_bytes = 0, attempts = 0, next_try_at = ?, updated_at = ?
         where session_id = ? and left_at is null",
        to.as_uuid(),
        now,
        now,
        from.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Routers for which something is due, whichever process caused it: work, or the end of somebody's paid time.
pub(crate) async fn list_due_routers(pool: &MySqlPool, now: DateTime<Utc>) -> Result<Vec<RouterId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select router_id as "router_id!: Uuid" from session_devices where next_try_at <= ?
           union
           select d.router_id from sessions s force index (sessions_ends)
           straight_join session_devices d force index (session_devices_session) on d.session_id = s.id
           where s.ended_at is null and s.ends_at <= ? and d.intended = 'on'"#,
        now,
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(RouterId::from).collect())
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

/// Says that devices that are blocked are to be taken off, on one router or on all.
pub(crate) async fn intend_off_blocked(
    connection: &mut MySqlConnection,
    router_id: Option<RouterId>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let router = router_id.map(RouterId::as_uuid);
    let done = sqlx::query!(
        "update blocks b join session_devices d on d.mac = b.active_mac
         set d.intended = 'off', d.generation = d.generation + 1, d.attempts = 0, d.last_error = null,
             d.next_try_at = ?, d.updated_at = ?
         where d.intended = 'on' and (? is null or d.router_id = ?)",
        now,
        now,
        router,
        router
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Holds every device of a session until the transaction ends; whoever changes a session by hand does so before holding
/// the session itself, as purchases do. Gives the routers that have one of them.
pub(crate) async fn lock_of_session(
    connection: &mut MySqlConnection,
    session_id: SessionId,
) -> Result<BTreeSet<RouterId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select router_id as "router_id: Uuid" from session_devices where session_id = ? for update"#,
        session_id.as_uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(RouterId::from).collect())
}

/// Says that the end of a session's time has moved: its devices that are on have to be brought to it.
pub(crate) async fn intend_again(
    connection: &mut MySqlConnection,
    session_id: SessionId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update session_devices
         set generation = generation + 1, attempts = 0, next_try_at = ?, updated_at = ?
         where session_id = ? and intended = 'on'",
        now,
        now,
        session_id.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Says that the devices of a session that goes on are to be let on again, except blocked ones. What they used until now
/// is kept apart, because their routers count anew.
pub(crate) async fn intend_on_again(
    connection: &mut MySqlConnection,
    session_id: SessionId,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    sqlx::query!(
        "update sessions s set s.left_bytes = s.left_bytes
             + (select coalesce(sum(d.used_bytes), 0) from session_devices d where d.session_id = s.id)
         where s.id = ?",
        session_id.as_uuid()
    )
    .execute(&mut *connection)
    .await?;
    let done = sqlx::query!(
        "update session_devices d
         set d.before_secs = d.before_secs + d.used_secs, d.before_bytes = d.before_bytes + d.used_bytes,
             d.used_secs = 0, d.used_bytes = 0,
             d.intended = if(d.left_at is not null or exists(select 1 from blocks b where b.active_mac = d.mac),
                             'off', 'on'),
             d.generation = d.generation + 1, d.attempts = 0, d.last_error = null, d.next_try_at = ?, d.updated_at = ?
         where d.session_id = ?",
        now,
        now,
        session_id.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Says that devices of a MAC that is blocked no more are to be let on again, where they have paid time that is not
/// paused.
pub(crate) async fn intend_on_lifted(
    connection: &mut MySqlConnection,
    mac: MacAddr,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update session_devices d join sessions s on s.id = d.session_id
         set d.intended = 'on', d.generation = d.generation + 1, d.attempts = 0, d.last_error = null,
             d.next_try_at = ?, d.updated_at = ?
         where d.mac = ? and d.intended = 'off' and d.left_at is null and s.ended_at is null and s.paused_at is null
           and (s.ends_at is null or s.ends_at > ?)",
        now,
        now,
        mac.bytes().to_vec(),
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Says that a device is to be logged out once. `false` if it is not to be on at all.
pub(crate) async fn kick(connection: &mut MySqlConnection, id: Uuid, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update session_devices
         set generation = generation + if(is_kicked, 0, 1), attempts = 0, next_try_at = ?, updated_at = ?, is_kicked = 1
         where id = ? and intended = 'on'",
        now,
        now,
        id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks the devices of a session as changed, so that the live feed shows them once more.
pub(crate) async fn touch_of_session(
    connection: &mut MySqlConnection,
    session_id: SessionId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("update session_devices set updated_at = ? where session_id = ?", now, session_id.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}

/// Devices that changed at or after `since` in a way that people look at, with when, newest first, at most `limit`.
pub(crate) async fn list_changed(
    pool: &MySqlPool,
    since: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", updated_at as "at: DateTime<Utc>" from session_devices
           where updated_at >= ? order by updated_at desc limit ?"#,
        since,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.at)).collect())
}
