//! What a push says it is for.

/// `TransactionDesc`: 1 to 13 letters, digits and spaces (documented length; the alphabet is our decision).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionDesc(String);

impl TransactionDesc {
    /// Longest description Daraja accepts.
    pub const MAX_LEN: usize = 13;

    /// Fits any text: keeps ASCII letters, digits and single spaces, and cuts at 13. `Payment` when nothing is left.
    #[must_use]
    pub fn fitted(text: &str) -> Self {
        let mut fitted = String::with_capacity(Self::MAX_LEN);
        for character in text.chars() {
            if fitted.len() == Self::MAX_LEN {
                break;
            }
            if character.is_ascii_alphanumeric() {
                fitted.push(character);
            } else if !fitted.is_empty() && !fitted.ends_with(' ') {
                fitted.push(' ');
            }
        }
        fitted.truncate(fitted.trim_end().len());
        if fitted.is_empty() { Self("Payment".to_owned()) } else { Self(fitted) }
    }

    /// The description as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_fitted() {
        for (text, fitted) in [
            ("WiFi 1 hour", "WiFi 1 hour"),
            ("  1  hour – unlimited ", "1 hour unlimi"),
            ("Hour+Data+Speed", "Hour Data Spe"),
            ("twelve chars x", "twelve chars"),
            ("", "Payment"),
            ("…", "Payment"),
        ] {
            assert_eq!(TransactionDesc::fitted(text).as_str(), fitted, "{text:?}");
        }
    }
}
