//! What every call brings back: what it means, and the evidence for it.

use std::fmt;

use bytes::Bytes;
use domain::result_text::RefusalClass;

use crate::{
    auth::CredentialsError,
    client::CallError,
    http::{Answer, Loss},
    sync_error::{self, SyncError, owner_advice},
    wire::WireError,
};

/// The meaning of an answer together with the answer itself, to be stored before anything follows from it.
/// `Debug` shows the size of the body only: it holds personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply<O> {
    /// What it means.
    pub outcome: O,
    /// HTTP status; `None` when there was no answer.
    pub http_status: Option<u16>,
    /// The body as it came, at most 1 MiB; what had arrived when the answer broke off; empty without one.
    pub raw: Bytes,
}

impl<O: fmt::Debug> fmt::Debug for Reply<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("outcome", &self.outcome)
            .field("http_status", &self.http_status)
            .field("raw_bytes", &self.raw.len())
            .finish()
    }
}

/// A request that Daraja refused, or that never reached it: provably not processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `errorCode`; empty when the refusal is our own or the gateway named none.
    pub code: String,
    /// Daraja's words, or ours; at most 200 characters. For the owner, never for the customer.
    pub message: String,
    /// What kind of refusal it is, and so what may be retried.
    pub class: RefusalClass,
}

impl Refusal {
    /// What the owner should do, when only the owner can: one plain sentence.
    #[must_use]
    pub fn owner_advice(&self) -> Option<&'static str> {
        match &self.class {
            RefusalClass::Configuration => Some(owner_advice(&self.code, &self.message)),
            RefusalClass::BadField { field } if field != "PhoneNumber" && field != "PartyA" => {
                Some(owner_advice(&self.code, &self.message))
            }
            RefusalClass::BadField { .. }
            | RefusalClass::SubscriberBusy
            | RefusalClass::Throttled { .. }
            | RefusalClass::Unreachable => None,
        }
    }

    pub(crate) fn without_token(error: &CredentialsError) -> Self {
        let class = match error {
            CredentialsError::Throttled { retry_after_secs } => {
                RefusalClass::Throttled { retry_after_secs: *retry_after_secs }
            }
            _ if error.is_configuration() => RefusalClass::Configuration,
            _ => RefusalClass::Unreachable,
        };
        let code = match error {
            CredentialsError::Refused { code, .. } => code.clone().unwrap_or_default(),
            _ => String::new(),
        };
        Self { code, message: error.to_string(), class }
    }

    pub(crate) fn not_connected() -> Self {
        Self {
            code: String::new(),
            message: CredentialsError::Unreachable.to_string(),
            class: RefusalClass::Unreachable,
        }
    }
}

/// Why it is not known whether a request was processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownCause {
    /// No answer in time.
    Timeout,
    /// The connection broke after the request was, or may have been, written.
    ConnectionLost,
    /// More than 1 MiB of answer.
    AnswerTooLarge,
    /// HTTP 5xx that is not a known refusal; the code is empty when there was none.
    ServerError {
        /// `errorCode`, or the gateway's `errorcode`.
        code: String,
    },
    /// Empty, HTML, or JSON of another shape, with any other status.
    Unreadable,
    /// A `ResponseCode` other than `0` without an error code.
    UnexpectedResponseCode(String),
}

impl UnknownCause {
    /// The word for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection_lost",
            Self::AnswerTooLarge => "answer_too_large",
            Self::ServerError { .. } => "server_error",
            Self::Unreadable => "unreadable",
            Self::UnexpectedResponseCode(_) => "unexpected_response_code",
        }
    }
}

impl From<Loss> for UnknownCause {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Timeout => Self::Timeout,
            Loss::Connection => Self::ConnectionLost,
            Loss::TooLarge => Self::AnswerTooLarge,
        }
    }
}

/// Either provably not processed, or possibly.
pub(crate) enum NotAnswered {
    Refused(Refusal),
    Unknown(UnknownCause),
}

/// The error in the answer to something that must not be done twice; `None` when the body may be an acceptance.
pub(crate) fn submission_error(answer: &Answer) -> Option<NotAnswered> {
    let server_error = |code| NotAnswered::Unknown(UnknownCause::ServerError { code });
    let Some(error) = WireError::read(&answer.body) else {
        if answer.status == 429 {
            let class = sync_error::bare_throttle(answer.retry_after_secs);
            let message = "HTTP 429".to_owned();
            return Some(NotAnswered::Refused(Refusal { code: String::new(), message, class }));
        }
        return (answer.status >= 500).then(|| server_error(String::new()));
    };
    let class = match sync_error::classify(answer.status, &error, answer.retry_after_secs) {
        SyncError::Refused(class) => class,
        SyncError::Token => RefusalClass::Configuration,
        SyncError::InProgress | SyncError::NotFound | SyncError::AlreadyRegistered | SyncError::Unproven => {
            return Some(server_error(error.code));
        }
    };
    Some(NotAnswered::Refused(Refusal { code: error.code, message: error.message, class }))
}

impl CallError {
    /// What a failed call means for something that must not be done twice.
    pub(crate) fn split(self) -> (NotAnswered, Option<u16>, Bytes) {
        match self {
            Self::NoToken(error) => (NotAnswered::Refused(Refusal::without_token(&error)), None, Bytes::new()),
            Self::TokenRefused { answer, error } => {
                let refusal = Refusal { code: error.code, message: error.message, class: RefusalClass::Configuration };
                (NotAnswered::Refused(refusal), Some(answer.status), answer.body)
            }
            Self::NotConnected => (NotAnswered::Refused(Refusal::not_connected()), None, Bytes::new()),
            Self::Lost { loss, http_status, partial } => (NotAnswered::Unknown(loss.into()), http_status, partial),
        }
    }
}
