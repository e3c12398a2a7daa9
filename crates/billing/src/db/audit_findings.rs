//! `audit_findings`: what the nightly audit found, and for how long.

use chrono::{DateTime, Utc};
use sqlx::MySqlPool;

use super::StoreError;

/// Notes a finding; one that is open already was only seen again.
pub(crate) async fn note_finding(
    pool: &MySqlPool,
    rule: &str,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into audit_findings (rule, subject, first_seen_at, last_seen_at) values (?, ?, ?, ?)
         on duplicate key update last_seen_at = values(last_seen_at)",
        rule,
        subject,
        now,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Resolves what an audit that began at `now` did not see again.
pub(crate) async fn resolve_unseen(pool: &MySqlPool, rule: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "update audit_findings set resolved_at = ? where rule = ? and resolved_at is null and last_seen_at < ?",
        now,
        rule,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How many findings of a rule are open, and since when the oldest is.
pub(crate) async fn open_findings(pool: &MySqlPool, rule: &str) -> Result<Option<(i64, DateTime<Utc>)>, StoreError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!: i64", min(first_seen_at) as "since: DateTime<Utc>"
           from audit_findings where rule = ? and resolved_at is null"#,
        rule
    )
    .fetch_one(pool)
    .await?;
    Ok(row.since.map(|since| (row.count, since)))
}
