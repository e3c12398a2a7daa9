//! Sessions as their passes see them: how many devices, which customer, and what became of them.

use chrono::{DateTime, Utc};
use domain::{PaymentId, SessionId, UserId, session::Session};
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::{EndReason, StoreError};

/// What a pass has to know of its session.
#[derive(Debug, Clone)]
pub(crate) struct SharedRecord {
    pub id: SessionId,
    pub user_id: Option<UserId>,
    pub package_name: String,
    /// How many devices may share it.
    pub devices: u8,
    pub duration_secs: u64,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether its rest went over into a later session.
    pub is_extended: bool,
    /// The session whose rest went over into this one.
    pub carried_from: Option<SessionId>,
}

impl SharedRecord {
    /// Where it is in its life at `now`.
    pub(crate) fn at(&self, now: DateTime<Utc>) -> Session {
        Session::at(now, self.duration_secs, self.starts_at, self.ends_at, self.ended_at)
    }
}

macro_rules! find_shared {
    ($executor:expr, $condition:literal, $argument:expr) => {
        sqlx::query!(
            r#"select s.id as "id: Uuid", s.user_id as "user_id: Uuid", s.package_name, s.devices, s.duration_secs,
                      s.starts_at as "starts_at: DateTime<Utc>", s.ends_at as "ends_at: DateTime<Utc>",
                      s.ended_at as "ended_at: DateTime<Utc>", s.end_reason,
                      s.carried_from as "carried_from: Uuid"
               from sessions s where "#
                + $condition,
            $argument
        )
        .fetch_optional($executor)
        .await?
        .map(|row| SharedRecord {
            id: row.id.into(),
            user_id: row.user_id.map(UserId::from),
            package_name: row.package_name,
            devices: row.devices,
            duration_secs: row.duration_secs,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            ended_at: row.ended_at,
            is_extended: row.end_reason.as_deref() == Some(EndReason::Extended.as_str()),
            carried_from: row.carried_from.map(SessionId::from),
        })
    };
}

/// By key.
pub(crate) async fn find_shared(
    executor: impl MySqlExecutor<'_>,
    id: SessionId,
) -> Result<Option<SharedRecord>, StoreError> {
    Ok(find_shared!(executor, "s.id = ?", id.as_uuid()))
}

/// By key, holding the row until the transaction ends: changes of one session's devices come one after the other.
pub(crate) async fn lock_shared(
    connection: &mut MySqlConnection,
    id: SessionId,
) -> Result<Option<SharedRecord>, StoreError> {
    Ok(find_shared!(connection, "s.id = ? for update", id.as_uuid()))
}

/// The session that a payment bought.
pub(crate) async fn find_shared_of_payment(
    pool: &MySqlPool,
    id: PaymentId,
) -> Result<Option<SharedRecord>, StoreError> {
    Ok(find_shared!(pool, "s.payment_id = ?", id.as_uuid()))
}

/// The session into which the rest of this one went over.
pub(crate) async fn find_successor(pool: &MySqlPool, id: SessionId) -> Result<Option<SharedRecord>, StoreError> {
    Ok(find_shared!(pool, "s.carried_from = ? order by s.id limit 1", id.as_uuid()))
}
