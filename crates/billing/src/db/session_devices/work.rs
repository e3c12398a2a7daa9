//! What is to be done on one router: the whole of it, or what is due.

use chrono::{DateTime, Utc};
use domain::{DataSize, DeviceId, MacAddr, PackageId, Rate, RouterId, SessionId, access::Counters, session::Session};
use serde_json::json;
use sqlx::MySqlPool;
use uuid::Uuid;

use crate::db::{StoreError, hex_id};

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
    /// The router's counters as they were read last.
    pub counters: Counters,
    pub attempts: u32,
    /// Whether it is to be logged out once.
    pub is_kicked: bool,
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
    finished_secs: u64,
    finished_bytes: u64,
    running_secs: u64,
    running_bytes: u64,
    attempts: u32,
    is_kicked: bool,
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
            counters: Counters {
                finished_secs: row.finished_secs,
                finished_bytes: row.finished_bytes,
                running_secs: row.running_secs,
                running_bytes: row.running_bytes,
            },
            attempts: row.attempts,
            is_kicked: row.is_kicked,
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

/// The work records of the devices whose ids `$source` selects.
macro_rules! work {
    ($pool:expr, $source:literal, $order:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            WorkRow,
            r#"select d.id as "id: Uuid", d.session_id as "session_id: Uuid", d.mac as "mac: Vec<u8>",
                      d.intended = 'on' as "is_on_intended!: bool", d.generation, d.applied_generation,
                      d.is_online as "is_online: bool", d.used_secs, d.used_bytes, d.finished_secs, d.finished_bytes,
                      d.running_secs, d.running_bytes, d.attempts,
                      d.is_kicked as "is_kicked: bool",
                      d.next_try_at as "next_try_at: DateTime<Utc>", s.package_id as "package_id: Uuid",
                      s.package_revision, s.down_kbps, s.up_kbps, s.duration_secs,
                      s.starts_at as "starts_at: DateTime<Utc>", s.ends_at as "ends_at: DateTime<Utc>",
                      s.ended_at as "ended_at: DateTime<Utc>", s.data_bytes,
                      cast(s.left_bytes + (select sum(o.used_bytes) from session_devices o where o.session_id = s.id)
                           as unsigned)
                          as "session_used_bytes!: u64",
                      p.request_id as "request_id?"
               from ("# + $source + r#") as work
               straight_join session_devices d on d.id = work.id
               straight_join sessions s on s.id = d.session_id
               left join payments p on p.id = s.payment_id "# + $order,
            $($argument),+
        )
        .fetch_all($pool)
        .await?
        .into_iter()
        .map(WorkRecord::try_from)
        .collect()
    };
}

/// Every device that a router should have on, or that it was not yet told to take off. The limit is far
/// beyond what any router holds: a list that was cut would make paid devices look like strangers.
pub(crate) async fn list_work(pool: &MySqlPool, router_id: RouterId) -> Result<Vec<WorkRecord>, StoreError> {
    work!(
        pool,
        "select n.id from session_devices n where n.router_id = ? and n.intended = 'on'
         -- A device that takes another's place waits until that one is off this router, within reason.
         and (n.applied_generation = n.generation or not exists (
             select 1 from session_devices l
             where l.session_id = n.session_id and l.router_id = n.router_id and l.left_at is not null
               and l.applied_generation <> l.generation and l.attempts < 3))
         union all
         select id from session_devices
         where router_id = ? and intended = 'off' and next_try_at is not null",
        "order by d.updated_at, d.id limit 100000",
        router_id.as_uuid(),
        router_id.as_uuid()
    )
}

/// What is due on a router at `now`, whatever else it has: who waits longest first, those that are to go before
/// those that are to come. With `since` only what came due from then on.
pub(crate) async fn list_due(
    pool: &MySqlPool,
    router_id: RouterId,
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    most: u32,
) -> Result<Vec<WorkRecord>, StoreError> {
    let since = since.unwrap_or(DateTime::UNIX_EPOCH);
    work!(
        pool,
        "(select id from session_devices
          where router_id = ? and intended = 'off' and next_try_at between ? and ? order by next_try_at limit ?)
         union all
         (select n.id from session_devices n
          where n.router_id = ? and n.intended = 'on' and n.next_try_at between ? and ?
            -- A device that takes another's place waits until that one is off this router, within reason.
            and (n.applied_generation = n.generation or not exists (
                select 1 from session_devices l
                where l.session_id = n.session_id and l.router_id = n.router_id and l.left_at is not null
                  and l.applied_generation <> l.generation and l.attempts < 3))
          order by n.next_try_at limit ?)",
        "order by d.intended, d.next_try_at, d.id",
        router_id.as_uuid(),
        since,
        now,
        most,
        router_id.as_uuid(),
        since,
        now,
        most
    )
}

/// Devices of a router that are on while the paid time of their session is over.
pub(crate) async fn list_over(
    pool: &MySqlPool,
    router_id: RouterId,
    now: DateTime<Utc>,
) -> Result<Vec<WorkRecord>, StoreError> {
    work!(
        pool,
        "select d.id from sessions s force index (sessions_ends)
         straight_join session_devices d force index (session_devices_session) on d.session_id = s.id
         where s.ended_at is null and s.ends_at <= ? and d.router_id = ? and d.intended = 'on' limit 1000",
        "order by s.ends_at, d.id",
        now,
        router_id.as_uuid()
    )
}

/// Some devices as they are now.
pub(crate) async fn list_devices(pool: &MySqlPool, ids: &[DeviceId]) -> Result<Vec<WorkRecord>, StoreError> {
    let ids: Vec<_> = ids.iter().map(|id| hex_id(id.as_uuid())).collect();
    work!(
        pool,
        "select unhex(v.id) as id from json_table(?, '$[*]' columns (id char(32) path '$')) v",
        "order by d.updated_at, d.id",
        json!(ids).to_string()
    )
}

/// When something is to be tried next on a router; `None` when all is as intended.
pub(crate) async fn find_next_try(pool: &MySqlPool, router_id: RouterId) -> Result<Option<DateTime<Utc>>, StoreError> {
    let id = router_id.as_uuid();
    Ok(sqlx::query_scalar!(
        r#"select min(at) as "at: DateTime<Utc>"
           from (select min(next_try_at) as at from session_devices where router_id = ? and intended = 'on'
                 union all
                 select min(next_try_at) from session_devices where router_id = ? and intended = 'off') as tries"#,
        id,
        id
    )
    .fetch_one(pool)
    .await?)
}
