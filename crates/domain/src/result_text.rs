//! What the customer is told when M-Pesa says no: one short text per result code and per refusal, and
//! whether pressing Pay again is safe.
//!
//! The table follows Safaricom's documents and what was observed. M-Pesa's own `ResultDesc` is never shown: it differs between
//! callback and query for the same code, and is written for programmers (observed).

use crate::mpesa::{ResultCode, ResultMeaning};

/// Whether the customer may press Pay again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// At once: it is proved that no money moved.
    Now,
    /// After this many seconds.
    After {
        /// Seconds to wait, from the moment the result is known.
        secs: u32,
    },
    /// At once, but only with another phone number.
    OtherNumber,
    /// Not now: waiting, a person, or M-Pesa has to change something first.
    No,
}

/// What to show the customer, and what to do beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CustomerText {
    /// Plain words: what happened and what to do next.
    pub message: &'static str,
    /// Whether the customer may pay again.
    pub retry: Retry,
    /// Whether the owner has to hear of it, because only the owner can put it right.
    pub alert_owner: bool,
}

impl CustomerText {
    /// Whether a Pay button belongs beside the text, perhaps after [`retry_after_secs`](Self::retry_after_secs).
    #[must_use]
    pub const fn can_retry(&self) -> bool {
        matches!(self.retry, Retry::Now | Retry::After { .. } | Retry::OtherNumber)
    }

    /// Seconds the Pay button stays closed; `None` when it is open at once, or not offered at all.
    #[must_use]
    pub const fn retry_after_secs(&self) -> Option<u32> {
        match self.retry {
            Retry::After { secs } => Some(secs),
            Retry::Now | Retry::OtherNumber | Retry::No => None,
        }
    }
}

/// Why Daraja refused an STK push before processing it, so that provably no prompt was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RefusalClass {
    /// `400.002.02`: one field was not accepted (documented).
    BadField {
        /// Daraja's name of the field, such as `PhoneNumber`; empty when it named none.
        field: String,
    },
    /// Keys, passkey, shortcode, product approval or address are wrong: the owner must act (documented).
    Configuration,
    /// Another M-Pesa request is open on that phone (documented; wait at least a minute).
    SubscriberBusy,
    /// Too many requests; refused before processing (documented `500.003.02/03`, observed 429).
    Throttled {
        /// Seconds after which it is worth trying again.
        retry_after_secs: u64,
    },
    /// No connection to Safaricom could be made, or no access token could be had, so nothing was sent.
    Unreachable,
}

impl RefusalClass {
    /// The word for logs, metrics and the database.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::BadField { .. } => "bad_field",
            Self::Configuration => "configuration",
            Self::SubscriberBusy => "subscriber_busy",
            Self::Throttled { .. } => "throttled",
            Self::Unreachable => "unreachable",
        }
    }
}

const SETUP: &str = "We hit a setup problem. Please try again later or contact support.";
const ACCOUNT: &str = "Your M-Pesa account cannot pay right now. Call Safaricom on 100.";
const CANCELLED: &str = "Payment cancelled. Tap Pay to try again.";
const NO_PROMPT: &str = "We could not send the prompt to your phone. Please try again in a minute.";
const CONFIRMING: &str = "We are confirming your payment. Do not pay again yet; check your M-Pesa SMS.";

/// The text for an STK result code, from a callback or a query.
///
/// Codes match by their exact lexeme. A code nobody knows reads as "still confirming": it proves nothing,
/// so the customer must not be invited to pay twice.
#[must_use]
pub fn for_result(code: &ResultCode) -> CustomerText {
    let (message, retry, alert_owner) = match code.as_str() {
        "0" => ("Payment received. Thank you.", Retry::No, false),
        "1" => ("Your M-Pesa balance is too low. Top up or choose a smaller package.", Retry::Now, false),
        "2" => ("We could not start this payment. Please choose another package.", Retry::No, true),
        "3" => ("This amount is above the M-Pesa limit.", Retry::No, false),
        "4" => {
            ("You have reached your M-Pesa daily limit. Try tomorrow or use another number.", Retry::OtherNumber, false)
        }
        "8" => ("We cannot receive payments right now. Please contact support.", Retry::No, true),
        "11" | "2006" => (ACCOUNT, Retry::No, false),
        "17" => (
            "Please wait 2 minutes before paying the same amount again. If you got an M-Pesa SMS, do not pay again.",
            Retry::After { secs: 120 },
            false,
        ),
        "20" | "21" | "24" | "25" | "29" | "1101" | "1102" | "2028" | "2029" | "SFC_IC0003" => (SETUP, Retry::No, true),
        "26" => (
            "M-Pesa is busy. Wait a minute. If you got an M-Pesa SMS, do not pay again.",
            Retry::After { secs: 60 },
            false,
        ),
        "1001" => (
            "You have another M-Pesa request open. Finish or close it, then try again in a minute.",
            Retry::After { secs: 60 },
            false,
        ),
        "1019" => ("The request expired. Try again and enter your PIN when asked.", Retry::Now, false),
        "1025" | "9999" => (NO_PROMPT, Retry::After { secs: 60 }, true),
        "1031" | "1032" => (CANCELLED, Retry::Now, false),
        "1036" => ("We could not reach your phone. Check your signal and try again.", Retry::Now, false),
        "1037" => (
            "No response from your phone. Unlock it and try again. If no prompt appears, dial *234# to update your M-Pesa menu.",
            Retry::Now,
            false,
        ),
        "2001" => ("Wrong M-Pesa PIN. Please try again. Three wrong PINs lock your M-Pesa.", Retry::Now, false),
        "2026" => ("Something timed out. Please wait a minute and try again.", Retry::After { secs: 60 }, false),
        "2040" => ("This number is not registered for M-Pesa. Please use another number.", Retry::OtherNumber, false),
        "4999" => ("Check your phone and enter your M-Pesa PIN.", Retry::No, false),
        "8006" => ("Your M-Pesa PIN is locked. Call Safaricom on 100 or 200.", Retry::No, false),
        _ => (CONFIRMING, Retry::No, false),
    };
    CustomerText { message, retry, alert_owner }
}

/// The same outcome in words for the owner, who sees it beside the payment: what happened, and what only the
/// owner can do. The code stays out of it; support can find it in the evidence.
#[must_use]
pub fn for_owner(code: &ResultCode) -> &'static str {
    match code.as_str() {
        "1" => "Not paid: the customer's M-Pesa balance was too low.",
        "2" | "3" | "4" => "Not paid: the amount is outside an M-Pesa limit of the customer.",
        "8" => "Not paid: your M-Pesa account is full. Move money out of it.",
        "11" | "2006" => "Not paid: the customer's M-Pesa account cannot pay.",
        "1019" => "Not paid: the customer did not answer in time.",
        "1031" | "1032" => "Not paid: the customer cancelled.",
        "1036" | "1037" => "Not paid: the customer's phone did not answer.",
        "2001" => "Not paid: the customer typed a wrong PIN.",
        "2040" => "Not paid: the number is not registered for M-Pesa.",
        "8006" => "Not paid: the customer's M-Pesa PIN is locked.",
        "20" | "21" | "24" | "25" | "29" | "1101" | "1102" | "2028" | "2029" | "SFC_IC0003" => {
            "Not paid: M-Pesa refuses your set-up. Check the shortcode, till and transaction type."
        }
        _ => "Not paid.",
    }
}

/// The text for a push that Daraja refused before processing. No prompt was sent, so paying
/// again never pays twice.
#[must_use]
pub fn for_refusal(class: &RefusalClass) -> CustomerText {
    let (message, retry, alert_owner) = match class {
        RefusalClass::BadField { field } if field == "PhoneNumber" || field == "PartyA" => {
            ("M-Pesa did not accept this phone number. Check it, or use another one.", Retry::OtherNumber, false)
        }
        RefusalClass::BadField { .. } | RefusalClass::Configuration => (SETUP, Retry::No, true),
        RefusalClass::SubscriberBusy => (
            "You have another M-Pesa request open. Finish or close it, then try again in a minute.",
            Retry::After { secs: 60 },
            false,
        ),
        RefusalClass::Throttled { retry_after_secs } => (
            "Many people are paying right now. Please try again in a moment.",
            Retry::After { secs: u32::try_from(*retry_after_secs).unwrap_or(u32::MAX).clamp(5, 300) },
            false,
        ),
        RefusalClass::Unreachable => {
            ("We cannot reach M-Pesa right now. Please try again in a minute.", Retry::After { secs: 30 }, false)
        }
    };
    CustomerText { message, retry, alert_owner }
}

/// The text while it is not known whether a prompt was sent: the answer to the push was lost.
#[must_use]
pub const fn for_lost_answer() -> CustomerText {
    CustomerText {
        message: "If a prompt appears on your phone, enter your M-Pesa PIN. Do not pay again yet; we are checking.",
        retry: Retry::No,
        alert_owner: false,
    }
}

/// Whether Daraja's code and its words say opposite things about the money. The words are no contract, so only a
/// plain contradiction counts: success by code with words of failure, or the other way round.
#[must_use]
pub fn contradicts(code: &ResultCode, desc: &str) -> bool {
    let desc = desc.to_ascii_lowercase();
    let says_failed =
        ["cancel", "insufficient", "declined", "failed", "timeout", "timed out", "expired", "unable", "not "]
            .iter()
            .any(|word| desc.contains(word));
    let says_paid = desc.contains("processed successfully") || desc.contains("completed successfully");
    match code.meaning() {
        ResultMeaning::Success => says_failed && !says_paid,
        ResultMeaning::NoDebit | ResultMeaning::Configuration => says_paid && !says_failed,
        ResultMeaning::Pending | ResultMeaning::Inconclusive | ResultMeaning::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Retry::*, *};

    #[test]
    fn only_a_plain_contradiction_counts() {
        let contradicts = |code, desc| contradicts(&ResultCode::new(code), desc);
        assert!(contradicts("0", "Request cancelled by user"));
        assert!(contradicts("0", "The balance is insufficient for the transaction."));
        assert!(contradicts("1032", "The service request is processed successfully."));
        assert!(!contradicts("0", "The service request is processed successfully."));
        assert!(!contradicts("0", ""));
        assert!(!contradicts("1032", "Request cancelled by user"));
        assert!(!contradicts("1037", "DS timeout user cannot be reached"));
        assert!(!contradicts("7777", "The service request is processed successfully."));
    }

    #[test]
    fn the_owner_is_told_why_for_every_code_that_ends_a_payment() {
        for (code, ..) in TABLE {
            let code = ResultCode::new(code);
            let ends = matches!(code.meaning(), ResultMeaning::NoDebit | ResultMeaning::Configuration);
            assert_eq!(for_owner(&code) != "Not paid.", ends, "{code}");
        }
    }

    /// Every code of the table: retry, alert, and a word its text must contain.
    const TABLE: &[(&str, Retry, bool, &str)] = &[
        ("0", No, false, "received"),
        ("1", Now, false, "balance is too low"),
        ("2", No, true, "another package"),
        ("3", No, false, "above the M-Pesa limit"),
        ("4", OtherNumber, false, "daily limit"),
        ("8", No, true, "cannot receive"),
        ("11", No, false, "Safaricom on 100"),
        ("17", After { secs: 120 }, false, "2 minutes"),
        ("20", No, true, "setup problem"),
        ("21", No, true, "setup problem"),
        ("24", No, true, "setup problem"),
        ("25", No, true, "setup problem"),
        ("29", No, true, "setup problem"),
        ("26", After { secs: 60 }, false, "busy"),
        ("1001", After { secs: 60 }, false, "another M-Pesa request"),
        ("1019", Now, false, "expired"),
        ("1025", After { secs: 60 }, true, "could not send the prompt"),
        ("1031", Now, false, "cancelled"),
        ("1032", Now, false, "cancelled"),
        ("1036", Now, false, "could not reach"),
        ("1037", Now, false, "*234#"),
        ("1101", No, true, "setup problem"),
        ("1102", No, true, "setup problem"),
        ("2001", Now, false, "Wrong M-Pesa PIN"),
        ("2006", No, false, "Safaricom on 100"),
        ("2026", After { secs: 60 }, false, "timed out"),
        ("2028", No, true, "setup problem"),
        ("2029", No, true, "setup problem"),
        ("2040", OtherNumber, false, "not registered"),
        ("4999", No, false, "enter your M-Pesa PIN"),
        ("8006", No, false, "locked"),
        ("9999", After { secs: 60 }, true, "could not send the prompt"),
        ("SFC_IC0003", No, true, "setup problem"),
        ("7777", No, false, "Do not pay again"),
        (" 0", No, false, "Do not pay again"),
        ("", No, false, "Do not pay again"),
    ];

    #[test]
    fn every_code_has_its_words() {
        for &(code, retry, alert_owner, words) in TABLE {
            let text = for_result(&ResultCode::new(code));
            assert_eq!((text.retry, text.alert_owner), (retry, alert_owner), "{code:?}");
            assert!(text.message.contains(words), "{code:?}: {}", text.message);
        }
    }

    /// An open Pay button without a wait is only for codes that prove no money moved.
    #[test]
    fn paying_again_at_once_is_offered_only_when_no_money_moved() {
        for &(code, retry, ..) in TABLE {
            if matches!(retry, Now | OtherNumber) {
                assert_eq!(ResultCode::new(code).meaning(), ResultMeaning::NoDebit, "{code:?}");
            }
        }
    }

    #[test]
    fn known_codes_never_read_as_unknown() {
        for &(code, ..) in TABLE {
            let code = ResultCode::new(code);
            let known = code.meaning() != ResultMeaning::Unknown;
            assert_eq!(known, for_result(&code).message != CONFIRMING, "{code:?}");
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let field = |field: &str| RefusalClass::BadField { field: field.to_owned() };
        for (class, retry, alert) in [
            (field("PhoneNumber"), OtherNumber, false),
            (field("PartyA"), OtherNumber, false),
            (field("CallBackURL"), No, true),
            (field(""), No, true),
            (RefusalClass::Configuration, No, true),
            (RefusalClass::SubscriberBusy, After { secs: 60 }, false),
            (RefusalClass::Throttled { retry_after_secs: 12 }, After { secs: 12 }, false),
            (RefusalClass::Throttled { retry_after_secs: 0 }, After { secs: 5 }, false),
            (RefusalClass::Throttled { retry_after_secs: u64::MAX }, After { secs: 300 }, false),
            (RefusalClass::Unreachable, After { secs: 30 }, false),
        ] {
            let text = for_refusal(&class);
            assert_eq!((text.retry, text.alert_owner), (retry, alert), "{class:?}");
        }
        assert!(!for_lost_answer().can_retry());
        assert_eq!(for_result(&ResultCode::new("17")).retry_after_secs(), Some(120));
        assert!(for_result(&ResultCode::new("17")).can_retry());
    }
}
