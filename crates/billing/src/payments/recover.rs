//! "I have paid": a customer pastes the M-Pesa message or its code. A code buys at most once, whoever shows it first;
//! nothing is said about payments of others.

mod target;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{ClaimId, MacAddr, Msisdn, PackageId, PaymentId, Receipt, RouterId, payment::Outcome};

use super::{
    place::{Placed, Report},
    status::Phase,
};
use crate::{
    Billing,
    db::{
        AsStoreError, StoreError,
        claims::{self, ClaimMove, ClaimRecord, ClaimState, NewClaim},
        payments::{self},
        receipts::{self, Money, ReceiptRecord, ReceiptState},
    },
    random,
};

/// A customer says that they have paid. Everything in it is parsed but the text.
#[derive(Debug, Clone)]
pub struct Recover {
    /// The message as pasted, or only its code.
    pub text: String,
    /// The device in front of it.
    pub mac: MacAddr,
    /// Its address on the hotspot, if the router told.
    pub ip: Option<IpAddr>,
    /// The router's public name; the only router when `None`.
    pub router_slug: Option<String>,
    /// The package wanted, if the device has not tried to pay here yet.
    pub package_id: Option<PackageId>,
    /// The number that paid, if the device has not tried to pay here yet.
    pub msisdn: Option<Msisdn>,
    /// Follows it through the logs.
    pub request_id: String,
    /// Who asked.
    pub remote_ip: Option<IpAddr>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// The money is this device's, which is or will be on the network.
    Connected,
    /// M-Pesa is being asked.
    Asking,
    /// A person will look.
    Queued,
    /// More money is needed.
    Short,
    /// Pick a package and type the phone number first.
    Choose,
    /// Nothing follows from this code.
    Refused,
}

impl RecoveryOutcome {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Asking => "asking",
            Self::Queued => "queued",
            Self::Short => "short",
            Self::Choose => "choose",
            Self::Refused => "refused",
        }
    }
}

/// The answer to "I have paid".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// What became of it.
    pub outcome: RecoveryOutcome,
    /// Words for the customer.
    pub message: String,
    /// The payment it is about, when it is this device's own.
    pub payment_id: Option<PaymentId>,
}

impl Recovery {
    fn new(outcome: RecoveryOutcome, message: impl Into<String>, payment_id: Option<PaymentId>) -> Self {
        Self { outcome, message: message.into(), payment_id }
    }

    /// The same words for every code that is not this device's: they give nothing away.
    fn refused() -> Self {
        Self::new(RecoveryOutcome::Refused, REFUSED, None)
    }
}

/// Why nothing was looked up. The texts are for the customer.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// No code in the text.
    #[error("There is no M-Pesa code in this text. It is the first word of the M-Pesa SMS, such as UKM4T8IYOU.")]
    NoCode,
    /// This hotspot is not known.
    #[error("This hotspot is not known. Disconnect from the WiFi and join it again.")]
    UnknownRouter,
    /// Not on sale.
    #[error("This package is not on sale. Choose another one.")]
    UnknownPackage,
    /// The owner keeps this device out.
    #[error("{}", crate::live::BLOCKED)]
    Blocked,
    /// Too many tries.
    #[error("Too many tries. Wait ten minutes and try again; your money is safe.")]
    TooMany {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// The database.
    #[error("We cannot look for your payment right now. Try again in a moment; your money is safe.")]
    Store(#[from] StoreError),
}

impl AsStoreError for RecoverError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

const REFUSED: &str = "We could not connect this device with that code. Check the code; if you paid, show the M-Pesa SMS to \
                       the people who run this WiFi.";
const CHOOSE: &str = "Choose the package you paid for and type the number that paid, then show the code again.";
const ASKING: &str =
    "We are asking M-Pesa about your code. Wait here: you are connected as soon as M-Pesa confirms it.";
const QUEUED: &str = "We have noted your code. The people who run this WiFi will look for the payment; you are connected as \
                      soon as they find it. Do not pay again.";
/// Window of the three limits below.
const WINDOW_SECS: i64 = 600;
const MAX_PER_DEVICE: i64 = 5;
const MAX_PER_ADDRESS: i64 = 60;
const MAX_OF_ALL: i64 = 2_000;
/// Money may be meant for what a device tried to buy within this time.
const TARGET_SECS: i64 = 7 * 86_400;
/// A payment that a query settled waits so long for its receipt.
const LACKING_SECS: i64 = 3 * 86_400;
/// The word a payment without a prompt has as result.
pub(super) const BY_HAND: &str = "by_hand";

impl Billing {
    /// Looks for the money of a code that a device shows, and lets the device on if it is its own.
    ///
    /// # Errors
    /// [`RecoverError`].
    pub async fn recover(&self, request: Recover) -> Result<Recovery, RecoverError> {
        // On a task of its own, so that a browser that goes away leaves nothing half done.
        let billing = self.clone();
        let done = self.inner.tracker.spawn(async move { billing.recover_now(&request).await }).await;
        done.unwrap_or_else(|gone| match gone.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::Unavailable(sqlx::Error::PoolClosed).into()),
        })
    }

    async fn recover_now(&self, request: &Recover) -> Result<Recovery, RecoverError> {
        let receipt = domain::sms::find_receipt(&request.text).ok_or(RecoverError::NoCode)?;
        let router_id =
            self.router_for_sale(request.router_slug.as_deref()).await?.ok_or(RecoverError::UnknownRouter)?;
        if self.is_blocked(request.mac).await? {
            return Err(RecoverError::Blocked);
        }
        // The claim is committed before the ledger is looked at: money that arrives in between finds the claim.
        let claim = self.enter_claim(request, &receipt, router_id).await?;
        let known = receipts::find_receipt(self.pool(), &receipt).await?;
        let recovery = match known {
            Some(known) if known.state == ReceiptState::Unmatched && !known.is_unverified() => {
                self.claim_unmatched(request, &claim, known).await?
            }
            Some(known) if matches!(known.state, ReceiptState::Unmatched | ReceiptState::Dismissed) => {
                self.claim_unknown(request, &claim).await?
            }
            Some(known) => self.claim_placed(&claim, &known).await?,
            None => self.claim_unknown(request, &claim).await?,
        };
        metrics::counter!("bando_recoveries_total", "outcome" => recovery.outcome.as_str()).increment(1);
        tracing::info!(
            claim.id = %claim.id, request.id = %request.request_id, receipt = receipt.masked(),
            mac = %request.mac.masked(), outcome = recovery.outcome.as_str(), "a customer showed an M-Pesa code"
        );
        Ok(recovery)
    }

    async fn enter_claim(
        &self,
        request: &Recover,
        receipt: &Receipt,
        router_id: RouterId,
    ) -> Result<ClaimRecord, RecoverError> {
        if let Some(claim) = claims::find_claim_of_device(self.pool(), receipt, router_id, request.mac).await? {
            return Ok(claim);
        }
        let now = self.now();
        let since = random::uuid_floor(now - TimeDelta::seconds(WINDOW_SECS));
        let (of_device, of_address, of_all) =
            claims::count_claims_since(self.pool(), request.mac, request.remote_ip, since).await?;
        if of_device >= MAX_PER_DEVICE || of_address >= MAX_PER_ADDRESS || of_all >= MAX_OF_ALL {
            return Err(RecoverError::TooMany { retry_after_secs: WINDOW_SECS.unsigned_abs() });
        }
        let id = ClaimId::from_uuid(random::uuid(now));
        let remote_ip = request.remote_ip;
        let new = NewClaim { id, receipt, router_id, mac: request.mac, remote_ip, now };
        claims::insert_claim(self.pool(), &new).await?;
        let entered = claims::find_claim_of_device(self.pool(), receipt, router_id, request.mac).await?;
        Ok(entered.ok_or_else(|| StoreError::inconsistent("claims", "id", id))?)
    }

    /// The money has its place already: said only to the device whose place it is.
    async fn claim_placed(&self, claim: &ClaimRecord, known: &ReceiptRecord) -> Result<Recovery, StoreError> {
        let own = match known.payment_id {
            Some(id) => payments::find_payment(self.pool(), id).await?.filter(|payment| payment.mac == claim.mac),
            None => None,
        };
        let Some(payment) = own else {
            self.end_claim(claim, ClaimState::Refused, "the code belongs to another payment").await?;
            return Ok(Recovery::refused());
        };
        self.end_claim(claim, ClaimState::Settled, "the money had its place already").await?;
        self.tell(payment.id).await
    }

    /// The money is here and nobody's: the first device that shows the code gets it.
    async fn claim_unmatched(
        &self,
        request: &Recover,
        claim: &ClaimRecord,
        known: ReceiptRecord,
    ) -> Result<Recovery, RecoverError> {
        let target = match self.target_of_device(claim.router_id, claim.mac, None, &known.money).await? {
            Some(id) => id,
            None if self.is_doubtful(&known.money).await? => {
                return self
                    .queue_claim(request, claim, "it may belong to a payment that M-Pesa confirmed without a receipt")
                    .await;
            }
            None => match self.begin_by_hand(request, claim.router_id).await? {
                Some(id) => id,
                None => return Ok(Recovery::new(RecoveryOutcome::Choose, CHOOSE, None)),
            },
        };
        claims::set_claim_payment(self.pool(), claim.id, target, self.now()).await?;
        let report = Report { source: known.source, body: None, remote_ip: request.remote_ip, by: None };
        Ok(self.place_claimed(claim, target, known.money, &report).await?)
    }

    /// Records the money of a claim and says what came of it.
    pub(super) async fn place_claimed(
        &self,
        claim: &ClaimRecord,
        target: PaymentId,
        money: Money,
        report: &Report<'_>,
    ) -> Result<Recovery, StoreError> {
        match self.place_on(target, money, report).await? {
            Placed::On(id, Outcome::Kept | Outcome::Alerted(_)) => {
                let payment = payments::find_payment(self.pool(), id).await?;
                if payment.is_some_and(|payment| payment.held_kes > 0) {
                    self.end_claim(claim, ClaimState::Settled, "held for a payment that is being checked").await?;
                    return self.tell(id).await;
                }
                self.end_claim(claim, ClaimState::Refused, "another payment was faster with this code").await?;
                Ok(Recovery::refused())
            }
            Placed::On(id, _) => {
                self.end_claim(claim, ClaimState::Settled, "the money was placed on this device's payment").await?;
                self.tell(id).await
            }
            Placed::Known | Placed::Unmatched => Ok(Recovery::new(RecoveryOutcome::Queued, QUEUED, None)),
        }
    }

    /// Nobody has reported this code yet: the payments of this device are asked about, then M-Pesa about the code, else
    /// a person looks.
    async fn claim_unknown(&self, request: &Recover, claim: &ClaimRecord) -> Result<Recovery, RecoverError> {
        let own = self.attempts_of_device(claim.router_id, claim.mac, TARGET_SECS).await?;
        let target = match own.iter().find(|candidate| candidate.is_unsettled() || candidate.lacks_receipt()) {
            Some(candidate) => candidate.id,
            None => match self.begin_by_hand(request, claim.router_id).await? {
                Some(id) => id,
                None => return Ok(Recovery::new(RecoveryOutcome::Choose, CHOOSE, None)),
            },
        };
        claims::set_claim_payment(self.pool(), claim.id, target, self.now()).await?;
        for pending in own.iter().filter(|own| own.checkout_is_known && own.is_unsettled()).take(3) {
            payments::query_soon(self.pool(), pending.id, self.now()).await?;
        }
        self.wake_queries();
        if claim.state == ClaimState::Refused {
            return Ok(Recovery::refused());
        }
        if self.mpesa().config().initiator.is_some() {
            self.ask_about(claim).await?;
            return Ok(Recovery::new(RecoveryOutcome::Asking, ASKING, Some(target)));
        }
        self.call_person(&claim.receipt).await?;
        Ok(Recovery::new(RecoveryOutcome::Queued, QUEUED, Some(target)))
    }

    async fn queue_claim(&self, request: &Recover, claim: &ClaimRecord, why: &str) -> Result<Recovery, RecoverError> {
        let own = self.attempts_of_device(claim.router_id, claim.mac, TARGET_SECS).await?;
        let target = match own.iter().find(|candidate| candidate.is_unsettled()) {
            Some(candidate) => Some(candidate.id),
            None => self.begin_by_hand(request, claim.router_id).await?,
        };
        let Some(target) = target else { return Ok(Recovery::new(RecoveryOutcome::Choose, CHOOSE, None)) };
        claims::set_claim_payment(self.pool(), claim.id, target, self.now()).await?;
        self.end_claim(claim, ClaimState::Open, why).await?;
        self.call_person(&claim.receipt).await?;
        Ok(Recovery::new(RecoveryOutcome::Queued, QUEUED, Some(target)))
    }

    pub(super) async fn end_claim(&self, claim: &ClaimRecord, to: ClaimState, detail: &str) -> Result<(), StoreError> {
        let change = ClaimMove { to, detail: Some(detail), by: None };
        claims::move_claim(self.pool(), claim.id, &change, self.now()).await.map(drop)
    }

    /// How this device's own payment stands, as an answer.
    async fn tell(&self, id: PaymentId) -> Result<Recovery, StoreError> {
        let Some(status) = self.payment_status(id).await? else { return Ok(Recovery::refused()) };
        let outcome = match status.phase {
            Phase::Paid | Phase::Online => RecoveryOutcome::Connected,
            Phase::Expired => {
                let message = "This code paid for a package whose time is over. Choose a package to go on.";
                return Ok(Recovery::new(RecoveryOutcome::Refused, message, Some(id)));
            }
            Phase::Pending if status.received_kes == 0 => RecoveryOutcome::Queued,
            Phase::Pending | Phase::Failed | Phase::None => RecoveryOutcome::Short,
        };
        Ok(Recovery::new(outcome, status.message, Some(id)))
    }
}

/// The instant before which a claim no longer changes what a customer sees.
pub(super) fn shown_since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::days(1)
}
