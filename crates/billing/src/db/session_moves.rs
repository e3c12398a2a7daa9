//! `session_moves`: what customers did with the devices of their sessions. Append-only until it is forgotten.

use chrono::{DateTime, Utc};
use domain::SessionId;
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::{StoreError, session_devices::Place};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MoveKind {
    /// A device joined.
    Added,
    /// A device took another's place.
    Moved,
    /// A device was removed.
    Removed,
}

impl MoveKind {
    /// The word in the database.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Moved => "moved",
            Self::Removed => "removed",
        }
    }
}

/// One line.
#[derive(Debug)]
pub(crate) struct NewMove {
    pub id: Uuid,
    pub session_id: SessionId,
    pub kind: MoveKind,
    pub from: Option<Place>,
    pub to: Option<Place>,
    /// Whether it took one of the moves of its day.
    pub is_counted: bool,
}

/// Appends a line.
pub(crate) async fn insert_move(
    connection: &mut MySqlConnection,
    new: &NewMove,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let router = |place: Option<Place>| place.map(|(router_id, _)| router_id.as_uuid());
    let mac = |place: Option<Place>| place.map(|(_, mac)| mac.bytes().to_vec());
    sqlx::query!(
        "insert into session_moves (id, session_id, kind, from_router_id, from_mac, to_router_id, to_mac, is_counted, at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        new.id,
        new.session_id.as_uuid(),
        new.kind.as_str(),
        router(new.from),
        mac(new.from),
        router(new.to),
        mac(new.to),
        new.is_counted,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What was done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MoveCounts {
    /// Moves that count since the day began.
    pub counted_today: u32,
    /// Devices that took a place nobody had had, ever.
    pub fresh_places: u32,
}

/// Counts what was done with a session.
pub(crate) async fn count_moves(
    executor: impl MySqlExecutor<'_>,
    session_id: SessionId,
    day_began_at: DateTime<Utc>,
) -> Result<MoveCounts, StoreError> {
    let row = sqlx::query!(
        r#"select cast(coalesce(sum(is_counted and at >= ?), 0) as unsigned) as "counted_today!: u64",
                  cast(coalesce(sum(kind = 'added' and not is_counted), 0) as unsigned) as "fresh_places!: u64"
           from session_moves where session_id = ?"#,
        day_began_at,
        session_id.as_uuid()
    )
    .fetch_one(executor)
    .await?;
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(MoveCounts { counted_today: small(row.counted_today), fresh_places: small(row.fresh_places) })
}

/// Forgets what was done before `before` with sessions that were over by then, at most `limit` lines at a time; how many.
pub(crate) async fn forget_moves(pool: &MySqlPool, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from session_moves
         where id < ? and exists (select 1 from sessions s where s.id = session_moves.session_id and s.ended_at < ?)
         order by id limit ?",
        crate::random::uuid_floor(before),
        before,
        limit
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
