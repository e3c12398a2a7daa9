//! `logs`: the audit log. Append-only.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sqlx::{MySql, MySqlExecutor, MySqlPool, QueryBuilder, Row as _};

use super::StoreError;

/// One line of the audit log.
#[derive(Debug)]
pub(crate) struct NewLog<'a> {
    /// Who: an admin's name, `cli`, or `system`.
    pub actor: &'a str,
    /// What, as a stable word such as `login.failed`.
    pub action: &'a str,
    /// On what: an id or a name.
    pub subject: Option<&'a str>,
    /// More, for a person. No secrets, no whole phone numbers.
    pub detail: Option<&'a str>,
    /// From where.
    pub remote_ip: Option<IpAddr>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Appends a line.
pub(crate) async fn insert_log(executor: impl MySqlExecutor<'_>, log: &NewLog<'_>) -> Result<(), StoreError> {
    let cut = |text: &str, length| text.chars().take(length).collect::<String>();
    sqlx::query!(
        "insert into logs (at, actor, action, subject, detail, remote_ip) values (?, ?, ?, ?, ?, ?)",
        log.at,
        cut(log.actor, 80),
        log.action,
        log.subject.map(|subject| cut(subject, 80)),
        log.detail.map(|detail| cut(detail, 500)),
        log.remote_ip.map(|ip| ip.to_string())
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// How often `action` happened on `subject` since `since`, and when last.
pub(crate) async fn count_by_subject(
    pool: &MySqlPool,
    action: &str,
    subject: &str,
    since: DateTime<Utc>,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        "select count(*) from logs where action = ? and subject = ? and at > ?",
        action,
        subject,
        since
    )
    .fetch_one(pool)
    .await?)
}

/// How often `action` came from `remote_ip` since `since`.
pub(crate) async fn count_by_remote(
    pool: &MySqlPool,
    action: &str,
    remote_ip: IpAddr,
    since: DateTime<Utc>,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        "select count(*) from logs where action = ? and remote_ip = ? and at > ?",
        action,
        remote_ip.to_string(),
        since
    )
    .fetch_one(pool)
    .await?)
}

/// Whether somebody has done just this since `since`.
pub(crate) async fn has_just_done(
    executor: impl MySqlExecutor<'_>,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        "select count(*) from logs where action = ? and subject = ? and at > ? and actor = ? and detail = ?",
        action,
        subject,
        since,
        actor,
        detail
    )
    .fetch_one(executor)
    .await?;
    Ok(found > 0)
}

/// A line as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRecord {
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub detail: Option<String>,
}

/// The newest lines of these actions on any of these subjects.
pub(crate) async fn list_lines(
    pool: &MySqlPool,
    actions: &[&str],
    subjects: &[String],
    limit: u32,
) -> Result<Vec<LogRecord>, StoreError> {
    if actions.is_empty() || subjects.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::<MySql>::new("select at, actor, action, subject, detail from logs where action in (");
    let mut list = query.separated(", ");
    for action in actions {
        list.push_bind(*action);
    }
    query.push(") and subject in (");
    let mut list = query.separated(", ");
    for subject in subjects {
        list.push_bind(subject);
    }
    query.push(") order by at desc, id desc limit ").push_bind(limit);
    let rows = query.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(LogRecord {
                at: row.try_get("at")?,
                actor: row.try_get("actor")?,
                action: row.try_get("action")?,
                subject: row.try_get("subject")?,
                detail: row.try_get("detail")?,
            })
        })
        .collect()
}
