//! The invariants, as questions to a live database. Each answer that is not zero is money or access gone
//! wrong, and names the rows.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use crate::db::StoreError;

/// One invariant and the rows that break it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What must hold.
    pub rule: &'static str,
    /// Ids of rows that break it, at most 20.
    pub rows: Vec<String>,
}

impl Finding {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Each query selects the ids of rows that break its rule; `?` is the instant before which delivery must
/// have caught up with the end of a session.
const RULES: [(&str, &str); 8] = [
    (
        "Every successful payment has exactly one session",
        "select p.id from payments p left join sessions s on s.payment_id = p.id
         where p.state = 'succeeded' and s.id is null and p.created_at < ?",
    ),
    (
        "No payment that did not succeed has a session",
        "select p.id from payments p join sessions s on s.payment_id = p.id
         where p.state not in ('succeeded', 'refunded') and p.created_at < ?",
    ),
    (
        "A payment's receipt is in the ledger and is its own",
        "select p.id from payments p left join receipts r on r.receipt = p.receipt
         where p.receipt is not null and (r.payment_id is null or r.payment_id <> p.id) and p.created_at < ?",
    ),
    (
        "A successful payment took exactly its price",
        "select p.id from payments p join receipts r on r.receipt = p.receipt
         where p.state = 'succeeded' and r.amount_kes <> p.amount_kes and p.created_at < ?",
    ),
    (
        "Every voucher's session belongs to a redeemed voucher",
        "select s.id from sessions s join vouchers v on v.id = s.voucher_id
         where v.redeemed_at is null and s.created_at < ?",
    ),
    (
        "A session grants what its payment bought plus what was carried over",
        "select s.id from sessions s join payments p on p.id = s.payment_id
         where s.duration_secs <> p.duration_minutes * 60 + s.carried_secs and s.created_at < ?",
    ),
    (
        "No device is let on after its session has ended",
        "select d.id from session_devices d join sessions s on s.id = d.session_id
         where d.applied = 'on' and d.intended = 'on' and coalesce(s.ended_at, s.ends_at) < ?",
    ),
    (
        "Customers' totals are the sum of their successful payments",
        "select u.id from users u
         where u.created_at < ? and u.paid_kes <>
               (select coalesce(sum(p.amount_kes), 0) from payments p
                where p.user_id = u.id and p.state in ('succeeded', 'refunded'))",
    ),
];

/// Asks every question. Rows younger than two minutes are left out, because their work may be under way.
///
/// # Errors
/// [`StoreError`].
pub async fn run(pool: &MySqlPool, now: DateTime<Utc>) -> Result<Vec<Finding>, StoreError> {
    let settled_before = now - TimeDelta::seconds(120);
    let mut findings = Vec::with_capacity(RULES.len());
    for (rule, query) in RULES {
        let rows = sqlx::query(&format!("{query} limit 20")).bind(settled_before).fetch_all(pool).await?;
        let rows =
            rows.iter().map(|row| row.try_get::<Uuid, _>(0).map(|id| id.to_string())).collect::<Result<_, _>>()?;
        findings.push(Finding { rule, rows });
    }
    Ok(findings)
}
