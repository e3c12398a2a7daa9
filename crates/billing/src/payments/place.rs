//! Placing money that came with a receipt and without a prompt's token: whose is it? By the account number, by a
//! device that showed the code, by the payer's number; what proves nothing waits for a person.

use std::{collections::HashSet, net::IpAddr};

use chrono::TimeDelta;
use daraja::PayerNumber;
use domain::{AccountReference, NotificationId, PaymentId, payment::Outcome};

use super::record::{Claim, Decider, Testimony};
use crate::{
    Billing,
    db::{
        StoreError, claims,
        notifications::{self, NewNotification, Severity},
        payment_events::{self, Source},
        payments::{self, Candidate},
        receipts::{self, Money, ReceiptState},
    },
    random,
};

/// A payment that somebody began within this many seconds may be meant by money without an account number.
const RECENT_SECS: i64 = 86_400;
/// A prompt that is this old is no longer waited for.
const ECHO_SECS: i64 = 900;

/// How money was reported, kept as evidence.
#[derive(Debug, Clone)]
pub(crate) struct Report<'a> {
    pub source: Source,
    pub body: Option<&'a [u8]>,
    pub remote_ip: Option<IpAddr>,
    pub by: Option<Decider>,
}

/// Where money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// To a payment, with what that did.
    On(PaymentId, Outcome),
    /// It was in the ledger already and nothing changed.
    Known,
    /// Nobody's yet: in the queue for people.
    Unmatched,
}

impl Placed {
    /// The word for metrics and the log.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::On(_, outcome) => outcome.name(),
            Self::Known => "already_known",
            Self::Unmatched => "unmatched",
        }
    }
}

impl Billing {
    /// Places money as far as it proves whose it is; the rest is kept for a person. Whoever reports the same receipt
    /// again, on whatever channel, changes nothing.
    pub(crate) async fn place_money(&self, money: Money, report: &Report<'_>) -> Result<Placed, StoreError> {
        if let Some(known) = receipts::find_receipt(self.pool(), &money.receipt).await? {
            match (known.state, known.payment_id) {
                (ReceiptState::Unmatched, _) if known.is_unverified() => {
                    receipts::confirm_unverified(self.pool(), &money, report.source).await?;
                }
                (ReceiptState::Unmatched, _) => {}
                (ReceiptState::Dismissed, _) | (_, None) => {
                    payment_events::insert_event(self.pool(), &self.event(report, "already_known")).await?;
                    return Ok(Placed::Known);
                }
                (_, Some(id)) => return self.place_on(id, money, report).await,
            }
        }
        let id = match self.named_by_reference(&money).await? {
            None => match self.claimed_by_device(&money).await? {
                None => self.paid_by_number(&money).await?,
                found => found,
            },
            found => found,
        };
        match id {
            Some(id) => self.place_on(id, money, report).await,
            None => self.keep_for_people(money, report).await,
        }
    }

    /// Records money on a payment.
    pub(crate) async fn place_on(
        &self,
        id: PaymentId,
        money: Money,
        report: &Report<'_>,
    ) -> Result<Placed, StoreError> {
        let testimony = Testimony {
            body: report.body.map(<[u8]>::to_vec),
            remote_ip: report.remote_ip,
            by: report.by.clone(),
            ..Testimony::new(report.source, Claim::ByHand(money.clone()))
        };
        match self.record(id, testimony).await? {
            Some(recorded) => Ok(Placed::On(id, recorded.outcome)),
            None => self.enter_unmatched(&money, report).await.map(|_| Placed::Unmatched),
        }
    }

    /// What was typed as account number is the reference of a payment. Nothing is guessed.
    async fn named_by_reference(&self, money: &Money) -> Result<Option<PaymentId>, StoreError> {
        match money.account_reference.as_deref().and_then(AccountReference::from_typed) {
            Some(reference) => payments::find_id_by_reference(self.pool(), &reference).await,
            None => Ok(None),
        }
    }

    /// Exactly one device has shown this code and waits for its money.
    async fn claimed_by_device(&self, money: &Money) -> Result<Option<PaymentId>, StoreError> {
        let waiting = claims::list_waiting_for(self.pool(), &money.receipt).await?;
        let devices: HashSet<_> = waiting.iter().map(|claim| (claim.router_id, claim.mac)).collect();
        match (devices.len(), waiting.first()) {
            (1, Some(claim)) => self.target_of_device(claim.router_id, claim.mac, claim.payment_id, money).await,
            _ => Ok(None),
        }
    }

    /// The payer's own number, plain or hashed, tried to pay this amount: exactly one payment is meant.
    async fn paid_by_number(&self, money: &Money) -> Result<Option<PaymentId>, StoreError> {
        let Some(hash) = money.payer_hash else { return Ok(None) };
        let since = random::uuid_floor(self.now() - TimeDelta::seconds(RECENT_SECS));
        Ok(meant_by_payer(&payments::list_of_payer(self.pool(), hash, money.amount, since).await?))
    }

    /// Into the queue for people, with its evidence; `false` if the ledger knows the receipt.
    async fn enter_unmatched(&self, money: &Money, report: &Report<'_>) -> Result<bool, StoreError> {
        let mut tx = self.pool().begin().await?;
        let is_new = receipts::keep_unmatched(&mut *tx, money, report.source, self.now()).await?;
        payment_events::insert_event(&mut *tx, &self.event(report, "unmatched")).await?;
        tx.commit().await?;
        Ok(is_new)
    }

    async fn keep_for_people(&self, money: Money, report: &Report<'_>) -> Result<Placed, StoreError> {
        let is_new = self.enter_unmatched(&money, report).await?;
        // A device that showed the code a moment ago looked before this was committed.
        if let Some(id) = self.claimed_by_device(&money).await? {
            return self.place_on(id, money, report).await;
        }
        if is_new && !self.looks_like_echo(&money).await? {
            let typed = money.account_reference.as_deref().unwrap_or("none");
            let message = format!(
                "KES {} came in under {} (account number: {typed}) and belongs to no payment here. Place it in the list \
                 of unmatched money.",
                money.amount.shillings(),
                money.receipt.as_str()
            );
            self.notify(Severity::Warning, "unmatched_money", &message, "unmatched_money").await?;
        }
        Ok(Placed::Unmatched)
    }

    /// Whether a prompt is open that this may be the echo of: then its own callback places the money in a moment, and
    /// nobody needs to be called. If it does not come, the nightly check tells.
    async fn looks_like_echo(&self, money: &Money) -> Result<bool, StoreError> {
        let Some(PayerNumber::Masked { .. }) = money.payer.as_deref().and_then(PayerNumber::parse) else {
            return Ok(false);
        };
        let now = self.now();
        let between = (random::uuid_floor(now - TimeDelta::seconds(ECHO_SECS)), random::uuid_floor(now));
        let unpaid = payments::list_unpaid_with_amount(self.pool(), money.amount.shillings(), between).await?;
        Ok(unpaid.iter().any(|candidate| candidate.state.is_open() && could_be(money, candidate)))
    }

    /// Raises a notification, once while it is unread.
    pub(super) async fn notify(
        &self,
        severity: Severity,
        kind: &str,
        message: &str,
        key: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let new = NewNotification {
            id: NotificationId::from_uuid(random::uuid(now)),
            severity,
            kind,
            message,
            subject: None,
            dedupe_key: Some(key),
            created_at: now,
        };
        notifications::insert_notification(self.pool(), &new).await?;
        self.wake_feed();
        Ok(())
    }
}

/// Whether nothing speaks against the payer being this customer; a masked number leaves many.
pub(super) fn could_be(money: &Money, candidate: &Candidate) -> bool {
    let Ok(msisdn) = candidate.msisdn.parse() else { return false };
    match (money.payer_hash, money.payer.as_deref().and_then(PayerNumber::parse)) {
        (Some(hash), _) => PayerNumber::Hashed(hash).could_be(&msisdn),
        (None, Some(number)) => number.could_be(&msisdn),
        (None, None) => true,
    }
}

/// The payment that money from its own customer is meant for, of those with the same amount, newest first. One that is
/// paid and only lacks its receipt comes first, because this is that receipt. Several are one when they are for the
/// same device and package and none has a prompt open.
fn meant_by_payer(candidates: &[Candidate]) -> Option<PaymentId> {
    if let Some(lacking) = candidates.iter().rfind(|candidate| candidate.lacks_receipt()) {
        return Some(lacking.id);
    }
    let unsettled: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.is_unsettled()).collect();
    let newest = unsettled.first()?;
    let is_same = |other: &&&Candidate| {
        !other.state.is_open()
            && (other.router_id, other.mac, other.package_id) == (newest.router_id, newest.mac, newest.package_id)
    };
    let is_one = unsettled.len() == 1 || unsettled.iter().filter(is_same).count() == unsettled.len();
    is_one.then_some(newest.id)
}

#[cfg(test)]
mod tests {
    use domain::PaymentState;
    use uuid::Uuid;

    use super::*;

    fn candidate(number: u128, state: PaymentState, device: u8) -> Candidate {
        Candidate {
            id: Uuid::from_u128(number).into(),
            state,
            amount_kes: 20,
            router_id: None,
            mac: format!("A4:CF:12:00:00:{device:02X}").parse().unwrap(),
            package_id: Uuid::from_u128(1).into(),
            msisdn: "254712345678".into(),
            has_receipt: false,
            checkout_is_known: true,
        }
    }

    #[test]
    fn the_payer_means_exactly_one_payment_or_none() {
        use PaymentState::{Failed, Pending, Review, Succeeded};
        let paid = Candidate { has_receipt: true, ..candidate(9, Succeeded, 1) };
        for (candidates, meant) in [
            (vec![], None),
            (vec![candidate(2, Failed, 1)], Some(2)),
            (vec![candidate(3, Failed, 1), candidate(2, Failed, 1)], Some(3)),
            (vec![candidate(3, Failed, 1), candidate(2, Failed, 2)], None),
            (vec![candidate(3, Pending, 1), candidate(2, Failed, 1)], None),
            (vec![paid.clone(), candidate(2, Failed, 1)], Some(2)),
            (vec![candidate(3, Failed, 1), candidate(2, Succeeded, 2)], Some(2)),
            (vec![candidate(2, Review, 1), paid], None),
        ] {
            let found = meant_by_payer(&candidates);
            assert_eq!(found, meant.map(|number| Uuid::from_u128(number).into()), "{candidates:?}");
        }
    }
}
