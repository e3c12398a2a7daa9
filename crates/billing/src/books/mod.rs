//! M-Pesa's own books: statements as exported and transactions as pulled, compared with our ledger. What is
//! missing here is settled from them through the same door as all other evidence.

pub mod compare;
mod import;
mod lines;
mod pull;
mod report;
mod settle;

pub use import::ImportError;
pub use lines::{LineCursor, ReportLine};
pub use pull::{PULL_HOURS_MAX, PullError, Pulled};
pub use report::StatementReport;
pub use settle::SettleLineError;

/// The account reference that a payer may have meant: letters and digits of what was typed, in upper case.
pub(crate) fn reference(typed: &str) -> Option<String> {
    let plain: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    plain.parse::<domain::AccountReference>().ok().map(|reference| reference.as_str().to_owned())
}
