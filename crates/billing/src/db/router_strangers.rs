//! `router_strangers`: who is on without paid time, as each router was read last.

use chrono::{DateTime, Utc};
use domain::{MacAddr, RouterId, live::Stranger};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use super::{StoreError, hex_id};

/// Most that are kept of one router. A hotspot that lets more through has another problem than this list can show.
pub(crate) const MOST: usize = 200;

/// Replaces what is known of a router. A device that was seen before keeps its row, and with it since when it is on.
pub(crate) async fn replace_strangers(
    connection: &mut MySqlConnection,
    router_id: RouterId,
    seen: &[(Uuid, &Stranger)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = seen
        .iter()
        .take(MOST)
        .map(|(new_id, one)| {
            json!({
                "id": hex_id(*new_id),
                "mac": hex::encode(one.mac.bytes()),
                "kind": one.kind.as_str(),
                "user": one.user.chars().take(64).collect::<String>(),
                "ip": one.ip.as_deref().filter(|ip| ip.len() <= 45 && ip.is_ascii()),
                "secs": one.used_secs,
                "bytes": one.used_bytes,
            })
        })
        .collect();
    let rows = json!(rows).to_string();
    // `gone_at` is set for those who are not seen any more, so that the live feed can tell; they are deleted later.
    sqlx::query!(
        "insert into router_strangers (id, router_id, mac, kind, user_name, ip, used_secs, used_bytes, since_at, seen_at,
                                       updated_at)
         select unhex(v.id), ?, unhex(v.mac), v.kind, v.user_name, v.ip, v.used_secs, v.used_bytes, ?, ?, ?
         from json_table(?, '$[*]' columns (
             id char(32) path '$.id', mac char(12) path '$.mac', kind varchar(8) path '$.kind',
             user_name varchar(64) path '$.user', ip varchar(45) path '$.ip',
             used_secs bigint unsigned path '$.secs', used_bytes bigint unsigned path '$.bytes')) v
         on duplicate key update
             updated_at = if(gone_at is null and router_strangers.kind = values(kind)
                             and router_strangers.user_name = values(user_name),
                             router_strangers.updated_at, values(updated_at)),
             since_at = if(gone_at is null, router_strangers.since_at, values(since_at)), kind = values(kind),
             user_name = values(user_name), ip = values(ip), used_secs = values(used_secs),
             used_bytes = values(used_bytes), seen_at = values(seen_at), gone_at = null",
        router_id.as_uuid(),
        now,
        now,
        now,
        rows
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update router_strangers set gone_at = ?, is_kicked = 0, updated_at = ?
         where router_id = ? and gone_at is null
           and mac not in (select unhex(v.mac) from json_table(?, '$[*]' columns (mac char(12) path '$.mac')) v)",
        now,
        now,
        router_id.as_uuid(),
        rows
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from router_strangers where router_id = ? and gone_at < ?",
        router_id.as_uuid(),
        now - chrono::TimeDelta::minutes(5)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Asks the router's task to log a stranger out; `None` if there is no such one, or none that is logged in.
pub(crate) async fn kick_stranger(
    connection: &mut MySqlConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<(RouterId, MacAddr)>, StoreError> {
    let row = sqlx::query!(
        r#"select router_id as "router_id: Uuid", mac as "mac: Vec<u8>" from router_strangers
           where id = ? and gone_at is null and kind <> 'bypassed' for update"#,
        id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    sqlx::query!("update router_strangers set is_kicked = 1, updated_at = ? where id = ?", now, id)
        .execute(connection)
        .await?;
    let mac =
        super::payments::read_mac(&row.mac).ok_or_else(|| StoreError::inconsistent("router_strangers", "mac", id))?;
    Ok(Some((row.router_id.into(), mac)))
}

/// Says that devices of a router were logged out as asked.
pub(crate) async fn clear_kicked(
    connection: &mut MySqlConnection,
    router_id: RouterId,
    kicked: &[MacAddr],
) -> Result<(), StoreError> {
    for mac in kicked {
        sqlx::query!(
            "update router_strangers set is_kicked = 0 where router_id = ? and mac = ?",
            router_id.as_uuid(),
            mac.bytes().to_vec()
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Devices of a router that are to be logged out although nobody paid for them.
pub(crate) async fn list_kicked(pool: &MySqlPool, router_id: RouterId) -> Result<Vec<MacAddr>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"select mac as "mac: Vec<u8>" from router_strangers where router_id = ? and gone_at is null and is_kicked = 1"#,
        router_id.as_uuid()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().filter_map(|mac| super::payments::read_mac(mac)).collect())
}

/// Strangers that came, went or changed at or after `since`, with when, newest first, at most `limit`.
pub(crate) async fn list_changed(
    pool: &MySqlPool,
    since: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", updated_at as "at: DateTime<Utc>" from router_strangers
           where updated_at >= ? order by updated_at desc limit ?"#,
        since,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.at)).collect())
}
