//! Changing `APP_SECRET`: everything that is sealed in the database is sealed anew, a row at a time.
//!
//! While `APP_SECRET_OLD` is set beside the new `APP_SECRET`, both open what is sealed, so that servers go on working
//! before, during and after. A row is only replaced if it is still what was read, so that a crash, a second run or a
//! change of password at the same moment does no harm: what is left is found by the next run.

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use uuid::Uuid;

use crate::{
    Billing,
    db::{
        StoreError, ensure_rows,
        logs::{self, NewLog},
    },
    seal::{SealError, SealedUnder},
};

/// A column that holds sealed values.
struct Place {
    table: &'static str,
    key: &'static str,
    column: &'static str,
    /// What comes before the key in what a value is bound to.
    context: &'static [u8],
    /// What it is, for people.
    words: &'static str,
}

const PLACES: [Place; 4] = [
    Place { table: "routers", key: "id", column: "password_sealed", context: b"", words: "password of router" },
    Place { table: "router_pulls", key: "router_id", column: "key_sealed", context: b"pull:", words: "key of router" },
    Place {
        table: "router_pulls",
        key: "router_id",
        column: "next_key_sealed",
        context: b"pull:",
        words: "next key of router",
    },
    Place {
        table: "router_setups",
        key: "id",
        column: "password_sealed",
        context: b"",
        words: "password of the set-up of router",
    },
];

/// A sealed value.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// What it is, such as `password of router Main cafe`.
    pub name: String,
    /// Which secret it opens with.
    pub under: SealedUnder,
    place: usize,
    id: Uuid,
    sealed: Vec<u8>,
}

/// What sealing anew did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Values that were sealed anew.
    pub resealed: usize,
    /// Values that were so already.
    pub unchanged: usize,
}

/// Why nothing, or not everything, was sealed anew. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There is nothing to change from.
    #[error("Set APP_SECRET_OLD to the secret used until now and APP_SECRET to the new one, then run this again.")]
    NoOld,
    /// Values that nobody can open.
    #[error(
        "Nothing was changed: neither secret opens the {}. Find the secret they were saved with and set it as \
         APP_SECRET_OLD, or enter these passwords again first.",
        .0.join(", the ")
    )]
    Unopened(Vec<String>),
    /// A server that does not know the new secret yet saved something while this ran.
    #[error(
        "The {0} was saved just now by a server that does not know the new secret. Start every server again with APP_SECRET \
         and APP_SECRET_OLD, then run this again."
    )]
    Meanwhile(String),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// Every sealed value and which secret opens it. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_sealed(&self) -> Result<Vec<SealedRow>, StoreError> {
        let secret = &self.inner.deps.secret;
        let mut found = Vec::new();
        for (number, place) in PLACES.iter().enumerate() {
            let name = match place.table {
                "router_pulls" => "(select name from routers where routers.id = t.router_id)",
                _ => "t.name",
            };
            let query = format!(
                "select t.{key}, t.{column}, {name} as name from {table} t
                 where t.{column} is not null and length(t.{column}) > 0 order by 1",
                key = place.key,
                column = place.column,
                table = place.table,
            );
            for row in sqlx::query(&query).fetch_all(self.pool()).await? {
                let (id, sealed): (Uuid, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
                let name = row.try_get::<Option<String>, _>("name")?.unwrap_or_else(|| id.to_string());
                found.push(SealedRow {
                    name: format!("{} {name}", place.words),
                    under: secret.sealed_under(&context(place, id), &sealed),
                    place: number,
                    id,
                    sealed,
                });
            }
        }
        Ok(found)
    }

    /// Seals anew, under `APP_SECRET`, everything that opens only with `APP_SECRET_OLD`, then looks whether everything
    /// opens. May be run again at any time.
    ///
    /// # Errors
    /// [`RotateError`]; before anything is changed when something opens with neither secret.
    pub async fn rotate_secret(&self, actor: &str) -> Result<Rotated, RotateError> {
        if !self.inner.deps.secret.has_old() {
            return Err(RotateError::NoOld);
        }
        let rows = self.list_sealed().await?;
        refuse_unopened(&rows)?;
        let mut rotated = Rotated { resealed: 0, unchanged: 0 };
        for row in &rows {
            if row.under == SealedUnder::Old && self.reseal(row, actor).await? {
                rotated.resealed += 1;
            } else {
                rotated.unchanged += 1;
            }
        }
        let after = self.list_sealed().await?;
        refuse_unopened(&after)?;
        if let Some(row) = after.into_iter().find(|row| row.under == SealedUnder::Old) {
            return Err(RotateError::Meanwhile(row.name));
        }
        Ok(rotated)
    }

    /// One value, in a transaction with its line in the log. `false` if somebody changed it meanwhile.
    async fn reseal(&self, row: &SealedRow, actor: &str) -> Result<bool, RotateError> {
        let now: DateTime<Utc> = self.now();
        let Some(place) = PLACES.get(row.place) else { return Ok(false) };
        let secret = &self.inner.deps.secret;
        let context = context(place, row.id);
        let opened = secret.open(&context, &row.sealed)?;
        let sealed = secret.seal(&context, &opened)?;
        let query = format!(
            "update {table} set {column} = ? where {key} = ? and {column} = ?",
            table = place.table,
            column = place.column,
            key = place.key
        );
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let done = sqlx::query(&query)
            .bind(&sealed)
            .bind(row.id)
            .bind(&row.sealed)
            .execute(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        ensure_rows("seal anew", done.rows_affected(), 1)?;
        let log =
            NewLog { actor, action: "secret.rotate", subject: Some(&row.name), detail: None, remote_ip: None, at: now };
        logs::insert_log(&mut *tx, &log).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(true)
    }
}

fn context(place: &Place, id: Uuid) -> Vec<u8> {
    [place.context, id.as_bytes()].concat()
}

fn refuse_unopened(rows: &[SealedRow]) -> Result<(), RotateError> {
    let lost: Vec<String> =
        rows.iter().filter(|row| row.under == SealedUnder::Unknown).map(|row| row.name.clone()).collect();
    if lost.is_empty() { Ok(()) } else { Err(RotateError::Unopened(lost)) }
}
