//! Which column is which, and what stands above them.

use super::rows::{Parser, Rows};

/// Where each column is, counted from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// The line that names them, counted from 0.
    pub(super) row: usize,
    /// How many columns there are.
    pub(super) count: usize,
    /// What the rows above say.
    pub(super) shortcode: Option<String>,
    pub(super) receipt: usize,
    pub(super) completion_time: usize,
    pub(super) paid_in: usize,
    pub(super) withdrawn: Option<usize>,
    pub(super) details: Option<usize>,
    pub(super) status: Option<usize>,
    pub(super) balance: Option<usize>,
    pub(super) balance_confirmed: Option<usize>,
    pub(super) reason: Option<usize>,
    pub(super) other_party: Option<usize>,
    pub(super) linked: Option<usize>,
    pub(super) account: Option<usize>,
}

impl Columns {
    /// Looks for the row of names among the first `most` lines.
    pub(super) fn find(rows: &Rows<'_>, parser: &mut Parser, most: usize) -> Option<Self> {
        let mut shortcode = None;
        for row in 0..rows.len().min(most) {
            let Some(fields) = rows.line(row, parser) else { continue };
            if let Some(columns) = Self::name(&fields) {
                return Some(Self { row, shortcode, ..columns });
            }
            shortcode = shortcode.or_else(|| find_shortcode(&fields));
        }
        None
    }

    /// The columns that a row names, if it is that row.
    pub(super) fn name(fields: &[String]) -> Option<Self> {
        let names: Vec<String> = fields.iter().map(|field| plain(field)).collect();
        let at = |name: &str| names.iter().position(|own| own == name);
        Some(Self {
            row: 0,
            count: fields.len(),
            shortcode: None,
            receipt: at("receiptno")?,
            completion_time: at("completiontime")?,
            paid_in: at("paidin")?,
            withdrawn: at("withdrawn"),
            details: at("details"),
            status: at("transactionstatus"),
            balance: at("balance"),
            balance_confirmed: at("balanceconfirmed"),
            reason: at("reasontype"),
            other_party: at("otherpartyinfo"),
            linked: at("linkedtransactionid"),
            account: at("acno").or_else(|| at("accountno")),
        })
    }
}

/// A column's name without case, spaces and marks.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>().to_ascii_lowercase()
}

/// The number in a row such as `Short Code:,174379` or `Shortcode: 174379 - BANDO WIFI`.
fn find_shortcode(fields: &[String]) -> Option<String> {
    let at = fields.iter().position(|field| plain(field).starts_with("shortcode"))?;
    let words = fields.get(at..)?.iter().flat_map(|field| field.split(|c: char| !c.is_ascii_digit()));
    words.filter(|word| (5..=7).contains(&word.len())).map(ToOwned::to_owned).next()
}
