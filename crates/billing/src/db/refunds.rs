//! `refunds`: money going back, one row a try.

use chrono::{DateTime, Utc};
use domain::{PaymentId, Receipt};
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::StoreError;

/// One try as stored.
#[derive(Debug, Clone)]
pub(crate) struct RefundRow {
    pub id: Uuid,
    pub payment_id: Uuid,
    pub kind: String,
    pub state: String,
    pub amount_kes: u32,
    pub credit_kes: u32,
    pub receipt: Option<String>,
    pub conversation_id: Option<String>,
    pub message: String,
    pub actor: String,
    pub reason: String,
    pub created_at: DateTime<Utc>,
}

macro_rules! find_refunds {
    ($($rest:tt)+) => {
        sqlx::query_as!(
            RefundRow,
            r#"select f.id as "id: Uuid", f.payment_id as "payment_id: Uuid", f.kind, f.state, f.amount_kes, f.credit_kes,
                      f.receipt, f.conversation_id, f.message, f.actor, f.reason, f.created_at as "created_at: DateTime<Utc>"
               from refunds f "# + $($rest)+
        )
    };
}

/// A try to write down.
#[derive(Debug)]
pub(crate) struct NewRefund<'a> {
    pub id: Uuid,
    pub payment_id: PaymentId,
    pub kind: &'a str,
    pub state: &'a str,
    pub amount_kes: u32,
    pub credit_kes: u32,
    pub receipt: Option<&'a Receipt>,
    pub result_token_hash: Option<[u8; 32]>,
    pub message: &'a str,
    pub actor: &'a str,
    pub reason: &'a str,
    pub now: DateTime<Utc>,
}

/// Writes a try down. A [`StoreError`] that `is_duplicate` means that one is open for this payment.
pub(crate) async fn insert_refund(connection: &mut MySqlConnection, new: &NewRefund<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into refunds (id, payment_id, kind, state, amount_kes, credit_kes, receipt, result_token_hash, message,
                              actor, reason, created_at, updated_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        new.id,
        new.payment_id.as_uuid(),
        new.kind,
        new.state,
        new.amount_kes,
        new.credit_kes,
        new.receipt.map(Receipt::as_str),
        new.result_token_hash.map(Vec::from),
        new.message,
        new.actor.chars().take(64).collect::<String>(),
        new.reason,
        new.now,
        new.now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// By key, holding the row until the transaction ends.
pub(crate) async fn lock_refund(connection: &mut MySqlConnection, id: Uuid) -> Result<Option<RefundRow>, StoreError> {
    Ok(find_refunds!("where f.id = ? for update", id).fetch_optional(connection).await?)
}

/// By the hash of the secret path of its result.
pub(crate) async fn find_by_token(pool: &MySqlPool, hash: [u8; 32]) -> Result<Option<RefundRow>, StoreError> {
    Ok(find_refunds!("where f.result_token_hash = ?", hash.as_slice()).fetch_optional(pool).await?)
}

/// By key.
pub(crate) async fn find_refund(pool: &MySqlPool, id: Uuid) -> Result<Option<RefundRow>, StoreError> {
    Ok(find_refunds!("where f.id = ?", id).fetch_optional(pool).await?)
}

/// Every try for a payment, oldest first.
pub(crate) async fn list_of_payment(
    executor: impl MySqlExecutor<'_>,
    payment_id: PaymentId,
) -> Result<Vec<RefundRow>, StoreError> {
    Ok(find_refunds!("where f.payment_id = ? order by f.id", payment_id.as_uuid()).fetch_all(executor).await?)
}

/// Tries that were done while their payment still counts, because the process ended in between.
pub(crate) async fn list_without_effect(pool: &MySqlPool, before: DateTime<Utc>) -> Result<Vec<RefundRow>, StoreError> {
    Ok(find_refunds!(
        "join payments p on p.id = f.payment_id
         where f.state = 'done' and f.updated_at < ? and p.state in ('succeeded', 'review') limit 100",
        before
    )
    .fetch_all(pool)
    .await?)
}

/// Tries that M-Pesa has not answered.
pub(crate) async fn list_unanswered(pool: &MySqlPool, before: DateTime<Utc>) -> Result<Vec<RefundRow>, StoreError> {
    Ok(find_refunds!("where f.state = 'asked' and f.updated_at < ? limit 100", before).fetch_all(pool).await?)
}

/// Notes the id under which M-Pesa works on it.
pub(crate) async fn adopt_conversation(pool: &MySqlPool, id: Uuid, conversation_id: &str) -> Result<(), StoreError> {
    sqlx::query!("update refunds set conversation_id = ? where id = ?", conversation_id, id).execute(pool).await?;
    Ok(())
}

/// Moves a locked try into another state.
pub(crate) async fn update_state(
    connection: &mut MySqlConnection,
    id: Uuid,
    state: &str,
    message: &str,
    reversal_receipt: Option<&Receipt>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update refunds set state = ?, message = ?, reversal_receipt = coalesce(?, reversal_receipt), updated_at = ?
         where id = ?",
        state,
        message.chars().take(500).collect::<String>(),
        reversal_receipt.map(Receipt::as_str),
        now,
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The receipts that pay for a payment or are held for it, with their shillings.
pub(crate) async fn list_receipts(
    executor: impl MySqlExecutor<'_>,
    payment_id: PaymentId,
) -> Result<Vec<(Receipt, u32)>, StoreError> {
    let rows = sqlx::query!(
        "select receipt, amount_kes from receipts where payment_id = ? and state in ('credited', 'part') order by receipt",
        payment_id.as_uuid()
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter()
        .map(|row| {
            let wrong = |_| StoreError::inconsistent("receipts", "receipt", payment_id);
            Ok((row.receipt.parse().map_err(wrong)?, row.amount_kes))
        })
        .collect()
}

/// What of a payment's money was over its price and became the customer's credit.
pub(crate) async fn surplus_of(executor: impl MySqlExecutor<'_>, payment_id: PaymentId) -> Result<u32, StoreError> {
    let sum = sqlx::query_scalar!(
        r#"select cast(coalesce(sum(amount_kes), 0) as signed) as "sum!: i64" from credits
           where payment_id = ? and kind = 'overpaid'"#,
        payment_id.as_uuid()
    )
    .fetch_one(executor)
    .await?;
    Ok(u32::try_from(sum).unwrap_or(0))
}
