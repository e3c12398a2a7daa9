//! Claims: codes that wait for M-Pesa's own answer (Transaction Status) or for a person.

mod decide;

use std::net::IpAddr;

use chrono::TimeDelta;
use daraja::{
    CallbackUrl, RequestOutcome, StatusRequest,
    result::{self, ResultMessage, StatusResult, TransactionState},
};
use domain::Receipt;

pub use self::decide::{ClaimDecisionError, ClaimListed};
use super::{CallbackError, c2b::payer, place::Report, register::public_base};
use crate::{
    Billing,
    db::{
        StoreError,
        claims::{self, ClaimRecord, ClaimState},
        notifications::Severity,
        payment_events::{self, NewEvent, Source},
        receipts::Money,
    },
    random,
};

/// M-Pesa is not asked about the same code again within this time.
const ASK_AGAIN_SECS: i64 = 180;

impl Billing {
    /// Asks M-Pesa about a claimed code, unless that was done a moment ago. The answer comes to a secret path.
    pub(super) async fn ask_about(&self, claim: &ClaimRecord) -> Result<(), StoreError> {
        let token = random::callback_token();
        let hash = random::digest(&[token.as_bytes()]);
        let now = self.now();
        let before = now - TimeDelta::seconds(ASK_AGAIN_SECS);
        if !claims::mark_asked(self.pool(), claim.id, hash, before, now).await? {
            return Ok(());
        }
        let (billing, claim) = (self.clone(), claim.clone());
        self.inner.tracker.spawn(async move {
            if let Err(error) = billing.ask(&claim, &token).await {
                tracing::warn!(claim.id = %claim.id, %error, "what became of a question to M-Pesa could not be stored");
            }
        });
        Ok(())
    }

    async fn ask(&self, claim: &ClaimRecord, token: &str) -> Result<(), StoreError> {
        let environment = self.mpesa().config().environment;
        let base = public_base(&self.options().callback_base);
        let url = |path| CallbackUrl::stk(&format!("{base}/api/pay/{path}/{token}"), environment);
        let (Ok(result_url), Ok(timeout_url)) = (url("result"), url("timeout")) else {
            return self.leave_to_person(claim, "MPESA_CALLBACK_URL cannot be used for M-Pesa's answer").await;
        };
        let request = StatusRequest { receipt: claim.receipt.clone(), result_url, timeout_url };
        let reply = self.mpesa().transaction_status(&request).await;
        metrics::counter!("bando_status_questions_total", "outcome" => reply.outcome.as_str()).increment(1);
        match reply.outcome {
            // What may have been asked may be answered; a person sees the claim in the meantime.
            RequestOutcome::Accepted { .. } | RequestOutcome::Unknown { .. } => Ok(()),
            RequestOutcome::Refused(refusal) => {
                let advice = refusal.owner_advice().unwrap_or("M-Pesa does not answer questions at the moment.");
                self.leave_to_person(claim, advice).await
            }
            RequestOutcome::NotConfigured => {
                self.leave_to_person(claim, "M-Pesa cannot be asked without an initiator").await
            }
        }
    }

    /// Takes M-Pesa's answer to a question about a code, or to a reversal.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub async fn receive_result(
        &self,
        token: &str,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), CallbackError> {
        let hash = random::digest(&[token.as_bytes()]);
        match claims::find_claim_by_token(self.pool(), hash).await? {
            Some(claim) => self.receive_claim_result(&claim, body, remote_ip).await,
            None if self.receive_refund_result(hash, body, remote_ip).await? => Ok(()),
            None => Err(CallbackError::UnknownToken),
        }
    }

    /// Takes word that M-Pesa had no answer in time.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub async fn receive_timeout(
        &self,
        token: &str,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), CallbackError> {
        let hash = random::digest(&[token.as_bytes()]);
        match claims::find_claim_by_token(self.pool(), hash).await? {
            Some(claim) => {
                self.keep_claim_evidence(&claim, Source::Hint, "timed_out", body, remote_ip).await?;
                Ok(self.leave_to_person(&claim, "M-Pesa had no answer in time").await?)
            }
            None if self.receive_refund_timeout(hash, body, remote_ip).await? => Ok(()),
            None => Err(CallbackError::UnknownToken),
        }
    }

    async fn receive_claim_result(
        &self,
        claim: &ClaimRecord,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), CallbackError> {
        if let Some(doubt) = self.judge_address(remote_ip) {
            self.keep_claim_evidence(claim, Source::Hint, "unverified", body, remote_ip).await?;
            self.leave_to_person(claim, "an answer came from an address that is not Safaricom's").await?;
            return doubt;
        }
        let read = result::decode(body).map_err(|error| error.to_string());
        let said = read.and_then(|message| self.read_status(claim, &message));
        let outcome = if said.is_ok() { "read" } else { "not_proved" };
        metrics::counter!("bando_status_results_total", "outcome" => outcome).increment(1);
        match said {
            Ok(Said::Money(money)) => Ok(self.settle_claim(claim, *money, body, remote_ip).await?),
            Ok(Said::NotPaid(detail)) => {
                self.keep_claim_evidence(claim, Source::Status, "not_paid", body, remote_ip).await?;
                Ok(self.end_claim(claim, ClaimState::Refused, &detail).await?)
            }
            Err(detail) => {
                self.keep_claim_evidence(claim, Source::Status, outcome, body, remote_ip).await?;
                Ok(self.leave_to_person(claim, &detail).await?)
            }
        }
    }

    /// What an answer proves. An error says why a person has to look.
    fn read_status(&self, claim: &ClaimRecord, message: &ResultMessage) -> Result<Said, String> {
        let status = message.as_status().map_err(|error| error.to_string())?;
        if status.receipt != claim.receipt {
            return Err("M-Pesa answered about another code".to_owned());
        }
        match (&status.state, status.credited()) {
            (TransactionState::InFlight, _) => Err("M-Pesa says that this payment is still under way".to_owned()),
            (TransactionState::NotCompleted(word), _) => Ok(Said::NotPaid(format!("M-Pesa says: {word}"))),
            (TransactionState::Completed, Some(number)) if self.is_ours(number) => {
                Ok(Said::Money(Box::new(money(&status))))
            }
            (TransactionState::Completed, Some(_)) => {
                Ok(Said::NotPaid("the money went to somebody else's number".to_owned()))
            }
            (TransactionState::Completed, None) => Err("M-Pesa did not say whom the money went to".to_owned()),
        }
    }

    /// M-Pesa's own books have the money: it goes to the device that showed the code.
    async fn settle_claim(
        &self,
        claim: &ClaimRecord,
        money: Money,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let report = Report { source: Source::Status, body: Some(body), remote_ip, by: None };
        let target = self.target_of_device(claim.router_id, claim.mac, claim.payment_id, &money).await?;
        let Some(target) = target else {
            // Real money all the same: in the ledger, for a person.
            self.place_money(money, &report).await?;
            return self
                .leave_to_person(claim, "it may belong to a payment that M-Pesa confirmed without a receipt")
                .await;
        };
        self.place_claimed(claim, target, money, &report).await.map(drop)
    }

    /// A claim waits for a person from now on, who is told.
    async fn leave_to_person(&self, claim: &ClaimRecord, detail: &str) -> Result<(), StoreError> {
        self.end_claim(claim, ClaimState::Open, detail).await?;
        self.call_person(&claim.receipt).await
    }

    pub(super) async fn call_person(&self, receipt: &Receipt) -> Result<(), StoreError> {
        let message = format!(
            "A customer says that they paid under {} and waits. Look for it on your M-Pesa statement, then accept or \
             refuse the claim.",
            receipt.as_str()
        );
        self.notify(Severity::Warning, "claim", &message, &format!("claim:{}", receipt.as_str())).await
    }

    async fn keep_claim_evidence(
        &self,
        claim: &ClaimRecord,
        source: Source,
        outcome: &str,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let event = NewEvent {
            payment_id: claim.payment_id,
            source,
            outcome,
            states: None,
            detail: Some("M-Pesa's answer about a code that a customer showed"),
            body: Some(body),
            remote_ip,
            received_at: self.now(),
        };
        payment_events::insert_event(self.pool(), &event).await
    }
}

/// What M-Pesa's answer about a code comes to.
enum Said {
    Money(Box<Money>),
    NotPaid(String),
}

fn money(status: &StatusResult) -> Money {
    let party = status.debit_party.as_ref();
    let (payer, payer_hash) = party.and_then(|party| party.number.as_ref()).map_or((None, None), payer);
    Money {
        payer,
        payer_hash,
        payer_name: party.and_then(|party| party.name.clone()),
        paid_at: status.finalised_at,
        ..Money::new(status.receipt.clone(), status.amount)
    }
}
