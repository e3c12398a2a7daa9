//! The statement of a short code, as the organisation portal exports it: the ledger in M-Pesa's own words.
//!
//! The columns are the portal's; the wording of the details and the tariff are MODELLED.

use std::fmt::Write;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};

use super::{
    body,
    engine::Shared,
    ledger::Charge,
    options::{C2bNumbers, Merchant},
    world::World,
};

const COLUMNS: &str = "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,Balance,\
                       Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No.";

/// One movement on the short code.
#[derive(Clone)]
struct Entry {
    at: DateTime<Utc>,
    receipt: String,
    details: String,
    /// Cents; less than nothing when money leaves.
    cents: i64,
    reason: &'static str,
    other_party: String,
    linked: String,
    account: String,
}

/// A date and time as a person gives it: with a zone, or in East Africa Time; a bare date is its first second, or its
/// last when it ends a period.
pub(crate) fn read_moment(text: &str, ends: bool) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(zoned) = DateTime::parse_from_rfc3339(text) {
        return Some(zoned.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok().or_else(|| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        if ends { date.and_hms_opt(23, 59, 59) } else { date.and_hms_opt(0, 0, 0) }
    })?;
    local.and_utc().checked_sub_signed(Duration::hours(3))
}

/// The CSV: rows about the organisation, the columns, then every movement between `from` and `to`, both included to the
/// second.
pub(crate) fn csv(
    shared: &Shared,
    merchant: &Merchant,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> String {
    let world = shared.world();
    let mut entries = entries(shared, &world, merchant);
    drop(world);
    entries.sort_by_key(|entry| entry.at);
    let from = from.or(entries.first().map(|entry| entry.at)).unwrap_or_else(|| shared.clock.wall());
    let to = to.unwrap_or_else(|| shared.clock.wall());
    let within = |at: DateTime<Utc>| at.timestamp() >= from.timestamp() && at.timestamp() <= to.timestamp();
    let mut balance = i64::from(shared.options.opening_balance).saturating_mul(100);
    let mut rows = String::new();
    let mut opening = None;
    for entry in &entries {
        if within(entry.at) {
            opening = opening.or(Some(balance));
        }
        balance = balance.saturating_add(entry.cents);
        if within(entry.at) {
            rows += &entry.row(balance);
        }
    }
    let opening = money(opening.unwrap_or(balance));
    let head = [
        "Organization Statement".to_owned(),
        format!("Organization Name:,{}", field(&merchant.name)),
        format!("Short Code:,{}", merchant.shortcode),
        format!("Time Period:,From {} To {}", eat(from), eat(to)),
        format!("Opening Balance:,{}", field(&opening)),
        String::new(),
        COLUMNS.to_owned(),
    ];
    head.join("\r\n") + "\r\n" + &rows
}

fn entries(shared: &Shared, world: &World, merchant: &Merchant) -> Vec<Entry> {
    let form = match world.settings.c2b_numbers {
        C2bNumbers::Plain => C2bNumbers::Plain,
        // The portal is read by people; it does not show hashes.
        C2bNumbers::ByVersion | C2bNumbers::Masked | C2bNumbers::Hashed => C2bNumbers::Masked,
    };
    let person = |msisdn: &str| format!("{} - JANE", body::payer(msisdn, form));
    let cents = |amount: u32| i64::from(amount).saturating_mul(100);
    let mut entries = Vec::new();
    for charge in world.charges.iter().filter(|charge| charge.shortcode == merchant.shortcode) {
        let payment = payment(charge, merchant, &person(&charge.msisdn));
        let fee = shared.fee_cents(charge.amount);
        let fee = (fee > 0).then(|| Entry {
            details: "Pay Bill Charge".to_owned(),
            cents: fee.saturating_neg(),
            reason: "Pay Bill Charge",
            other_party: String::new(),
            linked: String::new(),
            account: String::new(),
            ..payment.clone()
        });
        entries.push(payment);
        entries.extend(fee);
    }
    entries.extend(world.reversals.iter().filter(|r| r.shortcode == merchant.shortcode).map(|reversal| Entry {
        at: reversal.at,
        receipt: reversal.receipt.clone(),
        details: format!("Pay Bill Reversal to {}", person(&reversal.msisdn)),
        cents: cents(reversal.amount).saturating_neg(),
        reason: "Pay Bill Reversal",
        other_party: person(&reversal.msisdn),
        linked: reversal.original_receipt.clone(),
        account: String::new(),
    }));
    entries.extend(world.payouts.iter().filter(|p| p.shortcode == merchant.shortcode).map(|payout| Entry {
        at: payout.at,
        receipt: payout.receipt.clone(),
        details: format!("Business Payment to Customer via API to {}", person(&payout.msisdn)),
        cents: cents(payout.amount).saturating_neg(),
        reason: "Business Payment to Customer via API",
        other_party: person(&payout.msisdn),
        linked: String::new(),
        account: String::new(),
    }));
    entries
}

fn payment(charge: &Charge, merchant: &Merchant, person: &str) -> Entry {
    let account = charge.account_reference.clone();
    let (details, reason, account) = if merchant.till.is_some() {
        (format!("Merchant Payment from {person}"), "Merchant Payment", String::new())
    } else if charge.checkout_request_id.is_some() {
        (format!("Pay Bill Online from {person} Acc. {account}"), "Pay Bill Online", account)
    } else {
        (format!("Pay Bill from {person} Acc. {account}"), "Pay Bill", account)
    };
    Entry {
        at: charge.at,
        receipt: charge.receipt.clone(),
        details,
        cents: i64::from(charge.amount).saturating_mul(100),
        reason,
        other_party: person.to_owned(),
        linked: String::new(),
        account,
    }
}

impl Entry {
    fn row(&self, balance: i64) -> String {
        let (paid_in, withdrawn) =
            if self.cents < 0 { (String::new(), money(self.cents)) } else { (money(self.cents), String::new()) };
        let at = eat(self.at);
        let mut row = String::new();
        for value in [
            &self.receipt,
            &at,
            &at,
            &self.details,
            "Completed",
            &paid_in,
            &withdrawn,
            &money(balance),
            "true",
            self.reason,
            &self.other_party,
            &self.linked,
        ] {
            // Writing to a String cannot fail.
            let _ = write!(row, "{},", field(value));
        }
        row + &field(&self.account) + "\r\n"
    }
}

/// `22-11-2026 08:30:18`.
fn eat(at: DateTime<Utc>) -> String {
    let local = at.checked_add_signed(Duration::hours(3)).unwrap_or(at);
    local.format("%d-%m-%Y %H:%M:%S").to_string()
}

/// `-1,200.00`.
fn money(cents: i64) -> String {
    let shillings = (cents.unsigned_abs() / 100).to_string();
    let mut grouped = String::new();
    for (at, digit) in shillings.chars().enumerate() {
        if at > 0 && shillings.len().saturating_sub(at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}{grouped}.{:02}", if cents < 0 { "-" } else { "" }, cents.unsigned_abs() % 100)
}

/// Quoted where CSV needs it.
fn field(text: &str) -> String {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
