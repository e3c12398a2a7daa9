//! Transaction Status and Reversal: acknowledged at once, answered later at an address of ours.
//!
//! The answer is read by [`result`](crate::result). Both need the [`Initiator`]. A reversal moves
//! money, so it is never sent again unless it is proved that the first one was not processed; a status question
//! harms nobody, but is not repeated by itself either.

use domain::{Kes, Receipt};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::Instrument;

use crate::{
    callback_url::CallbackUrl,
    client::Client,
    http::Answer,
    initiator::Initiator,
    reply::{self, NotAnswered, Refusal, Reply, UnknownCause},
    wire::{self, Lexeme},
};

const STATUS_PATH: &str = "/mpesa/transactionstatus/v1/query";
const REVERSAL_PATH: &str = "/mpesa/reversal/v1/request";
/// `IdentifierType` of an organisation's shortcode (documented).
const ORGANISATION: &str = "4";
/// `RecieverIdentifierType` of a reversal; the spelling is Safaricom's (documented).
const REVERSAL_RECEIVER: &str = "11";

/// Asks what M-Pesa knows about a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRequest {
    /// The receipt, as a customer quotes it.
    pub receipt: Receipt,
    /// Where the answer is posted; its last segment should be a secret of this question.
    pub result_url: CallbackUrl,
    /// Where Safaricom says that it has no answer in time.
    pub timeout_url: CallbackUrl,
}

/// Asks M-Pesa to give a payment back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReversalRequest {
    /// The payment's receipt.
    pub receipt: Receipt,
    /// The whole amount of the payment.
    pub amount: Kes,
    /// Why; sent cut to the 2 to 100 characters that Daraja takes (documented).
    pub remarks: String,
    /// Where the answer is posted; its last segment should be a secret of this request.
    pub result_url: CallbackUrl,
    /// Where Safaricom says that it has no answer in time. The reversal may still happen.
    pub timeout_url: CallbackUrl,
}

/// What became of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestOutcome {
    /// `ResponseCode` exactly `0`: the result comes later.
    Accepted {
        /// `ConversationID`, which the result repeats.
        conversation_id: String,
        /// `OriginatorConversationID`, which the result repeats.
        originator_conversation_id: String,
    },
    /// Provably not processed.
    Refused(Refusal),
    /// May have been processed; a result may still come.
    Unknown {
        /// What happened to the answer.
        cause: UnknownCause,
    },
    /// [`Config::initiator`](crate::Config::initiator) is not set; nothing was sent.
    NotConfigured,
}

/// A [`RequestOutcome`] with the raw answer.
pub type RequestReply = Reply<RequestOutcome>;

impl RequestOutcome {
    /// Whether a result may come, so that a reversal must not be asked for again before it is settled.
    #[must_use]
    pub const fn was_possibly_sent(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Unknown { .. })
    }

    /// The word for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused(refusal) => refusal.class.as_str(),
            Self::Unknown { cause } => cause.as_str(),
            Self::NotConfigured => "not_configured",
        }
    }
}

impl Client {
    /// Asks once about a receipt. Nothing is repeated but a refused access token, once.
    pub async fn transaction_status(&self, request: &StatusRequest) -> RequestReply {
        let span = tracing::info_span!("daraja.transaction_status");
        let body = |initiator: &Initiator| {
            json!({
                "Initiator": initiator.name,
                "SecurityCredential": initiator.security_credential.expose_secret(),
                "CommandID": "TransactionStatusQuery",
                "TransactionID": request.receipt.as_str(),
                "PartyA": self.config().shortcode,
                "IdentifierType": ORGANISATION,
                "ResultURL": request.result_url.as_str(),
                "QueueTimeOutURL": request.timeout_url.as_str(),
                "Remarks": "Payment check",
                "Occasion": "Payment check",
            })
        };
        self.request(STATUS_PATH, body).instrument(span).await
    }

    /// Asks once for a payment to be given back. Nothing is repeated but a refused access token, once.
    ///
    /// Dropping the future leaves it unknown whether the request was sent.
    pub async fn reverse(&self, request: &ReversalRequest) -> RequestReply {
        let span = tracing::info_span!("daraja.reverse");
        let remarks = fitted_remarks(&request.remarks);
        let body = |initiator: &Initiator| {
            json!({
                "Initiator": initiator.name,
                "SecurityCredential": initiator.security_credential.expose_secret(),
                "CommandID": "TransactionReversal",
                "TransactionID": request.receipt.as_str(),
                "Amount": request.amount.shillings().to_string(),
                "ReceiverParty": self.config().shortcode,
                "RecieverIdentifierType": REVERSAL_RECEIVER,
                "ResultURL": request.result_url.as_str(),
                "QueueTimeOutURL": request.timeout_url.as_str(),
                "Remarks": remarks,
            })
        };
        self.request(REVERSAL_PATH, body).instrument(span).await
    }

    async fn request(&self, path: &str, body: impl Fn(&Initiator) -> Value) -> RequestReply {
        let Some(initiator) = &self.config().initiator else {
            return RequestReply { outcome: RequestOutcome::NotConfigured, http_status: None, raw: Default::default() };
        };
        let reply = match self.call(path, || body(initiator).to_string()).await {
            Ok(answer) => {
                RequestReply { outcome: interpret(&answer), http_status: Some(answer.status), raw: answer.body }
            }
            Err(error) => {
                let (end, http_status, raw) = error.split();
                RequestReply { outcome: end.into(), http_status, raw }
            }
        };
        tracing::info!(outcome = reply.outcome.as_str(), http.status = reply.http_status, "asked M-Pesa");
        reply
    }
}

impl From<NotAnswered> for RequestOutcome {
    fn from(end: NotAnswered) -> Self {
        match end {
            NotAnswered::Refused(refusal) => Self::Refused(refusal),
            NotAnswered::Unknown(cause) => Self::Unknown { cause },
        }
    }
}

/// At least two characters and at most a hundred, without control characters.
fn fitted_remarks(text: &str) -> String {
    let fitted = wire::capped(text, 100);
    if fitted.chars().count() < 2 { "Refund".to_owned() } else { fitted }
}

#[derive(Deserialize)]
struct Acknowledgement {
    #[serde(rename = "ResponseCode", default, deserialize_with = "wire::lexeme")]
    response_code: Option<Lexeme>,
    #[serde(rename = "ConversationID", default, deserialize_with = "wire::lexeme")]
    conversation_id: Option<Lexeme>,
    #[serde(rename = "OriginatorConversationID", default, deserialize_with = "wire::lexeme")]
    originator_conversation_id: Option<Lexeme>,
}

fn interpret(answer: &Answer) -> RequestOutcome {
    if let Some(end) = reply::submission_error(answer) {
        return end.into();
    }
    let unreadable = RequestOutcome::Unknown { cause: UnknownCause::Unreadable };
    let Some(body) = wire::parse::<Acknowledgement>(&answer.body).filter(|_| answer.is_success()) else {
        return unreadable;
    };
    match body.response_code.map(Lexeme::into_string).as_deref() {
        Some("0") => {}
        Some(other) => {
            let code = wire::capped(other, 32);
            return RequestOutcome::Unknown { cause: UnknownCause::UnexpectedResponseCode(code) };
        }
        None => return unreadable,
    }
    let id = |lexeme: Option<Lexeme>| lexeme.map(|id| wire::capped(id.as_str(), 100)).filter(|id| !id.is_empty());
    match (id(body.conversation_id), id(body.originator_conversation_id)) {
        (Some(conversation_id), Some(originator_conversation_id)) => {
            RequestOutcome::Accepted { conversation_id, originator_conversation_id }
        }
        _ => unreadable,
    }
}
