//! `session_passes`: the short codes under which sessions are found, kept as keyed hashes.

use chrono::{DateTime, Utc};
use domain::SessionId;
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// Keeps the hash of a session's code; one made under another `APP_SECRET` is replaced.
pub(crate) async fn upsert_pass(
    pool: &MySqlPool,
    session_id: SessionId,
    code_hash: [u8; 32],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into session_passes (session_id, code_hash, created_at) values (?, ?, ?)
         on duplicate key update code_hash = values(code_hash)",
        session_id.as_uuid(),
        code_hash.as_slice(),
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The hash kept for a session's code.
pub(crate) async fn find_code_hash(pool: &MySqlPool, session_id: SessionId) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar!("select code_hash from session_passes where session_id = ?", session_id.as_uuid())
        .fetch_optional(pool)
        .await?)
}

/// The session of a code.
pub(crate) async fn find_by_code(pool: &MySqlPool, code_hash: [u8; 32]) -> Result<Option<SessionId>, StoreError> {
    let id = sqlx::query_scalar!(
        r#"select session_id as "session_id: Uuid" from session_passes where code_hash = ?"#,
        code_hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    Ok(id.map(SessionId::from))
}

/// Forgets passes of sessions that were over before `before`, at most `limit` at a time; how many. Older sessions have
/// smaller ids, so that only those that run for very long are looked at in vain.
pub(crate) async fn forget_passes(pool: &MySqlPool, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from session_passes
         where session_id < ? and exists (select 1 from sessions s where s.id = session_passes.session_id and s.ended_at < ?)
         order by session_id limit ?",
        crate::random::uuid_floor(before),
        before,
        limit
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
