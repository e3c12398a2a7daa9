//! Pull Transactions: M-Pesa is asked for what was paid lately. What it says over its own connection is as good as
//! a statement, so what bears the account number of a payment is settled at once.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use daraja::{
    CallbackUrl,
    pull::{PullLine, PullOutcome, PullRegisterOutcome},
};
use domain::{Msisdn, payment::Outcome};

use super::{
    compare::{Kind, There},
    import::{nth_key, payer},
    report::StatementReport,
    settle::{Placed, Unfit},
};
use crate::{
    Billing,
    db::{
        StoreError,
        payment_events::{self, NewEvent, Source},
        statements::{self, LineRecord, NewLine, NewStatement, StatementRecord},
    },
    payments::register::public_base,
    random,
};

/// How far back M-Pesa keeps transactions (documented).
pub const PULL_HOURS_MAX: u32 = 48;
/// Pages that are read at most: more than any shop sells in two days.
const PAGES_MAX: u32 = 500;
/// How the statement of pulled transactions is called.
const NAME: &str = "M-Pesa, pulled";

/// What a pull brought.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Transactions read.
    pub lines: u64,
    /// Rows that could not be read.
    pub unreadable: u64,
    /// Payments settled, completed or given their receipt.
    pub settled: u64,
    /// Money put into the queue of unmatched money.
    pub queued: u64,
    /// The day's statement of pulled transactions, compared; `None` if nothing was pulled.
    pub report: Option<StatementReport>,
}

/// Why nothing was pulled. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// M-Pesa refuses.
    #[error("M-Pesa refuses: {0}")]
    Refused(String),
    /// Nothing was learnt.
    #[error("M-Pesa's answer was lost ({0}); ask again later")]
    Lost(&'static str),
    /// The address M-Pesa would have to report to cannot be used.
    #[error("M-Pesa could not report: {0}")]
    Address(#[from] daraja::InvalidCallbackUrl),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// Asks M-Pesa for what was paid in the last `hours` (at most 48), keeps it as the day's statement, and settles
    /// what bears the account number of a payment.
    ///
    /// # Errors
    /// [`PullError`]. What was read before the error is kept.
    pub async fn pull_transactions(&self, hours: u32) -> Result<Pulled, PullError> {
        // Whole seconds are asked for: the one that has begun is asked for to its end.
        let to = self.now() + TimeDelta::seconds(1);
        let from = to - TimeDelta::hours(i64::from(hours.clamp(1, PULL_HOURS_MAX)));
        let mut pulled = Pulled { lines: 0, unreadable: 0, settled: 0, queued: 0, report: None };
        let mut offset = 0u32;
        // What occurs twice in one pull is the same transaction shifted by a new one between two pages.
        let mut seen = HashMap::new();
        let mut days = None;
        for _ in 0..PAGES_MAX {
            let reply = self.mpesa().pull(from, to, offset).await;
            let page = match reply.outcome {
                PullOutcome::Page(page) => page,
                PullOutcome::Refused(refusal) => {
                    let advice = refusal.owner_advice().unwrap_or_default();
                    return Err(PullError::Refused(format!("{} {advice}", refusal.message).trim().to_owned()));
                }
                PullOutcome::Unknown { cause } => return Err(PullError::Lost(cause.as_str())),
            };
            let rows = page.rows();
            if rows == 0 {
                break;
            }
            offset = offset.saturating_add(rows);
            pulled.lines += u64::try_from(page.lines.len()).unwrap_or(0);
            pulled.unreadable += u64::try_from(page.unreadable.len()).unwrap_or(0);
            let fresh: Vec<PullLine> =
                page.lines.into_iter().filter(|line| seen.insert(line.receipt.clone(), ()).is_none()).collect();
            let record = self.keep_pulled(&fresh, &page.unreadable, &reply.raw).await?;
            self.settle_pulled(&fresh, &mut pulled).await?;
            days = Some(record);
            if fresh.is_empty() {
                // The same rows again: this M-Pesa takes no notice of the offset.
                break;
            }
        }
        if let Some(record) = days {
            pulled.report = Some(self.report(record, false).await?);
        }
        metrics::counter!("bando_pulled_total").increment(pulled.lines);
        self.wake_feed();
        Ok(pulled)
    }

    /// Registers the shortcode for Pull Transactions; `true` if it was registered before.
    ///
    /// # Errors
    /// [`PullError`].
    pub async fn register_pull(&self, nominated: &Msisdn) -> Result<bool, PullError> {
        let environment = self.mpesa().config().environment;
        let address = format!("{}/api/pay/hook", public_base(&self.options().callback_base));
        let url = CallbackUrl::c2b(&address, environment)?;
        match self.mpesa().register_pull(nominated, &url).await.outcome {
            PullRegisterOutcome::Registered => Ok(false),
            PullRegisterOutcome::AlreadyRegistered => Ok(true),
            PullRegisterOutcome::Refused(refusal) => {
                let advice = refusal.owner_advice().unwrap_or_default();
                Err(PullError::Refused(format!("{} {advice}", refusal.message).trim().to_owned()))
            }
            PullRegisterOutcome::Unknown { cause } => Err(PullError::Lost(cause.as_str())),
        }
    }

    /// Keeps a page: the movements in the day's statement, and raw if something in it could not be read.
    async fn keep_pulled(
        &self,
        lines: &[PullLine],
        unreadable: &[daraja::pull::UnreadableLine],
        raw: &[u8],
    ) -> Result<StatementRecord, StoreError> {
        let now = self.now();
        let record = self.statement_of_day(now).await?;
        let lines: Vec<NewLine> = lines.iter().map(new_line).collect();
        let mut tx = self.pool().begin().await?;
        statements::insert_lines(&mut tx, record.id, &lines).await?;
        if let Some(first) = unreadable.first() {
            let detail = format!("{} pulled rows could not be read: {}", unreadable.len(), first.why);
            let event = NewEvent {
                payment_id: None,
                source: Source::Pull,
                outcome: "unreadable",
                states: None,
                detail: Some(&detail),
                body: Some(raw),
                remote_ip: None,
                received_at: now,
            };
            payment_events::insert_event(&mut *tx, &event).await?;
        }
        tx.commit().await?;
        Ok(record)
    }

    /// The statement of what is pulled today, in the owner's zone.
    async fn statement_of_day(&self, now: DateTime<Utc>) -> Result<StatementRecord, StoreError> {
        let day = now.with_timezone(&self.zone().await?).date_naive().to_string();
        let sha256 = random::digest(&[b"pull", day.as_bytes()]);
        if let Some(known) = statements::find_by_hash(self.pool(), sha256).await? {
            return Ok(known);
        }
        let new = NewStatement {
            id: random::uuid(now),
            name: NAME,
            kind: "pull",
            sha256,
            file: None,
            imported_by: "system",
            imported_at: now,
            unreadable: "[]",
        };
        let mut connection = self.pool().acquire().await?;
        // Another process may be faster: then there is one all the same.
        statements::insert_statement(&mut connection, &new).await?;
        let found = statements::find_by_hash(self.pool(), sha256).await?;
        found.ok_or_else(|| StoreError::inconsistent("statements", "sha256", "the day's"))
    }

    async fn settle_pulled(&self, lines: &[PullLine], pulled: &mut Pulled) -> Result<(), StoreError> {
        let unfit = if self.is_on(crate::settings::PAYBILL_ONLY_WIFI).await? { Unfit::Queue } else { Unfit::Leave };
        for line in lines {
            let record = record_of(line);
            match self.place(&record, Source::Pull, None, unfit, None).await? {
                Some(Placed::Recorded(
                    _,
                    Outcome::Settled | Outcome::ReceiptAdded | Outcome::PartKept | Outcome::CreditKept,
                )) => {
                    pulled.settled += 1;
                }
                Some(Placed::Queued) => pulled.queued += 1,
                Some(Placed::Recorded(..) | Placed::Known | Placed::Left) | None => {}
            }
        }
        Ok(())
    }
}

/// The kind of a pulled transaction, from M-Pesa's word for it, such as `c2b-pay-bill-debit`.
fn kind(word: &str) -> Kind {
    let word = word.to_ascii_lowercase();
    let says = |any: &[&str]| any.iter().any(|part| word.contains(part));
    if says(&["revers"]) {
        Kind::Reversal
    } else if says(&["charge", "fee"]) {
        Kind::Charge
    } else if says(&["c2b", "pay-bill", "pay bill", "paybill", "buy-goods", "buy goods", "merchant payment"])
        || word.is_empty()
    {
        Kind::Payment
    } else {
        Kind::Other
    }
}

fn new_line(line: &PullLine) -> NewLine {
    let record = record_of(line);
    let identity = [line.receipt.as_str().to_owned(), record.there.paid_in_cents.to_string(), line.kind.clone()];
    let parts: Vec<&[u8]> = identity.iter().map(String::as_bytes).chain([b"pull".as_slice()]).collect();
    NewLine {
        key: nth_key(&parts, &mut HashMap::new()),
        receipt: record.there.receipt,
        completed_at: record.there.completed_at,
        kind: record.there.kind,
        is_completed: true,
        paid_in_cents: record.there.paid_in_cents,
        withdrawn_cents: record.there.withdrawn_cents,
        details: record.details,
        account_reference: record.typed_reference,
        payer: record.payer,
        payer_hash: record.there.payer_hash,
        payer_name: None,
        linked_receipt: None,
    }
}

fn record_of(line: &PullLine) -> LineRecord {
    let kind = kind(&line.kind);
    let cents = u64::from(line.amount.shillings()) * 100;
    let is_in = matches!(kind, Kind::Payment | Kind::Other);
    let (number, payer_hash) = payer(line.payer.as_ref());
    LineRecord {
        there: There {
            id: 0,
            receipt: line.receipt.clone(),
            completed_at: line.at,
            kind,
            is_completed: true,
            paid_in_cents: if is_in { cents } else { 0 },
            withdrawn_cents: if is_in { 0 } else { cents },
            linked_receipt: None,
            account_reference: line.account_reference.as_deref().and_then(super::reference),
            payer_hash,
        },
        details: line.kind.clone(),
        typed_reference: line.account_reference.clone(),
        payer: number,
        payer_name: None,
    }
}
