//! Identifiers in the shapes Daraja gives them, drawn from one seeded source so that a run can be repeated.

use chrono::{DateTime, Datelike, FixedOffset};
use rand::{Rng, SeedableRng, rngs::StdRng};

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const MIXED: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";

/// The source of every identifier; with a seed the same requests get the same identifiers.
#[derive(Debug)]
pub(crate) struct Ids {
    rng: StdRng,
    receipts: u64,
}

impl Ids {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let rng = seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64);
        Self { rng, receipts: 0 }
    }

    fn draw(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .filter_map(|_| alphabet.get(self.rng.random_range(0..alphabet.len())))
            .map(|byte| char::from(*byte))
            .collect()
    }

    /// From 0 to 99, for what happens now and then.
    pub(crate) fn percent(&mut self) -> u32 {
        self.rng.random_range(0..100)
    }

    /// 28 opaque characters. OBSERVED shape.
    pub(crate) fn token(&mut self) -> String {
        self.draw(MIXED, 28)
    }

    /// `hhhh-hhhh-hhhh-hhhhhhhhhhhhddddddd`: also the form of `requestId`. OBSERVED shape.
    pub(crate) fn merchant_request(&mut self) -> String {
        let groups = [self.draw(HEX, 4), self.draw(HEX, 4), self.draw(HEX, 4), self.draw(HEX, 12)].join("-");
        groups + &self.draw(DIGITS, 7)
    }

    /// `ws_CO_` + ddMMyyyyHHmmss (EAT) + milliseconds + the payer's nine digits. OBSERVED shape.
    pub(crate) fn checkout(&mut self, at: DateTime<FixedOffset>, msisdn: &str) -> String {
        let nine = msisdn.strip_prefix("254").unwrap_or(msisdn);
        format!("ws_CO_{}{:03}{nine}", at.format("%d%m%Y%H%M%S"), self.rng.random_range(0..1000))
    }

    /// `AG_yyyyMMdd_` + 20 hexadecimal digits. DOCUMENTED shape.
    pub(crate) fn conversation(&mut self, at: DateTime<FixedOffset>) -> String {
        format!("AG_{}_{}", at.format("%Y%m%d"), self.draw(HEX, 20))
    }

    /// Ten capitals and digits: year letter (U is 2026), month letter, day, then seven that never repeat
    /// within a run. MODELLED from samples.
    pub(crate) fn receipt(&mut self, at: DateTime<FixedOffset>) -> String {
        self.receipts += 1;
        let year = at.year().saturating_sub(2006).rem_euclid(26);
        let month = at.month0();
        let day = at.day();
        let day = if day < 10 { char::from_digit(day, 10) } else { letter(day.saturating_sub(10)) };
        let head: String = [letter(year.unsigned_abs()), letter(month), day].into_iter().flatten().collect();
        // Four random characters, then a counter in base 36: unique whatever the random ones are.
        format!("{head}{}{}", self.draw(ALPHANUMERIC, 4), base36(self.receipts % 46_656))
    }
}

fn letter(index: u32) -> Option<char> {
    char::from_u32(u32::from(b'A').saturating_add(index))
}

fn base36(mut value: u64) -> String {
    let mut digits = [b'0'; 3];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(value % 36).unwrap_or(0);
        *digit = ALPHANUMERIC.get(index).copied().unwrap_or(b'0');
        value /= 36;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    #[test]
    fn shapes_are_those_of_daraja() {
        let mut ids = Ids::new(Some(7));
        let when = at("2026-11-22T08:30:18+03:00");
        assert!(ids.receipt(when).starts_with("UKM"));
        assert!(ids.receipt(at("2027-01-09T08:30:18+03:00")).starts_with("VA9"));
        assert_eq!(ids.receipt(when).len(), 10);
        let checkout = ids.checkout(when, "254712345678");
        assert!(checkout.starts_with("ws_CO_22112026083018") && checkout.ends_with("712345678"), "{checkout}");
        assert_eq!(checkout.len(), 6 + 14 + 3 + 9);
        assert_eq!(ids.merchant_request().len(), 4 + 1 + 4 + 1 + 4 + 1 + 12 + 7);
        assert!(ids.conversation(when).starts_with("AG_20261122_"));
        assert_eq!(ids.token().len(), 28);
    }

    #[test]
    fn a_seed_repeats_and_receipts_never_do() {
        let when = at("2026-11-22T08:30:18+03:00");
        let (mut one, mut two) = (Ids::new(Some(1)), Ids::new(Some(1)));
        assert_eq!(one.token(), two.token());
        let receipts: std::collections::HashSet<String> = (0..5_000).map(|_| one.receipt(when)).collect();
        assert_eq!(receipts.len(), 5_000);
    }
}
