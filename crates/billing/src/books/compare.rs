//! M-Pesa's movements against our ledger, as a pure function: every movement lands in exactly one class,
//! every receipt of ours in at most one more, and the totals are the sums of their entries.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{PaymentId, Receipt};

/// One movement in M-Pesa's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// Its row in `statement_lines`.
    pub id: u64,
    /// The receipt; charges and reversals may carry that of the payment they are about.
    pub receipt: Receipt,
    /// When it was completed.
    pub completed_at: DateTime<Utc>,
    /// What kind of movement it is.
    pub kind: Kind,
    /// Whether the money moved.
    pub is_completed: bool,
    /// Cents that came in.
    pub paid_in_cents: u64,
    /// Cents that went out.
    pub withdrawn_cents: u64,
    /// The payment that a reversal gives back.
    pub linked_receipt: Option<Receipt>,
    /// The account number as typed, in upper case and without spaces.
    pub account_reference: Option<String>,
    /// SHA-256 of the payer's number, when it is plain or hashed.
    pub payer_hash: Option<[u8; 32]>,
}

/// What kind of movement it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A customer paid.
    Payment,
    /// Money was given back, or such a return was undone.
    Reversal,
    /// M-Pesa's charge.
    Charge,
    /// Money left for the bank, another organisation or a person.
    Withdrawal,
    /// Everything else.
    Other,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Payment, Self::Reversal, Self::Charge, Self::Withdrawal, Self::Other];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Reversal => "reversal",
            Self::Charge => "charge",
            Self::Withdrawal => "withdrawal",
            Self::Other => "other",
        }
    }

    /// The kind that a word in the database stands for.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl There {
    /// Whether it is a customer's money that arrived.
    #[must_use]
    pub fn is_payment(&self) -> bool {
        self.kind == Kind::Payment && self.is_completed && self.paid_in_cents > 0 && self.withdrawn_cents == 0
    }

    fn cents(&self) -> i64 {
        let signed = |cents| i64::try_from(cents).unwrap_or(i64::MAX);
        match (self.is_completed, self.kind) {
            (false, _) => 0,
            // Given back and charged count as positive, because that is what the owner asks for.
            (true, Kind::Reversal | Kind::Charge) => signed(self.withdrawn_cents) - signed(self.paid_in_cents),
            (true, Kind::Payment | Kind::Withdrawal | Kind::Other) => {
                signed(self.paid_in_cents) - signed(self.withdrawn_cents)
            }
        }
    }
}

/// A receipt in our ledger, or a payment that succeeded without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The receipt; `None` for a payment that succeeded without one.
    pub receipt: Option<Receipt>,
    /// Whole shillings.
    pub amount_kes: u32,
    /// It was paid at or after this instant.
    pub earliest: DateTime<Utc>,
    /// It was paid at or before this instant.
    pub latest: DateTime<Utc>,
    /// Where the money is: the word of `receipts.state`, or `silent` for a payment without a receipt.
    pub state: String,
    /// The payment it belongs to.
    pub payment_id: Option<PaymentId>,
    /// The payment's account reference.
    pub account_reference: Option<String>,
    /// SHA-256 of the customer's number.
    pub payer_hash: Option<[u8; 32]>,
}

/// Where an entry of the comparison belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// In both, equal.
    Matched,
    /// In M-Pesa's books, not here.
    MissingHere,
    /// In both, but the amount differs.
    Differing,
    /// The same receipt once more in M-Pesa's books.
    Duplicate,
    /// Here, not in M-Pesa's books, though within their time.
    MissingThere,
    /// Money given back.
    Reversal,
    /// M-Pesa's charges.
    Charge,
    /// Withdrawals and everything else.
    Other,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Matched,
        Self::MissingHere,
        Self::Differing,
        Self::Duplicate,
        Self::MissingThere,
        Self::Reversal,
        Self::Charge,
        Self::Other,
    ];

    /// The word in the API, which is the name of its total.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::MissingHere => "missing_here",
            Self::Differing => "differing",
            Self::Duplicate => "duplicates",
            Self::MissingThere => "missing_there",
            Self::Reversal => "reversals",
            Self::Charge => "charges",
            Self::Other => "others",
        }
    }

    /// The class that a word of the API names.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// Whether it is a part of all money in.
    #[must_use]
    pub const fn is_paid_in(self) -> bool {
        matches!(self, Self::Matched | Self::MissingHere | Self::Differing | Self::Duplicate)
    }
}

/// One line of the comparison. At least one side is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where it belongs.
    pub class: Class,
    /// M-Pesa's side.
    pub there: Option<&'a There>,
    /// Our side. For a reversal: the payment it gives back. For money missing here: the payment that
    /// succeeded without a receipt and is paid by it.
    pub here: Option<&'a Here>,
}

impl Entry<'_> {
    /// What it counts for, in cents.
    #[must_use]
    pub fn cents(&self) -> i64 {
        match (self.there, self.here) {
            (Some(there), _) => there.cents(),
            (None, Some(here)) => i64::from(here.amount_kes) * 100,
            (None, None) => 0,
        }
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.there.map(|there| there.completed_at).or(self.here.map(|here| here.latest))
    }
}

/// How many entries, and what they add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Entries.
    pub count: u64,
    /// Cents.
    pub cents: i64,
}

impl Total {
    fn add(&mut self, cents: i64) {
        self.count += 1;
        self.cents = self.cents.saturating_add(cents);
    }
}

/// The totals of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// All money in.
    pub paid_in: Total,
    by_class: [Total; 8],
}

impl Totals {
    /// What the entries add up to.
    #[must_use]
    pub fn of(entries: &[Entry<'_>]) -> Self {
        let mut totals = Self::default();
        for entry in entries {
            if let Some(at) = Class::ALL.iter().position(|class| *class == entry.class)
                && let Some(total) = totals.by_class.get_mut(at)
            {
                total.add(entry.cents());
            }
            if entry.class.is_paid_in() {
                totals.paid_in.add(entry.cents());
            }
        }
        totals
    }

    /// The total of one class.
    #[must_use]
    pub fn class(&self, class: Class) -> Total {
        let at = Class::ALL.iter().position(|each| *each == class);
        at.and_then(|at| self.by_class.get(at)).copied().unwrap_or_default()
    }
}

/// A person who pays by hand may do it so long before or after they pressed pay.
const AROUND: TimeDelta = TimeDelta::minutes(10);

/// Compares. `there` is one statement, in any order; `here` is every receipt of ours that is in it or may have
/// been paid within its time, and every payment within its time that succeeded without a receipt.
#[must_use]
pub fn compare<'a>(there: &'a [There], here: &'a [Here]) -> Vec<Entry<'a>> {
    let ours: BTreeMap<&str, &Here> =
        here.iter().filter_map(|here| here.receipt.as_ref().map(|receipt| (receipt.as_str(), here))).collect();
    let mut silent: Vec<&Here> = here.iter().filter(|here| here.receipt.is_none()).collect();
    let mut seen = BTreeSet::new();
    let mut entries: Vec<Entry<'a>> = Vec::with_capacity(there.len());
    let mut in_order: Vec<&There> = there.iter().collect();
    in_order.sort_by_key(|there| (there.completed_at, there.id));
    for there in in_order {
        let own = ours.get(there.receipt.as_str()).copied();
        let (class, here) = match there.kind {
            _ if there.is_payment() => {
                let is_first = seen.insert(there.receipt.as_str());
                match own {
                    _ if !is_first => (Class::Duplicate, own),
                    Some(here) if there.paid_in_cents == u64::from(here.amount_kes) * 100 => (Class::Matched, own),
                    Some(_) => (Class::Differing, own),
                    None => (Class::MissingHere, take_silent(&mut silent, there)),
                }
            }
            Kind::Reversal if there.is_completed => {
                let linked = there.linked_receipt.as_ref().and_then(|receipt| ours.get(receipt.as_str()).copied());
                (Class::Reversal, linked.or(own))
            }
            Kind::Charge if there.is_completed => (Class::Charge, None),
            Kind::Payment | Kind::Reversal | Kind::Charge | Kind::Withdrawal | Kind::Other => (Class::Other, None),
        };
        entries.push(Entry { class, there: Some(there), here });
    }
    let Some(span) = span(there) else { return entries };
    let is_missing = |receipt: &Receipt| !seen.contains(receipt.as_str());
    let unheard = here.iter().filter(|here| here.receipt.as_ref().is_some_and(is_missing)).chain(silent);
    let missing = unheard.filter(|here| span.0 <= here.earliest && here.latest <= span.1);
    entries.extend(missing.map(|here| Entry { class: Class::MissingThere, there: None, here: Some(here) }));
    entries
}

/// The first and the last instant of a statement.
#[must_use]
pub fn span(there: &[There]) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let times = || there.iter().map(|there| there.completed_at);
    Some((times().min()?, times().max()?))
}

/// The one payment without a receipt that this money is for: by its account reference, else by payer, amount
/// and time, if only one fits.
fn take_silent<'a>(silent: &mut Vec<&'a Here>, there: &There) -> Option<&'a Here> {
    let is_price = |here: &Here| there.paid_in_cents == u64::from(here.amount_kes) * 100;
    let by_reference = |here: &&Here| {
        here.account_reference.is_some() && here.account_reference == there.account_reference && is_price(here)
    };
    let by_payer = |here: &&Here| {
        there.payer_hash.is_some()
            && there.payer_hash == here.payer_hash
            && is_price(here)
            && (here.earliest - AROUND..=here.latest + AROUND).contains(&there.completed_at)
    };
    let at = silent.iter().position(by_reference).or_else(|| {
        let at = silent.iter().position(by_payer)?;
        (silent.iter().filter(|here| by_payer(here)).count() == 1).then_some(at)
    })?;
    Some(silent.remove(at))
}

#[cfg(test)]
mod tests;
