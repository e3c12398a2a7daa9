//! The ledger as people see it, and money that nobody has placed yet.

use chrono::{DateTime, Utc};
use domain::{Kes, PaymentId, Receipt};
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::{Money, ReceiptState};
use crate::db::{StoreError, payment_events::Source};

/// One row of the ledger, whole.
#[derive(Debug, Clone)]
pub struct ReceiptRecord {
    /// What M-Pesa reported.
    pub money: Money,
    /// Where it is.
    pub state: ReceiptState,
    /// Which channel brought it first.
    pub source: Source,
    /// The payment it belongs to.
    pub payment_id: Option<PaymentId>,
    /// Who placed it.
    pub decided_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When we heard of it.
    pub created_at: DateTime<Utc>,
}

impl ReceiptRecord {
    /// Whether it was reported by somebody who may not have been Safaricom: nothing may follow from it by itself.
    #[must_use]
    pub fn is_unverified(&self) -> bool {
        self.source == Source::Hint
    }
}

struct LedgerRow {
    receipt: String,
    payment_id: Option<Uuid>,
    state: String,
    source: String,
    amount_kes: u32,
    account_reference: Option<String>,
    payer: Option<String>,
    payer_hash: Option<Vec<u8>>,
    payer_name: Option<String>,
    paid_at: Option<DateTime<Utc>>,
    decided_by: Option<String>,
    reason: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<LedgerRow> for ReceiptRecord {
    type Error = StoreError;

    fn try_from(row: LedgerRow) -> Result<Self, StoreError> {
        let receipt: Receipt =
            row.receipt.parse().map_err(|_| StoreError::inconsistent("receipts", "receipt", "a receipt"))?;
        let wrong = |column| StoreError::inconsistent("receipts", column, receipt.masked());
        Ok(Self {
            state: ReceiptState::read(&row.state).ok_or_else(|| wrong("state"))?,
            source: Source::read(&row.source).ok_or_else(|| wrong("source"))?,
            payment_id: row.payment_id.map(PaymentId::from),
            decided_by: row.decided_by,
            reason: row.reason,
            created_at: row.created_at,
            money: Money {
                amount: Kes::new(row.amount_kes).map_err(|_| wrong("amount_kes"))?,
                account_reference: row.account_reference,
                payer: row.payer,
                payer_hash: row.payer_hash.and_then(|hash| hash.try_into().ok()),
                payer_name: row.payer_name,
                paid_at: row.paid_at,
                receipt,
            },
        })
    }
}

macro_rules! ledger {
    ($condition:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            LedgerRow,
            r#"select receipt, payment_id as "payment_id: Uuid", state, source, amount_kes, account_reference, payer,
                      payer_hash as "payer_hash: Vec<u8>", payer_name, paid_at as "paid_at: DateTime<Utc>",
                      decided_by, reason,
                      created_at as "created_at: DateTime<Utc>"
               from receipts where "# + $condition,
            $($argument),+
        )
    };
}

/// One receipt.
pub(crate) async fn find_receipt(
    executor: impl MySqlExecutor<'_>,
    receipt: &Receipt,
) -> Result<Option<ReceiptRecord>, StoreError> {
    ledger!("receipt = ?", receipt.as_str()).fetch_optional(executor).await?.map(ReceiptRecord::try_from).transpose()
}

/// Every receipt that belongs to a payment.
pub(crate) async fn list_of_payment(pool: &MySqlPool, id: PaymentId) -> Result<Vec<ReceiptRecord>, StoreError> {
    let rows = ledger!("payment_id = ? order by created_at, receipt limit 100", id.as_uuid()).fetch_all(pool).await?;
    rows.into_iter().map(ReceiptRecord::try_from).collect()
}

/// Position in the list: when we heard of it, then the receipt.
pub type ReceiptCursor = (DateTime<Utc>, Receipt);

/// The ledger in one state, newest first.
pub(crate) async fn list_in_state(
    pool: &MySqlPool,
    state: ReceiptState,
    after: Option<&ReceiptCursor>,
    limit: u32,
) -> Result<Vec<ReceiptRecord>, StoreError> {
    let at = after.map(|(at, _)| at.naive_utc());
    let receipt = after.map(|(_, receipt)| receipt.as_str());
    let rows = ledger!(
        "state = ? and (? is null or created_at < ? or (created_at = ? and receipt < ?))
         order by created_at desc, receipt desc limit ?",
        state.as_str(),
        at,
        at,
        at,
        receipt,
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(ReceiptRecord::try_from).collect()
}

/// What an unverified report said is replaced by what Safaricom itself says.
pub(crate) async fn confirm_unverified(
    executor: impl MySqlExecutor<'_>,
    money: &Money,
    source: Source,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update receipts set source = ?, amount_kes = ?, account_reference = ?, payer = ?, payer_hash = ?,
                             payer_name = ?, paid_at = ?
         where receipt = ? and state = 'unmatched' and source = 'hint'",
        source.as_str(),
        money.amount.shillings(),
        money.account_reference.as_ref().map(|text| text.chars().take(64).collect::<String>()),
        money.payer.as_ref().map(|text| text.chars().take(80).collect::<String>()),
        money.payer_hash.map(Vec::from),
        money.payer_name.as_ref().map(|text| text.chars().take(80).collect::<String>()),
        money.paid_at,
        money.receipt.as_str()
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// A named admin takes money out of the queue; `false` if somebody else has placed it.
pub(crate) async fn take_unmatched(
    connection: &mut MySqlConnection,
    receipt: &Receipt,
    to: ReceiptState,
    by: (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update receipts set state = ?, decided_by = ?, reason = ?, decided_at = ?
         where receipt = ? and state in ('unmatched', 'dismissed') and state <> ?",
        to.as_str(),
        by.0.chars().take(64).collect::<String>(),
        by.1.chars().take(255).collect::<String>(),
        now,
        receipt.as_str(),
        to.as_str()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
