//! `statements`, `statement_lines` and `statement_contents`: M-Pesa's own books, and what of ours is to be
//! compared with them.

mod ours;

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::Receipt;
use sqlx::{MySql, MySqlConnection, MySqlPool, QueryBuilder};
use uuid::Uuid;

pub(crate) use self::ours::{
    Candidate, find_by_reference, find_place, list_by_payer, list_here_within, list_named_here, list_silent_within,
};
use super::StoreError;
use crate::books::compare::{Kind, There};

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
