//! Device hardware addresses.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A device's MAC address. Written `A4:CF:12:00:00:01`, upper case with colons: the form RouterOS stores,
/// compares and uses as the hotspot user's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddr([u8; 6]);

/// The text is not the address of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMac {
    /// Not six pairs of hexadecimal digits.
    #[error("A device address looks like A4:CF:12:00:00:01.")]
    Form,
    /// All zeros, broadcast or multicast: no single device has it.
    #[error("That address does not belong to a single device.")]
    NotADevice,
}

impl MacAddr {
    /// Checks that the bytes name one device.
    ///
    /// # Errors
    /// [`InvalidMac::NotADevice`] for zero, broadcast and multicast addresses.
    pub fn from_bytes(bytes: [u8; 6]) -> Result<Self, InvalidMac> {
        if bytes == [0; 6] || bytes[0] & 1 == 1 {
            return Err(InvalidMac::NotADevice);
        }
        Ok(Self(bytes))
    }

    /// The six bytes, as stored in `BINARY(6)`.
    #[must_use]
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Whether the locally-administered bit is set: a randomised ("private") address that the phone may
    /// change, so paid time may have to be moved to a new one.
    #[must_use]
    pub const fn is_locally_administered(self) -> bool {
        self.0[0] & 0b10 != 0
    }

    /// `A4:CF:12:…:01`, for logs.
    #[must_use]
    pub fn masked(self) -> String {
        let [a, b, c, .., last] = self.0;
        format!("{a:02X}:{b:02X}:{c:02X}:…:{last:02X}")
    }
}

impl FromStr for MacAddr {
    type Err = InvalidMac;

    /// Accepts `A4:CF:12:00:00:01`, `a4-cf-12-00-00-01`, `a4cf.1200.0001`, `a4cf12000001`, and one-digit
    /// pairs between separators.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() > 17 || !text.is_ascii() {
            return Err(InvalidMac::Form);
        }
        let digits = match separator(text)? {
            None => text.to_owned(),
            Some('.') => joined(text.split('.'), 3, 4)?,
            Some(separator) => joined(text.split(separator), 6, 2)?,
        };
        if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidMac::Form);
        }
        let mut bytes = [0; 6];
        for (byte, pair) in bytes.iter_mut().zip((0..12).step_by(2)) {
            *byte = u8::from_str_radix(&digits[pair..pair + 2], 16).map_err(|_| InvalidMac::Form)?;
        }
        Self::from_bytes(bytes)
    }
}

/// The one separator the text uses, if any; mixed separators are refused.
fn separator(text: &str) -> Result<Option<char>, InvalidMac> {
    let mut found = None;
    for character in text.chars().filter(|c| !c.is_ascii_hexdigit()) {
        match (character, found) {
            (':' | '-' | '.', None) => found = Some(character),
            (_, Some(first)) if first == character => {}
            _ => return Err(InvalidMac::Form),
        }
    }
    Ok(found)
}

/// Joins `count` groups, each padded with leading zeros to `width` digits.
fn joined<'a>(groups: impl Iterator<Item = &'a str>, count: usize, width: usize) -> Result<String, InvalidMac> {
    let mut digits = String::with_capacity(12);
    let mut seen = 0;
    for group in groups {
        if group.is_empty() || group.len() > width {
            return Err(InvalidMac::Form);
        }
        digits.extend(std::iter::repeat_n('0', width - group.len()));
        digits.push_str(group);
        seen += 1;
    }
    if seen == count { Ok(digits) } else { Err(InvalidMac::Form) }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacAddr({})", self.masked())
    }
}

impl TryFrom<String> for MacAddr {
    type Error = InvalidMac;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddr> for String {
    fn from(mac: MacAddr) -> Self {
        mac.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_every_spelling() {
        for text in [
            "A4:CF:12:00:00:01",
            "a4:cf:12:00:00:01",
            "a4-cf-12-00-00-01",
            "A4CF12000001",
            "a4cf.1200.0001",
            "a4:cf:12:0:0:1",
            " A4:CF:12:00:00:01 ",
            "a4cf.1200.1",
        ] {
            assert_eq!(
                text.parse::<MacAddr>().map(|mac| mac.to_string()),
                Ok("A4:CF:12:00:00:01".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "A4",
            "A4:CF:12:00:00",
            "A4:CF:12:00:00:01:02",
            "A4:CF-12:00:00:01",
            "G4:CF:12:00:00:01",
            "A4::12:00:00:01",
            "A4:CF:12:00:00:001",
            "A4CF1200000",
            "A4CF120000012",
            "' or 1=1 --",
            "$(mac)",
            "Ａ4:CF:12:00:00:01",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(InvalidMac::Form), "{text:?}");
        }
        for text in ["00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF", "01:00:5E:00:00:01"] {
            assert_eq!(text.parse::<MacAddr>(), Err(InvalidMac::NotADevice), "{text}");
        }
    }

    #[test]
    fn knows_randomised_addresses() {
        for (text, randomised) in
            [("A4:CF:12:00:00:01", false), ("DA:A1:19:00:00:01", true), ("02:00:00:00:00:01", true)]
        {
            assert_eq!(text.parse::<MacAddr>().unwrap().is_locally_administered(), randomised, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,24}") {
            let _ = text.parse::<MacAddr>();
        }

        #[test]
        fn display_parses_back(bytes: [u8; 6]) {
            if let Ok(mac) = MacAddr::from_bytes(bytes) {
                prop_assert_eq!(mac.to_string().parse::<MacAddr>(), Ok(mac));
            }
        }
    }
}
