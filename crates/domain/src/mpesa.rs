//! The identifiers M-Pesa and Daraja use, as types that cannot be confused and do not leak into logs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Text that is not a valid identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a valid {what}")]
pub struct InvalidIdentifier {
    /// What was expected, in words for a person.
    pub what: &'static str,
}

/// `AccountReference` of an STK push: 1 to 12 of `A-Z0-9`. It is printed on the customer's phone and in
/// the M-Pesa SMS, and is the account number for paying by hand, so it is short and never personal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountReference(String);

impl AccountReference {
    /// Longest reference Daraja accepts.
    pub const MAX_LEN: usize = 12;
    /// Letters and digits that cannot be misread on a cheap phone: no `0 O 1 I L`.
    pub const ALPHABET: &'static [u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

    /// The reference as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a payer typed as account number, without everything that is no letter or digit: `wf7k-3q9x`,
    /// `WF7K 3Q9X.`. Nothing is guessed: what could be misread is not in [`ALPHABET`](Self::ALPHABET).
    #[must_use]
    pub fn from_typed(text: &str) -> Option<Self> {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().parse().ok()
    }
}

impl FromStr for AccountReference {
    type Err = InvalidIdentifier;

    /// Accepts what a person types for an account number: any case, spaces ignored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cleaned: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
        let valid = (1..=Self::MAX_LEN).contains(&cleaned.len())
            && cleaned.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if valid { Ok(Self(cleaned)) } else { Err(InvalidIdentifier { what: "account reference" }) }
    }
}

impl TryFrom<String> for AccountReference {
    type Error = InvalidIdentifier;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountReference> for String {
    fn from(reference: AccountReference) -> Self {
        reference.0
    }
}

impl fmt::Display for AccountReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An M-Pesa receipt number, such as `UKM4T8IYOU`: 8 to 12 of `A-Z0-9`. Unique over all of M-Pesa.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Receipt(String);

impl Receipt {
    /// The whole receipt, for the database and for the owner. Never for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `UKM…YOU`, for logs.
    #[must_use]
    pub fn masked(&self) -> String {
        mask(&self.0, 3, 3)
    }
}

impl FromStr for Receipt {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let receipt = text.trim().to_ascii_uppercase();
        let valid =
            (8..=12).contains(&receipt.len()) && receipt.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if valid { Ok(Self(receipt)) } else { Err(InvalidIdentifier { what: "M-Pesa receipt" }) }
    }
}

impl TryFrom<String> for Receipt {
    type Error = InvalidIdentifier;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Receipt> for String {
    fn from(receipt: Receipt) -> Self {
        receipt.0
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({})", self.masked())
    }
}

/// A Daraja request id: opaque, at most 100 visible ASCII characters.
fn parse_request_id(text: &str, what: &'static str) -> Result<String, InvalidIdentifier> {
    let valid = (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if valid { Ok(text.to_owned()) } else { Err(InvalidIdentifier { what }) }
}

/// Daraja's id of one STK push. Opaque, but it embeds the payer's number, so it counts as personal data:
/// `Debug` is masked and logs use [`masked`](Self::masked).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckoutRequestId(String);

impl CheckoutRequestId {
    /// The whole id, for Daraja and the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// First six characters and nothing of the rest, for logs.
    #[must_use]
    pub fn masked(&self) -> String {
        mask(&self.0, 6, 0)
    }
}

impl FromStr for CheckoutRequestId {
    type Err = InvalidIdentifier;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_request_id(text, "CheckoutRequestID").map(Self)
    }
}

impl TryFrom<String> for CheckoutRequestId {
    type Error = InvalidIdentifier;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CheckoutRequestId> for String {
    fn from(id: CheckoutRequestId) -> Self {
        id.0
    }
}

impl fmt::Debug for CheckoutRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckoutRequestId({})", self.masked())
    }
}

/// Daraja's second id of one STK push; carries no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MerchantRequestId(String);

impl MerchantRequestId {
    /// The id as Daraja wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MerchantRequestId {
    type Err = InvalidIdentifier;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_request_id(text, "MerchantRequestID").map(Self)
    }
}

impl TryFrom<String> for MerchantRequestId {
    type Error = InvalidIdentifier;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MerchantRequestId> for String {
    fn from(id: MerchantRequestId) -> Self {
        id.0
    }
}

/// A Daraja `ResultCode`, kept as the exact lexeme that arrived: Daraja writes numbers in callbacks,
/// strings in queries, and non-numbers such as `SFC_IC0003` in either.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResultCode(String);

/// What a result code says about the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultMeaning {
    /// Exactly `0`: the customer paid.
    Success,
    /// `4999`: the prompt is still open.
    Pending,
    /// Terminal, and known to prove that no money moved.
    NoDebit,
    /// Our own set-up is at fault (shortcode, till, passkey, prompt text): no money moved and the owner must act.
    Configuration,
    /// Known but inconclusive: the customer must not be told to pay again yet.
    Inconclusive,
    /// Never seen before: nothing may be concluded from it.
    Unknown,
}

impl ResultCode {
    /// Keeps a lexeme, cut at 32 characters so that a hostile body cannot fill the database.
    #[must_use]
    pub fn new(lexeme: &str) -> Self {
        Self(lexeme.chars().take(32).collect())
    }

    /// The lexeme as it arrived.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the code proves. Only the exact lexeme `0` is a success; `" 0"`, `"0.0"` and `"00"` are unknown.
    #[must_use]
    pub fn meaning(&self) -> ResultMeaning {
        match self.0.as_str() {
            "0" => ResultMeaning::Success,
            "4999" => ResultMeaning::Pending,
            "1" | "3" | "4" | "8" | "11" | "1019" | "1031" | "1032" | "1036" | "1037" | "2001" | "2006" | "2040"
            | "8006" => ResultMeaning::NoDebit,
            "2" | "20" | "21" | "24" | "25" | "29" | "1101" | "1102" | "2028" | "2029" | "SFC_IC0003" => {
                ResultMeaning::Configuration
            }
            "17" | "26" | "1001" | "1025" | "2026" | "9999" => ResultMeaning::Inconclusive,
            _ => ResultMeaning::Unknown,
        }
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps `head` and `tail` characters of an ASCII identifier and replaces the rest by one ellipsis.
fn mask(text: &str, head: usize, tail: usize) -> String {
    if text.len() <= head + tail {
        return "…".to_owned();
    }
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(text.chars().count() - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_short_and_plain() {
        assert_eq!("wf7k 3q9x".parse::<AccountReference>().unwrap().as_str(), "WF7K3Q9X");
        for bad in ["", "ABCDEFGHJKMNP", "WF-7", "é", "A_B", "<b>"] {
            assert!(bad.parse::<AccountReference>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn typed_references_may_have_junk_but_are_never_guessed() {
        for typed in ["WF7K3Q9X", "wf7k-3q9x", " Wf7k 3q9x. ", "WF7K_3Q9X"] {
            assert_eq!(AccountReference::from_typed(typed).unwrap().as_str(), "WF7K3Q9X", "{typed}");
        }
        for typed in ["", "--", "account WF7K3Q9X"] {
            assert_eq!(AccountReference::from_typed(typed), None, "{typed}");
        }
        assert_ne!(AccountReference::from_typed("WF7K3Q9O").unwrap().as_str(), "WF7K3Q90");
    }

    #[test]
    fn receipts_are_checked_and_masked() {
        let receipt: Receipt = " ukm4t8iyou ".parse().unwrap();
        assert_eq!(receipt.as_str(), "UKM4T8IYOU");
        assert_eq!(format!("{receipt:?}"), "Receipt(UKM…YOU)");
        for bad in ["", "SHORT", "UKM4T8IYOU123", "UKM4T8 YOU", "UKM4T8IYO'", "ＵＫＭ４Ｔ８ＩＹ"] {
            assert!(bad.parse::<Receipt>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn checkout_ids_never_show_the_number() {
        let id: CheckoutRequestId = "ws_CO_22112026083001440712345678".parse().unwrap();
        assert!(!format!("{id:?}").contains("712345678"));
        assert!("with space".parse::<CheckoutRequestId>().is_err());
        assert!("x".repeat(101).parse::<CheckoutRequestId>().is_err());
    }

    #[test]
    fn only_the_exact_zero_is_success() {
        assert_eq!(ResultCode::new("0").meaning(), ResultMeaning::Success);
        for not_zero in ["", " 0", "0 ", "0.0", "00", "-0", "false", "null", "O", "0\0"] {
            assert_eq!(ResultCode::new(not_zero).meaning(), ResultMeaning::Unknown, "{not_zero:?}");
        }
        assert_eq!(ResultCode::new("4999").meaning(), ResultMeaning::Pending);
        assert_eq!(ResultCode::new("7777").meaning(), ResultMeaning::Unknown);
        assert_eq!(ResultCode::new("SFC_IC0003").meaning(), ResultMeaning::Configuration);
    }
}
