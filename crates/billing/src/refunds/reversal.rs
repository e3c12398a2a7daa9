//! M-Pesa is asked to give a payment back, answers at a secret address, and may answer late or never.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use daraja::{
    CallbackUrl, RequestOutcome, ReversalRequest,
    result::{self, ResultMessage, ReversalOutcome, ReversalResult},
};
use domain::{Kes, NotificationId, PaymentId, PaymentState, Receipt, payment::Outcome};
use sqlx::MySqlConnection;

use super::{
    RefundError, RefundKind, checked,
    credit::{return_credit, take_credit},
    due, lock, log,
};
use crate::{
    Billing,
    admins::Admin,
    db::{
        StoreError,
        notifications::{self, NewNotification, Severity},
        payment_events::{self, NewEvent, Source},
        payments,
        refunds::{self, NewRefund, RefundRow},
    },
    payments::register::public_base,
    random,
};

/// How long the owner waits for M-Pesa's acknowledgement.
const PATIENCE: Duration = Duration::from_secs(8);
const ASKED: &str = "M-Pesa was asked to give the money back. Its answer takes seconds, at most some minutes; the access \
                     ends when it says yes.";
/// What to do when nobody knows.
const LOOK_IT_UP: &str = "Look in the M-Pesa portal under this receipt: if it was reversed, record the refund as given \
                          back by hand; if not, you may ask again.";

impl Billing {
    /// Asks M-Pesa to give a payment back. Gives words for the owner once M-Pesa has taken the request; its answer
    /// comes later, through [`receive_refund_result`](Self::receive_refund_result).
    ///
    /// # Errors
    /// [`RefundError`].
    pub async fn ask_reversal(
        &self,
        id: PaymentId,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<String, RefundError> {
        let reason = checked(by, reason)?;
        if self.mpesa().config().initiator.is_none() {
            return Err(RefundError::NoInitiator);
        }
        let token = random::callback_token();
        let urls = (self.answer_url("result", &token)?, self.answer_url("timeout", &token)?);
        let row = self.write_asked(id, by, &reason, &token, remote_ip).await?;
        let billing = self.clone();
        let refund_id = row.id;
        // Not cut off when the browser goes away: nobody else would know what became of it.
        let asked = self.inner.tracker.spawn(async move { billing.ask_m_pesa(&row, urls).await });
        // M-Pesa's acknowledgement takes a second; without it the owner hears that it was asked.
        if let Ok(asked) = tokio::time::timeout(PATIENCE, asked).await {
            asked.map_err(|_| StoreError::Unavailable(sqlx::Error::WorkerCrashed))??;
        }
        let now = refunds::find_refund(self.pool(), refund_id).await?;
        Ok(now.map(|row| row.message).unwrap_or_default())
    }

    fn answer_url(&self, what: &str, token: &str) -> Result<CallbackUrl, RefundError> {
        let address = format!("{}/api/pay/{what}/{token}", public_base(&self.options().callback_base));
        CallbackUrl::stk(&address, self.mpesa().config().environment).map_err(RefundError::Address)
    }

    /// The row first: without it, nothing is asked.
    async fn write_asked(
        &self,
        id: PaymentId,
        by: &Admin,
        reason: &str,
        token: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<RefundRow, RefundError> {
        let now = self.now();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let payment = lock(&mut tx, id).await?;
        let due = due(&mut tx, &payment, RefundKind::Reversal).await?;
        if due.credit_kes > 0 && !take_credit(&mut tx, &payment, due.credit_kes, by, now).await? {
            return Err(RefundError::CreditSpent { credit_kes: due.credit_kes });
        }
        let refund_id = random::uuid(now);
        let new = NewRefund {
            id: refund_id,
            payment_id: id,
            kind: RefundKind::Reversal.as_str(),
            state: "asked",
            amount_kes: due.amount_kes,
            credit_kes: due.credit_kes,
            receipt: due.receipt.as_ref(),
            result_token_hash: Some(random::digest(&[token.as_bytes()])),
            message: ASKED,
            actor: &by.username,
            reason,
            now,
        };
        match refunds::insert_refund(&mut tx, &new).await {
            Err(error) if error.is_duplicate() => return Err(RefundError::Open),
            done => done?,
        }
        log(&mut tx, by, "refund.asked", id, reason, remote_ip, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let row = refunds::find_refund(self.pool(), refund_id).await?;
        Ok(row.ok_or_else(|| StoreError::inconsistent("refunds", "id", refund_id))?)
    }

    async fn ask_m_pesa(&self, row: &RefundRow, urls: (CallbackUrl, CallbackUrl)) -> Result<(), StoreError> {
        let wrong = |column| StoreError::inconsistent("refunds", column, row.id);
        let receipt: Receipt =
            row.receipt.as_deref().and_then(|text| text.parse().ok()).ok_or_else(|| wrong("receipt"))?;
        let request = ReversalRequest {
            receipt,
            amount: Kes::new(row.amount_kes).map_err(|_| wrong("amount_kes"))?,
            remarks: row.reason.clone(),
            result_url: urls.0,
            timeout_url: urls.1,
        };
        let reply = self.mpesa().reverse(&request).await;
        metrics::counter!("bando_reversals_total", "outcome" => reply.outcome.as_str()).increment(1);
        match &reply.outcome {
            RequestOutcome::Accepted { conversation_id, .. } => {
                self.keep_refund_evidence(row, "refund_asked", Source::Admin, &reply.raw, None).await?;
                refunds::adopt_conversation(self.pool(), row.id, conversation_id).await
            }
            RequestOutcome::Refused(refusal) => {
                let words = refusal.owner_advice().map_or_else(
                    || format!("M-Pesa did not take the request: {}", refusal.message),
                    |advice| format!("M-Pesa did not take the request. {advice}"),
                );
                self.refuse_refund(row, &words, Source::Admin, &reply.raw, None).await
            }
            RequestOutcome::NotConfigured => {
                self.refuse_refund(row, &RefundError::NoInitiator.to_string(), Source::Admin, &reply.raw, None).await
            }
            RequestOutcome::Unknown { .. } => {
                self.leave_unknown(row, "M-Pesa's answer was lost", Some(&reply.raw), None).await
            }
        }
    }

    /// Takes what M-Pesa posts to the secret address of a reversal; `token_hash` is the digest of the token in the
    /// path, made like that of a payment's callback. `false` if no reversal has it.
    ///
    /// # Errors
    /// [`StoreError`]: the result is not stored and must not be answered as if it were.
    pub async fn receive_refund_result(
        &self,
        token_hash: [u8; 32],
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<bool, StoreError> {
        let Some(row) = refunds::find_by_token(self.pool(), token_hash).await? else { return Ok(false) };
        let read = result::decode(body).ok().map(|message| (message.as_reversal(), message));
        let Some((reversal, message)) = read.filter(|(reversal, message)| fits(&row, reversal, message)) else {
            tracing::warn!(refund.id = %row.id, "an answer to a reversal cannot be read or names another one");
            self.leave_unknown(&row, "M-Pesa's answer does not fit this payment", Some(body), remote_ip).await?;
            return Ok(true);
        };
        match &reversal.outcome {
            ReversalOutcome::Reversed | ReversalOutcome::AlreadyReversed => {
                self.finish_refund(&row, &reversal, body, remote_ip).await?;
            }
            ReversalOutcome::Failed(code) => {
                let advice = reversal.outcome.advice().unwrap_or_default();
                let words = format!("Not given back: {advice} (M-Pesa's code {code}: {})", message.result_desc);
                self.refuse_refund(&row, &words, Source::Status, body, remote_ip).await?;
            }
        }
        Ok(true)
    }

    /// Takes M-Pesa's word that it had no answer to a reversal in time. It may still be given back. `false` if no
    /// reversal has the token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn receive_refund_timeout(
        &self,
        token_hash: [u8; 32],
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<bool, StoreError> {
        let Some(row) = refunds::find_by_token(self.pool(), token_hash).await? else { return Ok(false) };
        self.leave_unknown(&row, "M-Pesa had no answer in time", Some(body), remote_ip).await?;
        Ok(true)
    }

    /// The money is back with the customer: late or not, twice told or not.
    async fn finish_refund(
        &self,
        row: &RefundRow,
        reversal: &ReversalResult,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.pool().begin().await?;
        let Some(locked) = refunds::lock_refund(&mut tx, row.id).await? else { return Ok(()) };
        insert_evidence(&mut tx, row, "refund_done", Source::Status, body, remote_ip, now).await?;
        let words = match &reversal.outcome {
            ReversalOutcome::AlreadyReversed => format!("KES {} had been given back by M-Pesa before.", row.amount_kes),
            _ => format!("KES {} given back by M-Pesa.", row.amount_kes),
        };
        let was_refused = locked.state == "refused";
        if locked.state != "done" {
            let receipt = reversal.reversal_receipt.as_ref();
            refunds::update_state(&mut tx, row.id, "done", &words, receipt, now).await?;
        }
        tx.commit().await?;
        let outcome = self.take_effect(row, Source::Status, remote_ip).await?;
        let others = refunds::list_of_payment(self.pool(), row.payment_id.into()).await?;
        let twice = others.iter().any(|other| other.id != row.id && other.state == "done" && other.kind == "manual");
        let needs_person = match outcome {
            _ if twice => {
                Some("was given back by M-Pesa, and a refund by hand was recorded too: the customer may have it twice")
            }
            Outcome::Moved(PaymentState::Refunded) | Outcome::AlreadyKnown if was_refused && row.credit_kes > 0 => {
                Some(
                    "was given back after all, although M-Pesa had refused: its surplus is still the customer's credit",
                )
            }
            Outcome::Moved(PaymentState::Refunded) | Outcome::AlreadyKnown => None,
            _ => Some("was given back by M-Pesa, but was not counted as paid here"),
        };
        match needs_person {
            Some(words) => {
                let mut connection = self.pool().acquire().await?;
                let todo = "Compare it with your M-Pesa statement.";
                tell_owner(&mut connection, row, Severity::Critical, words, todo, now).await
            }
            None => Ok(()),
        }
    }

    /// M-Pesa says no: the session stays, and what was taken of the credit goes back.
    async fn refuse_refund(
        &self,
        row: &RefundRow,
        words: &str,
        source: Source,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.pool().begin().await?;
        let Some(locked) = refunds::lock_refund(&mut tx, row.id).await? else { return Ok(()) };
        insert_evidence(&mut tx, row, "refund_refused", source, body, remote_ip, now).await?;
        let is_open = matches!(locked.state.as_str(), "asked" | "unknown");
        if is_open {
            refunds::update_state(&mut tx, row.id, "refused", words, None, now).await?;
            return_credit(&mut tx, row, now).await?;
            tell_owner(&mut tx, row, Severity::Warning, "was not given back", words, now).await?;
        }
        tx.commit().await?;
        self.wake_feed();
        Ok(())
    }

    /// Nobody knows whether the money was given back: a person looks it up, and nothing is asked again by itself.
    pub(super) async fn leave_unknown(
        &self,
        row: &RefundRow,
        why: &str,
        body: Option<&[u8]>,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.pool().begin().await?;
        let Some(locked) = refunds::lock_refund(&mut tx, row.id).await? else { return Ok(()) };
        if let Some(body) = body {
            insert_evidence(&mut tx, row, "refund_unknown", Source::Status, body, remote_ip, now).await?;
        }
        let is_open = locked.state == "asked";
        if is_open {
            let words = format!("{why}. The money may have been given back or not. {LOOK_IT_UP}");
            refunds::update_state(&mut tx, row.id, "unknown", &words, None, now).await?;
        }
        if is_open {
            let words = format!("may have been given back or not: {why}");
            tell_owner(&mut tx, row, Severity::Critical, &words, LOOK_IT_UP, now).await?;
        }
        tx.commit().await?;
        self.wake_feed();
        Ok(())
    }

    async fn keep_refund_evidence(
        &self,
        row: &RefundRow,
        outcome: &str,
        source: Source,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let mut connection = self.pool().acquire().await?;
        insert_evidence(&mut connection, row, outcome, source, body, remote_ip, self.now()).await
    }
}

async fn tell_owner(
    connection: &mut MySqlConnection,
    row: &RefundRow,
    severity: Severity,
    what: &str,
    todo: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let payment = payments::find_payment(&mut *connection, row.payment_id.into()).await?;
    let name = payment.map(|payment| payment.account_reference.to_string()).unwrap_or_default();
    let receipt = row.receipt.as_deref().unwrap_or("without a receipt");
    let message = format!("Payment {name} (receipt {receipt}) {what}. {todo}");
    let key = format!("refund:{}", row.id);
    let new = NewNotification {
        id: NotificationId::from_uuid(random::uuid(now)),
        severity,
        kind: "refund",
        message: &message,
        subject: Some(row.payment_id.to_string()),
        dedupe_key: Some(&key),
        created_at: now,
    };
    notifications::raise_or_renew(connection, &new).await
}

/// Whether an answer is about this reversal, as far as it says.
fn fits(row: &RefundRow, reversal: &ReversalResult, message: &ResultMessage) -> bool {
    let same_receipt = match (&reversal.original_receipt, row.receipt.as_deref()) {
        (Some(named), Some(asked)) => named.as_str() == asked,
        _ => true,
    };
    let same_request = match (&message.conversation_id, &row.conversation_id) {
        (Some(named), Some(known)) => named == known,
        _ => true,
    };
    same_receipt && same_request
}

async fn insert_evidence(
    connection: &mut MySqlConnection,
    row: &RefundRow,
    outcome: &str,
    source: Source,
    body: &[u8],
    remote_ip: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let detail = format!("refund {}", row.id);
    let event = NewEvent {
        payment_id: Some(row.payment_id.into()),
        source,
        outcome,
        states: None,
        detail: Some(&detail),
        body: Some(body),
        remote_ip,
        received_at: now,
    };
    payment_events::insert_event(connection, &event).await
}
