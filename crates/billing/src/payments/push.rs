//! The push: sent once, by whoever marks it as sent first, and never again. Its answer is only evidence.

use std::time::Duration;

use daraja::{CallbackUrl, PushOutcome, PushReply, PushRequest, TransactionDesc};
use domain::{
    NotificationId, PaymentId, ResultCode,
    payment::Evidence,
    result_text::{self, CustomerText, RefusalClass},
};

use tokio::sync::OwnedSemaphorePermit;

use crate::{
    Billing,
    db::{
        StoreError,
        notifications::{self, NewNotification, Severity},
        payment_events::Source,
        payments::{self, PaymentRecord},
    },
    killpoint::killpoint,
    random,
};

use super::record::{Claim, Testimony};

/// How often an answer is tried to be stored: with the pauses between and three seconds for each connection
/// that does not come about, for at least a quarter of an hour.
const MAX_KEEP_TRIES: u32 = 120;

impl Billing {
    /// Sends the push in the background; the request that began the payment does not wait for Daraja. Only so
    /// many are under way at once; the others keep their place in the line.
    pub(super) fn spawn_push(&self, id: PaymentId, token: String, place: OwnedSemaphorePermit) {
        let billing = self.clone();
        self.inner.tracker.spawn(async move {
            let _place = place;
            let _turn = billing.inner.limits.turn_of_push().await;
            if let Err(error) = billing.push(id, &token).await {
                // The schedule finds the payment again: as never sent, or as sent with an unknown answer.
                tracing::warn!(payment.id = %id, %error, "the push could not be recorded");
            }
        });
    }

    async fn push(&self, id: PaymentId, token: &str) -> Result<(), StoreError> {
        let Some(payment) = payments::find_payment(self.pool(), id).await? else { return Ok(()) };
        let environment = self.mpesa().config().environment;
        let url = format!("{}/{token}", self.options().callback_base.trim_end_matches('/'));
        let callback_url = match CallbackUrl::stk(&url, environment) {
            Ok(url) => url,
            Err(error) => {
                let advice = format!("MPESA_CALLBACK_URL cannot be used: {error}.");
                return self.refuse(&payment, "configuration", &advice).await;
            }
        };
        // From here on the push counts as possibly sent, even if this process dies before it is.
        if !payments::mark_submitted(self.pool(), id, self.now()).await? {
            return Ok(());
        }
        killpoint!("push.submitted");
        let request = PushRequest {
            phone: payment.msisdn,
            amount: payment.amount,
            account_reference: payment.account_reference.clone(),
            transaction_desc: TransactionDesc::fitted(&format!("WiFi {}", payment.terms.name)),
            callback_url,
        };
        let reply = self.mpesa().push(&request).await;
        killpoint!("push.answered");
        metrics::counter!("bando_pushes_total", "outcome" => reply.outcome.as_str()).increment(1);
        self.keep_answer(id, &reply).await?;
        killpoint!("push.stored");
        Ok(())
    }

    /// Stores the answer, trying again while the database is away: nothing else knows the CheckoutRequestID,
    /// and without it M-Pesa cannot be asked about this payment.
    async fn keep_answer(&self, id: PaymentId, reply: &PushReply) -> Result<(), StoreError> {
        let mut pause = Duration::from_millis(200);
        for _ in 0..MAX_KEEP_TRIES {
            match self.record_answer(id, reply).await {
                Err(error) if error.is_unavailable() => tracing::debug!(payment.id = %id, %error, "trying again"),
                done => return done,
            }
            tokio::time::sleep(pause + random::jitter(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        self.record_answer(id, reply).await
    }

    async fn record_answer(&self, id: PaymentId, reply: &PushReply) -> Result<(), StoreError> {
        let detail = format!("{}, HTTP {}", reply.outcome.as_str(), reply.http_status.unwrap_or(0));
        let (code, words) = match &reply.outcome {
            PushOutcome::Refused(refusal) => {
                if let Some(advice) = refusal.owner_advice() {
                    self.warn_owner(&format!("M-Pesa refuses to start payments. {advice}")).await?;
                }
                (Some(ResultCode::new(stored_word(&refusal.class))), refusal.message.as_str())
            }
            PushOutcome::Accepted { .. } | PushOutcome::Unknown { .. } => (None, ""),
        };
        let request_ids = match &reply.outcome {
            PushOutcome::Accepted { merchant_request_id, checkout_request_id, .. } => {
                Some((checkout_request_id.clone(), Some(merchant_request_id.clone())))
            }
            PushOutcome::Refused(_) | PushOutcome::Unknown { .. } => None,
        };
        let testimony = Testimony {
            request_ids,
            result: code.map(|code| (code, words.to_owned())),
            detail: Some(detail),
            body: Some(reply.raw.to_vec()),
            ..Testimony::new(Source::Submit, Claim::Plain(reply.outcome.evidence()))
        };
        self.record(id, testimony).await.map(drop)
    }

    /// Records that a payment was provably never sent, for a reason of our own.
    pub(super) async fn refuse(&self, payment: &PaymentRecord, word: &str, reason: &str) -> Result<(), StoreError> {
        if word == "configuration" {
            self.warn_owner(reason).await?;
        }
        let testimony = Testimony {
            result: Some((ResultCode::new(word), reason.to_owned())),
            detail: Some(reason.to_owned()),
            ..Testimony::new(Source::Schedule, Claim::Plain(Evidence::SubmitRefused))
        };
        self.record(payment.id, testimony).await.map(drop)
    }

    async fn warn_owner(&self, message: &str) -> Result<(), StoreError> {
        tracing::error!(message, "M-Pesa set-up");
        let now = self.now();
        let new = NewNotification {
            id: NotificationId::from_uuid(random::uuid(now)),
            severity: Severity::Critical,
            kind: "mpesa_setup",
            message,
            subject: None,
            dedupe_key: Some("mpesa_setup:push"),
            created_at: now,
        };
        notifications::insert_notification(self.pool(), &new).await?;
        self.wake_feed();
        Ok(())
    }
}

/// The word a refusal is stored as in `payments.result_code`.
fn stored_word(class: &RefusalClass) -> &'static str {
    match class {
        RefusalClass::BadField { field } if field == "PhoneNumber" || field == "PartyA" => "bad_phone",
        other => other.as_str(),
    }
}

/// What to tell the customer about a refusal stored by [`stored_word`].
pub(super) fn refusal_text(code: Option<&ResultCode>) -> CustomerText {
    let class = match code.map(ResultCode::as_str) {
        Some("bad_phone") => RefusalClass::BadField { field: "PhoneNumber".to_owned() },
        Some("subscriber_busy") => RefusalClass::SubscriberBusy,
        Some("throttled") => RefusalClass::Throttled { retry_after_secs: 30 },
        Some("unreachable") => RefusalClass::Unreachable,
        _ => RefusalClass::Configuration,
    };
    result_text::for_refusal(&class)
}
