//! `bando statement`.

use std::path::{Path, PathBuf};

use app::api::StatementReport;
use billing::{Billing, books::ImportError};
use clap::Subcommand;

use super::{
    Failure,
    text::{json_line, say, table},
};
use crate::http::statement_report;

#[derive(Debug, Subcommand)]
pub(super) enum StatementCommand {
    /// Import a statement as the M-Pesa portal exports it, and compare it with what is here.
    Import {
        /// The CSV file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: StatementCommand, billing: &Billing) -> Result<(), Failure> {
    let StatementCommand::Import { file, json } = command;
    let bytes = read(&file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let report = billing.import_statement(&name, bytes, "cli", None).await?;
    print(&statement_report(&report), json);
    Ok(())
}

/// Reads a file of a size that can be a statement.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("{} cannot be read: {error}", file.display()));
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if usize::try_from(size).map_or(true, |size| size > daraja::statement::MAX_BYTES) {
        return Err(ImportError::from(daraja::statement::StatementError::TooLarge).into());
    }
    std::fs::read(file).map_err(unreadable)
}

/// Prints a report for a person or a program.
pub(super) fn print(report: &StatementReport, json: bool) {
    if json {
        json_line(report);
        return;
    }
    let again = if report.is_repeat { " (imported before)" } else { "" };
    say(&format!("{}{again}", report.name));
    if let (Some(from), Some(to)) = (report.from, report.to) {
        say(&format!("from {} to {}", from.format("%Y-%m-%d %H:%M UTC"), to.format("%Y-%m-%d %H:%M UTC")));
    }
    let rows = [
        ("money in", report.paid_in),
        ("  in both", report.matched),
        ("  missing here", report.missing_here),
        ("  amount differs", report.differing),
        ("  twice in the statement", report.duplicates),
        ("missing in the statement", report.missing_there),
        ("given back", report.reversals),
        ("M-Pesa's charges", report.charges),
        ("everything else", report.others),
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(what, total)| vec![(*what).to_owned(), total.count.to_string(), shillings(total.cents)])
        .collect();
    table(&["", "lines", "KES"], &rows);
    report.unreadable.iter().for_each(|row| say(&format!("not read: {row}")));
}

fn shillings(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            other => Self::usage(other.to_string()),
        }
    }
}
