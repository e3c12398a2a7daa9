//! Devices that join a session, leave it, or come back under another address.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{DeviceId, MacAddr, RouterId, SessionId};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::{Place, StoreError, hex_id};
use crate::db::payments::read_mac;

/// A device of a session.
#[derive(Debug, Clone)]
pub(crate) struct MemberRecord {
    pub id: DeviceId,
    pub place: Place,
    /// Its address on the hotspot, as last heard.
    pub ip: Option<String>,
    /// What the customer calls it.
    pub label: Option<String>,
    /// Whether it is to be on.
    pub is_on_intended: bool,
    /// Whether it was on when its router was read last.
    pub is_online: bool,
    /// Whether the customer added it.
    pub is_guest: bool,
}

/// The devices of a session that have not left it, oldest first.
pub(crate) async fn list_members(
    executor: impl MySqlExecutor<'_>,
    session_id: SessionId,
) -> Result<Vec<MemberRecord>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", router_id as "router_id: Uuid", mac, ip, label,
                  intended = 'on' as "is_on_intended!: bool", is_online as "is_online: bool",
                  is_guest as "is_guest: bool"
           from session_devices where session_id = ? and left_at is null order by is_guest, id"#,
        session_id.as_uuid()
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter()
        .map(|row| {
            let mac = read_mac(&row.mac).ok_or_else(|| StoreError::inconsistent("session_devices", "mac", row.id))?;
            Ok(MemberRecord {
                id: row.id.into(),
                place: (row.router_id.into(), mac),
                ip: row.ip,
                label: row.label,
                is_on_intended: row.is_on_intended,
                is_online: row.is_online,
                is_guest: row.is_guest,
            })
        })
        .collect()
}

/// A device leaves its session: its router is to take it off. `false` if it has left already.
pub(crate) async fn leave(
    connection: &mut MySqlConnection,
    id: DeviceId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update session_devices
         set intended = 'off', left_at = ?, generation = generation + 1, attempts = 0, last_error = null,
             next_try_at = ?, updated_at = ?
         where id = ? and left_at is null",
        now,
        now,
        now,
        id.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes how a device came to its session, after it was let on.
pub(crate) async fn describe(
    connection: &mut MySqlConnection,
    (router_id, mac): Place,
    is_guest: bool,
    label: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update session_devices set is_guest = ?, label = ? where router_id = ? and mac = ?",
        is_guest,
        label,
        router_id.as_uuid(),
        mac.bytes().to_vec()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What devices used counts for the session they were in, before their rows go over to another.
pub(crate) async fn keep_use(connection: &mut MySqlConnection, places: &[Place]) -> Result<(), StoreError> {
    for (router_id, mac) in places {
        sqlx::query!(
            "update sessions s join session_devices d on d.session_id = s.id
             set s.left_bytes = s.left_bytes + d.used_bytes, d.used_bytes = 0
             where d.router_id = ? and d.mac = ?",
            router_id.as_uuid(),
            mac.bytes().to_vec()
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A device is sent to the portal from another address than the one its router was last told of: the router is
/// looked at again. At most once in `pause`; `false` when nothing is to be done.
pub(crate) async fn note_address(
    pool: &MySqlPool,
    (router_id, mac): Place,
    ip: IpAddr,
    pause: TimeDelta,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ip = ip.to_string();
    let done = sqlx::query!(
        "update session_devices
         set ip = ?, generation = generation + 1, next_try_at = ?, updated_at = ?
         where router_id = ? and mac = ? and intended = 'on' and (ip is null or ip <> ?) and updated_at < ?",
        ip,
        now,
        now,
        router_id.as_uuid(),
        mac.bytes().to_vec(),
        ip,
        now - pause
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Which of some devices on a router have paid time of their own or of somebody else.
pub(crate) async fn list_taken(
    pool: &MySqlPool,
    router_id: RouterId,
    macs: &[MacAddr],
    now: DateTime<Utc>,
) -> Result<BTreeSet<MacAddr>, StoreError> {
    let rows: Vec<_> = macs.iter().map(|mac| (hex_id(router_id.as_uuid()), hex::encode(mac.bytes()))).collect();
    let rows = sqlx::query_scalar!(
        "select d.mac
         from json_table(?, '$[*]' columns (router_id char(32) path '$[0]', mac char(12) path '$[1]')) v
         straight_join session_devices d force index (session_devices_device)
             on d.router_id = unhex(v.router_id) and d.mac = unhex(v.mac)
         join sessions s on s.id = d.session_id
         where d.left_at is null and s.ended_at is null and (s.ends_at is null or s.ends_at > ?)",
        json!(rows).to_string(),
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().filter_map(|mac| read_mac(mac)).collect())
}

/// Which of some devices have paid time that is to be delivered by another router than this one.
pub(crate) async fn list_on_elsewhere(
    pool: &MySqlPool,
    router_id: RouterId,
    rows: &[(MacAddr, SessionId)],
    now: DateTime<Utc>,
) -> Result<BTreeSet<MacAddr>, StoreError> {
    let rows: Vec<_> = rows.iter().map(|(mac, id)| (hex_id(id.as_uuid()), hex::encode(mac.bytes()))).collect();
    let rows = sqlx::query_scalar!(
        "select d.mac
         from json_table(?, '$[*]' columns (session_id char(32) path '$[0]', mac char(12) path '$[1]')) v
         straight_join sessions s on s.id = unhex(v.session_id)
         straight_join session_devices d on d.session_id = s.id and d.mac = unhex(v.mac)
         where d.router_id <> ? and d.intended = 'on' and d.left_at is null
           and s.ended_at is null and (s.ends_at is null or s.ends_at > ?)",
        json!(rows).to_string(),
        router_id.as_uuid(),
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().filter_map(|mac| read_mac(mac)).collect())
}

/// Whether a device was in a session and has left it.
pub(crate) async fn has_left(pool: &MySqlPool, session_id: SessionId, mac: MacAddr) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        "select count(*) from session_devices where session_id = ? and mac = ? and left_at is not null",
        session_id.as_uuid(),
        mac.bytes().to_vec()
    )
    .fetch_one(pool)
    .await?;
    Ok(found > 0)
}
