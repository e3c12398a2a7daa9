//! `notifications`: what the owner should know.

use chrono::{DateTime, Utc};
use domain::NotificationId;
use sqlx::{MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::StoreError;

/// How loud a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Should be looked at today.
    Warning,
    /// Customers are affected now.
    Critical,
}

impl Severity {
    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A notification to raise.
#[derive(Debug)]
pub(crate) struct NewNotification<'a> {
    /// Its key.
    pub id: NotificationId,
    /// How loud.
    pub severity: Severity,
    /// A stable word, such as `payment_review`.
    pub kind: &'a str,
    /// What happened and what to do, for the owner.
    pub message: &'a str,
    /// The id of what it is about.
    pub subject: Option<String>,
    /// Raised once while a notification with the same key is unread.
    pub dedupe_key: Option<&'a str>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// One notification as stored.
#[derive(Debug, Clone)]
pub struct NotificationRecord {
    /// The key.
    pub id: NotificationId,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// A stable word.
    pub kind: String,
    /// Words for the owner.
    pub message: String,
    /// When it was raised.
    pub created_at: DateTime<Utc>,
    /// When somebody marked it as read.
    pub read_at: Option<DateTime<Utc>>,
}

/// Raises a notification; `false` if one with the same dedupe key is waiting to be read.
pub(crate) async fn insert_notification(
    executor: impl MySqlExecutor<'_>,
    new: &NewNotification<'_>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into notifications (id, severity, kind, message, subject, dedupe_key, created_at)
         values (?, ?, ?, ?, ?, ?, ?)",
        new.id.as_uuid(),
        new.severity.as_str(),
        new.kind,
        new.message.chars().take(500).collect::<String>(),
        new.subject,
        new.dedupe_key,
        new.created_at
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Raises a notification about a lasting trouble. While one with the same dedupe key is unread, that one gets
/// the new words instead, so that it says how things stand now.
pub(crate) async fn raise_or_renew(
    executor: impl MySqlExecutor<'_>,
    new: &NewNotification<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into notifications (id, severity, kind, message, subject, dedupe_key, created_at)
         values (?, ?, ?, ?, ?, ?, ?)
         on duplicate key update severity = values(severity), message = values(message)",
        new.id.as_uuid(),
        new.severity.as_str(),
        new.kind,
        new.message.chars().take(500).collect::<String>(),
        new.subject,
        new.dedupe_key,
        new.created_at
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Whether a notification of this kind about this subject was ever raised, read or not.
pub(crate) async fn was_raised(
    executor: impl MySqlExecutor<'_>,
    kind: &str,
    subject: &str,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists(select 1 from notifications where kind = ? and subject = ?) as "found!: bool""#,
        kind,
        subject
    )
    .fetch_one(executor)
    .await?)
}

/// Closes what is unread with this dedupe key, because the trouble is over; it may be raised again.
pub(crate) async fn resolve(
    executor: impl MySqlExecutor<'_>,
    dedupe_key: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update notifications set read_at = ?, dedupe_key = null where dedupe_key = ? and read_at is null",
        now,
        dedupe_key
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Unread first, newest first.
pub(crate) async fn list_notifications(pool: &MySqlPool, limit: u32) -> Result<Vec<NotificationRecord>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", severity, kind, message, created_at as "created_at: DateTime<Utc>",
                  read_at as "read_at: DateTime<Utc>"
           from notifications
           order by read_at is not null, id desc
           limit ?"#,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| NotificationRecord {
            id: row.id.into(),
            severity: row.severity,
            kind: row.kind,
            message: row.message,
            created_at: row.created_at,
            read_at: row.read_at,
        })
        .collect())
}

/// Notifications raised since `since`.
pub(crate) async fn list_raised(
    pool: &MySqlPool,
    since: DateTime<Utc>,
) -> Result<Vec<(NotificationId, DateTime<Utc>)>, StoreError> {
    let floor = crate::random::uuid_floor(since);
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", created_at as "created_at: DateTime<Utc>"
           from notifications where id >= ? order by id limit 1000"#,
        floor
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.created_at)).collect())
}

/// One notification.
pub(crate) async fn find_notification(
    pool: &MySqlPool,
    id: NotificationId,
) -> Result<Option<NotificationRecord>, StoreError> {
    let row = sqlx::query!(
        r#"select id as "id: Uuid", severity, kind, message, created_at as "created_at: DateTime<Utc>",
                  read_at as "read_at: DateTime<Utc>"
           from notifications where id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| NotificationRecord {
        id: row.id.into(),
        severity: row.severity,
        kind: row.kind,
        message: row.message,
        created_at: row.created_at,
        read_at: row.read_at,
    }))
}

/// Marks as read and lets the same trouble be raised again; `false` if it was read already or never was.
pub(crate) async fn mark_read(pool: &MySqlPool, id: NotificationId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update notifications set read_at = ?, dedupe_key = null where id = ? and read_at is null",
        now,
        id.as_uuid()
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}
