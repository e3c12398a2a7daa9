//! What of ours is to be compared with a statement, and which payment its money may be meant for.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{PaymentId, Receipt};
use sqlx::{MySqlExecutor, MySqlPool};
use uuid::Uuid;

use crate::{books::compare::Here, db::StoreError, random};

/// A receipt of ours with what bounds the time it was paid.
#[derive(Debug)]
struct HereRow {
    receipt: String,
    amount_kes: u32,
    state: String,
    paid_at: Option<DateTime<Utc>>,
    entered_at: DateTime<Utc>,
    payment_id: Option<Uuid>,
    begun_at: Option<DateTime<Utc>>,
    account_reference: Option<String>,
}

impl HereRow {
    fn read(self) -> Result<Here, StoreError> {
        let receipt: Receipt =
            self.receipt.parse().map_err(|_| StoreError::inconsistent("receipts", "receipt", "a receipt"))?;
        // Without either, nothing bounds it from below, so it can never be missed.
        let earliest = self.paid_at.or(self.begun_at).unwrap_or(DateTime::<Utc>::MIN_UTC);
        Ok(Here {
            receipt: Some(receipt),
            amount_kes: self.amount_kes,
            earliest,
            latest: self.paid_at.unwrap_or(self.entered_at),
            state: self.state,
            payment_id: self.payment_id.map(PaymentId::from),
            account_reference: self.account_reference,
            payer_hash: None,
        })
    }
}

macro_rules! list_here {
    ($pool:expr, $from:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            HereRow,
            r#"select r.receipt, r.amount_kes, r.state, r.paid_at as "paid_at: DateTime<Utc>",
                      r.created_at as "entered_at: DateTime<Utc>", r.payment_id as "payment_id: Uuid",
                      p.created_at as "begun_at: DateTime<Utc>", p.account_reference as "account_reference: String" "#
                + $from,
            $($argument),+
        )
        .fetch_all($pool)
        .await?
    };
}

/// Our receipts that a statement names.
pub(crate) async fn list_named_here(pool: &MySqlPool, statement_id: Uuid) -> Result<Vec<Here>, StoreError> {
    let own = list_here!(
        pool,
        "from statement_contents c join statement_lines l on l.id = c.line_id join receipts r on r.receipt = l.receipt
              left join payments p on p.id = r.payment_id
         where c.statement_id = ?",
        statement_id
    );
    let linked = list_here!(
        pool,
        "from statement_contents c join statement_lines l on l.id = c.line_id
              join receipts r on r.receipt = l.linked_receipt left join payments p on p.id = r.payment_id
         where c.statement_id = ?",
        statement_id
    );
    own.into_iter().chain(linked).map(HereRow::read).collect()
}

/// How long after it was paid a receipt may have been entered here and still be looked for in a statement.
const ENTERED_LATE: TimeDelta = TimeDelta::days(3);

/// Our receipts that may have been paid within a statement's time.
pub(crate) async fn list_here_within(
    pool: &MySqlPool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Here>, StoreError> {
    let rows = list_here!(
        pool,
        "from receipts r left join payments p on p.id = r.payment_id
         where r.state in ('credited', 'part', 'credit', 'unmatched', 'dismissed', 'reversed')
           and r.created_at >= ? and r.created_at <= ? limit 300000",
        from.naive_utc(),
        (to + ENTERED_LATE).naive_utc()
    );
    rows.into_iter().map(HereRow::read).collect()
}

/// Payments begun within a statement's time that succeeded and name no receipt.
pub(crate) async fn list_silent_within(
    pool: &MySqlPool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Here>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.id as "id: Uuid", p.amount_kes, p.created_at as "begun_at: DateTime<Utc>",
                  p.settled_at as "settled_at: DateTime<Utc>", p.account_reference, u.msisdn_sha256 as "msisdn_sha256: Vec<u8>"
           from payments p join users u on u.id = p.user_id
           where p.status = 'Success' and p.receipt is null and p.id >= ? and p.id <= ?
             and not exists (select 1 from receipts r where r.payment_id = p.id and r.state = 'credited')
             and not exists (select 1 from payment_events e
                             where e.payment_id = p.id and e.outcome = 'settled' and e.source = 'credit')
           limit 100000"#,
        random::uuid_floor(from - ENTERED_LATE),
        random::uuid_floor(to)
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Here {
            receipt: None,
            amount_kes: row.amount_kes,
            earliest: row.begun_at,
            latest: row.settled_at.unwrap_or(row.begun_at),
            state: "silent".to_owned(),
            payment_id: Some(row.id.into()),
            account_reference: Some(row.account_reference),
            payer_hash: row.msisdn_sha256.and_then(|hash| hash.try_into().ok()),
        })
        .collect())
}

/// A payment that money may be meant for.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub id: PaymentId,
    pub account_reference: String,
    pub amount_kes: u32,
    pub state: String,
    pub receipt: Option<String>,
}

/// The payment with this account reference.
pub(crate) async fn find_by_reference(
    executor: impl MySqlExecutor<'_>,
    reference: &str,
) -> Result<Option<Candidate>, StoreError> {
    let row = sqlx::query!(
        r#"select id as "id: Uuid", account_reference, amount_kes, state, receipt from payments where account_reference = ?"#,
        reference
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| Candidate {
        id: row.id.into(),
        account_reference: row.account_reference,
        amount_kes: row.amount_kes,
        state: row.state,
        receipt: row.receipt,
    }))
}

/// Payments of this price that the customer with this hashed number began between two instants and that have
/// no receipt, at most two: more than one settles nothing.
pub(crate) async fn list_by_payer(
    executor: impl MySqlExecutor<'_>,
    payer_hash: [u8; 32],
    amount_kes: u32,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.id as "id: Uuid", p.account_reference, p.amount_kes, p.state, p.receipt
           from payments p join users u on u.id = p.user_id
           where u.msisdn_sha256 = ? and p.amount_kes = ? and p.id >= ? and p.id <= ? and p.receipt is null
             and p.state <> 'refunded'
           order by p.id limit 2"#,
        payer_hash.as_slice(),
        amount_kes,
        random::uuid_floor(from),
        random::uuid_floor(to)
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            id: row.id.into(),
            account_reference: row.account_reference,
            amount_kes: row.amount_kes,
            state: row.state,
            receipt: row.receipt,
        })
        .collect())
}

/// Where the money of a receipt is, if the ledger knows it.
pub(crate) async fn find_place(
    executor: impl MySqlExecutor<'_>,
    receipt: &Receipt,
) -> Result<Option<(String, Option<PaymentId>)>, StoreError> {
    let row = sqlx::query!(
        r#"select state, payment_id as "payment_id: Uuid" from receipts where receipt = ?"#,
        receipt.as_str()
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| (row.state, row.payment_id.map(PaymentId::from))))
}
