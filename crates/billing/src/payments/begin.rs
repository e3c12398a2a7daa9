//! Begin: everything is checked and committed before Daraja hears of it.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountReference, Kes, MacAddr, Msisdn, Package, PackageId, PaymentId, PaymentState, RouterId, UserId,
    payment::Evidence,
};

use crate::{
    Billing,
    db::{
        AsStoreError, Repeat, StoreError,
        payment_events::{self, NewEvent, Source},
        payments::{self, NewPayment},
        prompt_slots::{self, claim_slot},
        users,
    },
    killpoint::killpoint,
    random,
};

use super::{
    limits::{CooldownReason, check_phone_and_device},
    record::{Claim, Testimony},
};

/// A customer pressed pay. Everything in it is parsed, nothing in it is trusted to name a price.
#[derive(Debug, Clone)]
pub struct BeginPayment {
    /// What they want.
    pub package_id: PackageId,
    /// The M-Pesa number to prompt.
    pub msisdn: Msisdn,
    /// The device that is to go online.
    pub mac: MacAddr,
    /// Its address on the hotspot, if the router told.
    pub ip: Option<IpAddr>,
    /// The router's public name; the only router when `None`.
    pub router_slug: Option<String>,
    /// The client's key for this intent, at most 255 characters: the same key and request give the same payment.
    pub idempotency_key: Option<String>,
    /// Follows the payment through the logs.
    pub request_id: String,
    /// Who asked, kept as evidence.
    pub remote_ip: Option<IpAddr>,
}

/// The payment that was begun, or found again by its idempotency key.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its key.
    pub payment_id: PaymentId,
    /// Its state.
    pub state: PaymentState,
    /// What the customer sees in the prompt.
    pub account_reference: AccountReference,
    /// The price.
    pub amount: Kes,
    /// Whether this call made it.
    pub is_new: bool,
}

/// Why no payment was begun. No prompt was sent.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Not on sale.
    #[error("this package is not on sale")]
    UnknownPackage,
    /// No such router, or several and none was named, or none at all.
    #[error("this hotspot is not known")]
    UnknownRouter,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A prompt may still be open on this phone or device.
    #[error("a prompt may still be open")]
    PromptOpen {
        /// When it is over at the latest.
        retry_after_secs: u64,
        /// The payment it belongs to, if it was begun by the same device.
        payment_id: Option<PaymentId>,
    },
    /// Too many attempts by this phone, device or address.
    #[error("too many attempts")]
    TooMany {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// This phone has to rest before it is prompted again.
    #[error("this phone has to rest")]
    Cooldown {
        /// For so long.
        retry_after_secs: u64,
        /// Why.
        reason: CooldownReason,
    },
    /// The owner keeps this device out.
    #[error("this device is blocked")]
    Blocked,
    /// Everybody is paying at the moment.
    #[error("too many payments at once")]
    Busy {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AsStoreError for BeginError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// Draws of an account reference that may be taken; one in 850 thousand million is, so this is never reached.
const MAX_COLLISIONS: u32 = 5;
/// How long a prompt keeps its phone and its device for itself: Safaricom asks for a minute between pushes
/// to one number, and prompts live about as long.
const PROMPT_SLOT_SECS: i64 = 75;
/// When to come back while too many pushes wait for their turn.
const PUSHES_WAIT_SECS: u64 = 10;

impl Billing {
    /// Commits a payment with its callback token, then hands the push to a background task.
    ///
    /// # Errors
    /// [`BeginError`]; nothing was sent to M-Pesa.
    pub async fn begin_payment(&self, request: BeginPayment) -> Result<Begun, BeginError> {
        // On a task of its own: a browser that goes away in the middle, as it does when pay is pressed twice,
        // would otherwise end this between the commit and the push.
        let billing = self.clone();
        let begun = self.inner.tracker.spawn(async move { billing.begin(request).await }).await;
        begun.unwrap_or_else(|gone| match gone.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process is ending.
            Err(_) => Err(StoreError::Unavailable(sqlx::Error::PoolClosed).into()),
        })
    }

    async fn begin(&self, request: BeginPayment) -> Result<Begun, BeginError> {
        let package = self.package_on_sale(request.package_id).await?.ok_or(BeginError::UnknownPackage)?;
        let router_id = self.router_for_sale(request.router_slug.as_deref()).await?.ok_or(BeginError::UnknownRouter)?;
        let keys = Keys::of(&request, router_id);
        if let Some(found) = self.find_same_request(&keys).await? {
            return Ok(found);
        }
        self.admit(request.remote_ip).await?;
        if self.is_blocked(request.mac).await? {
            return Err(BeginError::Blocked);
        }
        let place =
            self.inner.limits.place_for_push().ok_or(BeginError::Busy { retry_after_secs: PUSHES_WAIT_SECS })?;
        let mut repeat = Repeat::default();
        let mut collisions = 0;
        let (begun, token, payer) = loop {
            match self.begin_once(&request, &package, router_id, &keys).await {
                Err(error) if repeat.after(&error).await => {}
                // The same request may have been faster: then its payment is the answer to this one too.
                Err(refused) => {
                    if let Some(found) = self.find_same_request(&keys).await? {
                        return Ok(found);
                    }
                    // Otherwise a duplicate means that the random reference is taken: draw again.
                    let is_collision = matches!(&refused, BeginError::Store(error) if error.is_duplicate());
                    if !is_collision || collisions == MAX_COLLISIONS {
                        return Err(refused);
                    }
                    collisions += 1;
                }
                Ok(begun) => break begun,
            }
        };
        killpoint!("begin.committed");
        metrics::counter!("bando_payments_begun_total").increment(1);
        tracing::info!(
            payment.id = %begun.payment_id, request.id = %request.request_id, phone = %request.msisdn.masked(),
            mac = %request.mac.masked(), amount_kes = begun.amount.shillings(), "payment begun"
        );
        self.wake_feed();
        if payer.credit_kes >= begun.amount.shillings() && self.pay_with_credit(&begun, &payer, request.mac).await? {
            return Ok(Begun { state: PaymentState::Succeeded, ..begun });
        }
        self.spawn_push(begun.payment_id, token, place);
        Ok(begun)
    }

    /// Pays with the customer's credit instead of a prompt, if this device has paid with this phone before: to know a
    /// phone number alone proves nothing. `false` if a prompt has to be sent after all.
    async fn pay_with_credit(&self, begun: &Begun, payer: &Payer, mac: MacAddr) -> Result<bool, StoreError> {
        if !payments::have_paid_together(self.pool(), payer.user_id, mac).await? {
            return Ok(false);
        }
        let testimony = Testimony::new(Source::Credit, Claim::Plain(Evidence::CoveredByCredit));
        let recorded = self.record(begun.payment_id, testimony).await?;
        Ok(recorded.is_some_and(|recorded| recorded.state == PaymentState::Succeeded))
    }

    async fn find_same_request(&self, keys: &Keys) -> Result<Option<Begun>, BeginError> {
        let Some(hash) = keys.idempotency_hash else { return Ok(None) };
        let Some(found) = payments::find_by_idempotency(self.pool(), hash).await? else { return Ok(None) };
        if found.request_hash != keys.request_hash {
            return Err(BeginError::KeyReused);
        }
        Ok(Some(Begun {
            payment_id: found.id,
            state: found.state,
            account_reference: found.account_reference,
            amount: found.amount,
            is_new: false,
        }))
    }

    async fn begin_once(
        &self,
        request: &BeginPayment,
        package: &Package,
        router_id: RouterId,
        keys: &Keys,
    ) -> Result<(Begun, String, Payer), BeginError> {
        let now = self.now();
        let id = PaymentId::from_uuid(random::uuid(now));
        let token = random::callback_token();
        let reference =
            random::account_reference().ok_or_else(|| StoreError::inconsistent("payments", "account_reference", id))?;
        killpoint!("begin.checked");
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        self.claim_slots(&mut tx, request, id, now).await?;
        let (user_id, credit_kes) =
            users::upsert_user(&mut tx, UserId::from_uuid(random::uuid(now)), request.msisdn, now).await?;
        check_phone_and_device(&mut tx, (user_id, request.mac), package.price, now).await?;
        let new = NewPayment {
            id,
            user_id,
            router_id,
            mac: request.mac,
            ip: request.ip,
            package,
            account_reference: &reference,
            callback_token_hash: random::digest(&[token.as_bytes()]),
            idempotency_hash: keys.idempotency_hash,
            request_hash: keys.request_hash,
            request_id: &request.request_id,
            next_query_at: now + self.options().query_delay(0),
            created_at: now,
        };
        payments::insert_payment(&mut tx, &new).await?;
        let event = NewEvent {
            payment_id: Some(id),
            source: Source::Intake,
            outcome: "created",
            states: None,
            detail: None,
            body: None,
            remote_ip: request.remote_ip,
            received_at: now,
        };
        payment_events::insert_event(&mut *tx, &event).await?;
        killpoint!("begin.inserted");
        tx.commit().await.map_err(StoreError::from)?;
        let begun = Begun {
            payment_id: id,
            state: PaymentState::Created,
            account_reference: reference,
            amount: package.price,
            is_new: true,
        };
        Ok((begun, token, Payer { user_id, credit_kes }))
    }

    /// One open prompt a phone and a device at a time. Always in the same order, phone first.
    async fn claim_slots(
        &self,
        connection: &mut sqlx::MySqlConnection,
        request: &BeginPayment,
        id: PaymentId,
        now: DateTime<Utc>,
    ) -> Result<(), BeginError> {
        let until_at = now + TimeDelta::seconds(PROMPT_SLOT_SECS);
        let phone = claim_slot(connection, &prompt_slots::phone_slot(request.msisdn), id, now, until_at).await?;
        let device = claim_slot(connection, &prompt_slots::device_slot(request.mac), id, now, until_at).await?;
        for (holder, is_own_device) in [(device, true), (phone, false)] {
            if holder.payment_id != id {
                return Err(BeginError::PromptOpen {
                    retry_after_secs: domain::session::secs_rounded_up(holder.until_at - now).max(1),
                    // Somebody else's phone may be prompted from another device: that payment is theirs.
                    payment_id: is_own_device.then_some(holder.payment_id),
                });
            }
        }
        Ok(())
    }
}

/// Whose phone it is, and what they have left over.
struct Payer {
    user_id: UserId,
    credit_kes: u32,
}

/// The hashes that recognise a repeated request.
struct Keys {
    idempotency_hash: Option<[u8; 32]>,
    request_hash: [u8; 32],
}

impl Keys {
    fn of(request: &BeginPayment, router_id: RouterId) -> Self {
        let mac = request.mac.bytes();
        let key = request.idempotency_key.as_ref();
        Self {
            // The key belongs to the device: another device cannot read a payment by guessing keys.
            idempotency_hash: key.map(|key| random::digest(&[b"idempotency", &mac, key.as_bytes()])),
            request_hash: random::digest(&[
                request.package_id.as_uuid().as_bytes(),
                request.msisdn.international().as_bytes(),
                &mac,
                router_id.as_uuid().as_bytes(),
            ]),
        }
    }
}
