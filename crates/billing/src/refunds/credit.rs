//! What of a payment became the customer's credit: M-Pesa gives a receipt back whole, so it goes back too.

use chrono::{DateTime, Utc};
use sqlx::MySqlConnection;

use crate::{
    admins::Admin,
    db::{
        StoreError,
        credits::{self, CreditKind, NewCredit},
        payments,
        refunds::RefundRow,
    },
};

/// Takes what became credit, because M-Pesa gives the receipt back whole; `false` if it was spent.
pub(super) async fn take_credit(
    connection: &mut MySqlConnection,
    payment: &payments::PaymentRecord,
    credit_kes: u32,
    by: &Admin,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let new = NewCredit {
        user_id: payment.user_id,
        amount_kes: -i64::from(credit_kes),
        kind: CreditKind::PaidOut,
        receipt: None,
        payment_id: Some(payment.id),
        actor: Some(&by.username),
        reason: Some("goes back with the payment"),
    };
    credits::change_credit(connection, &new, now).await
}

/// Gives back what [`take_credit`] took.
pub(super) async fn return_credit(
    connection: &mut MySqlConnection,
    row: &RefundRow,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if row.credit_kes == 0 {
        return Ok(());
    }
    let Some(payment) = payments::find_payment(&mut *connection, row.payment_id.into()).await? else { return Ok(()) };
    let new = NewCredit {
        user_id: payment.user_id,
        amount_kes: i64::from(row.credit_kes),
        kind: CreditKind::PaidOut,
        receipt: None,
        payment_id: Some(payment.id),
        actor: Some(&row.actor),
        reason: Some("the payment was not given back"),
    };
    credits::change_credit(connection, &new, now).await.map(drop)
}
