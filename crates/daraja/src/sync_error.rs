//! What Daraja's immediate errors mean. One table for push, query and registration: each
//! of them decides for itself what the meaning is worth.

use domain::result_text::RefusalClass;

use crate::wire::WireError;

/// Wait after a spike arrest without `Retry-After`: the observed limit is 5 requests a minute.
const SPIKE_RETRY_SECS: u64 = 12;
/// Wait after "System is busy, try again in few minutes" or an exhausted quota (our decision).
const BUSY_RETRY_SECS: u64 = 60;
/// Longest wait that is believed.
const MAX_RETRY_SECS: u64 = 3600;

/// The meaning of one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SyncError {
    /// The access token was not accepted: refresh once.
    Token,
    /// Refused before processing.
    Refused(RefusalClass),
    /// `500.001.1001` with an empty or "being processed" text (observed on queries).
    InProgress,
    /// "The transaction does not Exist", or an id Daraja does not accept (observed on queries).
    NotFound,
    /// C2B URLs can be registered once in production (documented).
    AlreadyRegistered,
    /// Nothing may be concluded from it.
    Unproven,
}

/// Looks an error up. `retry_after_secs` is the `Retry-After` header, if there was one.
pub(crate) fn classify(status: u16, error: &WireError, retry_after_secs: Option<u64>) -> SyncError {
    if let Some(secs) = throttled(status, error) {
        let retry_after_secs = retry_after_secs.unwrap_or(secs).min(MAX_RETRY_SECS);
        return SyncError::Refused(RefusalClass::Throttled { retry_after_secs });
    }
    if error.by_gateway { gateway(error) } else { by_code(error) }
}

/// The meaning of HTTP 429 whose body says nothing.
pub(crate) fn bare_throttle(retry_after_secs: Option<u64>) -> RefusalClass {
    RefusalClass::Throttled { retry_after_secs: retry_after_secs.unwrap_or(SPIKE_RETRY_SECS).min(MAX_RETRY_SECS) }
}

fn throttled(status: u16, error: &WireError) -> Option<u64> {
    if error.code.contains("SpikeArrest") || error.says("spike arrest") {
        return Some(SPIKE_RETRY_SECS);
    }
    let quota = error.code.contains("QuotaViolation") || error.says("quota violation");
    if quota || error.code == "500.003.02" || error.code == "500.003.03" {
        return Some(BUSY_RETRY_SECS);
    }
    (status == 429).then_some(SPIKE_RETRY_SECS)
}

/// Apigee faults. Those about keys and products are raised before anything is forwarded (documented); all
/// others, such as `GatewayTimeout` or `UnexpectedEOFAtTarget`, may come after the request was processed.
fn gateway(error: &WireError) -> SyncError {
    let code = error.code.to_ascii_lowercase();
    if code.contains("access_token") || code.contains("accesstoken") || error.says("access token") {
        return SyncError::Token;
    }
    if error.says("apiproduct") || code.contains("apikey") || code.contains("api_key") || code.contains("apiproduct") {
        return SyncError::Refused(RefusalClass::Configuration);
    }
    SyncError::Unproven
}

fn by_code(error: &WireError) -> SyncError {
    if error.says("already registered") {
        return SyncError::AlreadyRegistered;
    }
    match error.code.as_str() {
        "404.001.03" | "400.003.01" | "401.002.01" | "401.003.01" => SyncError::Token,
        "400.002.02" if error.says("checkoutrequestid") => SyncError::NotFound,
        "400.002.02" => SyncError::Refused(RefusalClass::BadField { field: named_field(&error.message) }),
        "500.001.1001" => processing(error),
        code if ["400.", "401.", "403.", "404.", "405."].iter().any(|family| code.starts_with(family)) => {
            SyncError::Refused(RefusalClass::Configuration)
        }
        _ => SyncError::Unproven,
    }
}

/// `500.001.1001` has six meanings, told apart by their text alone (documented and observed).
fn processing(error: &WireError) -> SyncError {
    if error.says("wrong credentials") || error.says("merchant does not exist") {
        SyncError::Refused(RefusalClass::Configuration)
    } else if error.says("lock subscriber") {
        SyncError::Refused(RefusalClass::SubscriberBusy)
    } else if error.message.is_empty() || is_in_progress(&error.message) {
        SyncError::InProgress
    } else if error.says("does not exist") {
        SyncError::NotFound
    } else {
        SyncError::Unproven
    }
}

/// Whether a text says that the prompt is still open, in any of the observed wordings.
pub(crate) fn is_in_progress(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("being processed") || text.contains("under processing")
}

/// `PhoneNumber` of "Bad Request - Invalid PhoneNumber"; empty when no field is named.
fn named_field(message: &str) -> String {
    let (_, rest) = message.split_once("Invalid ").unwrap_or_default();
    rest.chars().take_while(char::is_ascii_alphanumeric).take(40).collect()
}

/// What the owner should do about an error that only the owner can put right.
pub(crate) fn owner_advice(code: &str, message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    if message.contains("wrong credentials") {
        "The shortcode and the passkey do not belong together. Check both, and that they are of the chosen environment."
    } else if message.contains("merchant does not exist") {
        "M-Pesa does not know this shortcode in the chosen environment. For a till, use the head office or store number."
    } else if message.contains("apiproduct") || message.contains("api key") || message.contains("apikey") {
        "The app on the Daraja portal does not have this product. Add M-Pesa Express to it."
    } else if message.contains("callbackurl") {
        "M-Pesa does not accept the callback address. It must be public https in lower case."
    } else {
        match code {
            "404.001.03" | "400.003.01" | "401.002.01" | "401.003.01" => {
                "M-Pesa gives a token but does not accept it. The app lacks this product, the keys are of the other environment, or go-live approval is not finished; write to apisupport@safaricom.co.ke with the app id and shortcode."
            }
            "404.001.01" | "404.002.01" | "404.003.01" => {
                "The M-Pesa base URL is wrong: this address does not exist there."
            }
            _ => "M-Pesa refused the request as wrong. Check shortcode, till, transaction type and callback address.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SyncError::*, *};

    fn bad_field(field: &str) -> SyncError {
        Refused(RefusalClass::BadField { field: field.to_owned() })
    }

    fn throttle(retry_after_secs: u64) -> SyncError {
        Refused(RefusalClass::Throttled { retry_after_secs })
    }

    #[test]
    fn the_whole_table() {
        let configuration = || Refused(RefusalClass::Configuration);
        let table = [
            (400, "400.002.02", "Bad Request - Invalid PhoneNumber", bad_field("PhoneNumber")),
            (400, "400.002.02", "Bad Request - Invalid CallBackURL", bad_field("CallBackURL")),
            (400, "400.002.02", "Bad Request", bad_field("")),
            (400, "400.002.02", "Bad Request - Invalid CheckoutRequestID", NotFound),
            (400, "400.002.05", "Invalid Request Payload", configuration()),
            (400, "400.003.01", "Invalid Access Token", Token),
            (400, "400.003.02", "Bad Request", configuration()),
            (400, "400.008.01", "Invalid Authentication passed", configuration()),
            (401, "401.002.01", "Error Occurred - Invalid Access Token - x", Token),
            (401, "401.003.01", "Error Occurred - Invalid Access Token - x", Token),
            (404, "404.001.01", "Resource not found", configuration()),
            (404, "404.001.03", "Invalid Access Token", Token),
            (404, "404.001.04", "Invalid Authentication Header", configuration()),
            (405, "405.001", "Method Not Allowed", configuration()),
            (500, "500.001.1001", "[MerchantValidate] - Wrong credentials", configuration()),
            (500, "500.001.1001", "Wrong credentials", configuration()),
            (500, "500.001.1001", "Merchant does not exist", configuration()),
            (
                500,
                "500.001.1001",
                "Unable to lock subscriber, a transaction is already in process for the current subscriber",
                Refused(RefusalClass::SubscriberBusy),
            ),
            (500, "500.001.1001", "The transaction is being processed", InProgress),
            (200, "500.001.1001", "The transaction is being processed", InProgress),
            (500, "500.001.1001", "", InProgress),
            (200, "500.001.1001", "", InProgress),
            (500, "500.001.1001", "The transaction does not Exist", NotFound),
            (500, "500.001.1001", "Something new", Unproven),
            (500, "500.002.1001", "System internal error", Unproven),
            (500, "500.003.02", "System is busy. Please try again in few minutes.", throttle(60)),
            (500, "500.003.02", "Error Occurred: Spike Arrest Violation", throttle(12)),
            (500, "500.003.03", "Quota Violation", throttle(60)),
            (500, "500.003.1001", "Internal Server Error", Unproven),
            (500, "500.003.1001", "Urls are already registered", AlreadyRegistered),
            (429, "777", "?", throttle(12)),
            (500, "777", "?", Unproven),
        ];
        for (status, code, message, meaning) in table {
            let error = WireError { code: code.into(), message: message.into(), by_gateway: false };
            assert_eq!(classify(status, &error, None), meaning, "{status} {code} {message}");
        }
    }

    #[test]
    fn gateway_faults() {
        let table = [
            (429, "policies.ratelimit.SpikeArrestViolation", "Spike arrest violation. Allowed rate : x", throttle(12)),
            (429, "policies.ratelimit.QuotaViolation", "Rate limit quota violation.", throttle(60)),
            (401, "oauth.v2.InvalidApiKeyForGivenResource", "Invalid ApiKey", Refused(RefusalClass::Configuration)),
            (401, "keymanagement.service.invalid_access_token", "Invalid Access Token", Token),
            (401, "", "Invalid API call as no apiproduct match found", Refused(RefusalClass::Configuration)),
            (504, "messaging.adaptors.http.flow.GatewayTimeout", "Gateway Timeout", Unproven),
            (502, "messaging.adaptors.http.UnexpectedEOFAtTarget", "Unexpected EOF at target", Unproven),
            (503, "", "", Unproven),
        ];
        for (status, code, message, meaning) in table {
            let error = WireError { code: code.into(), message: message.into(), by_gateway: true };
            assert_eq!(classify(status, &error, None), meaning, "{status} {code} {message}");
        }
    }

    #[test]
    fn a_retry_after_header_is_believed_within_reason() {
        let error = WireError { code: "500.003.02".into(), message: String::new(), by_gateway: false };
        assert_eq!(classify(500, &error, Some(7)), throttle(7));
        assert_eq!(classify(500, &error, Some(u64::MAX)), throttle(MAX_RETRY_SECS));
    }
}
