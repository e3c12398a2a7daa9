//! Kenyan mobile numbers, in every form people type them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A Kenyan mobile number in the international form `2547XXXXXXXX` or `2541XXXXXXXX`, without `+`.
///
/// `Debug` is masked: phone numbers are personal data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Msisdn {
    /// The nine national digits, `7XXXXXXXX` or `1XXXXXXXX`.
    national: u32,
}

/// Why a text is not a Kenyan mobile number. The wording is for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMsisdn {
    /// Nothing was typed.
    #[error("Enter your M-Pesa phone number, such as 0712 345 678.")]
    Empty,
    /// A character that has no place in a phone number.
    #[error("A phone number has digits only, such as 0712 345 678.")]
    NotDigits,
    /// Too few or too many digits.
    #[error("That number is not complete. A Kenyan number has 10 digits, such as 0712 345 678.")]
    Length,
    /// The right length, but not a Kenyan mobile number.
    #[error("That is not a Kenyan mobile number. It should start with 07 or 01.")]
    NotMobile,
}

impl Msisdn {
    /// `254712345678`, as Daraja wants it.
    #[must_use]
    pub fn international(self) -> String {
        format!("254{}", self.national)
    }

    /// `0712 345 678`, as people write it.
    #[must_use]
    pub fn display(self) -> String {
        let digits = format!("0{}", self.national);
        format!("{} {} {}", &digits[..4], &digits[4..7], &digits[7..])
    }

    /// `0712***678`, for logs and for screens that others may see.
    #[must_use]
    pub fn masked(self) -> String {
        let digits = format!("0{}", self.national);
        format!("{}***{}", &digits[..4], &digits[7..])
    }

    /// Whether the prefix was Safaricom's when the table was made. Only a hint: numbers are ported and
    /// ranges are added, so it may warn but never refuse.
    #[must_use]
    pub const fn looks_like_safaricom(self) -> bool {
        matches!(
            self.national / 1_000_000,
            110..=119 | 140..=146 | 180..=189 | 700..=729 | 740..=743 | 745..=746 | 748..=749 | 757..=759 | 768..=769 | 790..=799
        )
    }
}

impl FromStr for Msisdn {
    type Err = InvalidMsisdn;

    /// Accepts `07…`, `01…`, `7…`, `1…`, `2547…`, `+2547…`, `002547…` and the common slip `25407…`, with
    /// spaces, tabs, `-`, `.`, `(` and `)` anywhere between the digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(InvalidMsisdn::Empty);
        }
        let body = trimmed.strip_prefix('+').unwrap_or(trimmed);
        let mut digits = String::with_capacity(15);
        for character in body.chars() {
            match character {
                '0'..='9' => digits.push(character),
                ' ' | '\t' | '\u{a0}' | '-' | '.' | '(' | ')' => {}
                _ => return Err(InvalidMsisdn::NotDigits),
            }
            if digits.len() > 15 {
                return Err(InvalidMsisdn::Length);
            }
        }
        let national = national_digits(&digits).ok_or(InvalidMsisdn::Length)?;
        if !(national.starts_with('7') || national.starts_with('1')) {
            return Err(InvalidMsisdn::NotMobile);
        }
        national.parse().map(|national| Self { national }).map_err(|_| InvalidMsisdn::NotDigits)
    }
}

/// The nine national digits of a number in any of its written forms.
fn national_digits(digits: &str) -> Option<&str> {
    let without_country = match digits.len() {
        9 => return Some(digits),
        10 => digits,
        12 | 13 => digits.strip_prefix("254")?,
        14 | 15 => digits.strip_prefix("00254")?,
        _ => return None,
    };
    let national = if without_country.len() == 10 { without_country.strip_prefix('0')? } else { without_country };
    (national.len() == 9).then_some(national)
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Msisdn({})", self.masked())
    }
}

impl TryFrom<String> for Msisdn {
    type Error = InvalidMsisdn;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Msisdn> for String {
    fn from(msisdn: Msisdn) -> Self {
        msisdn.international()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_every_form_people_type() {
        for text in [
            "0712345678",
            "712345678",
            "254712345678",
            "+254712345678",
            "00254712345678",
            "0712 345 678",
            "0712-345-678",
            "+254 712 345 678",
            "254 0712345678",
            "+2540712345678",
            "(0712) 345678",
            " 0712345678 ",
            "0712.345.678",
            "0712\u{a0}345\u{a0}678",
            "254 07 12 34 56 78",
        ] {
            assert_eq!(text.parse::<Msisdn>().map(Msisdn::international), Ok("254712345678".to_owned()), "{text}");
        }
        assert_eq!("0112345678".parse::<Msisdn>().unwrap().international(), "254112345678");
    }

    #[test]
    fn refuses_with_words_that_help() {
        use InvalidMsisdn::{Empty, Length, NotDigits, NotMobile};
        for (text, error) in [
            ("", Empty),
            ("   ", Empty),
            ("07123", Length),
            ("071234567890", Length),
            ("0712345678a", NotDigits),
            ("0212345678", NotMobile),
            ("0812345678", NotMobile),
            ("255712345678", Length),
            ("+1 202 555 0100", Length),
            ("٠٧١٢٣٤٥٦٧٨", NotDigits),
            ("0712345678; drop table", NotDigits),
            ("<script>", NotDigits),
            ("++254712345678", NotDigits),
            ("2547123456789012345678", Length),
            ("1234567890", Length),
        ] {
            assert_eq!(text.parse::<Msisdn>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn is_shown_and_masked() {
        let msisdn: Msisdn = "0712345678".parse().unwrap();
        assert_eq!(msisdn.display(), "0712 345 678");
        assert_eq!(format!("{msisdn:?}"), "Msisdn(0712***678)");
    }

    #[test]
    fn safaricom_is_only_a_hint() {
        for (text, safaricom) in [
            ("0712345678", true),
            ("0110345678", true),
            ("0790345678", true),
            ("0733345678", false),
            ("0100345678", false),
        ] {
            assert_eq!(text.parse::<Msisdn>().unwrap().looks_like_safaricom(), safaricom, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,32}") {
            let _ = text.parse::<Msisdn>();
        }

        #[test]
        fn display_and_international_parse_back(national in prop_oneof![700_000_000u32..800_000_000, 100_000_000u32..200_000_000]) {
            let msisdn: Msisdn = national.to_string().parse().unwrap();
            prop_assert_eq!(msisdn.display().parse::<Msisdn>(), Ok(msisdn));
            prop_assert_eq!(msisdn.international().parse::<Msisdn>(), Ok(msisdn));
        }
    }
}
