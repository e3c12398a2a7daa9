//! The one door for evidence. In one short transaction: the payment's row is locked, the receipt entered,
//! the pure rule asked, the evidence stored raw, and everything that must follow written. What happens
//! after the commit (waking the router, telling browsers) may be lost without harm.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{
    CheckoutRequestId, Kes, MerchantRequestId, NotificationId, PaymentId, PaymentState, Receipt, ResultCode, SessionId,
    payment::{self, Conflict, Evidence, Known, Outcome},
};
use sqlx::MySqlConnection;

use crate::{
    Billing,
    db::{
        Repeat, StoreError,
        notifications::{self, NewNotification, Severity},
        payment_events::{self, NewEvent, Source},
        payments::{self, Move, PaymentRecord},
        prompt_slots, receipts,
        receipts::Ownership,
        sessions::Origin,
        users,
    },
    random,
    sessions::{Right, create_session},
};

/// What a source says about one payment, before anything has been looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Evidence that needs nothing looked up.
    Plain(Evidence),
    /// A success with a receipt; whether the receipt is free is found out inside the transaction.
    Paid { receipt: Receipt, amount: Kes },
}

/// A claim with where it came from.
#[derive(Debug)]
pub(crate) struct Testimony<'a> {
    pub source: Source,
    pub claim: Claim,
    /// Daraja's ids of the push, when the source names them.
    pub request_ids: Option<(&'a CheckoutRequestId, Option<&'a MerchantRequestId>)>,
    /// Daraja's code and words, kept for the owner.
    pub result: Option<(&'a ResultCode, &'a str)>,
    pub detail: Option<&'a str>,
    pub body: Option<&'a [u8]>,
    pub remote_ip: Option<IpAddr>,
}

/// What recording did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub outcome: Outcome,
    pub state: PaymentState,
}

impl Billing {
    /// Records a testimony about a payment and lets what must follow, follow. `None` if there is no such
    /// payment.
    pub(crate) async fn record(
        &self,
        id: PaymentId,
        testimony: &Testimony<'_>,
    ) -> Result<Option<Recorded>, StoreError> {
        let mut repeat = Repeat::default();
        let done = loop {
            match self.record_once(id, testimony).await {
                Err(error) if repeat.after(&error).await => {}
                done => break done?,
            }
        };
        let Some((recorded, payment)) = done else { return Ok(None) };
        metrics::counter!("bando_evidence_total", "source" => testimony.source.as_str(), "outcome" => recorded.outcome.name())
            .increment(1);
        tracing::info!(
            payment.id = %id, request.id = %payment.request_id, source = testimony.source.as_str(),
            outcome = recorded.outcome.name(), before = %payment.state, after = %recorded.state, "evidence recorded"
        );
        self.after_commit(&payment, recorded);
        Ok(Some(recorded))
    }

    async fn record_once(
        &self,
        id: PaymentId,
        testimony: &Testimony<'_>,
    ) -> Result<Option<(Recorded, PaymentRecord)>, StoreError> {
        let now = self.now();
        let mut tx = self.pool().begin().await?;
        let Some(payment) = payments::lock_payment(&mut tx, id).await? else { return Ok(None) };
        let evidence = weigh(&mut tx, &payment, testimony, now).await?;
        let age = domain::session::secs_rounded_up(now - payment.submitted_at.unwrap_or(payment.created_at));
        let known = Known {
            state: payment.state,
            amount: payment.amount,
            receipt: payment.receipt.clone(),
            age_secs: age,
            query_grace_secs: payment::QUERY_FAILURE_GRACE_SECS,
        };
        let outcome = payment::record(&known, &evidence);
        let state = apply(&mut tx, &payment, testimony, outcome, now).await?;
        let event = NewEvent {
            payment_id: Some(id),
            source: testimony.source,
            outcome: outcome.name(),
            states: Some((payment.state, state)),
            detail: testimony.detail,
            body: testimony.body,
            remote_ip: testimony.remote_ip,
            received_at: now,
        };
        payment_events::insert_event(&mut *tx, &event).await?;
        tx.commit().await?;
        Ok(Some((Recorded { outcome, state }, payment)))
    }

    /// Only hints: browsers re-read, the router's reconciler also runs by timer.
    fn after_commit(&self, payment: &PaymentRecord, recorded: Recorded) {
        self.wake_feed();
        if let (Outcome::Settled, Some(router_id)) = (recorded.outcome, payment.router_id) {
            self.wake_router(router_id);
        }
    }
}

/// Turns a claim into evidence: adopts Daraja's ids and enters the receipt in the ledger.
async fn weigh(
    connection: &mut MySqlConnection,
    payment: &PaymentRecord,
    testimony: &Testimony<'_>,
    now: DateTime<Utc>,
) -> Result<Evidence, StoreError> {
    if let Some((checkout, merchant)) = testimony.request_ids {
        adopt_ids(connection, payment, checkout, merchant, now).await?;
    }
    Ok(match &testimony.claim {
        Claim::Plain(evidence) => evidence.clone(),
        Claim::Paid { receipt, amount } => {
            let owner =
                receipts::enter_receipt(connection, receipt, payment.id, testimony.source, *amount, now).await?;
            Evidence::Paid {
                receipt: receipt.clone(),
                amount: *amount,
                receipt_used_elsewhere: owner == Ownership::Elsewhere,
            }
        }
    })
}

/// Stores Daraja's ids unless another payment has them: Daraja has been seen to repeat ids, and the first
/// payment keeps them.
async fn adopt_ids(
    connection: &mut MySqlConnection,
    payment: &PaymentRecord,
    checkout: &CheckoutRequestId,
    merchant: Option<&MerchantRequestId>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if payment.checkout_request_id.is_some() && payment.merchant_request_id.is_some() {
        return Ok(());
    }
    match payments::find_id_by_checkout(&mut *connection, checkout).await? {
        Some(owner) if owner != payment.id => {
            tracing::warn!(payment.id = %payment.id, other = %owner, "Daraja gave one CheckoutRequestID to two payments");
            Ok(())
        }
        _ => payments::adopt_request_ids(connection, payment.id, checkout, merchant, now).await,
    }
}

/// Writes what the outcome demands and returns the state after it.
async fn apply(
    connection: &mut MySqlConnection,
    payment: &PaymentRecord,
    testimony: &Testimony<'_>,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> Result<PaymentState, StoreError> {
    let receipt = match &testimony.claim {
        Claim::Paid { receipt, .. } => Some(receipt),
        Claim::Plain(_) => None,
    };
    let mut change = Move {
        id: payment.id,
        from: payment.state,
        to: payment.state,
        receipt: None,
        conflict: None,
        result_code: testimony.result.map(|(code, _)| code),
        result_desc: testimony.result.map(|(_, desc)| desc),
        keeps_querying: false,
        now,
    };
    match outcome {
        Outcome::Moved(to) => {
            change.to = to;
            change.keeps_querying = to.is_open();
            payments::update_state(connection, &change).await?;
            if !to.is_open() {
                prompt_slots::release_slots(connection, payment.id, payment.msisdn, payment.mac).await?;
            }
            warn_of_setup_fault(connection, &change).await?;
        }
        Outcome::Settled => {
            change.to = PaymentState::Succeeded;
            change.receipt = receipt;
            payments::update_state(connection, &change).await?;
            settle(connection, payment, now).await?;
        }
        Outcome::ReceiptAdded => {
            if let Some(receipt) = receipt {
                payments::update_receipt(connection, payment.id, receipt, now).await?;
            }
        }
        Outcome::ToReview(conflict) => {
            change.to = PaymentState::Review;
            change.conflict = Some(conflict);
            payments::update_state(connection, &change).await?;
            prompt_slots::release_slots(connection, payment.id, payment.msisdn, payment.mac).await?;
            raise_conflict(connection, payment, conflict, now).await?;
        }
        Outcome::Alerted(conflict) => raise_conflict(connection, payment, conflict, now).await?,
        Outcome::AlreadyKnown | Outcome::Kept | Outcome::PartKept | Outcome::CreditKept => {}
    }
    Ok(change.to)
}

/// What a success always brings, in the same transaction: the session, the customer's totals, a free slot.
async fn settle(
    connection: &mut MySqlConnection,
    payment: &PaymentRecord,
    now: DateTime<Utc>,
) -> Result<SessionId, StoreError> {
    let router_id = payment.router_id.ok_or_else(|| StoreError::inconsistent("payments", "router_id", payment.id))?;
    let right = Right {
        origin: Origin::Payment(payment.id),
        user_id: Some(payment.user_id),
        router_id,
        mac: payment.mac,
        ip: payment.ip,
        package_id: payment.package_id,
        package_revision: payment.package_revision,
        terms: &payment.terms,
    };
    let session_id = create_session(connection, &right, now).await?;
    users::add_paid(connection, payment.user_id, payment.amount).await?;
    prompt_slots::release_slots(connection, payment.id, payment.msisdn, payment.mac).await?;
    Ok(session_id)
}

/// Tells the owner that evidence conflicts and what to do about it.
async fn raise_conflict(
    connection: &mut MySqlConnection,
    payment: &PaymentRecord,
    conflict: Conflict,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let what = match conflict {
        Conflict::AmountDiffers => "M-Pesa took another amount than the package costs",
        Conflict::ReceiptUsed => "its M-Pesa receipt already paid for something else",
        Conflict::SecondReceipt => "M-Pesa sent a second receipt for it: the customer may have paid twice",
        Conflict::Unreadable => "M-Pesa reported success without a usable receipt or amount",
        Conflict::Contradictory => "M-Pesa's result code and its words say opposite things",
        Conflict::PaidAfterRefund => "it was paid again after it was refunded",
    };
    let message = format!(
        "Payment {} needs a person: {what}. Compare it with your M-Pesa statement before you give access or money back.",
        payment.account_reference
    );
    let key = format!("conflict:{}:{}", payment.id, conflict.as_str());
    let new = NewNotification {
        id: NotificationId::from_uuid(random::uuid(now)),
        severity: Severity::Critical,
        kind: "payment_conflict",
        message: &message,
        subject: Some(payment.id.to_string()),
        dedupe_key: Some(&key),
        created_at: now,
    };
    notifications::insert_notification(connection, &new).await.map(drop)
}

/// A result code that means our own set-up is wrong concerns every customer: the owner must act.
async fn warn_of_setup_fault(connection: &mut MySqlConnection, change: &Move<'_>) -> Result<(), StoreError> {
    let Some(code) = change.result_code else { return Ok(()) };
    if code.meaning() != domain::mpesa::ResultMeaning::Configuration {
        return Ok(());
    }
    let message = format!(
        "M-Pesa refuses payments because of the set-up (result {code}). Check MPESA_SHORTCODE, MPESA_TILL and \
         MPESA_TRANSACTION_TYPE, then run `bando doctor`."
    );
    let key = format!("mpesa_setup:{code}");
    let new = NewNotification {
        id: NotificationId::from_uuid(random::uuid(change.now)),
        severity: Severity::Critical,
        kind: "mpesa_setup",
        message: &message,
        subject: None,
        dedupe_key: Some(&key),
        created_at: change.now,
    };
    notifications::insert_notification(connection, &new).await.map(drop)
}
