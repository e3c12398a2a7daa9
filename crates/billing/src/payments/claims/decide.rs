//! What people see and decide of claims.

use std::{collections::HashMap, net::IpAddr};

use chrono::{DateTime, Utc};
use domain::{ClaimId, Kes, PaymentId, Receipt};

use crate::{
    Billing,
    db::{
        StoreError,
        claims::{self, ClaimMove, ClaimRecord, ClaimState},
        logs::{self, NewLog},
        payment_events::{self, NewEvent, Source},
        receipts::{self, Money},
        routers,
    },
    lists::PaymentListed,
    payments::{RecoveryOutcome, place::Report, queue::Decided, record::Decider},
};

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
    /// Claims, oldest first, at most 100; those that wait when `state` is `None`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_claims(&self, state: Option<ClaimState>) -> Result<Vec<ClaimListed>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        claims::settle_arrived(&mut connection, self.now()).await?;
        drop(connection);
        let names: HashMap<_, _> =
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
        let money = Money::new(claim.receipt.clone(), amount);
        let known = receipts::find_receipt(self.pool(), &claim.receipt).await?;
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
    async fn keep_decision(
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
