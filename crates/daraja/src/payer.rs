//! The payer's number as M-Pesa shows it: plain, masked, or hashed. All three appear on
//! either C2B version, so all three are read everywhere.

use std::fmt;

use domain::Msisdn;
use sha2::{Digest, Sha256};

/// A payer's number in whatever form it came. It can be compared with a number we already hold; a masked or
/// hashed one is never turned back into a number.
#[derive(Clone, PartialEq, Eq)]
pub enum PayerNumber {
    /// `254712345678`, or another plain form.
    Plain(Msisdn),
    /// `2547*****678` and the like: what is left before and after the asterisks (observed).
    Masked {
        /// Digits before the first asterisk, in international form.
        prefix: String,
        /// Digits after the last asterisk.
        suffix: String,
    },
    /// SHA-256 of the international form (observed).
    Hashed([u8; 32]),
}

impl PayerNumber {
    /// Reads any of the three forms; `None` when the text is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).take(80).collect();
        if compact.len() == 64 {
            let bytes = hex::decode(&compact).ok()?;
            return bytes.try_into().ok().map(Self::Hashed);
        }
        if let (Some(first), Some(last)) = (compact.find('*'), compact.rfind('*')) {
            return masked(compact.get(..first)?, compact.get(first..=last)?, compact.get(last + 1..)?);
        }
        compact.parse().ok().map(Self::Plain)
    }

    /// Whether this may be the number of `msisdn`. For a masked number it means "nothing speaks against it".
    #[must_use]
    pub fn could_be(&self, msisdn: &Msisdn) -> bool {
        match self {
            Self::Plain(plain) => plain == msisdn,
            Self::Masked { prefix, suffix } => {
                let number = msisdn.international();
                number.starts_with(prefix) && number.ends_with(suffix)
            }
            Self::Hashed(hash) => Sha256::digest(msisdn.international())[..] == hash[..],
        }
    }
}

/// At least three digits must be left at the end and one in front, or everybody would match.
fn masked(prefix: &str, stars: &str, suffix: &str) -> Option<PayerNumber> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = prefix.strip_prefix('+').unwrap_or(prefix);
    let hidden = stars.bytes().all(|byte| byte == b'*');
    if !hidden || !digits(prefix) || !digits(suffix) || prefix.is_empty() || suffix.len() < 3 {
        return None;
    }
    let prefix = prefix.strip_prefix('0').map_or_else(|| prefix.to_owned(), |national| format!("254{national}"));
    (prefix.len() + suffix.len() <= 12).then(|| PayerNumber::Masked { prefix, suffix: suffix.to_owned() })
}

impl fmt::Debug for PayerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(msisdn) => write!(f, "Plain({})", msisdn.masked()),
            Self::Masked { .. } => f.write_str("Masked"),
            Self::Hashed(_) => f.write_str("Hashed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HASH: &str = "7132104d6aae9c3fac82095a42c2817952bca48e09d98d5bf4ac08218982fb90";

    #[test]
    fn each_form_matches_its_number_and_no_other() {
        let other: Msisdn = "0799999999".parse().unwrap();
        for (text, phone) in [
            ("254712345678", "0712345678"),
            ("0712345678", "0712345678"),
            ("2547*****678", "0712345678"),
            ("2547 ***** 126", "0712345126"),
            ("25470****149", "0701234149"),
            ("0712***678", "0712345678"),
            (HASH, "0712345678"),
            (&HASH.to_ascii_uppercase(), "0712345678"),
        ] {
            let payer = PayerNumber::parse(text).unwrap();
            assert!(payer.could_be(&phone.parse().unwrap()), "{text}");
            assert!(!payer.could_be(&other), "{text}");
        }
    }

    #[test]
    fn what_says_too_little_is_not_a_number() {
        for text in [
            "",
            "*",
            "************",
            "2547********",
            "********678",
            "25*x**678",
            "2547**5**678",
            "254712345*45678",
            "Jane",
        ] {
            assert_eq!(PayerNumber::parse(text), None, "{text}");
        }
        assert_eq!(PayerNumber::parse(&"z".repeat(64)), None);
    }

    #[test]
    fn debug_is_masked() {
        assert_eq!(format!("{:?}", PayerNumber::parse("254712345678").unwrap()), "Plain(0712***678)");
        assert_eq!(format!("{:?}", PayerNumber::parse("25471234*678").unwrap()), "Masked");
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}", stars in "[0-9*+ é]{0,20}") {
            let _ = PayerNumber::parse(&text);
            let _ = PayerNumber::parse(&stars);
        }

        #[test]
        fn the_hash_of_a_number_matches_it(national in 700_000_000u32..800_000_000) {
            let msisdn: Msisdn = national.to_string().parse().unwrap();
            let hash = hex::encode(Sha256::digest(msisdn.international()));
            prop_assert!(PayerNumber::parse(&hash).unwrap().could_be(&msisdn));
        }
    }
}
