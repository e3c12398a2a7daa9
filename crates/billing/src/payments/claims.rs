//! Claims: codes that wait for M-Pesa's own answer (Transaction Status) or for a person.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use daraja::{
    CallbackUrl, RequestOutcome, StatusRequest,
    result::{self, ResultMessage, StatusResult, TransactionState},
};
use domain::{ClaimId, Kes, PaymentId, Receipt};

use super::{CallbackError, c2b::payer, place::Report, record::Decider, recover::seen_money, register::public_base};
use crate::{
    Billing,
    db::{
        StoreError,
        claims::{self, ClaimMove, ClaimRecord, ClaimState},
        logs::{self, NewLog},
        notifications::Severity,
        payment_events::{self, NewEvent, Source},
        receipts::Money,
        routers,
    },
    lists::PaymentListed,
    payments::{RecoveryOutcome, queue::Decided},
    random,
};

/// M-Pesa is not asked about the same code again within this time.
const ASK_AGAIN_SECS: i64 = 180;

/// A claim as the owner sees it.
#[derive(Debug, Clone)]
pub struct ClaimListed {
    /// The claim.
    pub id: ClaimId,
    /// The code.
    pub receipt: Receipt,
    /// The device's address.
    pub mac: domain::MacAddr,
    /// The router's name.
    pub router: String,
    /// The payment the money would go to.
    pub payment: Option<PaymentListed>,
    /// `open`, `asked`, `settled` or `refused`.
    pub state: &'static str,
    /// How it stands, in words.
    pub message: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Why a claim was not decided. The texts are for the admin.
#[derive(Debug, thiserror::Error)]
pub enum ClaimDecisionError {
    /// No such claim.
    #[error("There is no such claim.")]
    NotFound,
    /// It is over.
    #[error("This claim is settled already.")]
    Settled,
    /// The code bought something else.
    #[error("This code belongs to another payment. Look it up in the list of payments.")]
    UsedElsewhere,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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

    /// Claims, oldest first, at most 100; those that wait when `state` is `None`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_claims(&self, state: Option<ClaimState>) -> Result<Vec<ClaimListed>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        claims::settle_arrived(&mut connection, self.now()).await?;
        drop(connection);
        let names: std::collections::HashMap<_, _> =
            routers::list_routers(self.pool()).await?.into_iter().map(|router| (router.id, router.name)).collect();
        let mut listed = Vec::new();
        for claim in claims::list_claims(self.pool(), state).await? {
            let payment = match claim.payment_id {
                Some(id) => self.find_listed_payment(id).await?,
                None => None,
            };
            listed.push(ClaimListed {
                id: claim.id,
                receipt: claim.receipt,
                mac: claim.mac,
                router: names.get(&claim.router_id).cloned().unwrap_or_else(|| "removed router".to_owned()),
                payment,
                state: claim.state.as_str(),
                message: words(claim.state, claim.detail.as_deref()),
                created_at: claim.created_at,
            });
        }
        Ok(listed)
    }

    /// A named admin has seen the money of a claim.
    ///
    /// # Errors
    /// [`ClaimDecisionError`].
    pub async fn accept_claim(
        &self,
        id: ClaimId,
        amount: Kes,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<Decided, ClaimDecisionError> {
        let claim = self.find_open_claim(id).await?;
        let Some(fallback) = claim.payment_id else { return Err(ClaimDecisionError::NotFound) };
        let money = seen_money(claim.receipt.clone(), amount);
        let known = crate::db::receipts::find_receipt(self.pool(), &claim.receipt).await?;
        // What M-Pesa itself reported counts, not what was typed.
        let money = known.filter(|known| !known.is_unverified()).map_or(money, |known| known.money);
        let target = self.target_of_device(claim.router_id, claim.mac, Some(fallback), &money).await?;
        let decider = Decider { actor: by.to_owned(), reason: reason.to_owned() };
        let report = Report { source: Source::Admin, body: None, remote_ip, by: Some(decider) };
        let recovery = self.place_claimed(&claim, target.unwrap_or(fallback), money, &report).await?;
        if recovery.outcome == RecoveryOutcome::Refused && recovery.payment_id.is_none() {
            return Err(ClaimDecisionError::UsedElsewhere);
        }
        self.log_decision("claim.accept", &claim, by, reason, remote_ip).await?;
        Ok(Decided { message: accepted_words(recovery.outcome).to_owned(), payment_id: recovery.payment_id })
    }

    /// A named admin did not find the money of a claim.
    ///
    /// # Errors
    /// [`ClaimDecisionError`].
    pub async fn refuse_claim(
        &self,
        id: ClaimId,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<Decided, ClaimDecisionError> {
        let claim = self.find_open_claim(id).await?;
        let change = ClaimMove { to: ClaimState::Refused, detail: Some("refused"), by: Some((by, reason)) };
        claims::move_claim(self.pool(), id, &change, self.now()).await?;
        self.log_decision("claim.refuse", &claim, by, reason, remote_ip).await?;
        let message = "Refused. If the money is reported later, it goes to the list of unmatched money.";
        Ok(Decided { message: message.to_owned(), payment_id: claim.payment_id })
    }

    async fn find_open_claim(&self, id: ClaimId) -> Result<ClaimRecord, ClaimDecisionError> {
        let claim = claims::find_claim(self.pool(), id).await?.ok_or(ClaimDecisionError::NotFound)?;
        if claim.state == ClaimState::Settled { Err(ClaimDecisionError::Settled) } else { Ok(claim) }
    }

    async fn log_decision(
        &self,
        action: &str,
        claim: &ClaimRecord,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let subject = claim.receipt.as_str();
        let log = NewLog { actor: by, action, subject: Some(subject), detail: Some(reason), remote_ip, at: self.now() };
        logs::insert_log(self.pool(), &log).await?;
        self.keep_decision(claim.payment_id, action, by, reason, remote_ip).await
    }

    /// A decision as evidence.
    pub(super) async fn keep_decision(
        &self,
        payment_id: Option<PaymentId>,
        action: &str,
        by: &str,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let detail = format!("{by}: {reason}");
        let event = NewEvent {
            payment_id,
            source: Source::Admin,
            outcome: action,
            states: None,
            detail: Some(&detail),
            body: None,
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

fn words(state: ClaimState, detail: Option<&str>) -> String {
    match (state, detail) {
        (ClaimState::Asked, _) => "M-Pesa was asked about this code and has not answered yet.".to_owned(),
        (ClaimState::Open, Some(detail)) => format!("A person has to look: {detail}."),
        (ClaimState::Open, None) => "Look for this code on your M-Pesa statement.".to_owned(),
        (ClaimState::Settled, _) => "The money was found and placed.".to_owned(),
        (ClaimState::Refused, detail) => format!("Refused: {}.", detail.unwrap_or("no such money")),
    }
}

const fn accepted_words(outcome: RecoveryOutcome) -> &'static str {
    match outcome {
        RecoveryOutcome::Connected => "Accepted. The customer is being connected.",
        RecoveryOutcome::Short => "Accepted. It is less than the price: the customer is told what is missing.",
        RecoveryOutcome::Asking | RecoveryOutcome::Queued | RecoveryOutcome::Choose | RecoveryOutcome::Refused => {
            "Accepted. The money is kept for this customer."
        }
    }
}
