//! STK query: asks what became of a push. One request per call; when to ask again is the
//! caller's business, because the sandbox allows five queries a minute (observed).

use bytes::Bytes;
use domain::{CheckoutRequestId, ResultCode, mpesa::ResultMeaning, payment::Evidence, result_text::RefusalClass};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tracing::Instrument;

use crate::{
    client::{CallError, Client},
    http::{Answer, Loss},
    reply::{Refusal, Reply},
    sync_error::{self, SyncError, is_in_progress},
    wire::{self, Lexeme, WireError},
};

const PATH: &str = "/mpesa/stkpushquery/v1/query";

/// What a query says about a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryOutcome {
    /// `ResultCode` exactly `0`: paid. No receipt, amount or phone comes with it (documented).
    Succeeded,
    /// A known code that proves that no money moved. Not final before the grace of
    /// [`QUERY_FAILURE_GRACE_SECS`](domain::payment::QUERY_FAILURE_GRACE_SECS).
    Failed(ResultCode),
    /// The prompt is still open, in any of the observed forms.
    Pending,
    /// Nothing was learnt; the payment keeps its state.
    NoInformation(NoInformation),
    /// Asked too often.
    Throttled {
        /// Seconds before any query is worth sending again.
        retry_after_secs: u64,
    },
}

/// Why a query taught nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoInformation {
    /// "The transaction does not Exist"; also observed for payments that do.
    NotFound,
    /// A code that is known to be inconclusive, or unknown.
    InconclusiveCode(ResultCode),
    /// The answer is about another payment.
    OtherPayment,
    /// Keys, passkey or shortcode are wrong; the owner must act.
    Configuration(Refusal),
    /// HTTP 5xx or a gateway fault; the code is empty when there was none.
    ServerError {
        /// `errorCode`, or the gateway's `errorcode`.
        code: String,
    },
    /// Empty, HTML, too large, or JSON of another shape.
    Unreadable,
    /// No answer in time.
    Timeout,
    /// No connection, no access token, or the connection broke.
    Unreachable,
}

impl NoInformation {
    /// The word for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::InconclusiveCode(_) => "inconclusive_code",
            Self::OtherPayment => "other_payment",
            Self::Configuration(_) => "configuration",
            Self::ServerError { .. } => "server_error",
            Self::Unreadable => "unreadable",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A [`QueryOutcome`] with the raw answer.
pub type QueryReply = Reply<QueryOutcome>;

impl QueryOutcome {
    /// The outcome as evidence about the payment; `None` when nothing was learnt.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        match self {
            Self::Succeeded => Some(Evidence::QuerySucceeded),
            Self::Failed(code) | Self::NoInformation(NoInformation::InconclusiveCode(code)) => {
                Some(Evidence::QueryResult(code.clone()))
            }
            Self::Pending | Self::NoInformation(_) | Self::Throttled { .. } => None,
        }
    }

    /// The word for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed(_) => "failed",
            Self::Pending => "pending",
            Self::NoInformation(reason) => reason.as_str(),
            Self::Throttled { .. } => "throttled",
        }
    }
}

impl Client {
    /// Asks once what became of a push. Nothing is repeated but a refused access token, once.
    pub async fn query(&self, checkout_request_id: &CheckoutRequestId) -> QueryReply {
        let span =
            tracing::info_span!("daraja.query", outcome = tracing::field::Empty, http.status = tracing::field::Empty);
        let recorder = span.clone();
        async {
            let reply = match self.call(PATH, || self.query_body(checkout_request_id)).await {
                Ok(answer) => {
                    let outcome = interpret(&answer, checkout_request_id);
                    QueryReply { outcome, http_status: Some(answer.status), raw: answer.body }
                }
                Err(error) => unanswered(error),
            };
            recorder.record("outcome", reply.outcome.as_str());
            if let Some(status) = reply.http_status {
                recorder.record("http.status", status);
            }
            tracing::debug!(outcome = reply.outcome.as_str(), "STK query");
            reply
        }
        .instrument(span)
        .await
    }

    fn query_body(&self, checkout_request_id: &CheckoutRequestId) -> String {
        let signature = self.sign();
        json!({
            "BusinessShortCode": self.config().shortcode,
            "Password": signature.password.expose_secret(),
            "Timestamp": signature.timestamp,
            "CheckoutRequestID": checkout_request_id.as_str(),
        })
        .to_string()
    }
}

fn unanswered(error: CallError) -> QueryReply {
    let none = |outcome| QueryReply { outcome, http_status: None, raw: Bytes::new() };
    match error {
        CallError::NoToken(error) => {
            let refusal = Refusal::without_token(&error);
            none(match refusal.class {
                RefusalClass::Configuration => QueryOutcome::NoInformation(NoInformation::Configuration(refusal)),
                RefusalClass::Throttled { retry_after_secs } => QueryOutcome::Throttled { retry_after_secs },
                _ => QueryOutcome::NoInformation(NoInformation::Unreachable),
            })
        }
        CallError::TokenRefused { answer, error } => {
            let refusal = Refusal { code: error.code, message: error.message, class: RefusalClass::Configuration };
            let outcome = QueryOutcome::NoInformation(NoInformation::Configuration(refusal));
            QueryReply { outcome, http_status: Some(answer.status), raw: answer.body }
        }
        CallError::NotConnected => none(QueryOutcome::NoInformation(NoInformation::Unreachable)),
        CallError::Lost { loss, http_status, partial } => {
            let reason = match loss {
                Loss::Timeout => NoInformation::Timeout,
                Loss::Connection => NoInformation::Unreachable,
                Loss::TooLarge => NoInformation::Unreadable,
            };
            QueryReply { outcome: QueryOutcome::NoInformation(reason), http_status, raw: partial }
        }
    }
}

#[derive(Deserialize)]
struct ResultBody<'a> {
    #[serde(rename = "ResponseCode", default, deserialize_with = "wire::lexeme")]
    response_code: Option<Lexeme>,
    #[serde(rename = "CheckoutRequestID", default, deserialize_with = "wire::lexeme")]
    checkout_request_id: Option<Lexeme>,
    #[serde(rename = "ResultCode", default, deserialize_with = "wire::lexeme")]
    result_code: Option<Lexeme>,
    #[serde(rename = "ResultDesc", borrow)]
    result_desc: Option<&'a RawValue>,
}

fn interpret(answer: &Answer, asked: &CheckoutRequestId) -> QueryOutcome {
    if let Some(error) = WireError::read(&answer.body) {
        return from_error(answer, error);
    }
    if answer.status == 429 {
        return throttled(sync_error::bare_throttle(answer.retry_after_secs));
    }
    let Some(body) = wire::parse::<ResultBody<'_>>(&answer.body) else {
        return QueryOutcome::NoInformation(if answer.status >= 500 {
            NoInformation::ServerError { code: String::new() }
        } else {
            NoInformation::Unreadable
        });
    };
    from_result(answer, &body, asked)
}

fn from_error(answer: &Answer, error: WireError) -> QueryOutcome {
    if is_in_progress(&error.message) {
        return QueryOutcome::Pending;
    }
    QueryOutcome::NoInformation(match sync_error::classify(answer.status, &error, answer.retry_after_secs) {
        SyncError::InProgress => return QueryOutcome::Pending,
        SyncError::Refused(class @ RefusalClass::Throttled { .. }) => return throttled(class),
        SyncError::NotFound => NoInformation::NotFound,
        // A lock on the subscriber means that something is in process, perhaps this very payment.
        SyncError::Refused(RefusalClass::SubscriberBusy) => NoInformation::ServerError { code: error.code },
        SyncError::Refused(class) => {
            NoInformation::Configuration(Refusal { code: error.code, message: error.message, class })
        }
        SyncError::Token | SyncError::AlreadyRegistered | SyncError::Unproven => {
            NoInformation::ServerError { code: error.code }
        }
    })
}

fn throttled(class: RefusalClass) -> QueryOutcome {
    match class {
        RefusalClass::Throttled { retry_after_secs } => QueryOutcome::Throttled { retry_after_secs },
        _ => QueryOutcome::NoInformation(NoInformation::Unreadable),
    }
}

fn from_result(answer: &Answer, body: &ResultBody<'_>, asked: &CheckoutRequestId) -> QueryOutcome {
    let Some(code) = body.result_code.as_ref().filter(|code| !code.as_str().is_empty()) else {
        return QueryOutcome::NoInformation(NoInformation::Unreadable);
    };
    if body.checkout_request_id.as_ref().is_some_and(|id| id.as_str() != asked.as_str()) {
        return QueryOutcome::NoInformation(NoInformation::OtherPayment);
    }
    let code = ResultCode::new(code.as_str());
    let desc = wire::sentence(body.result_desc);
    let answered = answer.is_success() && body.response_code.as_ref().is_none_or(|code| code.as_str() == "0");
    match code.meaning() {
        ResultMeaning::Pending => QueryOutcome::Pending,
        _ if is_in_progress(&desc) && code.meaning() != ResultMeaning::Success => QueryOutcome::Pending,
        // A result beside HTTP 5xx, or beside a `ResponseCode` that says the query itself failed, proves nothing.
        _ if !answered => QueryOutcome::NoInformation(NoInformation::Unreadable),
        ResultMeaning::Success => QueryOutcome::Succeeded,
        ResultMeaning::NoDebit | ResultMeaning::Configuration => QueryOutcome::Failed(code),
        ResultMeaning::Inconclusive | ResultMeaning::Unknown => {
            QueryOutcome::NoInformation(NoInformation::InconclusiveCode(code))
        }
    }
}

#[cfg(test)]
mod tests;
