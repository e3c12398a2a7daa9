//! A statement from file to rows. The file is kept as it came; a movement is stored once, however many files
//! it is in, so that the same and overlapping files may be imported as often as wanted.

use std::{collections::HashMap, net::IpAddr};

use daraja::{
    PayerNumber,
    statement::{self, Line, LineKind, LineStatus, StatementError},
};
use sha2::{Digest as _, Sha256};

use super::{compare::Kind, report::StatementReport};
use crate::{
    Billing,
    db::{
        Repeat, StoreError,
        logs::{self, NewLog},
        statements::{self, NewLine, NewStatement},
    },
    random,
};

/// Rows that could not be read and are named; more are counted.
const NAMED_UNREADABLE: usize = 200;
/// More cents than any movement has, so that sums never overflow.
const MAX_CENTS: u64 = 1_000_000_000_000;

/// Why a file was not imported. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not a statement.
    #[error("{0}")]
    File(#[from] StatementError),
    /// It is the statement of another shortcode.
    #[error("this is the statement of {theirs}, but payments here go to {ours}: export the statement of {ours}")]
    OtherShortcode {
        /// The one in the file.
        theirs: String,
        /// The one payments go to.
        ours: String,
    },
    /// No row in it can be read.
    #[error("no row of this file can be read as a movement of money; the first trouble: {0}")]
    NothingReadable(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// Imports a statement as exported from the M-Pesa portal and compares it. The very same file again imports
    /// nothing and is compared anew.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import_statement(
        &self,
        name: &str,
        file: Vec<u8>,
        by: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<StatementReport, ImportError> {
        let sha256: [u8; 32] = Sha256::digest(&file).into();
        if let Some(known) = statements::find_by_hash(self.pool(), sha256).await? {
            return Ok(self.report(known, true).await?);
        }
        // Reading megabytes keeps a core busy for a while; others are served meanwhile.
        let read = tokio::task::spawn_blocking(move || (statement::parse(&file), file)).await;
        let Ok((parsed, file)) = read else { return Err(StatementError::NoColumns.into()) };
        let parsed = parsed?;
        self.refuse_other_shortcode(parsed.shortcode.as_deref())?;
        let (lines, unreadable) = sort_out(parsed);
        if lines.is_empty()
            && let Some(first) = unreadable.first()
        {
            return Err(ImportError::NothingReadable(first.clone()));
        }
        let import = Import { name: name.to_owned(), sha256, file, lines, unreadable, by: by.to_owned(), remote_ip };
        // Not cut off when the browser goes away in the middle.
        let billing = self.clone();
        let kept = self.inner.tracker.spawn(async move { billing.keep(&import).await }).await;
        let is_new = kept.map_err(|_| StoreError::Unavailable(sqlx::Error::WorkerCrashed))??;
        let known = statements::find_by_hash(self.pool(), sha256).await?;
        let known = known.ok_or_else(|| StoreError::inconsistent("statements", "sha256", "the new statement"))?;
        self.wake_feed();
        Ok(self.report(known, !is_new).await?)
    }

    fn refuse_other_shortcode(&self, theirs: Option<&str>) -> Result<(), ImportError> {
        let config = self.mpesa().config();
        let is_ours = |theirs: &str| theirs == config.shortcode || config.till.as_deref() == Some(theirs);
        match theirs {
            Some(theirs) if !is_ours(theirs) => {
                let ours = config.till.as_ref().unwrap_or(&config.shortcode).clone();
                Err(ImportError::OtherShortcode { theirs: theirs.chars().take(20).collect(), ours })
            }
            _ => Ok(()),
        }
    }

    async fn keep(&self, import: &Import) -> Result<bool, StoreError> {
        Repeat::run(|| self.keep_once(import)).await
    }

    async fn keep_once(&self, import: &Import) -> Result<bool, StoreError> {
        let now = self.now();
        let id = random::uuid(now);
        let unreadable = serde_json::json!(import.unreadable).to_string();
        let new = NewStatement {
            id,
            name: &import.name,
            kind: "file",
            sha256: import.sha256,
            file: Some(&import.file),
            imported_by: &import.by,
            imported_at: now,
            unreadable: &unreadable,
        };
        let mut tx = self.pool().begin().await?;
        if !statements::insert_statement(&mut tx, &new).await? {
            return Ok(false);
        }
        statements::insert_lines(&mut tx, id, &import.lines).await?;
        let id = id.to_string();
        let detail = format!("{}: {} movements", import.name, import.lines.len());
        let log = NewLog {
            actor: &import.by,
            action: "statement.imported",
            subject: Some(&id),
            detail: Some(&detail),
            remote_ip: import.remote_ip,
            at: now,
        };
        logs::insert_log(&mut *tx, &log).await?;
        tx.commit().await?;
        Ok(true)
    }
}

struct Import {
    name: String,
    sha256: [u8; 32],
    file: Vec<u8>,
    lines: Vec<NewLine>,
    unreadable: Vec<String>,
    by: String,
    remote_ip: Option<IpAddr>,
}

/// Movements to store, and the rest in words.
fn sort_out(parsed: statement::Statement) -> (Vec<NewLine>, Vec<String>) {
    let mut unreadable: Vec<String> =
        parsed.unreadable.iter().take(NAMED_UNREADABLE).map(|row| format!("Row {}: {}", row.row, row.why)).collect();
    if parsed.unreadable.len() > NAMED_UNREADABLE {
        unreadable.push(format!("and {} more rows", parsed.unreadable.len() - NAMED_UNREADABLE));
    }
    let mut seen = HashMap::new();
    let mut lines = Vec::with_capacity(parsed.lines.len());
    for line in parsed.lines {
        if line.paid_in_cents > MAX_CENTS || line.withdrawn_cents > MAX_CENTS {
            unreadable.push(format!("Row {}: an amount larger than M-Pesa moves", line.row));
        } else {
            lines.push(new_line(line, &mut seen));
        }
    }
    (lines, unreadable)
}

fn new_line(line: Line, seen: &mut HashMap<[u8; 32], u64>) -> NewLine {
    let is_completed = line.status == LineStatus::Completed;
    let identity = [
        line.receipt.as_str().to_owned(),
        line.completed_at.timestamp_micros().to_string(),
        line.paid_in_cents.to_string(),
        line.withdrawn_cents.to_string(),
        is_completed.to_string(),
        line.details.clone(),
    ];
    let parts: Vec<&[u8]> = identity.iter().map(String::as_bytes).collect();
    let (payer, payer_hash) = payer(line.payer.as_ref());
    NewLine {
        key: nth_key(&parts, seen),
        linked_receipt: line.linked_receipt.as_deref().and_then(|text| text.parse().ok()),
        receipt: line.receipt,
        completed_at: line.completed_at,
        kind: match line.kind {
            LineKind::Payment => Kind::Payment,
            LineKind::Reversal => Kind::Reversal,
            LineKind::Charge => Kind::Charge,
            LineKind::Withdrawal => Kind::Withdrawal,
            LineKind::Other => Kind::Other,
        },
        is_completed,
        paid_in_cents: line.paid_in_cents,
        withdrawn_cents: line.withdrawn_cents,
        details: line.details,
        account_reference: line.account_reference,
        payer,
        payer_hash,
        payer_name: line.payer_name,
    }
}

/// A key for a movement: the same in every file, another for the same movement once more in one file.
pub(super) fn nth_key(parts: &[&[u8]], seen: &mut HashMap<[u8; 32], u64>) -> [u8; 32] {
    let count = seen.entry(random::digest(parts)).or_default();
    *count += 1;
    let nth = count.to_string();
    let numbered: Vec<&[u8]> = parts.iter().copied().chain([nth.as_bytes()]).collect();
    random::digest(&numbered)
}

/// The payer's number as it may be shown, and its hash when it can be known.
pub(super) fn payer(number: Option<&PayerNumber>) -> (Option<String>, Option<[u8; 32]>) {
    match number {
        Some(PayerNumber::Plain(msisdn)) => {
            let text = msisdn.international();
            let hash = Sha256::digest(&text).into();
            (Some(text), Some(hash))
        }
        Some(PayerNumber::Masked { prefix, suffix }) => (Some(format!("{prefix}***{suffix}")), None),
        Some(PayerNumber::Hashed(hash)) => (None, Some(*hash)),
        None => (None, None),
    }
}
