//! One row into one movement.

use domain::Receipt;

use super::{Line, LineKind, LineStatus, amount, columns::Columns};
use crate::{party::Party, timestamp, wire};

/// Reads a row; `None` for an empty one and for the column names printed again on a further page.
pub(super) fn read(row: usize, columns: &Columns, fields: &[String]) -> Result<Option<Line>, &'static str> {
    if fields.iter().all(String::is_empty) || Columns::name(fields).is_some() {
        return Ok(None);
    }
    // An amount whose comma was not quoted moves everything behind it one column on.
    if fields.iter().skip(columns.count).any(|field| !field.is_empty()) {
        return Err("more columns than the heading; an amount with a comma may have lost its quotation marks");
    }
    let last_amount = [Some(columns.paid_in), columns.withdrawn, columns.balance].into_iter().flatten().max();
    if fields.len() < columns.count && last_amount.is_some_and(|last| fields.len() <= last + 1) {
        return Err("the row is cut short");
    }
    let at = |column: usize| fields.get(column).map(String::as_str).unwrap_or_default();
    let maybe = |column: Option<usize>| column.map(at).unwrap_or_default();
    if amount::cents(maybe(columns.balance)).is_err() || !is_yes_or_no(maybe(columns.balance_confirmed)) {
        return Err("the values do not stand under their headings");
    }
    let receipt = wire::receipt(at(columns.receipt)).ok_or("no usable receipt number")?;
    let completed_at = timestamp::parse_loose(at(columns.completion_time)).ok_or("no usable completion time")?;
    let (paid_in_cents, withdrawn_cents) = money(at(columns.paid_in), maybe(columns.withdrawn))?;
    let details = wire::capped(maybe(columns.details), 300);
    let party = party(maybe(columns.other_party), &details);
    let kind = kind(&details, maybe(columns.reason), paid_in_cents, withdrawn_cents, party.number.is_some());
    let status = maybe(columns.status);
    Ok(Some(Line {
        row,
        status: if status.eq_ignore_ascii_case("completed") {
            LineStatus::Completed
        } else {
            LineStatus::Other(wire::capped(status, 40))
        },
        paid_in_cents,
        withdrawn_cents,
        kind,
        account_reference: account(maybe(columns.account)).or_else(|| account(account_in(&details)?)),
        payer: party.number,
        payer_name: party.name,
        linked_receipt: linked(maybe(columns.linked), kind, &details, &receipt),
        receipt,
        completed_at,
        details,
    }))
}

fn is_yes_or_no(text: &str) -> bool {
    ["", "true", "false", "yes", "no", "y", "n"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn money(paid_in: &str, withdrawn: &str) -> Result<(u64, u64), &'static str> {
    let paid_in = amount::cents(paid_in).map_err(|_| "an amount paid in that cannot be read")?;
    let withdrawn = amount::cents(withdrawn).map_err(|_| "an amount withdrawn that cannot be read")?;
    // The portal prints what goes out with a minus sign, and never what comes in.
    let paid_in = u64::try_from(paid_in).map_err(|_| "an amount paid in that is less than nothing")?;
    if paid_in > 0 && withdrawn != 0 {
        return Err("an amount paid in and an amount withdrawn in one row");
    }
    Ok((paid_in, withdrawn.unsigned_abs()))
}

/// The kind, from the reason type and from how the details begin. What follows in the details is a name and an account
/// number that customers choose, and `CHARGE` or `REVERSAL` is as good an account number as any.
fn kind(details: &str, reason: &str, paid_in: u64, withdrawn: u64, from_a_phone: bool) -> LineKind {
    let words = format!("{reason} {}", beginning(details)).to_ascii_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let reversal = says(&["revers"]);
    match (paid_in > 0, withdrawn > 0) {
        (true, _) | (_, true) if reversal => LineKind::Reversal,
        (true, _) if from_a_phone || says(&["pay bill", "paybill", "buy goods", "merchant payment", "customer"]) => {
            LineKind::Payment
        }
        (_, true) if says(&["charge", "fee", "tariff", "commission"]) => LineKind::Charge,
        (_, true) => LineKind::Withdrawal,
        _ => LineKind::Other,
    }
}

/// The details up to the first digit or the first word that leads to a name.
fn beginning(details: &str) -> &str {
    let lower = details.to_ascii_lowercase();
    let ends = [" from ", " to ", " by ", " - ", " acc", " for "].iter().filter_map(|word| lower.find(word));
    let end = ends.chain(lower.find(|c: char| c.is_ascii_digit())).min().unwrap_or(lower.len());
    details.get(..end).unwrap_or_default()
}

/// The person in `Other Party Info`, else in `… from 254712345678 - JANE DOE Acc. WF7K3Q9X`.
fn party(info: &str, details: &str) -> Party {
    let own = Party::parse(info);
    if own.number.is_some() {
        return own;
    }
    let Some((_, from)) = details.split_once(" from ") else { return own };
    let from = find_account(from).and_then(|at| from.get(..at)).unwrap_or(from);
    let named = Party::parse(from.trim());
    if named.number.is_some() { named } else { own }
}

/// Where ` Acc. ` begins.
fn find_account(text: &str) -> Option<usize> {
    text.to_ascii_lowercase().rfind(" acc. ")
}

fn account_in(details: &str) -> Option<&str> {
    details.get(find_account(details)? + " acc. ".len()..)
}

fn account(text: &str) -> Option<String> {
    let text = wire::capped(text, 40);
    let nothing = ["", "-", "N/A", "NA", "NULL"].iter().any(|word| text.eq_ignore_ascii_case(word));
    (!nothing).then_some(text)
}

/// The receipt a row points at, from its own column or, for a reversal, from its details.
fn linked(text: &str, kind: LineKind, details: &str, own: &Receipt) -> Option<String> {
    if let Some(linked) = account(text) {
        return Some(linked);
    }
    if kind != LineKind::Reversal {
        return None;
    }
    let words = details.split(|c: char| !c.is_ascii_alphanumeric());
    let is_receipt = |word: &&str| {
        word.len() == 10
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_uppercase())
            && *word != own.as_str()
    };
    words.filter(is_receipt).map(ToOwned::to_owned).next()
}
