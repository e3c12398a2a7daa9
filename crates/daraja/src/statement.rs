//! The statement that the organisation portal exports as CSV: every movement on the shortcode, from M-Pesa's own books.
//!
//! It is the last word on what was paid, and it is a file that people open, edit and save again. So columns are found
//! by name, and a row that cannot be read with certainty is reported by its number and loses nothing but itself. What
//! is read is exact: an amount whose digits could be read in two ways is not read at all.

mod amount;
mod columns;
mod row;
mod rows;

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{Kes, Receipt};

use self::{
    columns::Columns,
    rows::{Parser, Rows},
};
use crate::payer::PayerNumber;

/// Largest file that is read.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Most rows that are read, header rows included.
pub const MAX_ROWS: usize = 200_000;
/// Longest field, in bytes; a longer one makes its row unreadable.
pub const MAX_FIELD: usize = 4 * 1024;
/// How many rows at the top may be about the organisation before the column names come.
const MAX_PREAMBLE: usize = 100;

/// A statement, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The shortcode named above the columns, when it is. Compare it with our own.
    pub shortcode: Option<String>,
    /// The movements, in the order of the file.
    pub lines: Vec<Line>,
    /// The rows that could not be read.
    pub unreadable: Vec<UnreadableRow>,
}

/// A row that is no movement we can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadableRow {
    /// Its number in the file, counted from 1.
    pub row: usize,
    /// What is wrong with it, for the owner.
    pub why: &'static str,
}

/// Where a movement stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineStatus {
    /// `Completed`: the money moved.
    Completed,
    /// Any other word, or nothing; at most 40 characters.
    Other(String),
}

/// What kind of movement it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// A customer paid.
    Payment,
    /// A payment was given back, or such a return was itself undone; see which side has the money.
    Reversal,
    /// Safaricom's charge. It carries the same receipt as the payment it is for (observed).
    Charge,
    /// Money left for the bank, another organisation or a customer.
    Withdrawal,
    /// Everything else, such as money moved in from another account.
    Other,
}

/// One movement. `Debug` hides the person.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Its row in the file, counted from 1.
    pub row: usize,
    /// `Receipt No.`: not unique, see [`LineKind::Charge`].
    pub receipt: Receipt,
    /// `Completion Time`, written in East Africa Time.
    pub completed_at: DateTime<Utc>,
    /// `Details`, at most 300 characters. Personal data.
    pub details: String,
    /// `Transaction Status`.
    pub status: LineStatus,
    /// `Paid In`, in cents; 0 when empty.
    pub paid_in_cents: u64,
    /// `Withdrawn`, in cents, without its minus sign; 0 when empty.
    pub withdrawn_cents: u64,
    /// What kind of movement.
    pub kind: LineKind,
    /// What the customer typed: `A/C No.`, else what follows `Acc.` in the details. At most 40 characters.
    pub account_reference: Option<String>,
    /// The phone in `Other Party Info`, else in the details: plain, masked or hashed.
    pub payer: Option<PayerNumber>,
    /// The name there.
    pub payer_name: Option<String>,
    /// `Linked Transaction ID`; for a reversal also the receipt its details name.
    pub linked_receipt: Option<String>,
}

impl Line {
    /// `Paid In` as an amount we can sell for; `None` when nothing came in, or an amount with cents.
    #[must_use]
    pub fn paid_in(&self) -> Option<Kes> {
        if !self.paid_in_cents.is_multiple_of(100) {
            return None;
        }
        u32::try_from(self.paid_in_cents / 100).ok().and_then(|shillings| Kes::new(shillings).ok())
    }

    /// Whether it is a customer's money that arrived and may settle a payment.
    #[must_use]
    pub fn is_completed_payment(&self) -> bool {
        self.kind == LineKind::Payment && self.status == LineStatus::Completed
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("row", &self.row)
            .field("receipt", &self.receipt)
            .field("completed_at", &self.completed_at)
            .field("status", &self.status)
            .field("paid_in_cents", &self.paid_in_cents)
            .field("withdrawn_cents", &self.withdrawn_cents)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Why a file is not a statement, in words for the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Over [`MAX_BYTES`].
    #[error("the file is larger than 8 MiB; export a shorter period")]
    TooLarge,
    /// Over [`MAX_ROWS`].
    #[error("the file has more than 200,000 rows; export a shorter period")]
    TooManyRows,
    /// An Excel file, or text in an encoding of Excel's own.
    #[error("this is a spreadsheet file; export the statement as CSV from the M-Pesa portal")]
    Spreadsheet,
    /// No row names the columns.
    #[error("this is not an M-Pesa statement: no row has the columns Receipt No., Completion Time and Paid In")]
    NoColumns,
}

/// Reads a statement. Never panics.
///
/// # Errors
/// [`StatementError`] when the file as a whole is not one; single rows never fail it.
pub fn parse(file: &[u8]) -> Result<Statement, StatementError> {
    if file.len() > MAX_BYTES {
        return Err(StatementError::TooLarge);
    }
    let spreadsheet: [&[u8]; 4] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff"];
    if spreadsheet.iter().any(|start| file.starts_with(start)) {
        return Err(StatementError::Spreadsheet);
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let rows = Rows::split(file).filter(|rows| rows.len() <= MAX_ROWS).ok_or(StatementError::TooManyRows)?;
    let (columns, mut parser) = [b',', b';', b'\t']
        .into_iter()
        .find_map(|delimiter| {
            let mut parser = Parser::new(delimiter);
            Some((Columns::find(&rows, &mut parser, MAX_PREAMBLE)?, parser))
        })
        .ok_or(StatementError::NoColumns)?;
    let mut statement = Statement { shortcode: columns.shortcode.clone(), lines: Vec::new(), unreadable: Vec::new() };
    rows.records(columns.row + 1, &mut parser, columns.count, |row, fields| {
        let read = fields.and_then(|fields| row::read(row, &columns, &fields));
        match read {
            Ok(Some(line)) => statement.lines.push(line),
            Ok(None) => {}
            Err(why) => statement.unreadable.push(UnreadableRow { row, why }),
        }
    });
    Ok(statement)
}

#[cfg(test)]
mod tests;
