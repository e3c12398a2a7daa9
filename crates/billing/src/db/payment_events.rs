//! `payment_events`: evidence, raw and append-only. Nothing in the program updates or deletes a row.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{PaymentId, PaymentState};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};

use super::{StoreError, ensure_rows, hex_id};

/// Where evidence came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The customer pressed pay.
    Intake,
    /// Daraja's answer to our push.
    Submit,
    /// A callback with the payment's secret token.
    Callback,
    /// A callback without a token, or one that failed a check: never trusted, only a reason to ask.
    Hint,
    /// The answer to an STK query.
    Query,
    /// Our own clock: the schedule is exhausted, or a push was never answered.
    Schedule,
    /// A C2B confirmation: paid by hand, or the echo of a prompt.
    C2b,
    /// Daraja's answer about one transaction.
    Status,
    /// A line of the organisation's statement.
    Statement,
    /// A transaction pulled from M-Pesa.
    Pull,
    /// The customer's credit.
    Credit,
    /// A named admin.
    Admin,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 12] = [
        Self::Intake,
        Self::Submit,
        Self::Callback,
        Self::Hint,
        Self::Query,
        Self::Schedule,
        Self::C2b,
        Self::Status,
        Self::Statement,
        Self::Pull,
        Self::Credit,
        Self::Admin,
    ];

    /// Reads the word back.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Submit => "submit",
            Self::Callback => "callback",
            Self::Hint => "hint",
            Self::Query => "query",
            Self::Schedule => "schedule",
            Self::C2b => "c2b",
            Self::Status => "status",
            Self::Statement => "statement",
            Self::Pull => "pull",
            Self::Credit => "credit",
            Self::Admin => "admin",
        }
    }
}

/// One row to append.
#[derive(Debug)]
pub(crate) struct NewEvent<'a> {
    /// The payment it is about, if that could be told.
    pub payment_id: Option<PaymentId>,
    /// Where it came from.
    pub source: Source,
    /// What it did: a name of [`domain::payment::Outcome`], or a word of the caller.
    pub outcome: &'a str,
    /// State before and after, when a state was involved.
    pub states: Option<(PaymentState, PaymentState)>,
    /// One line for a person, without personal data.
    pub detail: Option<&'a str>,
    /// What arrived, byte for byte.
    pub body: Option<&'a [u8]>,
    /// Who sent it.
    pub remote_ip: Option<IpAddr>,
    /// When.
    pub received_at: DateTime<Utc>,
}

/// Largest body that is kept whole; more is cut.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// Appends evidence.
pub(crate) async fn insert_event(executor: impl MySqlExecutor<'_>, event: &NewEvent<'_>) -> Result<(), StoreError> {
    let body = event.body.map(|body| &body[..body.len().min(MAX_BODY_BYTES)]);
    let detail: Option<String> = event.detail.map(|detail| detail.chars().take(255).collect());
    sqlx::query!(
        "insert into payment_events (payment_id, source, outcome, state_before, state_after, detail, body, remote_ip,
                                     received_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        event.payment_id.map(PaymentId::as_uuid),
        event.source.as_str(),
        event.outcome,
        event.states.map(|(before, _)| before.as_str()),
        event.states.map(|(_, after)| after.as_str()),
        detail,
        body,
        event.remote_ip.map(|ip| ip.to_string()),
        event.received_at
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Appends evidence of several payments.
pub(crate) async fn insert_events(connection: &mut MySqlConnection, events: &[NewEvent<'_>]) -> Result<(), StoreError> {
    let rows: Vec<_> = events.iter().map(event_json).collect();
    let done = sqlx::query!(
        "insert into payment_events (payment_id, source, outcome, state_before, state_after, detail, body, remote_ip,
                                     received_at)
         select unhex(v.payment_id), v.source, v.outcome, v.state_before, v.state_after, v.detail, unhex(v.body),
                v.remote_ip, v.received_at
         from json_table(?, '$[*]' columns (
             payment_id char(32) path '$.payment_id', source varchar(16) path '$.source',
             outcome varchar(32) path '$.outcome', state_before varchar(16) path '$.before',
             state_after varchar(16) path '$.after', detail varchar(255) path '$.detail',
             body mediumtext path '$.body', remote_ip varchar(45) path '$.ip',
             received_at datetime(6) path '$.at')) v",
        json!(rows).to_string()
    )
    .execute(connection)
    .await?;
    ensure_rows("append evidence", done.rows_affected(), u64::try_from(events.len()).unwrap_or(u64::MAX))
}

fn event_json(event: &NewEvent<'_>) -> serde_json::Value {
    json!({
        "payment_id": event.payment_id.map(|id| hex_id(id.as_uuid())),
        "source": event.source.as_str(),
        "outcome": event.outcome,
        "before": event.states.map(|(before, _)| before.as_str()),
        "after": event.states.map(|(_, after)| after.as_str()),
        "detail": event.detail.map(|detail| detail.chars().take(255).collect::<String>()),
        "body": event.body.map(|body| hex::encode(&body[..body.len().min(MAX_BODY_BYTES)])),
        "ip": event.remote_ip.map(|ip| ip.to_string()),
        "at": event.received_at.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
    })
}

/// The detail of a hint that came without a payment's token: anybody may have sent it.
pub(crate) const WITHOUT_TOKEN: &str = "came without a token";

/// The newest bodies that arrived as hints on a payment's secret path, newest first. What came without its token is
/// not among them: a receipt that anybody may have made up must never become the payment's.
pub(crate) async fn list_hint_bodies(pool: &MySqlPool, id: PaymentId) -> Result<Vec<Vec<u8>>, StoreError> {
    let bodies = sqlx::query_scalar!(
        "select body from payment_events
         where payment_id = ? and source = 'hint' and coalesce(detail, '') <> ? order by id desc limit 5",
        id.as_uuid(),
        WITHOUT_TOKEN
    )
    .fetch_all(pool)
    .await?;
    Ok(bodies.into_iter().flatten().collect())
}

/// How many payments that are not paid an address began since `since`.
pub(crate) async fn count_unpaid_of_address(
    pool: &MySqlPool,
    address: IpAddr,
    since: DateTime<Utc>,
) -> Result<u32, StoreError> {
    let count = sqlx::query_scalar!(
        "select count(*) from payment_events e join payments p on p.id = e.payment_id
         where e.received_at > ? and e.source = 'intake' and e.remote_ip = ? and p.status <> 'Success'",
        since,
        address.to_string()
    )
    .fetch_one(pool)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The same for every address, at most 10,000 of them.
pub(crate) async fn list_unpaid_by_address(
    pool: &MySqlPool,
    since: DateTime<Utc>,
) -> Result<Vec<(IpAddr, u32)>, StoreError> {
    let rows = sqlx::query!(
        "select e.remote_ip, count(*) as unpaid from payment_events e join payments p on p.id = e.payment_id
         where e.received_at > ? and e.source = 'intake' and p.status <> 'Success' and e.remote_ip is not null
         group by e.remote_ip limit 10000",
        since
    )
    .fetch_all(pool)
    .await?;
    let read = |ip: Option<String>, unpaid| Some((ip?.parse().ok()?, u32::try_from(unpaid).unwrap_or(u32::MAX)));
    Ok(rows.into_iter().filter_map(|row| read(row.remote_ip, row.unpaid)).collect())
}

/// One piece of evidence as stored.
#[derive(Debug, Clone)]
pub(crate) struct EventRecord {
    pub source: String,
    pub outcome: String,
    pub detail: Option<String>,
    pub body: Option<Vec<u8>>,
    pub received_at: DateTime<Utc>,
}

/// Everything that was said about a payment, oldest first, at most 300.
pub(crate) async fn list_events(pool: &MySqlPool, id: PaymentId) -> Result<Vec<EventRecord>, StoreError> {
    let rows = sqlx::query!(
        r#"select source, outcome, detail, body, received_at as "received_at: DateTime<Utc>"
           from payment_events where payment_id = ? order by id limit 300"#,
        id.as_uuid()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| EventRecord {
            source: row.source,
            outcome: row.outcome,
            detail: row.detail,
            body: row.body,
            received_at: row.received_at,
        })
        .collect())
}
