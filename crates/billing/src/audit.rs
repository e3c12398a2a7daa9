//! The audit: questions to a live database. Some are invariants, and an answer that is not empty is money or
//! access gone wrong; the others find work that has waited too long for a person.

mod nightly;
mod rules;

use chrono::{DateTime, Utc};
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use crate::db::StoreError;

pub use rules::Weight;
use rules::{RULES, Rule};

/// Rows of a finding that are named to a person.
const NAMED: u32 = 20;

/// One question and the rows it found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// A stable word for it.
    pub id: &'static str,
    /// What should hold.
    pub rule: &'static str,
    /// How bad it is when it does not.
    pub weight: Weight,
    /// Ids or receipts of rows that break it, at most 20.
    pub rows: Vec<String>,
}

impl Finding {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether money or access went wrong, rather than work is waiting.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.holds() && self.weight == Weight::Invariant
    }
}

/// Asks every question and changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn run(pool: &MySqlPool, now: DateTime<Utc>) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::with_capacity(RULES.len());
    for rule in &RULES {
        let rows = ask(pool, rule, now, NAMED).await?;
        findings.push(Finding { id: rule.id, rule: rule.title, weight: rule.weight, rows });
    }
    Ok(findings)
}

/// The rows that break one rule, at most `limit`.
async fn ask(pool: &MySqlPool, rule: &Rule, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
    let query = format!("{} limit {limit}", rule.query);
    // Bound as a DATETIME: a zoned instant would be bound as a TIMESTAMP, which ends in 2038 on MariaDB, and a
    // comparison with what lies beyond finds nothing at all.
    let rows = sqlx::query(&query).bind((now - rule.age()).naive_utc()).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(match row.try_get::<Uuid, _>(0) {
                Ok(id) => id.to_string(),
                Err(_) => row.try_get::<String, _>(0)?,
            })
        })
        .collect()
}
