//! Reading request bodies as leniently as Daraja does, and answering with its own shapes and spellings.

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// A refusal before anything was processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `{"requestId", "errorCode", "errorMessage"}`.
    Error { status: StatusCode, code: &'static str, message: String },
    /// Apigee's `fault` body, HTTP 429. OBSERVED.
    SpikeArrest { per_minute: u32, burst: u32 },
    /// The empty body that wrong consumer credentials get. OBSERVED.
    Empty(StatusCode),
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::Error { status, code, message: message.into() }
    }

    /// 400.002.02 naming the field.
    pub(crate) fn field(name: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "400.002.02", format!("Bad Request - Invalid {name}"))
    }

    /// 500.001.1001, the overloaded one.
    pub(crate) fn merchant(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "500.001.1001", message)
    }

    pub(crate) fn response(self, request_id: &str) -> Response {
        match self {
            Self::Error { status, code, message } => {
                json_response(status, &json!({ "requestId": request_id, "errorCode": code, "errorMessage": message }))
            }
            Self::SpikeArrest { per_minute, burst } => {
                let rate = format!(
                    "Spike arrest violation. Allowed rate : MessageRate{{messagesPerPeriod={per_minute}, \
                     periodInMicroseconds=60000000, maxBurstMessageCount={burst}.0}}"
                );
                json_response(
                    StatusCode::TOO_MANY_REQUESTS,
                    &json!({ "fault": { "faultstring": rate,
                        "detail": { "errorcode": "policies.ratelimit.SpikeArrestViolation" } } }),
                )
            }
            Self::Empty(status) => status.into_response(),
        }
    }
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body.to_string()).into_response()
}

/// The JSON object of a request. Every scalar may be a string or a number, as Daraja accepts both.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body whose first documented field is `first`.
    ///
    /// A form body is refused as if that field were wrong (DOCUMENTED for STK push), anything that is not
    /// a JSON object with 400.002.05.
    pub(crate) fn read(headers: &HeaderMap, body: &Bytes, first: &str) -> Result<Self, Refusal> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/") {
            return Err(Refusal::field(first));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            _ => Err(Refusal::new(StatusCode::BAD_REQUEST, "400.002.05", "Invalid Request Payload")),
        }
    }

    /// The value as text, whether it came as a string or a number; `None` when absent, null or another type.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The value when `accept` likes it, else 400.002.02 naming the field.
    pub(crate) fn require(&self, name: &str, accept: impl Fn(&str) -> bool) -> Result<String, Refusal> {
        self.text(name).filter(|text| accept(text)).ok_or_else(|| Refusal::field(name))
    }
}

pub(crate) fn is_digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2547XXXXXXXX` or `2541XXXXXXXX`.
pub(crate) fn is_msisdn(text: &str) -> bool {
    is_digits(text, 12..=12) && (text.starts_with("2547") || text.starts_with("2541"))
}

/// Fourteen digits that are a real date and time.
pub(crate) fn is_timestamp(text: &str) -> bool {
    is_digits(text, 14..=14) && chrono::NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").is_ok()
}

/// A whole number of shillings within the M-Pesa limits.
pub(crate) fn is_amount(text: &str) -> bool {
    is_digits(text, 1..=6) && text.parse::<u32>().is_ok_and(|amount| (1..=250_000).contains(&amount))
}

/// An http(s) URL. An upper-case host is refused: OBSERVED once.
pub(crate) fn is_callback_url(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else { return false };
    let Some((_, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    matches!(url.scheme(), "http" | "https") && url.has_host() && !host.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A URL without the words that C2B registration refuses. DOCUMENTED.
pub(crate) fn is_neutral_url(text: &str) -> bool {
    const BANNED: [&str; 8] = ["mpesa", "m-pesa", "safaricom", "exe", "exec", "cmd", "sql", "query"];
    let lower = text.to_ascii_lowercase();
    is_callback_url(text) && !BANNED.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_take_strings_and_numbers_alike() {
        let body = Bytes::from_static(br#"{"A":"20","B":20,"C":null,"D":true,"E":1.5}"#);
        let fields = Fields::read(&HeaderMap::new(), &body, "A").unwrap();
        assert_eq!(fields.text("A").as_deref(), Some("20"));
        assert_eq!(fields.text("B").as_deref(), Some("20"));
        assert_eq!(fields.text("C"), None);
        assert_eq!(fields.text("D"), None);
        assert!(fields.require("E", is_amount).is_err());
    }

    #[test]
    fn values_that_daraja_refuses() {
        for bad in ["", "0", "-1", "1.5", "250001", "1e3", " 5"] {
            assert!(!is_amount(bad), "{bad:?}");
        }
        for bad in ["0712345678", "254812345678", "25471234567", "+254712345678"] {
            assert!(!is_msisdn(bad), "{bad:?}");
        }
        for bad in ["ftp://a.ke/x", "a.ke/x", "https://Wifi.example.ke/x", "https://", ""] {
            assert!(!is_callback_url(bad), "{bad:?}");
        }
        assert!(is_callback_url("https://wifi.example.ke/Path/ABC"));
        assert!(!is_timestamp("20261322083000") && is_timestamp("20261122083000"));
        assert!(!is_neutral_url("https://a.ke/api/M-Pesa/x") && is_neutral_url("https://a.ke/api/pay/c2b"));
    }
}
