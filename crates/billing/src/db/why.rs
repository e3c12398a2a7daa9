//! What is asked of several tables to say why a customer cannot get on.

use chrono::{DateTime, Utc};
use domain::{MacAddr, PaymentId, Receipt, RouterId, SessionId, UserId};
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// A session with everything that can keep its device off.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub id: Uuid,
    pub payment_id: Option<Uuid>,
    pub router_id: Option<Uuid>,
    mac: Vec<u8>,
    pub package_name: String,
    pub devices: u8,
    pub data_bytes: Option<u64>,
    /// By all devices of the session, those that have left it too.
    pub used_bytes: u64,
    pub ends_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<String>,
    pub paused_at: Option<DateTime<Utc>>,
}

impl SessionRow {
    /// The device it was bought for.
    pub(crate) fn mac(&self) -> Result<MacAddr, StoreError> {
        super::payments::read_mac(&self.mac).ok_or_else(|| StoreError::inconsistent("sessions", "mac", self.id))
    }
}

macro_rules! session {
    ($pool:expr, $condition:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            SessionRow,
            r#"select s.id as "id: Uuid", s.payment_id as "payment_id: Uuid", s.router_id as "router_id: Uuid",
                      s.mac as "mac: Vec<u8>", s.package_name, s.devices, s.data_bytes,
                      cast(s.left_bytes + coalesce((select sum(d.used_bytes) from session_devices d
                                                    where d.session_id = s.id), 0) as unsigned) as "used_bytes!: u64",
                      s.ends_at as "ends_at: DateTime<Utc>", s.ended_at as "ended_at: DateTime<Utc>", s.end_reason,
                      s.paused_at as "paused_at: DateTime<Utc>"
               from sessions s where "# + $condition,
            $($argument),+
        )
        .fetch_optional($pool)
        .await?
    };
}

/// By key.
pub(crate) async fn find_session(pool: &MySqlPool, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
    Ok(session!(pool, "s.id = ?", id.as_uuid()))
}

/// What a payment bought.
pub(crate) async fn find_session_of_payment(pool: &MySqlPool, id: PaymentId) -> Result<Option<SessionRow>, StoreError> {
    Ok(session!(pool, "s.payment_id = ?", id.as_uuid()))
}

/// What a device has now, on any router, or had last.
pub(crate) async fn find_session_of_mac(
    pool: &MySqlPool,
    mac: MacAddr,
    now: DateTime<Utc>,
) -> Result<Option<SessionRow>, StoreError> {
    Ok(session!(
        pool,
        "s.id = (select d.session_id from session_devices d join sessions o on o.id = d.session_id
                 where d.mac = ? and d.left_at is null
                 order by (o.ended_at is null and (o.ends_at is null or o.ends_at > ?)) desc, d.updated_at desc limit 1)",
        mac.bytes().to_vec(),
        now
    ))
}

/// The newest paid time of a customer that is not over.
pub(crate) async fn find_live_of_phone(
    pool: &MySqlPool,
    msisdn: &str,
    now: DateTime<Utc>,
) -> Result<Option<SessionRow>, StoreError> {
    Ok(session!(
        pool,
        "s.user_id = (select u.id from users u where u.msisdn = ?)
         and s.ended_at is null and (s.ends_at is null or s.ends_at > ?) order by s.id desc limit 1",
        msisdn,
        now
    ))
}

/// The payment that the money of an M-Pesa code went to.
pub(crate) async fn find_payment_of_receipt(
    pool: &MySqlPool,
    receipt: &Receipt,
) -> Result<Option<PaymentId>, StoreError> {
    let id = sqlx::query_scalar!(
        r#"select coalesce((select r.payment_id from receipts r where r.receipt = ?),
                           (select p.id from payments p where p.receipt = ? limit 1)) as "id: Uuid""#,
        receipt.as_str(),
        receipt.as_str()
    )
    .fetch_one(pool)
    .await?;
    Ok(id.map(PaymentId::from))
}

/// With which device a customer tried to pay after this payment, if it was another one.
pub(crate) async fn find_later_mac(
    pool: &MySqlPool,
    payment_id: PaymentId,
    user_id: UserId,
) -> Result<Option<MacAddr>, StoreError> {
    let mac = sqlx::query_scalar!(
        r#"select mac as "mac: Vec<u8>" from payments where user_id = ? and id > ? order by id desc limit 1"#,
        user_id.as_uuid(),
        payment_id.as_uuid()
    )
    .fetch_optional(pool)
    .await?;
    Ok(mac.as_deref().and_then(super::payments::read_mac))
}

/// A device of a session.
#[derive(Debug)]
pub(crate) struct DeviceRow {
    pub id: Uuid,
    pub mac: MacAddr,
    pub router_id: RouterId,
    pub is_applied: bool,
    pub is_online: bool,
    pub last_error: Option<String>,
}

/// The devices of a session that have not left it.
pub(crate) async fn list_devices(pool: &MySqlPool, id: SessionId) -> Result<Vec<DeviceRow>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", mac as "mac: Vec<u8>", router_id as "router_id: Uuid",
                  (intended = 'on' and applied = 'on' and applied_generation = generation) as "is_applied!: bool",
                  is_online as "is_online: bool", last_error
           from session_devices where session_id = ? and left_at is null order by updated_at desc limit 50"#,
        id.as_uuid()
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let mac = super::payments::read_mac(&row.mac)
                .ok_or_else(|| StoreError::inconsistent("session_devices", "mac", id))?;
            Ok(DeviceRow {
                id: row.id,
                mac,
                router_id: row.router_id.into(),
                is_applied: row.is_applied,
                is_online: row.is_online,
                last_error: row.last_error,
            })
        })
        .collect()
}

/// The name of a router, in use or not.
pub(crate) async fn find_router_name(pool: &MySqlPool, id: RouterId) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!("select name from routers where id = ?", id.as_uuid()).fetch_optional(pool).await?)
}
