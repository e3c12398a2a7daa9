//! The JSON of the comparison with M-Pesa's own books.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `GET /api/admin/statements`: what was imported, newest first, at most 100; each with its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct StatementList {
    /// What was imported.
    pub statements: Vec<StatementReport>,
}

/// `POST /api/admin/statements?name=…` (body: the CSV file as exported) and `GET /api/admin/statements/{id}`.
/// `paid_in` is the sum of `matched`, `missing_here`, `differing` and `duplicates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct StatementReport {
    /// The statement.
    pub id: Uuid,
    /// The file's name, or `M-Pesa, pulled`.
    pub name: String,
    /// Who imported it.
    pub imported_by: String,
    /// When.
    pub imported_at: DateTime<Utc>,
    /// The first and last completion time in it.
    pub from: Option<DateTime<Utc>>,
    /// The last.
    pub to: Option<DateTime<Utc>>,
    /// Whether this very file had been imported before; then nothing was imported again.
    pub is_repeat: bool,
    /// Lines that could not be read, with their row numbers in words.
    pub unreadable: Vec<String>,
    /// All money in.
    pub paid_in: Total,
    /// In the statement and here, equal.
    pub matched: Total,
    /// In the statement, not here.
    pub missing_here: Total,
    /// In both, but the amount differs (counted with the statement's amount).
    pub differing: Total,
    /// The same receipt once more in the statement.
    pub duplicates: Total,
    /// Here, not in the statement, though within its time (counted with our amount).
    pub missing_there: Total,
    /// Money given back according to the statement.
    pub reversals: Total,
    /// M-Pesa's charges.
    pub charges: Total,
    /// Withdrawals and everything else.
    pub others: Total,
}

/// How many lines, and what they add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Total {
    /// Lines.
    pub count: u64,
    /// Cents, because charges have them.
    pub cents: i64,
}

/// `GET /api/admin/statements/{id}/lines?kind=missing_here&after=`: the lines behind one total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct StatementLines {
    /// One page.
    pub lines: Vec<StatementLine>,
    /// Paging.
    pub meta: super::PageMeta,
}

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct StatementLine {
    /// The receipt.
    pub receipt: String,
    /// When it was completed.
    pub completed_at: DateTime<Utc>,
    /// What the statement says, in cents; null when it is missing there.
    pub there_cents: Option<i64>,
    /// What we have, in whole shillings; null when it is missing here.
    pub here_kes: Option<u32>,
    /// The account number typed.
    pub account_reference: Option<String>,
    /// The payer as the statement shows them.
    pub payer: Option<String>,
    /// The payment it belongs to or most likely belongs to.
    pub payment_id: Option<Uuid>,
    /// Words: what is the matter and what one click would do.
    pub message: String,
    /// Whether "settle" is possible: `POST /api/admin/statements/{id}/lines/{receipt}/settle`.
    pub can_settle: bool,
}
