//! STK push: asks a customer's phone for the PIN.
//!
//! A push has no idempotency: the same request twice is two prompts (observed). So it is never sent again
//! unless it is proved that the first one was not processed.

use domain::{
    AccountReference, CheckoutRequestId, Kes, MerchantRequestId, Msisdn,
    payment::Evidence,
    result_text::{self, CustomerText, RefusalClass},
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use std::time::Duration;
use tracing::Instrument;

use crate::{
    auth::backoff,
    callback_url::CallbackUrl,
    client::{CallError, Client},
    http::Answer,
    reply::{self, NotAnswered, Refusal, Reply, UnknownCause},
    transaction_desc::TransactionDesc,
    wire::{self, Lexeme},
};

const PATH: &str = "/mpesa/stkpush/v1/processrequest";

/// What the customer is asked to pay for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRequest {
    /// Whose phone is asked, and who pays (`PartyA`, `PhoneNumber`).
    pub phone: Msisdn,
    /// How much.
    pub amount: Kes,
    /// Shown on the phone and in the SMS; the account number of a paybill.
    pub account_reference: AccountReference,
    /// A few words for what.
    pub transaction_desc: TransactionDesc,
    /// Where the result is posted; holds a token of this payment alone.
    pub callback_url: CallbackUrl,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// `ResponseCode` exactly `0`: accepted for processing, which is not yet paid (documented).
    Accepted {
        /// `MerchantRequestID`.
        merchant_request_id: MerchantRequestId,
        /// `CheckoutRequestID`, by which the payment is queried and called back.
        checkout_request_id: CheckoutRequestId,
        /// `CustomerMessage`, for the record.
        customer_message: String,
    },
    /// Provably not processed: no prompt, no money.
    Refused(Refusal),
    /// May have been processed. The customer may see a prompt; wait for the callback, never send again.
    Unknown {
        /// What happened to the answer.
        cause: UnknownCause,
    },
}

/// A [`PushOutcome`] with the raw answer.
pub type PushReply = Reply<PushOutcome>;

impl PushOutcome {
    /// Whether a prompt may exist, so that nothing may be sent to this phone again before it is settled.
    #[must_use]
    pub const fn was_possibly_sent(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Unknown { .. })
    }

    /// How long to wait before a new push for the same customer may be made, when one may be made at all: `None`
    /// when a prompt may exist, or when somebody has to put something right first.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => match &refusal.class {
                // Documented: at least a minute between pushes to one number.
                RefusalClass::SubscriberBusy => Some(Duration::from_secs(60)),
                RefusalClass::Throttled { retry_after_secs } => Some(Duration::from_secs(*retry_after_secs)),
                RefusalClass::Unreachable => Some(Duration::from_secs(30)),
                RefusalClass::BadField { .. } | RefusalClass::Configuration => None,
            },
            Self::Accepted { .. } | Self::Unknown { .. } => None,
        }
    }

    /// The outcome as evidence about the payment.
    #[must_use]
    pub const fn evidence(&self) -> Evidence {
        match self {
            Self::Accepted { .. } => Evidence::SubmitAccepted,
            Self::Refused(_) => Evidence::SubmitRefused,
            Self::Unknown { .. } => Evidence::SubmitUnknown,
        }
    }

    /// What to tell the customer; `None` when the push was accepted.
    #[must_use]
    pub fn customer_text(&self) -> Option<CustomerText> {
        match self {
            Self::Accepted { .. } => None,
            Self::Refused(refusal) => Some(result_text::for_refusal(&refusal.class)),
            Self::Unknown { .. } => Some(result_text::for_lost_answer()),
        }
    }

    /// The word for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused(refusal) => refusal.class.as_str(),
            Self::Unknown { cause } => cause.as_str(),
        }
    }
}

impl Client {
    /// Sends one push. It is made again only where the first one provably was not processed: once when no
    /// connection could be made, once after a refused access token, and once, after a pause, when it was refused
    /// as too fast (see [`Timing::throttled_resend_delay`](crate::Timing::throttled_resend_delay)).
    ///
    /// Dropping the future leaves it unknown whether the push was sent.
    pub async fn push(&self, request: &PushRequest) -> PushReply {
        let span =
            tracing::info_span!("daraja.push", outcome = tracing::field::Empty, http.status = tracing::field::Empty);
        let recorder = span.clone();
        async {
            let reply = self.push_with_retries(request).await;
            recorder.record("outcome", reply.outcome.as_str());
            if let Some(status) = reply.http_status {
                recorder.record("http.status", status);
            }
            tracing::info!(outcome = reply.outcome.as_str(), "STK push");
            reply
        }
        .instrument(span)
        .await
    }

    async fn push_with_retries(&self, request: &PushRequest) -> PushReply {
        let (mut reconnected, mut slowed) = (false, false);
        loop {
            let reply = match self.call(PATH, || self.push_body(request)).await {
                Ok(answer) => interpret(answer),
                Err(CallError::NotConnected) if !reconnected => {
                    reconnected = true;
                    tokio::time::sleep(backoff(self.config().timing.retry_delay, 1, self.clock())).await;
                    continue;
                }
                Err(error) => unanswered(error),
            };
            match self.resend_delay(&reply) {
                Some(delay) if !slowed => {
                    slowed = true;
                    tokio::time::sleep(delay).await;
                }
                _ => return reply,
            }
        }
    }

    /// The pause after which a throttled push is sent once more: only when Daraja itself refused it, and does not
    /// ask for a longer wait than a customer stands for.
    fn resend_delay(&self, reply: &PushReply) -> Option<Duration> {
        const PATIENCE_SECS: u64 = 15;
        let PushOutcome::Refused(Refusal { class: RefusalClass::Throttled { retry_after_secs }, .. }) = &reply.outcome
        else {
            return None;
        };
        let answered = reply.http_status.is_some();
        self.config().timing.throttled_resend_delay.filter(|_| answered && *retry_after_secs <= PATIENCE_SECS)
    }

    /// Every value a JSON string, as in the portal's own samples: the strictest reader accepts it.
    fn push_body(&self, request: &PushRequest) -> String {
        let config = self.config();
        let signature = self.sign();
        let phone = request.phone.international();
        json!({
            "BusinessShortCode": config.shortcode,
            "Password": signature.password.expose_secret(),
            "Timestamp": signature.timestamp,
            "TransactionType": config.transaction_type.as_str(),
            "Amount": request.amount.shillings().to_string(),
            "PartyA": phone,
            "PartyB": config.party_b(),
            "PhoneNumber": phone,
            "CallBackURL": request.callback_url.as_str(),
            "AccountReference": request.account_reference.as_str(),
            "TransactionDesc": request.transaction_desc.as_str(),
        })
        .to_string()
    }
}

#[derive(Deserialize)]
struct AcceptedBody<'a> {
    #[serde(rename = "ResponseCode", default, deserialize_with = "wire::lexeme")]
    response_code: Option<Lexeme>,
    #[serde(rename = "MerchantRequestID", default, deserialize_with = "wire::lexeme")]
    merchant_request_id: Option<Lexeme>,
    #[serde(rename = "CheckoutRequestID", default, deserialize_with = "wire::lexeme")]
    checkout_request_id: Option<Lexeme>,
    #[serde(rename = "CustomerMessage", borrow)]
    customer_message: Option<&'a RawValue>,
}

impl From<NotAnswered> for PushOutcome {
    fn from(end: NotAnswered) -> Self {
        match end {
            NotAnswered::Refused(refusal) => Self::Refused(refusal),
            NotAnswered::Unknown(cause) => Self::Unknown { cause },
        }
    }
}

fn unanswered(error: CallError) -> PushReply {
    let (end, http_status, raw) = error.split();
    PushReply { outcome: end.into(), http_status, raw }
}

/// Reads an answer in the order fault, error code, acceptance; anything else is unknown.
fn interpret(answer: Answer) -> PushReply {
    let outcome = reply::submission_error(&answer).map_or_else(|| accepted(&answer), Into::into);
    PushReply { outcome, http_status: Some(answer.status), raw: answer.body }
}

fn accepted(answer: &Answer) -> PushOutcome {
    let unreadable = PushOutcome::Unknown { cause: UnknownCause::Unreadable };
    let Some(body) = wire::parse::<AcceptedBody<'_>>(&answer.body).filter(|_| answer.is_success()) else {
        return unreadable;
    };
    match body.response_code.map(Lexeme::into_string).as_deref() {
        Some("0") => {}
        Some(other) => {
            let code = wire::capped(other, 32);
            return PushOutcome::Unknown { cause: UnknownCause::UnexpectedResponseCode(code) };
        }
        None => return unreadable,
    }
    let merchant = body.merchant_request_id.and_then(|id| id.as_str().parse().ok());
    let checkout = body.checkout_request_id.and_then(|id| id.as_str().parse().ok());
    match (merchant, checkout) {
        (Some(merchant_request_id), Some(checkout_request_id)) => PushOutcome::Accepted {
            merchant_request_id,
            checkout_request_id,
            customer_message: wire::sentence(body.customer_message),
        },
        _ => unreadable,
    }
}
