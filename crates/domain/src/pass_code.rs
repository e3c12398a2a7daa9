//! The short code of a pass: what a customer reads out, or types on another device.

use std::{fmt, str::FromStr};

use crate::AccountReference;

/// Twelve characters without look-alikes (59 bits), shown as `ABCD-EFGH-JKMN`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PassCode(String);

/// The text is not the code of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pass looks like ABCD-EFGH-JKMN")]
pub struct InvalidPassCode;

impl PassCode {
    /// Characters of a code.
    pub const LENGTH: usize = 12;

    /// Writes bytes as a code, five bits and a little of each at a time. More than eight bytes are of no use.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        let mut rest = u64::from_be_bytes(bytes);
        let mut code = String::with_capacity(Self::LENGTH);
        let letters = AccountReference::ALPHABET;
        let count = u64::try_from(letters.len()).unwrap_or(1);
        for _ in 0..Self::LENGTH {
            let letter = usize::try_from(rest % count).ok().and_then(|index| letters.get(index));
            code.push(char::from(*letter.unwrap_or(&b'2')));
            rest /= count;
        }
        Self(code)
    }

    /// The characters alone, as they are hashed.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.0
    }
}

impl FromStr for PassCode {
    type Err = InvalidPassCode;

    /// As people type it: capital or small letters, with or without dashes and spaces. Nothing is guessed: what
    /// could be misread is not in the alphabet.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 40 || !text.is_ascii() {
            return Err(InvalidPassCode);
        }
        let code: String =
            text.chars().filter(|c| !matches!(c, '-' | ' ' | '.')).map(|c| c.to_ascii_uppercase()).collect();
        let is_code = code.len() == Self::LENGTH && code.bytes().all(|b| AccountReference::ALPHABET.contains(&b));
        if is_code { Ok(Self(code)) } else { Err(InvalidPassCode) }
    }
}

impl fmt::Display for PassCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.0.split_at(4);
        let (second, third) = rest.split_at(4);
        write!(f, "{first}-{second}-{third}")
    }
}

impl fmt::Debug for PassCode {
    /// A code is a key: logs never have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_read_as_people_type_it() {
        for text in ["ABCD-EFGH-JKMN", "abcdefghjkmn", " abcd efgh jkmn ", "ABCD.EFGH.JKMN"] {
            assert_eq!(text.parse::<PassCode>().unwrap().to_string(), "ABCD-EFGH-JKMN", "{text}");
        }
        for text in ["", "ABCD-EFGH-JKM", "ABCD-EFGH-JKMN-P", "ABCD-EFGH-JKM0", "ABCD-EFGH-JKMO", "ÄBCD-EFGH-JKMN"] {
            assert_eq!(text.parse::<PassCode>(), Err(InvalidPassCode), "{text}");
        }
        assert_eq!(format!("{:?}", PassCode::from_bytes([7; 8])), "PassCode(…)");
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,48}") {
            let _ = text.parse::<PassCode>();
        }

        #[test]
        fn display_parses_back(bytes: [u8; 8]) {
            let code = PassCode::from_bytes(bytes);
            prop_assert_eq!(code.to_string().parse::<PassCode>(), Ok(code));
        }

        #[test]
        fn different_bytes_give_different_codes(one in 0u64..1 << 59, other in 0u64..1 << 59) {
            let code = |number: u64| PassCode::from_bytes(number.to_be_bytes());
            prop_assert_eq!(one == other, code(one) == code(other));
        }
    }
}
