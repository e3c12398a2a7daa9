//! `session_devices`: delivery, third of the three facts. What each router should have for each device,
//! and what it was last brought to.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{DeviceId, MacAddr, RouterId, SessionId};
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::StoreError;

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

/// Says that a device is to be let on under a session. A new generation: the router has to be brought to it.
pub(crate) async fn intend_on(
    connection: &mut MySqlConnection,
    new_id: DeviceId,
    session_id: SessionId,
    router_id: RouterId,
    mac: MacAddr,
    ip: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into session_devices (id, session_id, router_id, mac, ip, intended, next_try_at, created_at, updated_at)
         values (?, ?, ?, ?, ?, 'on', ?, ?, ?)
         on duplicate key update session_id = values(session_id), ip = coalesce(values(ip), ip), intended = 'on',
             generation = generation + 1, used_bytes = 0, attempts = 0, last_error = null,
             next_try_at = values(next_try_at), updated_at = values(updated_at)",
        new_id.as_uuid(),
        session_id.as_uuid(),
        router_id.as_uuid(),
        mac.bytes().to_vec(),
        ip.map(|ip| ip.to_string()),
        now,
        now,
        now
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
         set session_id = ?, generation = generation + 1, used_bytes = 0, attempts = 0, next_try_at = ?, updated_at = ?
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
