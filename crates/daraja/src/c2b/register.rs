//! Telling Safaricom where payments made by hand are to be announced.

use serde::Deserialize;
use serde_json::json;
use tracing::Instrument;

use crate::{
    callback_url::CallbackUrl,
    client::Client,
    http::Answer,
    reply::{self, NotAnswered, Refusal, Reply, UnknownCause},
    sync_error::{self, SyncError},
    wire::{self, Lexeme, WireError},
};

const PATH: &str = "/mpesa/c2b/v2/registerurl";

/// What M-Pesa does with a payment when our validation address does not answer (documented).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResponseType {
    /// Take the payment.
    Completed,
    /// Refuse the payment.
    Cancelled,
}

/// The addresses for manual payments. Production accepts them once only (documented).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterUrls {
    /// Where finished payments are posted.
    pub confirmation_url: CallbackUrl,
    /// Where payments are announced for validation, if Safaricom has switched it on for the shortcode.
    pub validation_url: CallbackUrl,
    /// What happens while the validation address is down.
    pub response_type: ResponseType,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisterOutcome {
    /// `ResponseCode` exactly `0`.
    Registered {
        /// `OriginatorCoversationID`, spelt that way on the wire (documented); also read when spelt right.
        originator_conversation_id: Option<String>,
    },
    /// `500.003.1001` "Urls are already registered": to change them, delete them in the portal first (documented).
    AlreadyRegistered,
    /// Provably not registered.
    Refused(Refusal),
    /// May have been registered.
    Unknown {
        /// What happened to the answer.
        cause: UnknownCause,
    },
}

/// A [`RegisterOutcome`] with the raw answer.
pub type RegisterReply = Reply<RegisterOutcome>;

impl Client {
    /// Registers the C2B addresses of the shortcode. Nothing is repeated but a refused access token, once.
    pub async fn register_c2b_urls(&self, urls: &RegisterUrls) -> RegisterReply {
        let body = || {
            json!({
                "ShortCode": self.config().shortcode,
                "ResponseType": match urls.response_type {
                    ResponseType::Completed => "Completed",
                    ResponseType::Cancelled => "Cancelled",
                },
                "ConfirmationURL": urls.confirmation_url.as_str(),
                "ValidationURL": urls.validation_url.as_str(),
            })
            .to_string()
        };
        let answer = self.call(PATH, body).instrument(tracing::info_span!("daraja.register_c2b_urls")).await;
        match answer {
            Ok(answer) => {
                let outcome = interpret(&answer);
                RegisterReply { outcome, http_status: Some(answer.status), raw: answer.body }
            }
            Err(error) => {
                let (end, http_status, raw) = error.split();
                let outcome = match end {
                    NotAnswered::Refused(refusal) => RegisterOutcome::Refused(refusal),
                    NotAnswered::Unknown(cause) => RegisterOutcome::Unknown { cause },
                };
                RegisterReply { outcome, http_status, raw }
            }
        }
    }
}

#[derive(Deserialize)]
struct RegisterBody {
    #[serde(rename = "ResponseCode", default, deserialize_with = "wire::lexeme")]
    response_code: Option<Lexeme>,
    #[serde(rename = "OriginatorCoversationID", default, deserialize_with = "wire::lexeme")]
    misspelt_id: Option<Lexeme>,
    #[serde(rename = "OriginatorConversationID", default, deserialize_with = "wire::lexeme")]
    id: Option<Lexeme>,
}

fn interpret(answer: &Answer) -> RegisterOutcome {
    if let Some(error) = WireError::read(&answer.body)
        && sync_error::classify(answer.status, &error, answer.retry_after_secs) == SyncError::AlreadyRegistered
    {
        return RegisterOutcome::AlreadyRegistered;
    }
    match reply::submission_error(answer) {
        Some(NotAnswered::Refused(refusal)) => return RegisterOutcome::Refused(refusal),
        Some(NotAnswered::Unknown(cause)) => return RegisterOutcome::Unknown { cause },
        None => {}
    }
    let body = wire::parse::<RegisterBody>(&answer.body).filter(|_| answer.is_success());
    let Some((code, body)) = body.and_then(|mut body| body.response_code.take().map(|code| (code, body))) else {
        return RegisterOutcome::Unknown { cause: UnknownCause::Unreadable };
    };
    if code.as_str() != "0" {
        let code = wire::capped(code.as_str(), 32);
        return RegisterOutcome::Unknown { cause: UnknownCause::UnexpectedResponseCode(code) };
    }
    let originator_conversation_id = body.misspelt_id.or(body.id).map(Lexeme::into_string);
    RegisterOutcome::Registered { originator_conversation_id }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use domain::result_text::RefusalClass;

    use super::*;

    #[test]
    fn registration_answers() {
        let read = |status, body: &str| {
            interpret(&Answer { status, retry_after_secs: None, body: Bytes::copy_from_slice(body.as_bytes()) })
        };
        let registered = |id: &str| RegisterOutcome::Registered { originator_conversation_id: Some(id.to_owned()) };
        for (status, body, outcome) in [
            (
                200,
                r#"{"OriginatorCoversationID":"6e86","ResponseCode":"0","ResponseDescription":"Success"}"#,
                registered("6e86"),
            ),
            (200, r#"{"OriginatorConversationID":"6e86","ResponseCode":0}"#, registered("6e86")),
            (200, r#"{"ResponseCode":"0"}"#, RegisterOutcome::Registered { originator_conversation_id: None }),
            (
                500,
                r#"{"errorCode":"500.003.1001","errorMessage":"Urls are already registered"}"#,
                RegisterOutcome::AlreadyRegistered,
            ),
            (
                500,
                r#"{"errorCode":"500.003.1001","errorMessage":"Internal Server Error"}"#,
                RegisterOutcome::Unknown { cause: UnknownCause::ServerError { code: "500.003.1001".to_owned() } },
            ),
            (
                200,
                r#"{"ResponseCode":"1"}"#,
                RegisterOutcome::Unknown { cause: UnknownCause::UnexpectedResponseCode("1".to_owned()) },
            ),
            (200, "<html>", RegisterOutcome::Unknown { cause: UnknownCause::Unreadable }),
            (502, "", RegisterOutcome::Unknown { cause: UnknownCause::ServerError { code: String::new() } }),
        ] {
            assert_eq!(read(status, body), outcome, "{status} {body}");
        }
        let refused = read(400, r#"{"errorCode":"400.003.02","errorMessage":"Bad Request"}"#);
        assert!(matches!(refused, RegisterOutcome::Refused(Refusal { class: RefusalClass::Configuration, .. })));
    }
}
