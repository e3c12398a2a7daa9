//! `receipts`: the one ledger of M-Pesa receipts over all channels. Every shilling that came in has one row,
//! and its state says where the money is.

mod queue;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{Kes, PaymentId, Receipt};
use serde_json::json;
use sqlx::{MySqlConnection, MySqlExecutor};
use uuid::Uuid;

pub use self::queue::{ReceiptCursor, ReceiptRecord};
pub(crate) use self::queue::{confirm_unverified, find_receipt, list_in_state, list_of_payment, take_unmatched};
use super::{StoreError, ensure_rows, hex_id, payment_events::Source};

/// Where the money of a receipt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    /// It pays, alone or with others, for a settled payment.
    Credited,
    /// It is held for a payment that is not settled.
    Part,
    /// It became the customer's credit.
    Credit,
    /// Nobody's yet: the queue for people.
    Unmatched,
    /// Not meant for us, said a named admin.
    Dismissed,
    /// Given back.
    Reversed,
}

impl ReceiptState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Credited, Self::Part, Self::Credit, Self::Unmatched, Self::Dismissed, Self::Reversed];

    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::Part => "part",
            Self::Credit => "credit",
            Self::Unmatched => "unmatched",
            Self::Dismissed => "dismissed",
            Self::Reversed => "reversed",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether money in this state may still be given to a payment.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Unmatched | Self::Dismissed)
    }
}

/// Money under a receipt, as some channel reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// The M-Pesa receipt.
    pub receipt: Receipt,
    /// What was paid under it.
    pub amount: Kes,
    /// The account number as the payer typed it.
    pub account_reference: Option<String>,
    /// The payer's number as reported: plain or masked.
    pub payer: Option<String>,
    /// SHA-256 of the payer's international number, when the channel gave the number or the hash.
    pub payer_hash: Option<[u8; 32]>,
    /// The payer's name as reported.
    pub payer_name: Option<String>,
    /// When it was paid, if the channel says.
    pub paid_at: Option<DateTime<Utc>>,
}

impl Money {
    /// Money of which nothing but receipt and amount is known.
    #[must_use]
    pub const fn new(receipt: Receipt, amount: Kes) -> Self {
        Self {
            receipt,
            amount,
            account_reference: None,
            payer: None,
            payer_hash: None,
            payer_name: None,
            paid_at: None,
        }
    }
}

/// A receipt as the ledger has it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub payment_id: Option<PaymentId>,
    pub state: ReceiptState,
    pub amount_kes: u32,
}

/// Holds the rows of receipts until the transaction ends and says what the ledger has. Receipts that are not in it
/// are not held: the primary key decides who enters them first.
pub(crate) async fn lock_receipts(
    connection: &mut MySqlConnection,
    receipts: &[&Receipt],
) -> Result<HashMap<Receipt, Entry>, StoreError> {
    let names = json!(receipts.iter().map(|receipt| receipt.as_str()).collect::<Vec<_>>()).to_string();
    let rows = sqlx::query!(
        r#"select r.receipt, r.payment_id as "payment_id: Uuid", r.state, r.amount_kes
           from json_table(?, '$[*]' columns (receipt varchar(12) path '$')) v
           straight_join receipts r force index (primary) on r.receipt = convert(v.receipt using ascii)
           for update"#,
        names
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let wrong = |column| StoreError::inconsistent("receipts", column, "a receipt");
            let receipt: Receipt = row.receipt.parse().map_err(|_| wrong("receipt"))?;
            let state = ReceiptState::read(&row.state).ok_or_else(|| wrong("state"))?;
            Ok((receipt, Entry { payment_id: row.payment_id.map(PaymentId::from), state, amount_kes: row.amount_kes }))
        })
        .collect()
}

/// A receipt to enter for a payment.
#[derive(Debug)]
pub(crate) struct NewReceipt<'a> {
    pub money: &'a Money,
    pub payment_id: Option<PaymentId>,
    pub state: ReceiptState,
    pub source: Source,
}

/// Enters receipts. A [`StoreError`] that `is_duplicate` means that somebody was faster: look again.
pub(crate) async fn insert_receipts(
    connection: &mut MySqlConnection,
    new: &[NewReceipt<'_>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = new.iter().map(receipt_json).collect();
    let done = sqlx::query!(
        "insert into receipts (receipt, payment_id, state, source, amount_kes, account_reference, payer, payer_hash,
                               payer_name, paid_at, created_at)
         select v.receipt, unhex(v.payment_id), v.state, v.source, v.amount_kes, v.account_reference, v.payer,
                unhex(v.payer_hash), v.payer_name, v.paid_at, ?
         from json_table(?, '$[*]' columns (
             receipt varchar(12) path '$.receipt', payment_id char(32) path '$.payment_id',
             state varchar(16) path '$.state', source varchar(16) path '$.source', amount_kes int unsigned path '$.amount_kes',
             account_reference varchar(64) path '$.account_reference', payer varchar(80) path '$.payer',
             payer_hash char(64) path '$.payer_hash', payer_name varchar(80) path '$.payer_name',
             paid_at datetime(6) path '$.paid_at')) v",
        now,
        json!(rows).to_string()
    )
    .execute(connection)
    .await?;
    ensure_rows("enter receipts", done.rows_affected(), u64::try_from(new.len()).unwrap_or(u64::MAX))
}

fn receipt_json(new: &NewReceipt<'_>) -> serde_json::Value {
    let cut = |text: &Option<String>, length| text.as_ref().map(|text| text.chars().take(length).collect::<String>());
    json!({
        "receipt": new.money.receipt.as_str(),
        "payment_id": new.payment_id.map(|id| hex_id(id.as_uuid())),
        "state": new.state.as_str(),
        "source": new.source.as_str(),
        "amount_kes": new.money.amount.shillings(),
        "account_reference": cut(&new.money.account_reference, 64),
        "payer": cut(&new.money.payer, 80),
        "payer_hash": new.money.payer_hash.map(hex::encode),
        "payer_name": cut(&new.money.payer_name, 80),
        "paid_at": new.money.paid_at.map(|at| at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()),
    })
}

/// Moves a locked receipt: to a payment or from it, and into another state.
pub(crate) async fn update_receipt_place(
    connection: &mut MySqlConnection,
    receipt: &Receipt,
    payment_id: Option<PaymentId>,
    state: ReceiptState,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update receipts set payment_id = ?, state = ? where receipt = ?",
        payment_id.map(PaymentId::as_uuid),
        state.as_str(),
        receipt.as_str()
    )
    .execute(connection)
    .await?;
    ensure_rows("place a receipt", done.rows_affected(), 1)
}

/// Notes which person placed a receipt, and why.
pub(crate) async fn note_decision(
    connection: &mut MySqlConnection,
    receipt: &Receipt,
    actor: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update receipts set decided_by = ?, reason = ?, decided_at = ? where receipt = ?",
        actor.chars().take(64).collect::<String>(),
        reason.chars().take(255).collect::<String>(),
        now,
        receipt.as_str()
    )
    .execute(connection)
    .await?;
    ensure_rows("note who placed a receipt", done.rows_affected(), 1)
}

/// What receipts brought for a settled payment, in whole shillings.
pub(crate) async fn sum_credited(connection: &mut MySqlConnection, payment_id: PaymentId) -> Result<u64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select cast(coalesce(sum(amount_kes), 0) as unsigned) as "kes!: u64"
           from receipts where payment_id = ? and state = 'credited'"#,
        payment_id.as_uuid()
    )
    .fetch_one(connection)
    .await?)
}

/// Puts every receipt that pays for a payment, or is held for it, into another state.
pub(crate) async fn update_states_of_payment(
    connection: &mut MySqlConnection,
    payment_id: PaymentId,
    from: ReceiptState,
    to: ReceiptState,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update receipts set state = ? where payment_id = ? and state = ?",
        to.as_str(),
        payment_id.as_uuid(),
        from.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Enters money that matches nobody, for a person to place. `false` if the ledger knows the receipt.
pub(crate) async fn keep_unmatched(
    executor: impl MySqlExecutor<'_>,
    money: &Money,
    source: Source,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert ignore into receipts (receipt, state, source, amount_kes, account_reference, payer, payer_hash,
                                      payer_name, paid_at, created_at)
         values (?, 'unmatched', ?, ?, ?, ?, ?, ?, ?, ?)",
        money.receipt.as_str(),
        source.as_str(),
        money.amount.shillings(),
        money.account_reference.as_ref().map(|text| text.chars().take(64).collect::<String>()),
        money.payer.as_ref().map(|text| text.chars().take(80).collect::<String>()),
        money.payer_hash.map(Vec::from),
        money.payer_name.as_ref().map(|text| text.chars().take(80).collect::<String>()),
        money.paid_at,
        now
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}
