//! Callbacks: Daraja does not sign them, so what counts is the secret token in the path, the ids, and
//! whether everything fits. Whatever does not fit is kept and answered by asking Daraja ourselves.

use std::net::{IpAddr, Ipv4Addr};

use daraja::callback::{self, Callback};
use domain::{PaymentId, payment::Evidence, result_text};

use crate::{
    Billing, CallbackConfirm, CallbackIps,
    db::{
        StoreError,
        payment_events::{self, NewEvent, Source},
        payments,
    },
    random,
};

use super::record::{Claim, Subject, Testimony};

/// Why a callback was not taken. In each case M-Pesa learns nothing from the answer.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// No payment has this token.
    #[error("no payment has this callback token")]
    UnknownToken,
    /// The address is not Safaricom's and the owner wants such callbacks refused. It is kept as a hint.
    #[error("the callback came from an address that is not Safaricom's")]
    Address,
    /// The database: the callback is not stored, and must not be answered as if it were.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The addresses Safaricom documents for callbacks. Defence in depth only: the token is what counts.
const SAFARICOM: [Ipv4Addr; 12] = [
    Ipv4Addr::new(196, 201, 214, 200),
    Ipv4Addr::new(196, 201, 214, 206),
    Ipv4Addr::new(196, 201, 214, 207),
    Ipv4Addr::new(196, 201, 214, 208),
    Ipv4Addr::new(196, 201, 213, 114),
    Ipv4Addr::new(196, 201, 213, 44),
    Ipv4Addr::new(196, 201, 212, 127),
    Ipv4Addr::new(196, 201, 212, 138),
    Ipv4Addr::new(196, 201, 212, 129),
    Ipv4Addr::new(196, 201, 212, 136),
    Ipv4Addr::new(196, 201, 212, 74),
    Ipv4Addr::new(196, 201, 212, 69),
];

impl Billing {
    /// Takes a callback to a payment's secret path. Returns once it is stored and, if it can be believed,
    /// settled; the caller then answers 200.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub async fn receive_callback(
        &self,
        token: &str,
        body: &[u8],
        remote_ip: Option<IpAddr>,
    ) -> Result<(), CallbackError> {
        let hash = random::digest(&[token.as_bytes()]);
        if let Some(refused) = self.judge_address(remote_ip) {
            self.keep_token_hint(hash, body, remote_ip, "from an address that is not Safaricom's").await?;
            return refused;
        }
        let callback = match callback::decode(body) {
            Ok(callback) => callback,
            Err(error) => {
                tracing::warn!(%error, "a callback could not be read; Daraja will be asked");
                return self.keep_token_hint(hash, body, remote_ip, "could not be read").await;
            }
        };
        if callback.paid.is_some() && self.options().callback_confirm == CallbackConfirm::Always {
            return self.keep_token_hint(hash, body, remote_ip, "to be confirmed by asking").await;
        }
        let testimony = testimony(&callback, Source::Callback, body, remote_ip);
        let recorded = self.record_about(Subject::Token(hash), testimony).await?.ok_or(CallbackError::UnknownToken)?;
        if recorded.is_doubted {
            metrics::counter!("bando_callback_hints_total").increment(1);
            self.wake_queries();
        }
        Ok(())
    }

    /// Keeps what came to a payment's secret path but is not to be believed by itself.
    async fn keep_token_hint(
        &self,
        hash: [u8; 32],
        body: &[u8],
        remote_ip: Option<IpAddr>,
        detail: &str,
    ) -> Result<(), CallbackError> {
        let id = payments::find_id_by_token(self.pool(), hash).await?.ok_or(CallbackError::UnknownToken)?;
        Ok(self.keep_hint(Some(id), body, remote_ip, detail).await?)
    }

    /// Takes a callback to the bare path. It proves nothing, so it is kept and Daraja is asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn receive_hint(&self, body: &[u8], remote_ip: Option<IpAddr>) -> Result<(), StoreError> {
        let id = match callback::decode(body) {
            Ok(callback) => payments::find_id_by_checkout(self.pool(), &callback.checkout_request_id).await?,
            Err(_) => None,
        };
        self.keep_hint(id, body, remote_ip, payment_events::WITHOUT_TOKEN).await
    }

    /// A success that Daraja confirmed by query has no receipt; a hint that came with the token may supply it.
    pub(super) async fn apply_hinted_receipt(&self, id: PaymentId) -> Result<(), StoreError> {
        for body in payment_events::list_hint_bodies(self.pool(), id).await? {
            let Ok(callback) = callback::decode(&body) else { continue };
            let Some(payment) = payments::find_payment(self.pool(), id).await? else { return Ok(()) };
            let fits = payment.checkout_request_id.as_ref() == Some(&callback.checkout_request_id);
            if fits && matches!(callback.paid, Some(Ok(_))) {
                self.record(id, testimony(&callback, Source::Hint, &body, None)).await?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// What to think of a report from this address: nothing, keep it without believing it, or refuse it.
    pub(super) fn judge_address(&self, remote_ip: Option<IpAddr>) -> Option<Result<(), CallbackError>> {
        let is_safaricom = matches!(remote_ip, Some(IpAddr::V4(ip)) if SAFARICOM.contains(&ip));
        match self.options().callback_ips {
            CallbackIps::Off => None,
            CallbackIps::Verify | CallbackIps::Enforce if is_safaricom => None,
            CallbackIps::Verify => Some(Ok(())),
            CallbackIps::Enforce => Some(Err(CallbackError::Address)),
        }
    }

    async fn keep_hint(
        &self,
        payment_id: Option<PaymentId>,
        body: &[u8],
        remote_ip: Option<IpAddr>,
        detail: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let event = NewEvent {
            payment_id,
            source: Source::Hint,
            outcome: "kept",
            states: None,
            detail: Some(detail),
            body: Some(body),
            remote_ip,
            received_at: now,
        };
        payment_events::insert_event(self.pool(), &event).await?;
        metrics::counter!("bando_callback_hints_total").increment(1);
        if let Some(id) = payment_id {
            payments::query_soon(self.pool(), id, now).await?;
            self.wake_queries();
        }
        Ok(())
    }
}

fn testimony(callback: &Callback, source: Source, body: &[u8], remote_ip: Option<IpAddr>) -> Testimony {
    let is_contradictory = result_text::contradicts(&callback.result_code, &callback.result_desc);
    let claim = match &callback.paid {
        _ if is_contradictory => Claim::Plain(Evidence::Contradictory),
        Some(Ok(paid)) => Claim::paid(paid.receipt.clone(), paid.amount),
        Some(Err(_)) => Claim::Plain(Evidence::PaidUnreadable),
        None => Claim::Plain(Evidence::CallbackResult(callback.result_code.clone())),
    };
    let payer = callback.paid.as_ref().and_then(|paid| paid.as_ref().ok()).and_then(|paid| paid.payer.clone());
    Testimony {
        payer,
        request_ids: Some((callback.checkout_request_id.clone(), Some(callback.merchant_request_id.clone()))),
        result: Some((callback.result_code.clone(), callback.result_desc.clone())),
        body: Some(body.to_vec()),
        remote_ip,
        ..Testimony::new(source, claim)
    }
}
