//! `credits`: what customers paid beyond a price. Append-only; `users.credit_kes` is the sum.

use chrono::{DateTime, Utc};
use domain::{PaymentId, Receipt, UserId};
use sqlx::{MySqlConnection, MySqlPool};

use super::StoreError;

/// Why a customer's credit changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditKind {
    /// More was paid by hand than was asked for.
    Overpaid,
    /// Money came for a payment that was settled already.
    PaidAgain,
    /// A named admin assigned money to the customer.
    Assigned,
    /// It paid for a package.
    Spent,
    /// It was given back.
    PaidOut,
}

impl CreditKind {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overpaid => "overpaid",
            Self::PaidAgain => "paid_again",
            Self::Assigned => "assigned",
            Self::Spent => "spent",
            Self::PaidOut => "paid_out",
        }
    }
}

/// A change of a customer's credit.
#[derive(Debug, Clone)]
pub(crate) struct NewCredit<'a> {
    pub user_id: UserId,
    /// Whole shillings: in is positive, out is negative.
    pub amount_kes: i64,
    pub kind: CreditKind,
    pub receipt: Option<&'a Receipt>,
    pub payment_id: Option<PaymentId>,
    pub actor: Option<&'a str>,
    pub reason: Option<&'a str>,
}

/// Changes a customer's credit; `false`, and nothing is written, if there is not enough of it.
pub(crate) async fn change_credit(
    connection: &mut MySqlConnection,
    new: &NewCredit<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = sqlx::query!(
        "update users set credit_kes = credit_kes + ? where id = ? and cast(credit_kes as signed) + ? >= 0",
        new.amount_kes,
        new.user_id.as_uuid(),
        new.amount_kes
    )
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() != 1 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into credits (user_id, amount_kes, kind, receipt, payment_id, actor, reason, created_at)
         values (?, ?, ?, ?, ?, ?, ?, ?)",
        new.user_id.as_uuid(),
        new.amount_kes,
        new.kind.as_str(),
        new.receipt.map(Receipt::as_str),
        new.payment_id.map(PaymentId::as_uuid),
        new.actor,
        new.reason,
        now
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// What a payment put into its customer's credit, or took out of it, all in all.
pub(crate) async fn sum_of_payment(pool: &MySqlPool, id: PaymentId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select cast(coalesce(sum(amount_kes), 0) as signed) as "sum!: i64" from credits where payment_id = ?"#,
        id.as_uuid()
    )
    .fetch_one(pool)
    .await?)
}
