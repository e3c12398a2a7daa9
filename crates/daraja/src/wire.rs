//! Reading what Daraja writes: values that are a string in one answer and a number in the next, error
//! envelopes with any HTTP status, and bodies that are not JSON at all.

use domain::Receipt;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Deepest nesting any genuine body has is 6; more than this is refused before parsing.
const MAX_DEPTH: usize = 16;
/// Longest single value that is read; the longest genuine ones are request ids of about 45 characters.
const MAX_LEXEME: usize = 256;

/// One JSON value as Daraja wrote it: a string kept verbatim, or an integer as its digits.
///
/// `ResultCode` is a number in callbacks and a string in queries, and sometimes a word (documented and
/// observed), so it is compared as text. Floats, booleans, null, arrays and objects are not lexemes:
/// `0.0` or `false` must never pass for `0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lexeme(String);

impl Lexeme {
    pub(crate) fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let lexeme = if text.starts_with('"') { serde_json::from_str(text).ok()? } else { integer(text)?.to_owned() };
        (lexeme.len() <= MAX_LEXEME).then_some(Self(lexeme))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// `text` when it is a JSON integer: digits, perhaps after a minus sign.
fn integer(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// A money value as written: the raw digits of a JSON number, decimals and all, or the content of a string.
/// Never by way of a float.
pub(crate) fn decimal_text(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    if text.starts_with('"') {
        return serde_json::from_str(text).ok().filter(|value: &String| value.len() <= MAX_LEXEME);
    }
    let number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    (number && text.len() <= MAX_LEXEME).then(|| text.to_owned())
}

/// A receipt exactly as M-Pesa writes it: capitals and digits, and never digits alone, which would be a phone number or a
/// date in the wrong place. People may type one in small letters; M-Pesa does not.
pub(crate) fn receipt(text: &str) -> Option<Receipt> {
    let receipt: Receipt = text.parse().ok()?;
    (receipt.as_str() == text && text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(receipt)
}

/// Parses a body, refusing deep nesting first.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    if !shallow(body) {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// Whether brackets outside of strings never nest deeper than [`MAX_DEPTH`].
pub(crate) fn shallow(body: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in body {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    true
}

/// For `#[serde(deserialize_with)]`: a lexeme, or `None` when the value is absent or not a lexeme.
pub(crate) fn lexeme<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Lexeme>, D::Error> {
    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    Ok(raw.and_then(Lexeme::read))
}

/// The error every Daraja answer may carry, whatever its HTTP status (documented).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireError {
    /// `errorCode`, or the `errorcode` of an Apigee `fault`.
    pub(crate) code: String,
    /// `errorMessage` or `faultstring`, at most 200 characters.
    pub(crate) message: String,
    /// Whether the gateway (`fault`) said it rather than the API behind it.
    pub(crate) by_gateway: bool,
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(rename = "errorCode", default, deserialize_with = "lexeme")]
    code: Option<Lexeme>,
    #[serde(rename = "errorMessage", borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    fault: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Fault<'a> {
    #[serde(borrow)]
    faultstring: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct FaultDetail {
    #[serde(default, deserialize_with = "lexeme")]
    errorcode: Option<Lexeme>,
}

impl WireError {
    /// The error in a body, if there is one: `fault` first, then `errorCode`, even with HTTP 200.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let parsed: ErrorBody<'_> = parse(body)?;
        if let Some(fault) = parsed.fault {
            let fault: Option<Fault<'_>> = serde_json::from_str(fault.get()).ok();
            let message = fault.as_ref().and_then(|fault| fault.faultstring);
            let detail = fault.as_ref().and_then(|fault| fault.detail);
            let detail: Option<FaultDetail> = detail.and_then(|detail| serde_json::from_str(detail.get()).ok());
            let code = detail.and_then(|detail| detail.errorcode).map(Lexeme::into_string).unwrap_or_default();
            return Some(Self { code, message: sentence(message), by_gateway: true });
        }
        let code = parsed.code?.into_string();
        Some(Self { code, message: sentence(parsed.message), by_gateway: false })
    }

    /// Whether the message contains `words`, which must be lower-case.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.message.to_ascii_lowercase().contains(words)
    }
}

/// A human sentence out of a JSON value: at most 200 characters, control characters dropped.
pub(crate) fn sentence(raw: Option<&RawValue>) -> String {
    let text: String = raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    capped(&text, 200)
}

/// The first `max` characters, without control characters.
pub(crate) fn capped(text: &str, max: usize) -> String {
    text.chars().filter(|character| !character.is_control()).take(max).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Option<String> {
        let raw: Box<RawValue> = serde_json::from_str(json).ok()?;
        Lexeme::read(&raw).map(Lexeme::into_string)
    }

    #[test]
    fn strings_and_integers_are_kept_verbatim() {
        for (json, lexeme) in [
            ("0", "0"),
            ("\"0\"", "0"),
            (" 0 ", "0"),
            ("\" 0\"", " 0"),
            ("1032", "1032"),
            ("-1", "-1"),
            ("-0", "-0"),
            ("\"SFC_IC0003\"", "SFC_IC0003"),
            ("20261122083018", "20261122083018"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("\"0.0\"", "0.0"),
            ("\"\"", ""),
        ] {
            assert_eq!(read(json).as_deref(), Some(lexeme), "{json}");
        }
    }

    #[test]
    fn everything_else_is_unreadable() {
        for json in ["0.0", "1e3", "0e0", "-0.0", "true", "false", "null", "{}", "[]", "[0]", "{\"a\":0}", "00", "+1"] {
            assert_eq!(read(json), None, "{json}");
        }
        assert_eq!(read(&format!("\"{}\"", "x".repeat(257))), None);
    }

    #[test]
    fn a_receipt_is_exactly_one() {
        assert_eq!(receipt("UKM4T8IYOU").unwrap().as_str(), "UKM4T8IYOU");
        for text in
            ["", "ukm4t8iyou", "Infinity", " UKM4T8IYOU", "UKM4T8IYOU\n", "254712345678", "20261122", "UKM4T8IYOU123"]
        {
            assert_eq!(receipt(text), None, "{text:?}");
        }
    }

    #[test]
    fn errors_are_found_wherever_they_are() {
        let error =
            WireError::read(br#"{"requestId":"1","errorCode":"400.002.02","errorMessage":"Bad Request"}"#).unwrap();
        assert_eq!(
            (error.code.as_str(), error.message.as_str(), error.by_gateway),
            ("400.002.02", "Bad Request", false)
        );
        let fault = WireError::read(
            br#"{"fault":{"faultstring":"Spike arrest violation.","detail":{"errorcode":"policies.ratelimit.SpikeArrestViolation"}}}"#,
        )
        .unwrap();
        assert!(fault.by_gateway && fault.code.ends_with("SpikeArrestViolation"));
        let bare = WireError::read(br#"{"fault":"down"}"#).unwrap();
        assert_eq!((bare.code.as_str(), bare.by_gateway), ("", true));
        for none in
            ["", "<html>", "{}", "[]", "null", r#"{"ResultCode":"0"}"#, r#"{"errorCode":null}"#, r#"{"errorCode":1.5}"#]
        {
            assert_eq!(WireError::read(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn deep_bodies_are_refused_and_brackets_in_strings_do_not_count() {
        assert!(!shallow("[".repeat(100_000).as_bytes()));
        assert!(shallow(format!("{{\"a\":\"{}\"}}", "[".repeat(100)).as_bytes()));
        assert!(shallow(br#"{"a":"\"[[[[[[[[[[[[[[[[[[[[["}"#));
        assert!(shallow(&b"[]".repeat(1_000)));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = WireError::read(&bytes);
            let _ = shallow(&bytes);
        }

        #[test]
        fn any_string_survives(text in "\\PC{0,60}") {
            prop_assert_eq!(read(&serde_json::to_string(&text).unwrap()), Some(text));
        }

        #[test]
        fn a_number_is_a_lexeme_exactly_when_it_is_an_integer(number in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?") {
            let is_integer = !number.contains(['.', 'e', 'E']);
            prop_assert_eq!(read(&number).is_some(), is_integer);
        }
    }
}
