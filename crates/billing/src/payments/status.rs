//! What a customer may know about a payment or a device: nothing personal, in words.

mod by_hand;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountReference, DataSize, Kes, MacAddr, PaymentId, PaymentState, RouterId, SessionId, mpesa::ResultMeaning,
    result_text,
};

pub use self::by_hand::PayByHand;
use super::{push::refusal_text, recover::BY_HAND};
use crate::{
    Billing,
    db::{
        StoreError,
        payments::{self, PaymentRecord},
        routers,
        sessions::{self, SessionRecord},
    },
};

/// Where a customer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing bought.
    None,
    /// A prompt is open, or its outcome is not known yet.
    Pending,
    /// Not paid.
    Failed,
    /// Paid; a router has yet to confirm.
    Paid,
    /// On the network.
    Online,
    /// Paid time is over.
    Expired,
}

impl Phase {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Paid => "paid",
            Self::Online => "online",
            Self::Expired => "expired",
        }
    }
}

/// The answer of the status endpoint and what the portal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerStatus {
    /// Where the customer stands.
    pub phase: Phase,
    /// The payment this is about.
    pub payment_id: Option<PaymentId>,
    /// The session this is about.
    pub session_id: Option<SessionId>,
    /// What was bought.
    pub package_name: Option<String>,
    /// What it costs.
    pub amount: Option<Kes>,
    /// What the customer sees in the prompt.
    pub account_reference: Option<AccountReference>,
    /// Paid seconds left.
    pub seconds_remaining: Option<u64>,
    /// Data left; `None` is unlimited.
    pub bytes_remaining: Option<u64>,
    /// When paid time is over; `None` until a router has confirmed access.
    pub ends_at: Option<DateTime<Utc>>,
    /// Words for the customer.
    pub message: String,
    /// Whether paying again now makes sense.
    pub can_retry: bool,
    /// How long the payment has been open.
    pub pending_secs: u64,
    /// Whole shillings that came in by hand for a payment that is not settled.
    pub received_kes: u32,
    /// Where the customer can pay by hand what is missing; `None` when that is not offered now.
    pub pay_by_hand: Option<PayByHand>,
    /// What was kept as credit, or taken from it, when this was settled, in words; part of `message` too.
    pub credit: Option<String>,
    /// Whether an M-Pesa code that this customer showed is being looked into.
    pub is_claimed: bool,
    /// Whether paid time is paused: it is kept, and the device is off until somebody lets it go on.
    pub is_paused: bool,
    /// Whether a person ended paid time before it was over.
    pub is_stopped: bool,
}

/// A failed attempt is shown to a returning device for this long, an ended session for the second.
const FAILURE_SHOWN_SECS: i64 = 600;
const END_SHOWN_SECS: i64 = 86_400;
/// A payment that is still open is shown to a returning device for this long; after that the customer may
/// start afresh, while we go on asking.
const OPEN_SHOWN_SECS: i64 = 600;
/// An open waiting page is noted this often; whoever was noted in the last 30 seconds counts as waiting.
const WATCH_NOTED_SECS: i64 = 10;
/// After this long a new prompt may be tried: the old one is gone from the phone.
const RETRY_AFTER_SECS: u64 = 75;

impl Billing {
    /// How a payment stands; `None` if there is no such payment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payment_status(&self, id: PaymentId) -> Result<Option<CustomerStatus>, StoreError> {
        let Some(payment) = payments::find_payment(self.pool(), id).await? else { return Ok(None) };
        let session = match payment.state {
            PaymentState::Succeeded => sessions::find_by_payment(self.pool(), id).await?,
            _ => None,
        };
        Ok(Some(self.of_payment(&payment, session.as_ref()).await?))
    }

    /// How a device stands, on one router or on any: its running session, else its newest payment if that
    /// is recent, else the session that ended last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device_status(&self, router_slug: Option<&str>, mac: MacAddr) -> Result<CustomerStatus, StoreError> {
        let now = self.now();
        let router_id: Option<RouterId> = match router_slug {
            Some(slug) => match routers::find_by_slug(self.pool(), slug).await? {
                Some(router) => Some(router.id),
                None => return Ok(nothing()),
            },
            None => None,
        };
        let session = sessions::find_latest_of_device(self.pool(), router_id, mac).await?;
        let payment = payments::find_latest_of_device(self.pool(), router_id, mac).await?;
        let newest = payment.filter(|payment| is_recent(payment, session.as_ref(), now));
        if let Some(payment) = newest {
            let bought = match payment.state {
                PaymentState::Succeeded => sessions::find_by_payment(self.pool(), payment.id).await?,
                _ => None,
            };
            return self.of_payment(&payment, bought.as_ref()).await;
        }
        let Some(session) = session.filter(|session| is_shown(session, now)) else { return Ok(nothing()) };
        let status = of_session(&session, now);
        match session.payment_id {
            Some(id) if status.phase != Phase::Expired => self.with_credit(id, status).await,
            _ => Ok(status),
        }
    }

    async fn of_payment(
        &self,
        payment: &PaymentRecord,
        session: Option<&SessionRecord>,
    ) -> Result<CustomerStatus, StoreError> {
        let now = self.now();
        let status = of_payment(payment, session, now);
        match payment.state {
            PaymentState::Succeeded => self.with_credit(payment.id, status).await,
            PaymentState::Review | PaymentState::Refunded => Ok(status),
            PaymentState::Created
            | PaymentState::Pending
            | PaymentState::Unknown
            | PaymentState::Rejected
            | PaymentState::Failed
            | PaymentState::Expired => self.with_money_by_hand(payment, status).await,
        }
    }

    /// Notes that the customer's waiting page is open, so that their payment is asked about first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn watch(&self, id: PaymentId) -> Result<(), StoreError> {
        let now = self.now();
        payments::mark_watched(self.pool(), id, now - TimeDelta::seconds(WATCH_NOTED_SECS), now).await
    }
}

/// Whether a payment says more about its device than the device's session does.
fn is_recent(payment: &PaymentRecord, session: Option<&SessionRecord>, now: DateTime<Utc>) -> bool {
    let age = now - payment.created_at;
    let is_newer = session.is_none_or(|session| payment.created_at >= session.created_at);
    match payment.state {
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown => {
            age < TimeDelta::seconds(OPEN_SHOWN_SECS)
        }
        PaymentState::Review => true,
        PaymentState::Rejected | PaymentState::Failed | PaymentState::Expired => {
            is_newer
                && session.is_none_or(|s| s.at(now).remaining_secs(now) == 0)
                && age < TimeDelta::seconds(FAILURE_SHOWN_SECS)
        }
        PaymentState::Succeeded | PaymentState::Refunded => false,
    }
}

fn is_shown(session: &SessionRecord, now: DateTime<Utc>) -> bool {
    let ended = session.ended_at.or(session.ends_at).unwrap_or(now);
    session.at(now).remaining_secs(now) > 0 || now - ended < TimeDelta::seconds(END_SHOWN_SECS)
}

fn nothing() -> CustomerStatus {
    CustomerStatus {
        phase: Phase::None,
        payment_id: None,
        session_id: None,
        package_name: None,
        amount: None,
        account_reference: None,
        seconds_remaining: None,
        bytes_remaining: None,
        ends_at: None,
        message: "Choose a package to go online.".to_owned(),
        can_retry: true,
        pending_secs: 0,
        received_kes: 0,
        pay_by_hand: None,
        credit: None,
        is_claimed: false,
        is_paused: false,
        is_stopped: false,
    }
}

fn of_payment(payment: &PaymentRecord, session: Option<&SessionRecord>, now: DateTime<Utc>) -> CustomerStatus {
    if let (PaymentState::Succeeded, Some(session)) = (payment.state, session) {
        return CustomerStatus {
            payment_id: Some(payment.id),
            amount: Some(payment.amount),
            account_reference: Some(payment.account_reference.clone()),
            ..of_session(session, now)
        };
    }
    let pending_secs = domain::session::secs_rounded_up(now - payment.created_at);
    let (phase, message, can_retry) = words(payment, pending_secs);
    CustomerStatus {
        phase,
        payment_id: Some(payment.id),
        package_name: Some(payment.terms.name.clone()),
        amount: Some(payment.amount),
        account_reference: Some(payment.account_reference.clone()),
        message,
        can_retry,
        pending_secs,
        ..nothing()
    }
}

/// Whether M-Pesa said something that neither proves nor rules out that money moved, such as "busy".
fn is_inconclusive(payment: &PaymentRecord) -> bool {
    payment.result_code.as_ref().is_some_and(|code| code.meaning() == ResultMeaning::Inconclusive)
}

fn words(payment: &PaymentRecord, pending_secs: u64) -> (Phase, String, bool) {
    let said = |phase, text: &str, can_retry| (phase, text.to_owned(), can_retry);
    match payment.state {
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown if is_inconclusive(payment) => {
            let text = payment.result_code.as_ref().map(result_text::for_result);
            let text = text.map_or("We are confirming your payment with M-Pesa.", |text| text.message);
            said(Phase::Pending, text, pending_secs >= RETRY_AFTER_SECS)
        }
        PaymentState::Created | PaymentState::Pending if pending_secs < 90 => {
            said(Phase::Pending, "Check your phone and enter your M-Pesa PIN.", false)
        }
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown => said(
            Phase::Pending,
            "We are confirming your payment with M-Pesa. If you got an M-Pesa SMS, do not pay again: you will be \
             connected as soon as it is confirmed.",
            pending_secs >= RETRY_AFTER_SECS,
        ),
        PaymentState::Review => said(
            Phase::Pending,
            "Your payment is being checked by the owner. Do not pay again; show them your M-Pesa SMS.",
            false,
        ),
        PaymentState::Rejected if payment.result_code.as_ref().is_some_and(|code| code.as_str() == BY_HAND) => {
            said(Phase::Failed, "We have not found the money of your M-Pesa code yet.", true)
        }
        PaymentState::Rejected => {
            let text = refusal_text(payment.result_code.as_ref());
            said(Phase::Failed, text.message, text.can_retry())
        }
        PaymentState::Failed => payment.result_code.as_ref().map_or_else(
            || said(Phase::Failed, "The payment did not go through. You can try again.", true),
            |code| {
                let text = result_text::for_result(code);
                said(Phase::Failed, text.message, text.can_retry())
            },
        ),
        PaymentState::Expired => said(
            Phase::Failed,
            "We did not hear from M-Pesa about this payment. If you got an M-Pesa SMS, show it to the owner; \
             otherwise you can try again.",
            true,
        ),
        PaymentState::Refunded => said(Phase::Failed, "This payment was refunded.", true),
        PaymentState::Succeeded => said(Phase::Paid, "Payment received. We are connecting you.", false),
    }
}

const PAUSED: &str = "Your time is paused, and what is left is kept. Ask the people who run this WiFi to let it go on, or buy \
                      more: it adds up.";

const STOPPED: &str = "The people who run this WiFi ended your time. Talk to them if you do not know why, or choose a \
                       package to go on.";

fn of_session(session: &SessionRecord, now: DateTime<Utc>) -> CustomerStatus {
    let left = session.at(now).remaining_secs(now);
    let data_left = session.data_left().map(DataSize::bytes);
    let is_over = left == 0 || data_left == Some(0);
    let is_paused = session.paused_at.is_some() && !is_over;
    let is_online = session.starts_at.is_some() && session.is_delivered;
    let (phase, message) = if is_over && session.is_stopped {
        (Phase::Expired, STOPPED)
    } else if is_over {
        (Phase::Expired, "Your time is over. Choose a package to go on.")
    } else if is_paused {
        (Phase::Paid, PAUSED)
    } else if is_online {
        (Phase::Online, "You are online.")
    } else {
        (Phase::Paid, "Payment received. We are connecting you; your time starts when you are online.")
    };
    CustomerStatus {
        phase,
        payment_id: session.payment_id,
        session_id: Some(session.id),
        package_name: Some(session.package_name.clone()),
        seconds_remaining: Some(left),
        bytes_remaining: data_left,
        ends_at: session.ends_at,
        message: message.to_owned(),
        can_retry: is_over || is_paused,
        is_paused,
        is_stopped: session.is_stopped,
        ..nothing()
    }
}
