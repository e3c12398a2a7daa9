//! `statements`, `statement_lines` and `statement_contents`: M-Pesa's own books, and what of ours is to be
//! compared with them.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use domain::{PaymentId, Receipt};
use sqlx::{MySql, MySqlConnection, MySqlExecutor, MySqlPool, QueryBuilder};
use uuid::Uuid;

use super::StoreError;
use crate::{
    books::compare::{Here, Kind, There},
    random,
};

/// Rows written or read with one statement.
const CHUNK: usize = 500;

/// A statement as stored, without its file.
#[derive(Debug, Clone)]
pub(crate) struct StatementRecord {
    pub id: Uuid,
    pub name: String,
    pub imported_by: String,
    pub imported_at: DateTime<Utc>,
    /// JSON: a list of sentences.
    pub unreadable: String,
    /// JSON: the last comparison, once there was one.
    pub totals: Option<String>,
}

/// A statement to keep.
#[derive(Debug)]
pub(crate) struct NewStatement<'a> {
    pub id: Uuid,
    pub name: &'a str,
    /// `file` or `pull`.
    pub kind: &'a str,
    pub sha256: [u8; 32],
    pub file: Option<&'a [u8]>,
    pub imported_by: &'a str,
    pub imported_at: DateTime<Utc>,
    pub unreadable: &'a str,
}

/// Keeps a statement; `false` if one with the same hash is kept already.
pub(crate) async fn insert_statement(
    connection: &mut MySqlConnection,
    new: &NewStatement<'_>,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query!(
        "insert into statements (id, name, kind, sha256, file, imported_by, imported_at, unreadable)
         values (?, ?, ?, ?, ?, ?, ?, ?)",
        new.id,
        new.name.chars().take(120).collect::<String>(),
        new.kind,
        new.sha256.as_slice(),
        new.file,
        new.imported_by.chars().take(64).collect::<String>(),
        new.imported_at,
        new.unreadable
    )
    .execute(connection)
    .await
    .map_err(StoreError::from);
    match inserted {
        Err(error) if error.is_duplicate() => Ok(false),
        done => done.map(|_| true),
    }
}

macro_rules! find_statements {
    ($($rest:tt)+) => {
        sqlx::query_as!(
            StatementRecord,
            r#"select id as "id: Uuid", name, imported_by, imported_at as "imported_at: DateTime<Utc>", unreadable, totals
               from statements "# + $($rest)+
        )
    };
}

/// By key.
pub(crate) async fn find_statement(pool: &MySqlPool, id: Uuid) -> Result<Option<StatementRecord>, StoreError> {
    Ok(find_statements!("where id = ?", id).fetch_optional(pool).await?)
}

/// By the hash of its file.
pub(crate) async fn find_by_hash(pool: &MySqlPool, sha256: [u8; 32]) -> Result<Option<StatementRecord>, StoreError> {
    Ok(find_statements!("where sha256 = ?", sha256.as_slice()).fetch_optional(pool).await?)
}

/// Newest first, at most a hundred.
pub(crate) async fn list_statements(pool: &MySqlPool) -> Result<Vec<StatementRecord>, StoreError> {
    Ok(find_statements!("order by imported_at desc, id desc limit 100").fetch_all(pool).await?)
}

/// Keeps the comparison, for the list.
pub(crate) async fn update_totals(pool: &MySqlPool, id: Uuid, totals: &str) -> Result<(), StoreError> {
    sqlx::query!("update statements set totals = ? where id = ?", totals, id).execute(pool).await?;
    Ok(())
}

/// A movement to store.
#[derive(Debug, Clone)]
pub(crate) struct NewLine {
    /// What tells it from others.
    pub key: [u8; 32],
    pub receipt: Receipt,
    pub completed_at: DateTime<Utc>,
    pub kind: Kind,
    pub is_completed: bool,
    pub paid_in_cents: u64,
    pub withdrawn_cents: u64,
    pub details: String,
    pub account_reference: Option<String>,
    pub payer: Option<String>,
    pub payer_hash: Option<[u8; 32]>,
    pub payer_name: Option<String>,
    pub linked_receipt: Option<Receipt>,
}

/// Stores movements, each once for all statements, and notes that they are in this one.
pub(crate) async fn insert_lines(
    connection: &mut MySqlConnection,
    statement_id: Uuid,
    lines: &[NewLine],
) -> Result<(), StoreError> {
    for chunk in lines.chunks(CHUNK) {
        let mut insert = QueryBuilder::<MySql>::new(
            "insert into statement_lines (line_key, receipt, completed_at, kind, is_completed, paid_in_cents, \
             withdrawn_cents, details, account_reference, payer, payer_hash, payer_name, linked_receipt) ",
        );
        insert.push_values(chunk, |mut row, line| {
            let cut = |text: &Option<String>, length| text.as_ref().map(|text| short(text, length));
            row.push_bind(line.key.to_vec())
                .push_bind(line.receipt.as_str().to_owned())
                // Bound as a DATETIME: a zoned instant would be bound as a TIMESTAMP, which ends in 2038 on MariaDB.
                .push_bind(line.completed_at.naive_utc())
                .push_bind(line.kind.as_str())
                .push_bind(line.is_completed)
                .push_bind(line.paid_in_cents)
                .push_bind(line.withdrawn_cents)
                .push_bind(short(&line.details, 300))
                .push_bind(cut(&line.account_reference, 64))
                .push_bind(cut(&line.payer, 80))
                .push_bind(line.payer_hash.map(Vec::from))
                .push_bind(cut(&line.payer_name, 120))
                .push_bind(line.linked_receipt.as_ref().map(|receipt| receipt.as_str().to_owned()));
        });
        insert.push(" on duplicate key update line_key = values(line_key)");
        insert.build().persistent(false).execute(&mut *connection).await?;
        let mut contents =
            QueryBuilder::<MySql>::new("insert ignore into statement_contents (statement_id, line_id) select ");
        contents.push_bind(statement_id).push(", id from statement_lines where line_key in (");
        let mut keys = contents.separated(", ");
        for line in chunk {
            keys.push_bind(line.key.to_vec());
        }
        keys.push_unseparated(")");
        contents.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

fn short(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

/// A stored movement with what only people look at.
#[derive(Debug, Clone)]
pub(crate) struct LineRecord {
    pub there: There,
    pub details: String,
    /// The account number as typed.
    pub typed_reference: Option<String>,
    pub payer: Option<String>,
    pub payer_name: Option<String>,
}

struct LineRow {
    id: u64,
    receipt: String,
    completed_at: NaiveDateTime,
    kind: String,
    is_completed: bool,
    paid_in_cents: u64,
    withdrawn_cents: u64,
    details: String,
    account_reference: Option<String>,
    payer: Option<String>,
    payer_hash: Option<Vec<u8>>,
    payer_name: Option<String>,
    linked_receipt: Option<String>,
}

impl LineRow {
    fn read(self) -> Result<LineRecord, StoreError> {
        let wrong = |column| StoreError::inconsistent("statement_lines", column, self.id);
        let linked = self.linked_receipt.map(|text| text.parse()).transpose();
        Ok(LineRecord {
            there: There {
                id: self.id,
                receipt: self.receipt.parse().map_err(|_| wrong("receipt"))?,
                completed_at: self.completed_at.and_utc(),
                kind: Kind::read(&self.kind).ok_or_else(|| wrong("kind"))?,
                is_completed: self.is_completed,
                paid_in_cents: self.paid_in_cents,
                withdrawn_cents: self.withdrawn_cents,
                linked_receipt: linked.map_err(|_| wrong("linked_receipt"))?,
                account_reference: self.account_reference.as_deref().and_then(crate::books::reference),
                payer_hash: self.payer_hash.and_then(|hash| hash.try_into().ok()),
            },
            details: self.details,
            typed_reference: self.account_reference,
            payer: self.payer,
            payer_name: self.payer_name,
        })
    }
}

macro_rules! list_lines {
    ($pool:expr, $condition:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            LineRow,
            r#"select l.id, l.receipt, l.completed_at as "completed_at: NaiveDateTime", l.kind,
                      l.is_completed as "is_completed: bool", l.paid_in_cents, l.withdrawn_cents, l.details,
                      l.account_reference, l.payer, l.payer_hash as "payer_hash: Vec<u8>", l.payer_name, l.linked_receipt
               from statement_contents c join statement_lines l on l.id = c.line_id where "# + $condition,
            $($argument),+
        )
        .fetch_all($pool)
        .await?
        .into_iter()
        .map(LineRow::read)
        .collect()
    };
}

/// Every movement of a statement.
pub(crate) async fn list_lines(pool: &MySqlPool, statement_id: Uuid) -> Result<Vec<LineRecord>, StoreError> {
    list_lines!(pool, "c.statement_id = ?", statement_id)
}

/// The movements of a statement under one receipt.
pub(crate) async fn list_lines_of_receipt(
    pool: &MySqlPool,
    statement_id: Uuid,
    receipt: &Receipt,
) -> Result<Vec<LineRecord>, StoreError> {
    list_lines!(pool, "l.receipt = ? and c.statement_id = ?", receipt.as_str(), statement_id)
}

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
