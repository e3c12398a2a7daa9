//! The lines behind the totals of a comparison, with words: what is the matter, and what one click would do.

use chrono::{DateTime, Utc};
use domain::{Kes, PaymentId, PaymentState};
use uuid::Uuid;

use super::{
    compare::{Class, Entry, Here, There},
    report::Material,
};
use crate::{
    Billing,
    db::{
        StoreError,
        statements::{self, Candidate, LineRecord},
    },
};

/// One line of the comparison.
#[derive(Debug, Clone)]
pub struct ReportLine {
    /// The receipt; empty for a payment that succeeded without one.
    pub receipt: String,
    /// When it was completed.
    pub completed_at: DateTime<Utc>,
    /// What M-Pesa's books say, in cents; `None` when it is missing there.
    pub there_cents: Option<i64>,
    /// What we have, in whole shillings; `None` when it is missing here.
    pub here_kes: Option<u32>,
    /// The account number typed.
    pub account_reference: Option<String>,
    /// The payer as M-Pesa shows them.
    pub payer: Option<String>,
    /// The payment it belongs to or most likely belongs to.
    pub payment_id: Option<PaymentId>,
    /// Words for the owner.
    pub message: String,
    /// Whether one click settles it.
    pub can_settle: bool,
    /// Its place in the list.
    pub cursor: LineCursor,
}

/// A place in a list of lines: microseconds since 1970, then a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineCursor {
    at: i64,
    key: String,
}

impl LineCursor {
    fn of(entry: &Entry<'_>) -> Self {
        let at = entry.at().map_or(0, |at| at.timestamp_micros());
        let key = match (entry.there, entry.here) {
            (Some(there), _) => format!("m{:020}", there.id),
            (None, Some(here)) => {
                let payment = here.payment_id.map(|id| id.to_string()).unwrap_or_default();
                format!("o{payment}{}", here.receipt.as_ref().map(domain::Receipt::as_str).unwrap_or_default())
            }
            (None, None) => String::new(),
        };
        Self { at, key }
    }

    /// Reads what [`Display`](std::fmt::Display) wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (at, key) = text.split_once('.')?;
        let is_plain = key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Some(Self { at: at.parse().ok().filter(|_| is_plain)?, key: key.to_owned() })
    }
}

impl std::fmt::Display for LineCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at, self.key)
    }
}

impl Billing {
    /// The lines of one class, oldest first, after a place in the list; at most `limit`. `None` if there is no
    /// such statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_statement_lines(
        &self,
        id: Uuid,
        class: Class,
        after: Option<&LineCursor>,
        limit: usize,
    ) -> Result<Option<Vec<ReportLine>>, StoreError> {
        if statements::find_statement(self.pool(), id).await?.is_none() {
            return Ok(None);
        }
        let material = self.material(id).await?;
        let entries = material.entries();
        let of_class = entries.iter().filter(|entry| entry.class == class);
        let mut page: Vec<(LineCursor, &Entry<'_>)> = of_class.map(|entry| (LineCursor::of(entry), entry)).collect();
        page.retain(|(cursor, _)| after.is_none_or(|after| cursor > after));
        page.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut lines = Vec::with_capacity(limit.min(page.len()));
        for (cursor, entry) in page.into_iter().take(limit) {
            lines.push(self.line(&material, entry, cursor).await?);
        }
        Ok(Some(lines))
    }

    async fn line(&self, material: &Material, entry: &Entry<'_>, cursor: LineCursor) -> Result<ReportLine, StoreError> {
        let record = entry.there.and_then(|there| material.line(there.id));
        let mut candidate = None;
        if let (true, Some(there)) = (needs_owner(entry), entry.there) {
            candidate = self.likely_payment(there).await?;
        }
        let amount = entry.there.and_then(whole_shillings);
        let owner = entry.here.and_then(|here| here.payment_id).or(candidate.as_ref().map(|found| found.id));
        let here_kes = entry.here.filter(|here| here.receipt.is_some()).map(|here| here.amount_kes);
        Ok(ReportLine {
            receipt: entry.there.map_or_else(
                || {
                    entry
                        .here
                        .and_then(|here| here.receipt.as_ref())
                        .map(|own| own.as_str().to_owned())
                        .unwrap_or_default()
                },
                |there| there.receipt.as_str().to_owned(),
            ),
            completed_at: entry.at().unwrap_or_default(),
            there_cents: entry.there.map(|_| entry.cents()),
            here_kes: match entry.class {
                Class::MissingThere => entry.here.map(|here| here.amount_kes),
                Class::MissingHere => None,
                _ => here_kes,
            },
            account_reference: record
                .and_then(|record| record.typed_reference.clone())
                .or_else(|| entry.here.and_then(|here| here.account_reference.clone())),
            payer: record.and_then(shown_payer),
            payment_id: owner,
            message: words(entry, candidate.as_ref(), record),
            can_settle: needs_owner(entry) && amount.is_some(),
            cursor,
        })
    }

    /// The payment that money in M-Pesa's books is meant for: by account reference, else by payer, price and
    /// time if only one fits.
    pub(super) async fn likely_payment(&self, there: &There) -> Result<Option<Candidate>, StoreError> {
        if let Some(reference) = &there.account_reference
            && let Some(found) = statements::find_by_reference(self.pool(), reference).await?
        {
            return Ok(Some(found));
        }
        let (Some(hash), Some(amount)) = (there.payer_hash, whole_shillings(there)) else { return Ok(None) };
        let around = chrono::TimeDelta::minutes(10);
        let (from, to) = (there.completed_at - around, there.completed_at + around);
        let mut found = statements::list_by_payer(self.pool(), hash, amount.shillings(), from, to).await?;
        Ok(if found.len() == 1 { found.pop() } else { None })
    }
}

/// Money whose owner is not settled: missing here, or waiting in the queue.
fn needs_owner(entry: &Entry<'_>) -> bool {
    match entry.class {
        Class::MissingHere => true,
        Class::Matched => entry.here.is_some_and(|here| here.state == "unmatched"),
        _ => false,
    }
}

/// What came in, if it is an amount that can be entered.
pub(super) fn whole_shillings(there: &There) -> Option<Kes> {
    let is_whole = there.is_payment() && there.paid_in_cents.is_multiple_of(100);
    Kes::new(u32::try_from(there.paid_in_cents / 100).ok().filter(|_| is_whole)?).ok()
}

fn shown_payer(record: &LineRecord) -> Option<String> {
    match (&record.payer, &record.payer_name) {
        (Some(number), Some(name)) => Some(format!("{number} {name}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}

fn words(entry: &Entry<'_>, candidate: Option<&Candidate>, record: Option<&LineRecord>) -> String {
    match (entry.class, entry.here) {
        (Class::Matched, Some(here)) => place(here).to_owned(),
        (Class::MissingHere, here) => missing_here(entry, here, candidate),
        (Class::Differing, _) => "The amounts differ. M-Pesa's is what was paid: compare both and correct it by hand, \
             by a refund or under Unmatched money."
            .to_owned(),
        (Class::Duplicate, _) => {
            "The same receipt is in this statement more than once; it counts once here.".to_owned()
        }
        (Class::MissingThere, Some(here)) if here.receipt.is_none() => {
            "It succeeded without a receipt, and no payment in the statement fits it. Look for it in the M-Pesa portal: \
             without the money, somebody was let on for free."
                .to_owned()
        }
        (Class::MissingThere, _) => "M-Pesa's statement does not have this receipt, though it covers that time. Look for \
             it in the M-Pesa portal: without the money, somebody was let on for free."
            .to_owned(),
        (Class::Reversal, Some(here)) if matches!(here.state.as_str(), "credited" | "part" | "credit" | "unmatched") => {
            let receipt = here.receipt.as_ref().map(domain::Receipt::as_str).unwrap_or_default();
            format!(
                "M-Pesa gave {receipt} back, but here it still counts as paid. Open its payment and record a refund, so \
                 that the access ends."
            )
        }
        (Class::Reversal, Some(_)) => "Given back, here too.".to_owned(),
        (Class::Reversal, None) => "Given back. What it was paid for is not known here.".to_owned(),
        (Class::Charge, _) => "M-Pesa's charge.".to_owned(),
        (Class::Other | Class::Matched, _) => match record {
            Some(record) if !record.there.is_completed => "It was not completed: no money moved.".to_owned(),
            Some(record) => record.details.clone(),
            None => String::new(),
        },
    }
}

fn missing_here(entry: &Entry<'_>, here: Option<&Here>, candidate: Option<&Candidate>) -> String {
    if entry.there.and_then(whole_shillings).is_none() {
        return "M-Pesa took this money, and it is not here. Its amount cannot be entered, because it has cents or is \
                larger than M-Pesa moves at once."
            .to_owned();
    }
    if here.is_some() {
        return "The payment succeeded, but its receipt never came. Settling adds the receipt.".to_owned();
    }
    let Some(candidate) = candidate else {
        return "M-Pesa took this money, and it fits no payment. Settling puts it under Unmatched money, where you can \
                assign it."
            .to_owned();
    };
    let reference = &candidate.account_reference;
    match candidate.state.parse() {
        Ok(PaymentState::Succeeded) if candidate.receipt.is_none() => {
            format!("Payment {reference} succeeded, but its receipt never came. Settling adds the receipt.")
        }
        Ok(PaymentState::Succeeded) => format!(
            "Payment {reference} was already paid with another receipt. Settling keeps this money as the customer's credit."
        ),
        Ok(PaymentState::Refunded) => {
            format!("Payment {reference} was refunded, and this came for it. Settling shows it to you for a decision.")
        }
        _ => format!(
            "M-Pesa took this money for payment {reference} ({}, KES {}). Settling gives the customer what was paid for.",
            candidate.state, candidate.amount_kes
        ),
    }
}

/// Where money is that is in both books.
fn place(here: &Here) -> &'static str {
    match here.state.as_str() {
        "credited" => "Paid and settled.",
        "part" => "Held for its payment until the rest comes.",
        "credit" => "Kept as the customer's credit.",
        "unmatched" => "It waits under Unmatched money. Settling gives it to its payment, if one fits.",
        "dismissed" => "Dismissed as not meant for WiFi.",
        "reversed" => "Given back.",
        _ => "Known here.",
    }
}
