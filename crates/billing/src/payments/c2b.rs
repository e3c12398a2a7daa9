//! Money paid by hand to the paybill or till, and the echoes of prompts, as M-Pesa reports them (C2B). The address
//! they come to is secret; a report from elsewhere than Safaricom is kept, and nothing follows from it by itself.

use std::{net::IpAddr, time::Duration};

use daraja::{
    PayerNumber,
    c2b::{self, C2bPayment, Verdict},
};
use domain::AccountReference;

use super::{CallbackError, place::Report};
use crate::{
    Billing, CallbackIps,
    db::{
        StoreError,
        notifications::Severity,
        payment_events::{self, NewEvent, Source},
        payments, receipts,
        receipts::Money,
    },
    random,
    settings::PAYBILL_ONLY_WIFI,
};

/// How long a validation may take: M-Pesa waits eight seconds (documented), and a slow "yes" loses no sale.
const VALIDATION_MAX: Duration = Duration::from_secs(3);

impl Billing {
    /// Takes a confirmation: money that has moved. Returns once it is stored and placed as far as it proves itself.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub async fn receive_c2b_confirmation(
        &self,
        token: &str,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), CallbackError> {
        if !self.inner.deps.secret.is_c2b_token(token) {
            return Err(CallbackError::UnknownToken);
        }
        let doubt = self.judge_address(remote_ip);
        let report = Report { source: Source::C2b, body: Some(body), remote_ip, by: None };
        let outcome = match c2b::decode(body) {
            Err(error) => self.keep_unplaceable(&report, "unreadable", &error.to_string()).await?,
            Ok(paid) if !self.is_ours(&paid.business_shortcode) => {
                self.keep_unplaceable(&report, "other_shortcode", "it is for another shortcode").await?
            }
            Ok(paid) => match (paid.amount, &doubt) {
                (Err(error), _) => {
                    let what = format!("receipt {}: {error}", paid.receipt.as_str());
                    self.keep_unplaceable(&report, "odd_amount", &what).await?
                }
                (Ok(_), Some(Err(_))) => {
                    self.keep_evidence(&Report { source: Source::Hint, ..report }, "refused").await?
                }
                (Ok(amount), Some(Ok(()))) => {
                    self.keep_unverified(&money(&paid, amount), &Report { source: Source::Hint, ..report }).await?
                }
                (Ok(amount), None) => self.place_money(money(&paid, amount), &report).await?.as_str(),
            },
        };
        metrics::counter!("bando_c2b_confirmations_total", "outcome" => outcome).increment(1);
        tracing::info!(outcome, "M-Pesa confirmed a payment by hand");
        self.wake_feed();
        doubt.unwrap_or(Ok(()))
    }

    /// Judges a payment that M-Pesa announces before it takes it. Only what is provably wrong is refused: refusing
    /// loses a sale, accepting at worst fills the queue.
    ///
    /// # Errors
    /// [`CallbackError::UnknownToken`] and [`CallbackError::Address`].
    pub async fn validate_c2b(
        &self,
        token: &str,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<Verdict, CallbackError> {
        if !self.inner.deps.secret.is_c2b_token(token) {
            return Err(CallbackError::UnknownToken);
        }
        if self.options().callback_ips == CallbackIps::Enforce
            && let Some(Err(refused)) = self.judge_address(remote_ip)
        {
            return Err(refused);
        }
        let (verdict, outcome) = match tokio::time::timeout(VALIDATION_MAX, self.judge_announced(body)).await {
            Ok(Ok(Verdict::Accept)) => (Verdict::Accept, "accepted"),
            Ok(Ok(verdict)) => (verdict, "rejected"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a payment by hand was accepted without looking: the database is away");
                (Verdict::Accept, "accepted_unseen")
            }
            Err(_) => (Verdict::Accept, "accepted_late"),
        };
        metrics::counter!("bando_c2b_validations_total", "outcome" => outcome).increment(1);
        Ok(verdict)
    }

    async fn judge_announced(&self, body: &[u8]) -> Result<Verdict, StoreError> {
        let Ok(announced) = c2b::decode(body) else { return Ok(Verdict::Accept) };
        let is_paybill = self.mpesa().config().till.is_none();
        if !is_paybill || !self.is_ours(&announced.business_shortcode) || !self.is_on(PAYBILL_ONLY_WIFI).await? {
            return Ok(Verdict::Accept);
        }
        let is_known = match AccountReference::from_typed(&announced.bill_ref_number) {
            Some(reference) => payments::find_id_by_reference(self.pool(), &reference).await?.is_some(),
            None => false,
        };
        Ok(if is_known { Verdict::Accept } else { Verdict::InvalidAccountNumber })
    }

    /// Whether money to this number is ours.
    pub(super) fn is_ours(&self, number: &str) -> bool {
        let config = self.mpesa().config();
        number == config.shortcode || config.till.as_deref() == Some(number)
    }

    /// From an address that is not Safaricom's: in the queue for people, marked as unverified.
    async fn keep_unverified(&self, money: &Money, report: &Report<'_>) -> Result<&'static str, StoreError> {
        let mut tx = self.pool().begin().await?;
        let is_new = receipts::keep_unmatched(&mut *tx, money, Source::Hint, self.now()).await?;
        payment_events::insert_event(&mut *tx, &self.event(report, "unverified")).await?;
        tx.commit().await?;
        if is_new {
            let message = format!(
                "KES {} under {} was reported from an address that is not Safaricom's. Look for it on your M-Pesa \
                 statement before you place it.",
                money.amount.shillings(),
                money.receipt.as_str()
            );
            self.notify(Severity::Warning, "unverified_money", &message, "unverified_money").await?;
        }
        Ok("unverified")
    }

    /// Kept as evidence, and the owner is told: nobody can place it but a person.
    async fn keep_unplaceable(
        &self,
        report: &Report<'_>,
        outcome: &'static str,
        what: &str,
    ) -> Result<&'static str, StoreError> {
        self.keep_evidence(report, outcome).await?;
        let message =
            format!("M-Pesa reported a payment by hand that could not be entered ({what}). Look at your statement.");
        self.notify(Severity::Warning, "unreadable_money", &message, "unreadable_money").await?;
        Ok(outcome)
    }

    async fn keep_evidence(&self, report: &Report<'_>, outcome: &'static str) -> Result<&'static str, StoreError> {
        payment_events::insert_event(self.pool(), &self.event(report, outcome)).await?;
        Ok(outcome)
    }

    /// Evidence that is about no payment.
    pub(super) fn event<'a>(&self, report: &Report<'a>, outcome: &'a str) -> NewEvent<'a> {
        NewEvent {
            payment_id: None,
            source: report.source,
            outcome,
            states: None,
            detail: None,
            body: report.body,
            remote_ip: report.remote_ip,
            received_at: self.now(),
        }
    }
}

/// What a confirmation says about money.
fn money(paid: &C2bPayment, amount: domain::Kes) -> Money {
    let text = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let (payer, payer_hash) = paid.payer.as_ref().map_or((None, None), payer);
    Money {
        account_reference: text(&paid.bill_ref_number),
        payer,
        payer_hash,
        payer_name: text(&paid.payer_name),
        paid_at: paid.paid_at,
        ..Money::new(paid.receipt.clone(), amount)
    }
}

/// A payer's number as it may be shown, and the hash that finds a customer. A masked one proves nobody.
pub(super) fn payer(number: &PayerNumber) -> (Option<String>, Option<[u8; 32]>) {
    match number {
        PayerNumber::Plain(msisdn) => {
            let number = msisdn.international();
            let hash = random::plain_digest(number.as_bytes());
            (Some(number), Some(hash))
        }
        PayerNumber::Masked { prefix, suffix } => (Some(format!("{prefix}*****{suffix}")), None),
        PayerNumber::Hashed(hash) => (None, Some(*hash)),
    }
}
