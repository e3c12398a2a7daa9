//! What people decide about money: unmatched receipts, payments in review, and everything known about one payment.

use std::net::IpAddr;

use chrono::TimeDelta;
use domain::{
    AccountReference, Msisdn, PaymentId, PaymentState, Receipt, UserId,
    payment::{Evidence, Outcome},
};

use super::{
    place::{Placed, Report, could_be},
    record::{Claim, Decider, Testimony},
};
use crate::{
    Billing,
    db::{
        StoreError,
        credits::{self, CreditKind, NewCredit},
        logs::{self, NewLog},
        payment_events::{self, Source},
        payments,
        receipts::{self, ReceiptCursor, ReceiptRecord, ReceiptState},
        users,
    },
    random,
};

/// Money may be meant for what was tried within this time before it came.
const SUGGESTED_SECS: i64 = 86_400;

/// Money with a guess at whose it is.
#[derive(Debug, Clone)]
pub struct ReceiptListed {
    /// The row of the ledger.
    pub record: ReceiptRecord,
    /// The payment it belongs to, or, while nobody has placed it, most likely belongs to.
    pub payment_id: Option<PaymentId>,
}

/// Whose money becomes.
#[derive(Debug, Clone)]
pub enum AssignTo {
    /// The payment's with this reference.
    Payment(AccountReference),
    /// This customer's, as credit.
    Customer(Msisdn),
}

/// What a decision did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What happened and what follows, for the admin.
    pub message: String,
    /// The payment it was about.
    pub payment_id: Option<PaymentId>,
}

impl Decided {
    fn new(message: impl Into<String>, payment_id: Option<PaymentId>) -> Self {
        Self { message: message.into(), payment_id }
    }
}

/// Why nothing was decided. The texts are for the admin.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// No such payment or receipt.
    #[error("There is no such payment or receipt.")]
    NotFound,
    /// No payment has this reference.
    #[error("No payment has this account number. Check it, or give the customer's phone number instead.")]
    UnknownReference,
    /// Somebody was faster.
    #[error("This money was placed in the meantime. Load the list again.")]
    Placed,
    /// The state does not allow it.
    #[error("This payment cannot be decided now: a prompt may still be open, or it is decided already.")]
    NotNow,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// A named admin decides a payment in review.
    ///
    /// # Errors
    /// [`DecideError`].
    pub async fn decide_payment(
        &self,
        id: PaymentId,
        is_paid: bool,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<Decided, DecideError> {
        let payment = payments::find_payment(self.pool(), id).await?.ok_or(DecideError::NotFound)?;
        if payment.state != PaymentState::Review {
            return Err(DecideError::NotNow);
        }
        let evidence = if is_paid { Evidence::DecidedPaid } else { Evidence::DecidedNotPaid };
        let testimony = Testimony {
            detail: Some(format!("{by}: {reason}")),
            remote_ip,
            by: Some(Decider { actor: by.to_owned(), reason: reason.to_owned() }),
            ..Testimony::new(Source::Admin, Claim::Plain(evidence))
        };
        let recorded = self.record(id, testimony).await?.ok_or(DecideError::NotFound)?;
        let message = match recorded.outcome {
            Outcome::Settled => "Decided as paid. The customer is being connected.",
            Outcome::Moved(_) => {
                "Decided as not paid. The customer may try again; money that came in is in the list of unmatched money."
            }
            _ => return Err(DecideError::NotNow),
        };
        let action = if is_paid { "payment.decide_paid" } else { "payment.decide_not_paid" };
        self.log_money(action, &id.to_string(), by, reason, remote_ip).await?;
        Ok(Decided::new(message, Some(id)))
    }

    /// The ledger in one state, newest first, at most 500 at a time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_receipts(
        &self,
        state: ReceiptState,
        after: Option<&ReceiptCursor>,
        limit: u32,
    ) -> Result<Vec<ReceiptListed>, StoreError> {
        let mut listed = Vec::new();
        for record in receipts::list_in_state(self.pool(), state, after, limit.clamp(1, 500)).await? {
            let payment_id = match record.payment_id {
                None if state == ReceiptState::Unmatched => self.suggest(&record).await?,
                known => known,
            };
            listed.push(ReceiptListed { record, payment_id });
        }
        Ok(listed)
    }

    /// The one payment that somebody tried to make with this amount before the money came and whose payer fits.
    async fn suggest(&self, record: &ReceiptRecord) -> Result<Option<PaymentId>, StoreError> {
        let came_at = record.money.paid_at.unwrap_or(record.created_at).min(record.created_at);
        let since = random::uuid_floor(came_at - TimeDelta::seconds(SUGGESTED_SECS));
        let until = random::uuid_floor(record.created_at + TimeDelta::seconds(1));
        let tried =
            payments::list_unpaid_with_amount(self.pool(), record.money.amount.shillings(), (since, until)).await?;
        let mut fitting = tried.iter().filter(|candidate| could_be(&record.money, candidate));
        Ok(match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only.id),
            _ => None,
        })
    }

    /// A named admin says whose unmatched money is.
    ///
    /// # Errors
    /// [`DecideError`].
    pub async fn assign_receipt(
        &self,
        receipt: &Receipt,
        to: &AssignTo,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<Decided, DecideError> {
        let found = receipts::find_receipt(self.pool(), receipt).await?.ok_or(DecideError::NotFound)?;
        if !found.state.is_free() {
            return Err(DecideError::Placed);
        }
        let decided = match to {
            AssignTo::Payment(reference) => {
                let id = payments::find_id_by_reference(self.pool(), reference).await?;
                let id = id.ok_or(DecideError::UnknownReference)?;
                let decider = Decider { actor: by.to_owned(), reason: reason.to_owned() };
                let report = Report { source: Source::Admin, body: None, remote_ip, by: Some(decider) };
                let placed = self.place_on(id, found.money, &report).await?;
                Decided::new(placed_words(placed).ok_or(DecideError::Placed)?, Some(id))
            }
            AssignTo::Customer(msisdn) => self.assign_to_customer(&found, *msisdn, (by, reason), remote_ip).await?,
        };
        self.log_money("receipt.assign", receipt.as_str(), by, reason, remote_ip).await?;
        self.wake_feed();
        Ok(decided)
    }

    async fn assign_to_customer(
        &self,
        found: &ReceiptRecord,
        msisdn: Msisdn,
        (by, reason): (&str, &str),
        remote_ip: Option<IpAddr>,
    ) -> Result<Decided, DecideError> {
        let now = self.now();
        let receipt = &found.money.receipt;
        let kes = found.money.amount.shillings();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        if !receipts::take_unmatched(&mut tx, receipt, ReceiptState::Credit, (by, reason), now).await? {
            return Err(DecideError::Placed);
        }
        let (user_id, _) = users::upsert_user(&mut tx, UserId::from_uuid(random::uuid(now)), msisdn, now).await?;
        let new = NewCredit {
            user_id,
            amount_kes: i64::from(kes),
            kind: CreditKind::Assigned,
            receipt: Some(receipt),
            payment_id: None,
            actor: Some(by),
            reason: Some(reason),
        };
        if !credits::change_credit(&mut tx, &new, now).await? {
            return Err(StoreError::RowCount { what: "assign credit", expected: 1, actual: 0 }.into());
        }
        self.insert_decision(&mut tx, "receipt.assign", receipt, (by, reason), remote_ip).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let message = format!(
            "KES {kes} is now credit of {}. It is used when they press pay on a device they have paid with before.",
            msisdn.display()
        );
        Ok(Decided::new(message, None))
    }

    /// A named admin says that unmatched money was not meant for this.
    ///
    /// # Errors
    /// [`DecideError`].
    pub async fn dismiss_receipt(
        &self,
        receipt: &Receipt,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<Decided, DecideError> {
        receipts::find_receipt(self.pool(), receipt).await?.ok_or(DecideError::NotFound)?;
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        if !receipts::take_unmatched(&mut tx, receipt, ReceiptState::Dismissed, (by, reason), self.now()).await? {
            return Err(DecideError::Placed);
        }
        self.insert_decision(&mut tx, "receipt.dismiss", receipt, (by, reason), remote_ip).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.log_money("receipt.dismiss", receipt.as_str(), by, reason, remote_ip).await?;
        self.wake_feed();
        Ok(Decided::new("Dismissed as not meant for the WiFi. You can still assign it later.", None))
    }

    async fn insert_decision(
        &self,
        connection: &mut sqlx::MySqlConnection,
        action: &str,
        receipt: &Receipt,
        (by, reason): (&str, &str),
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let detail = format!("{} by {by}: {reason}", receipt.masked());
        let report = Report { source: Source::Admin, body: None, remote_ip, by: None };
        let event = payment_events::NewEvent { detail: Some(&detail), ..self.event(&report, action) };
        payment_events::insert_event(connection, &event).await
    }

    async fn log_money(
        &self,
        action: &str,
        subject: &str,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let log = NewLog { actor: by, action, subject: Some(subject), detail: Some(reason), remote_ip, at: self.now() };
        logs::insert_log(self.pool(), &log).await
    }
}

/// What placing did, for the admin; `None` when the money had gone elsewhere.
fn placed_words(placed: Placed) -> Option<&'static str> {
    let Placed::On(_, outcome) = placed else { return None };
    Some(match outcome {
        Outcome::Settled => "Assigned. The payment is settled and the customer is being connected.",
        Outcome::PartKept => "Assigned. It is less than the price: the customer is told what is missing.",
        Outcome::CreditKept => "That payment was paid already, so the money is kept as the customer's credit.",
        Outcome::ReceiptAdded => "Assigned. The payment was paid already and only lacked this receipt.",
        Outcome::AlreadyKnown => "That payment has this receipt already.",
        Outcome::Alerted(_) => "That payment was given back, so the money stays in the list.",
        Outcome::Kept | Outcome::ToReview(_) | Outcome::Moved(_) => {
            "The payment is being checked. The money is held for it; decide the payment next."
        }
    })
}
