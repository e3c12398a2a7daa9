//! Kenyan shillings. M-Pesa moves whole shillings only, so money is an integer everywhere.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An amount M-Pesa can move in one transaction: whole shillings, 1 to 250,000
/// (documented by Safaricom).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Kes(u32);

/// The amount is not one M-Pesa can move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKes {
    /// Not a whole number of shillings.
    #[error("the amount must be whole shillings, such as 20")]
    NotWhole,
    /// Below 1 or above 250,000.
    #[error("the amount must be between KES 1 and KES 250,000")]
    OutOfRange,
}

impl Kes {
    /// The smallest amount M-Pesa accepts.
    pub const MIN: Self = Self(1);
    /// The largest amount M-Pesa accepts in one transaction.
    pub const MAX: Self = Self(250_000);

    /// Checks the range.
    ///
    /// # Errors
    /// [`InvalidKes::OutOfRange`] below 1 or above 250,000.
    pub const fn new(shillings: u32) -> Result<Self, InvalidKes> {
        if shillings < Self::MIN.0 || shillings > Self::MAX.0 {
            return Err(InvalidKes::OutOfRange);
        }
        Ok(Self(shillings))
    }

    /// Whole shillings.
    #[must_use]
    pub const fn shillings(self) -> u32 {
        self.0
    }

    /// Reads the decimal forms M-Pesa writes: `20`, `20.0`, `20.00`. Exactly integral only: anything
    /// with cents, an exponent, a sign or a separator is refused rather than rounded.
    ///
    /// # Errors
    /// [`InvalidKes`] naming what is wrong.
    pub fn parse_decimal(text: &str) -> Result<Self, InvalidKes> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || fraction.len() > 6 || (text.contains('.') && fraction.is_empty()) {
            return Err(InvalidKes::NotWhole);
        }
        if fraction.bytes().any(|byte| byte != b'0') {
            return Err(InvalidKes::NotWhole);
        }
        let shillings = whole.parse().map_err(|_| InvalidKes::OutOfRange)?;
        Self::new(shillings)
    }
}

impl fmt::Display for Kes {
    /// `KES 1,500`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1000 {
            write!(f, "KES {},{:03}", self.0 / 1000, self.0 % 1000)
        } else {
            write!(f, "KES {}", self.0)
        }
    }
}

impl FromStr for Kes {
    type Err = InvalidKes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_decimal(text.trim())
    }
}

impl TryFrom<u32> for Kes {
    type Error = InvalidKes;

    fn try_from(shillings: u32) -> Result<Self, Self::Error> {
        Self::new(shillings)
    }
}

impl From<Kes> for u32 {
    fn from(kes: Kes) -> Self {
        kes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_forms_mpesa_writes() {
        for (text, shillings) in [("20", 20), ("20.0", 20), ("20.00", 20), ("1", 1), ("250000.00", 250_000)] {
            assert_eq!(Kes::parse_decimal(text).map(Kes::shillings), Ok(shillings), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            ".",
            "20.",
            ".5",
            "20.50",
            "20.01",
            "-20",
            "+20",
            "2e1",
            "1e308",
            "NaN",
            "inf",
            "20,000",
            " 20",
            "0",
            "0.00",
            "250001",
            "99999999999999999999",
            "20.0000000",
            "٢٠",
            "0x14",
            "20 ",
            "1.000.000",
        ] {
            assert!(Kes::parse_decimal(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn is_shown_with_a_thousands_separator() {
        assert_eq!(Kes(20).to_string(), "KES 20");
        assert_eq!(Kes(1_000).to_string(), "KES 1,000");
        assert_eq!(Kes(250_000).to_string(), "KES 250,000");
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents_money(text in ".{0,24}") {
            if let Ok(kes) = Kes::parse_decimal(&text) {
                let whole = text.split('.').next().unwrap_or_default();
                prop_assert_eq!(whole.parse::<u32>(), Ok(kes.shillings()));
            }
        }

        #[test]
        fn round_trips(shillings in 1u32..=250_000) {
            prop_assert_eq!(Kes::parse_decimal(&format!("{shillings}.00")), Kes::new(shillings));
        }
    }
}
