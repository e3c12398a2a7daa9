//! One transaction that records the evidence of many payments: their rows are locked, the ledger is looked at, the
//! pure rule is asked about each, and everything that must follow is written, one statement a table.

use std::collections::{HashMap, HashSet};

use domain::{
    CheckoutRequestId, PaymentId, PaymentState, Receipt, RouterId,
    mpesa::ResultMeaning,
    payment::{self, Evidence, Known, Outcome, Ownership},
};
use sqlx::MySqlConnection;

use crate::{
    Billing,
    db::{
        StoreError,
        credits::{self, CreditKind, NewCredit},
        payments::{self, Move, PaymentRecord},
        receipts::{self, Entry, ReceiptState},
        session_devices::Place,
    },
    killpoint::killpoint,
};

use super::{
    record::{Job, Recorded, Subject, Testimony},
    sheet::{Event, Placing, Sheet},
    weigh::{Weighed, fits, weigh},
};

/// What became of one job.
#[derive(Debug)]
pub(super) enum Answer {
    /// There is no such payment.
    NoPayment,
    /// It is in the database.
    Kept(Box<Kept>),
    /// It has to wait until a neighbour's evidence is committed.
    Later,
}

/// Recorded evidence, with what the log tells of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub recorded: Recorded,
    pub before: PaymentState,
    pub router_id: Option<RouterId>,
    pub request_id: String,
}

/// What the transaction knows, kept up to date while it decides.
pub(super) struct Standing {
    payments: HashMap<PaymentId, PaymentRecord>,
    pub receipts: HashMap<Receipt, Entry>,
    /// Whose each CheckoutRequestID is that a job brings.
    pub checkouts: HashMap<CheckoutRequestId, PaymentId>,
    /// Payments that something is written about already.
    touched: HashSet<PaymentId>,
    /// Devices that get a session in this transaction.
    places: HashSet<Place>,
}

impl Billing {
    pub(super) async fn settle_once(&self, jobs: &[Job]) -> Result<Vec<Answer>, StoreError> {
        let now = self.now();
        let mut tx = self.inner.settler.pool().begin().await?;
        killpoint!("record.begin");
        let subjects = find_subjects(&mut tx, jobs).await?;
        let mut standing = read_standing(&mut tx, jobs, &subjects).await?;
        killpoint!("record.locked");
        let mut sheet = Sheet::new(now);
        let mut answers = Vec::with_capacity(jobs.len());
        for (job, subject) in jobs.iter().zip(subjects) {
            let answer = match subject {
                Some(id) if standing.payments.contains_key(&id) => {
                    self.decide(&mut tx, &mut standing, &mut sheet, id, &job.testimony).await?
                }
                _ => Answer::NoPayment,
            };
            answers.push(answer);
        }
        sheet.write(&mut tx).await?;
        killpoint!("record.applied");
        tx.commit().await?;
        killpoint!("record.committed");
        Ok(answers)
    }

    async fn decide<'a>(
        &self,
        connection: &mut MySqlConnection,
        standing: &mut Standing,
        sheet: &mut Sheet<'a>,
        id: PaymentId,
        testimony: &'a Testimony,
    ) -> Result<Answer, StoreError> {
        let Some(payment) = standing.payments.get(&id).cloned() else { return Ok(Answer::NoPayment) };
        let is_first = !standing.touched.contains(&id);
        if !fits(&payment, testimony) {
            sheet.doubt(&payment, testimony);
            return Ok(kept(&payment, Outcome::Kept, payment.state, true));
        }
        let weighed = weigh(standing, &payment, testimony);
        let age = domain::session::secs_rounded_up(sheet.now - payment.submitted_at.unwrap_or(payment.created_at));
        let known = Known {
            state: payment.state,
            amount: payment.amount,
            receipt: payment.receipt.clone(),
            age_secs: age,
            query_grace_secs: self.options().query_grace_secs,
        };
        let mut outcome = payment::record(&known, &weighed.evidence);
        let changes_nothing = matches!(outcome, Outcome::Kept | Outcome::AlreadyKnown)
            && weighed.adopted.is_none()
            && !is_worth_noting(&payment, testimony);
        let place = payment.router_id.map(|router_id| (router_id, payment.mac));
        let is_place_taken = outcome == Outcome::Settled && place.is_some_and(|place| standing.places.contains(&place));
        // A second word about the same payment or device is weighed anew once the first is in the database, unless it
        // changes nothing anyway, as the thousandth copy of a callback does.
        if (!is_first && !changes_nothing) || is_place_taken {
            return Ok(Answer::Later);
        }
        if outcome == Outcome::Settled && weighed.evidence == Evidence::CoveredByCredit {
            let spent = NewCredit {
                user_id: payment.user_id,
                amount_kes: -i64::from(payment.amount.shillings()),
                kind: CreditKind::Spent,
                receipt: None,
                payment_id: Some(id),
                actor: None,
                reason: None,
            };
            if !credits::change_credit(connection, &spent, sheet.now).await? {
                outcome = Outcome::Kept;
            }
        }
        let after = apply(connection, standing, sheet, &payment, testimony, &weighed, outcome).await?;
        sheet.events.push(Event { testimony, payment_id: id, outcome: outcome.name(), states: (payment.state, after) });
        if !changes_nothing {
            standing.touched.insert(id);
        }
        if let (Outcome::Settled, Some(place)) = (outcome, place) {
            standing.places.insert(place);
        }
        Ok(kept(&payment, outcome, after, false))
    }
}

fn kept(payment: &PaymentRecord, outcome: Outcome, state: PaymentState, is_doubted: bool) -> Answer {
    Answer::Kept(Box::new(Kept {
        recorded: Recorded { payment_id: payment.id, outcome, state, is_doubted },
        before: payment.state,
        router_id: payment.router_id,
        request_id: payment.request_id.clone(),
    }))
}

/// Which payment each job is about.
async fn find_subjects(connection: &mut MySqlConnection, jobs: &[Job]) -> Result<Vec<Option<PaymentId>>, StoreError> {
    let hashes: Vec<[u8; 32]> = jobs
        .iter()
        .filter_map(|job| match job.subject {
            Subject::Token(hash) => Some(hash),
            Subject::Payment(_) => None,
        })
        .collect();
    let by_token = match hashes.as_slice() {
        [] => HashMap::new(),
        hashes => payments::find_ids_by_token(connection, hashes).await?,
    };
    let subject = |job: &Job| match job.subject {
        Subject::Payment(id) => Some(id),
        Subject::Token(hash) => by_token.get(&hash).copied(),
    };
    Ok(jobs.iter().map(subject).collect())
}

async fn read_standing(
    connection: &mut MySqlConnection,
    jobs: &[Job],
    subjects: &[Option<PaymentId>],
) -> Result<Standing, StoreError> {
    let ids: Vec<PaymentId> = subjects.iter().flatten().copied().collect();
    let locked = if ids.is_empty() { Vec::new() } else { payments::lock_payments(connection, &ids).await? };
    let payments: HashMap<_, _> = locked.into_iter().map(|payment| (payment.id, payment)).collect();
    let mut named: Vec<&Receipt> =
        jobs.iter().filter_map(|job| job.testimony.claim.money()).map(|money| &money.receipt).collect();
    named.sort_unstable_by_key(|receipt| receipt.as_str());
    named.dedup();
    let receipts = if named.is_empty() { HashMap::new() } else { receipts::lock_receipts(connection, &named).await? };
    let brought: Vec<&CheckoutRequestId> = jobs
        .iter()
        .zip(subjects)
        .filter_map(|(job, subject)| {
            let (checkout, _) = job.testimony.request_ids.as_ref()?;
            let payment = payments.get(subject.as_ref()?)?;
            payment.checkout_request_id.is_none().then_some(checkout)
        })
        .collect();
    let checkouts = match brought.as_slice() {
        [] => HashMap::new(),
        brought => payments::find_owners_of_checkouts(connection, brought).await?,
    };
    Ok(Standing { payments, receipts, checkouts, touched: HashSet::new(), places: HashSet::new() })
}

/// Puts on the sheet what the outcome demands, brings the standing up to date and returns the state after it.
async fn apply<'a>(
    connection: &mut MySqlConnection,
    standing: &mut Standing,
    sheet: &mut Sheet<'a>,
    payment: &PaymentRecord,
    testimony: &'a Testimony,
    weighed: &Weighed,
    outcome: Outcome,
) -> Result<PaymentState, StoreError> {
    let money = testimony.claim.money();
    let mut change = Move {
        id: payment.id,
        from: payment.state,
        to: payment.state,
        receipt: None,
        conflict: None,
        result_code: None,
        result_desc: None,
        request_ids: weighed.adopted.clone(),
        keeps_querying: true,
    };
    match outcome {
        Outcome::Moved(to) => {
            change.to = to;
            change.keeps_querying = to.is_open();
            (change.result_code, change.result_desc) = testimony.result.clone().unzip();
            if !to.is_open() {
                sheet.release(payment);
            }
            sheet.moved(payment, &change, weighed.held_kes);
        }
        Outcome::Settled => {
            change.to = PaymentState::Succeeded;
            change.receipt = money.map(|money| money.receipt.clone());
            change.keeps_querying = false;
            (change.result_code, change.result_desc) = testimony.result.clone().unzip();
            sheet.settle(payment, testimony, &weighed.evidence, weighed.held_kes);
        }
        Outcome::ReceiptAdded => {
            change.receipt = money.map(|money| money.receipt.clone());
            let before_kes = receipts::sum_credited(connection, payment.id).await?;
            sheet.receipt_added(payment, testimony, before_kes);
        }
        Outcome::ToReview(conflict) => {
            change.to = PaymentState::Review;
            change.conflict = Some(conflict);
            change.keeps_querying = false;
            (change.result_code, change.result_desc) = testimony.result.clone().unzip();
            sheet.release(payment);
            sheet.conflict(payment, conflict);
        }
        Outcome::Alerted(conflict) => sheet.conflict(payment, conflict),
        Outcome::CreditKept => sheet.credit_again(payment, testimony),
        // A code that proves nothing, such as "busy", is noted: the customer is told, and their phone may rest.
        Outcome::Kept if is_worth_noting(payment, testimony) => {
            (change.result_code, change.result_desc) = testimony.result.clone().unzip();
        }
        Outcome::PartKept | Outcome::AlreadyKnown | Outcome::Kept => {}
    }
    place_receipt(connection, standing, sheet, payment, testimony, weighed.ownership, outcome).await?;
    // Money kept changes nothing in the row itself, but whoever looks at it should look again.
    let is_changed = change.to != change.from
        || change.receipt.is_some()
        || change.request_ids.is_some()
        || change.result_code.is_some()
        || matches!(outcome, Outcome::PartKept | Outcome::CreditKept);
    let after = change.to;
    if let Some(known) = standing.payments.get_mut(&payment.id) {
        known.state = after;
        known.result_code = change.result_code.clone().or_else(|| known.result_code.take());
        if let Some(receipt) = &change.receipt {
            known.receipt = Some(receipt.clone());
        }
        if let Some((checkout, merchant)) = &change.request_ids {
            known.checkout_request_id = Some(checkout.clone());
            known.merchant_request_id = known.merchant_request_id.take().or_else(|| merchant.clone());
        }
    }
    if is_changed {
        sheet.moves.push(change);
    }
    Ok(after)
}

fn is_worth_noting(payment: &PaymentRecord, testimony: &Testimony) -> bool {
    testimony.result.as_ref().is_some_and(|(code, _)| {
        payment.state.is_open()
            && code.meaning() == ResultMeaning::Inconclusive
            && payment.result_code.as_ref() != Some(code)
    })
}

/// Where the money of a testimony is after its outcome.
async fn place_receipt<'a>(
    connection: &mut MySqlConnection,
    standing: &mut Standing,
    sheet: &mut Sheet<'a>,
    payment: &PaymentRecord,
    testimony: &'a Testimony,
    ownership: Ownership,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let Some(money) = testimony.claim.money() else { return Ok(()) };
    let state = match outcome {
        Outcome::Settled | Outcome::ReceiptAdded => ReceiptState::Credited,
        Outcome::PartKept | Outcome::ToReview(_) => ReceiptState::Part,
        Outcome::CreditKept => ReceiptState::Credit,
        // Money that came for a payment that must keep its state waits for a person.
        Outcome::Alerted(_) => ReceiptState::Unmatched,
        Outcome::Kept if payment.state == PaymentState::Review => ReceiptState::Part,
        Outcome::Kept | Outcome::AlreadyKnown | Outcome::Moved(_) => ReceiptState::Credited,
    };
    let known = standing.receipts.get(&money.receipt).cloned();
    match (known, ownership) {
        (_, Ownership::Elsewhere) => return Ok(()),
        (Some(_), Ownership::Ours) if outcome != Outcome::Settled => return Ok(()),
        (Some(entry), _) => {
            if entry.amount_kes != money.amount.shillings() {
                tracing::warn!(payment.id = %payment.id, receipt = money.receipt.masked(), "one receipt was reported with two amounts");
            }
            receipts::update_receipt_place(connection, &money.receipt, Some(payment.id), state).await?;
        }
        (None, _) => sheet.receipts.push(Placing { testimony, money, payment_id: payment.id, state }),
    }
    sheet.placed(money, testimony);
    let entry = Entry { payment_id: Some(payment.id), state, amount_kes: money.amount.shillings() };
    standing.receipts.insert(money.receipt.clone(), entry);
    Ok(())
}
