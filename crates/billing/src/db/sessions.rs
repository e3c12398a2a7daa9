//! `sessions`: entitlement, second of the three facts.

pub(crate) mod times;

mod sharing;

use chrono::{DateTime, Utc};
use domain::{
    DataSize, MacAddr, PackageId, PackageTerms, PaymentId, Rate, RouterId, SessionId, UserId, VoucherId,
    session::Session,
};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlExecutor};
use uuid::Uuid;

pub(crate) use sharing::*;

use super::{StoreError, ensure_rows, hex_id};

/// What gave a session its right to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A settled payment.
    Payment(PaymentId),
    /// A redeemed voucher.
    Voucher(VoucherId),
}

/// A session to insert.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub id: SessionId,
    pub origin: Origin,
    pub user_id: Option<UserId>,
    pub router_id: RouterId,
    pub mac: MacAddr,
    pub package_id: PackageId,
    pub package_revision: u32,
    pub terms: &'a PackageTerms,
    pub duration_secs: u64,
    pub carried_secs: u64,
    /// The session whose rest goes over into this one.
    pub carried_from: Option<SessionId>,
    pub data: Option<DataSize>,
}

/// Inserts sessions. The unique key on their origin makes sure that there is at most one of each.
pub(crate) async fn insert_sessions(
    connection: &mut MySqlConnection,
    new: &[NewSession<'_>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = new.iter().map(session_json).collect();
    let done = sqlx::query!(
        "insert into sessions (id, payment_id, voucher_id, user_id, router_id, mac, package_id, package_name,
                               package_revision, duration_secs, carried_secs, carried_from, down_kbps, up_kbps, data_bytes,
                               devices, created_at, updated_at)
         select unhex(v.id), unhex(v.payment_id), unhex(v.voucher_id), unhex(v.user_id), unhex(v.router_id),
                unhex(v.mac), unhex(v.package_id), v.package_name, v.package_revision, v.duration_secs,
                v.carried_secs, unhex(v.carried_from), v.down_kbps, v.up_kbps, v.data_bytes, v.devices, ?, ?
         from json_table(?, '$[*]' columns (
             id char(32) path '$.id', payment_id char(32) path '$.payment_id', voucher_id char(32) path '$.voucher_id',
             user_id char(32) path '$.user_id', router_id char(32) path '$.router_id', mac char(12) path '$.mac',
             package_id char(32) path '$.package_id', package_name varchar(60) path '$.package_name',
             package_revision int unsigned path '$.package_revision', duration_secs bigint unsigned path '$.duration_secs',
             carried_secs bigint unsigned path '$.carried_secs', carried_from char(32) path '$.carried_from',
             down_kbps int unsigned path '$.down_kbps',
             up_kbps int unsigned path '$.up_kbps', data_bytes bigint unsigned path '$.data_bytes',
             devices tinyint unsigned path '$.devices')) v",
        now,
        now,
        json!(rows).to_string()
    )
    .execute(connection)
    .await?;
    ensure_rows("make sessions", done.rows_affected(), u64::try_from(new.len()).unwrap_or(u64::MAX))
}

fn session_json(new: &NewSession<'_>) -> serde_json::Value {
    let (payment_id, voucher_id) = match new.origin {
        Origin::Payment(id) => (Some(hex_id(id.as_uuid())), None),
        Origin::Voucher(id) => (None, Some(hex_id(id.as_uuid()))),
    };
    json!({
        "id": hex_id(new.id.as_uuid()),
        "payment_id": payment_id,
        "voucher_id": voucher_id,
        "user_id": new.user_id.map(|id| hex_id(id.as_uuid())),
        "router_id": hex_id(new.router_id.as_uuid()),
        "mac": hex::encode(new.mac.bytes()),
        "package_id": hex_id(new.package_id.as_uuid()),
        "package_name": new.terms.name,
        "package_revision": new.package_revision,
        "duration_secs": new.duration_secs,
        "carried_secs": new.carried_secs,
        "carried_from": new.carried_from.map(|id| hex_id(id.as_uuid())),
        "down_kbps": new.terms.down.map(Rate::kbps),
        "up_kbps": new.terms.up.map(Rate::kbps),
        "data_bytes": new.data.map(DataSize::bytes),
        "devices": new.terms.devices,
    })
}

/// A session with what its device has used and whether a router has it.
#[derive(Debug, Clone)]
pub(crate) struct SessionRecord {
    pub id: SessionId,
    pub payment_id: Option<PaymentId>,
    pub package_name: String,
    pub duration_secs: u64,
    pub data: Option<DataSize>,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether a person ended it.
    pub is_stopped: bool,
    pub paused_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub used: DataSize,
    /// Whether any router has been brought to let a device of it on.
    pub is_delivered: bool,
}

impl SessionRecord {
    /// Where it is in its life at `now`.
    pub(crate) fn at(&self, now: DateTime<Utc>) -> Session {
        Session::at(now, self.duration_secs, self.starts_at, self.ends_at, self.ended_at)
    }

    /// Data left; `None` is unlimited.
    pub(crate) fn data_left(&self) -> Option<DataSize> {
        self.data.map(|data| data.saturating_sub(self.used))
    }
}

macro_rules! find_session {
    ($executor:expr, $condition:literal, $($argument:expr),+) => {
        find_session!($executor, delivered "", $condition, $($argument),+)
    };
    // `$delivered` narrows which of the session's devices must have been let on for it to be delivered.
    ($executor:expr, delivered $delivered:literal, $condition:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            SessionRow,
            r#"select s.id as "id: Uuid", s.payment_id as "payment_id: Uuid", s.package_name, s.duration_secs,
                      s.data_bytes, s.starts_at as "starts_at: DateTime<Utc>", s.ends_at as "ends_at: DateTime<Utc>",
                      s.ended_at as "ended_at: DateTime<Utc>", s.created_at as "created_at: DateTime<Utc>",
                      s.paused_at as "paused_at: DateTime<Utc>",
                      (s.ended_at is not null and s.end_reason = 'stopped') as "is_stopped!: bool",
                      cast(s.left_bytes
                           + coalesce((select sum(d.used_bytes) from session_devices d where d.session_id = s.id), 0)
                           as unsigned) as "used_bytes!: u64",
                      exists(select 1 from session_devices d
                             where d.session_id = s.id and d.applied = 'on'
                               and d.applied_generation = d.generation"# + $delivered + r#") as "is_delivered!: bool"
               from sessions s where "# + $condition,
            $($argument),+
        )
        .fetch_optional($executor)
        .await?
        .map(SessionRecord::from)
    };
}

/// The session that a payment bought.
pub(crate) async fn find_by_payment(
    executor: impl MySqlExecutor<'_>,
    id: PaymentId,
) -> Result<Option<SessionRecord>, StoreError> {
    Ok(find_session!(executor, "s.payment_id = ?", id.as_uuid()))
}

/// By key.
pub(crate) async fn find_session(
    executor: impl MySqlExecutor<'_>,
    id: SessionId,
) -> Result<Option<SessionRecord>, StoreError> {
    Ok(find_session!(executor, "s.id = ?", id.as_uuid()))
}

/// The session that a device on a router has now or had last, delivered when this very device was let on. A session
/// that went on on another device is not its any more.
pub(crate) async fn find_latest_of_device(
    executor: impl MySqlExecutor<'_>,
    router_id: Option<RouterId>,
    mac: MacAddr,
) -> Result<Option<SessionRecord>, StoreError> {
    let router = router_id.map(RouterId::as_uuid);
    Ok(find_session!(
        executor,
        delivered " and d.mac = ? and (? is null or d.router_id = ?)",
        "s.id = (select d.session_id from session_devices d
                 where d.mac = ? and (? is null or d.router_id = ?) and d.left_at is null
                 order by d.updated_at desc limit 1)",
        mac.bytes().to_vec(),
        router,
        router,
        mac.bytes().to_vec(),
        router,
        router
    ))
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Paid time ran out.
    Expired,
    /// The data allowance is used up.
    DataUsed,
    /// What was left went over into a later session.
    Extended,
    /// The payment was given back.
    Refunded,
    /// An owner ended it.
    Stopped,
}

impl EndReason {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::DataUsed => "data_used",
            Self::Extended => "extended",
            Self::Refunded => "refunded",
            Self::Stopped => "stopped",
        }
    }
}

/// Whether a session whose time or data was seen to be over is so now, holding its row: it may have been given more
/// time, or paused, since.
pub(crate) async fn is_still_over(
    connection: &mut MySqlConnection,
    id: SessionId,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let row = sqlx::query!(
        r#"select ends_at as "ends_at: DateTime<Utc>", ended_at as "ended_at: DateTime<Utc>",
                  paused_at as "paused_at: DateTime<Utc>"
           from sessions where id = ? for update"#,
        id.as_uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some_and(|row| {
        row.ended_at.is_some()
            || (row.paused_at.is_none() && (reason != EndReason::Expired || row.ends_at.is_some_and(|at| at <= now)))
    }))
}

/// Ends a session, once; `false` if it is over already.
pub async fn end_session(
    connection: &mut MySqlConnection,
    id: SessionId,
    reason: EndReason,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update sessions set ended_at = ?, end_reason = ?, updated_at = ? where id = ? and ended_at is null",
        at,
        reason.as_str(),
        at,
        id.as_uuid()
    )
    .execute(&mut *connection)
    .await?;
    touch_payment(connection, id, at).await?;
    Ok(done.rows_affected() == 1)
}

/// Marks the payment behind a session as changed, so that the live feed shows it again.
pub async fn touch_payment(
    connection: &mut MySqlConnection,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update payments p join sessions s on s.payment_id = p.id set p.updated_at = ? where s.id = ?",
        now,
        id.as_uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct SessionRow {
    id: Uuid,
    payment_id: Option<Uuid>,
    package_name: String,
    duration_secs: u64,
    data_bytes: Option<u64>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    is_stopped: bool,
    paused_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    used_bytes: u64,
    is_delivered: bool,
}

impl From<SessionRow> for SessionRecord {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id.into(),
            payment_id: row.payment_id.map(PaymentId::from),
            package_name: row.package_name,
            duration_secs: row.duration_secs,
            data: row.data_bytes.map(DataSize::from_bytes),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            ended_at: row.ended_at,
            is_stopped: row.is_stopped,
            paused_at: row.paused_at,
            created_at: row.created_at,
            used: DataSize::from_bytes(row.used_bytes),
            is_delivered: row.is_delivered,
        }
    }
}
