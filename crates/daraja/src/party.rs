//! A party to a transaction as M-Pesa prints it: `254712345678 - JANE DOE`, `600984 - BANDO WIFI`.

use std::fmt;

use crate::{payer::PayerNumber, wire};

/// Who paid or was paid. Personal data; `Debug` shows only what kind of number there is.
#[derive(Clone, PartialEq, Eq)]
pub struct Party {
    /// The phone number, when the party is a person: plain, masked or hashed.
    pub number: Option<PayerNumber>,
    /// The name, when there is one.
    pub name: Option<String>,
    /// The whole text, at most 120 characters.
    pub text: String,
}

impl Party {
    /// Reads `number - name`; what is neither stays in [`text`](Self::text).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = wire::capped(text, 120);
        let (first, rest) = text.split_once(" - ").map_or((text.as_str(), ""), |(first, rest)| (first, rest));
        let number = PayerNumber::parse(first);
        let name = Some(rest.trim()).filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        Self { number, name, text }
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").field("number", &self.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_told_apart() {
        for (text, has_number, name) in [
            ("254712345678 - JANE DOE", true, Some("JANE DOE")),
            ("2547*****678 - JANE - ANN", true, Some("JANE - ANN")),
            ("254712345678", true, None),
            ("254712345678 - ", true, None),
            ("600984 - BANDO WIFI", false, Some("BANDO WIFI")),
            ("JANE DOE", false, None),
            ("", false, None),
        ] {
            let party = Party::parse(text);
            assert_eq!((party.number.is_some(), party.name.as_deref()), (has_number, name), "{text}");
        }
        let party = Party::parse("254712345678 - JANE DOE");
        assert_eq!(party.text, "254712345678 - JANE DOE");
        assert!(!format!("{party:?}").contains("JANE"));
    }
}
