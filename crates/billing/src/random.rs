//! Randomness: ids, tokens, references and codes. The only place in the workspace that draws it.

use std::{fmt::Write as _, time::Duration};

use chrono::{DateTime, Utc};
use domain::AccountReference;
use rand::{Rng, RngCore, seq::IndexedRandom};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

#[expect(clippy::disallowed_methods, reason = "the one place that may draw randomness; rand's generator is a CSPRNG")]
fn rng() -> impl RngCore {
    rand::rng()
}

/// A new UUIDv7 for the instant `now`.
#[must_use]
pub fn uuid(now: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &rng().random()).into_uuid()
}

/// The smallest UUIDv7 of the instant `at`: a lower bound for "ids made since".
#[must_use]
pub fn uuid_floor(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// 256 random bits as 64 lower-case hexadecimal characters: the secret path of one payment's callback.
#[must_use]
pub fn callback_token() -> String {
    let bytes: [u8; 32] = rng().random();
    hex::encode(bytes)
}

/// A short reference that a customer can read out and type: eight characters without look-alikes.
///
/// # Panics
/// Never: the alphabet is made of characters a reference allows.
#[must_use]
pub fn account_reference() -> Option<AccountReference> {
    plain_code(8).parse().ok()
}

/// A voucher code of 13 characters (over 64 bits), grouped to be read out: `ABCD-EFGH-JKMNP`.
#[must_use]
pub fn voucher_code() -> String {
    let mut code = plain_code(13);
    code.insert(8, '-');
    code.insert(4, '-');
    code
}

fn plain_code(length: usize) -> String {
    let mut rng = rng();
    let mut code = String::with_capacity(length);
    for _ in 0..length {
        code.push(AccountReference::ALPHABET.choose(&mut rng).map_or('2', |byte| char::from(*byte)));
    }
    code
}

/// A random share of `longest`, to spread retries.
#[must_use]
pub fn jitter(longest: Duration) -> Duration {
    longest.mul_f64(rng().random_range(0.0..1.0))
}

/// Fills a buffer, for keys and nonces.
pub fn fill(buffer: &mut [u8]) {
    rng().fill_bytes(buffer);
}

/// SHA-256 over parts, each preceded by its length so that no two lists of parts collide.
#[must_use]
pub fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        let mut length = String::new();
        // Writing to a String cannot fail.
        let _ = write!(length, "{}:", part.len());
        hasher.update(length.as_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 of the bytes alone, as M-Pesa hashes payers' numbers.
#[must_use]
pub fn plain_digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let earlier = DateTime::from_timestamp(1_795_300_000, 0).unwrap();
        let later = DateTime::from_timestamp(1_795_300_001, 0).unwrap();
        assert!(uuid(earlier) < uuid(later));
        assert!(uuid_floor(later) <= uuid(later));
        assert!(uuid(earlier) < uuid_floor(later));
    }

    #[test]
    fn tokens_and_codes_have_their_form() {
        let token = callback_token();
        assert!(token.len() == 64 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_eq!(account_reference().unwrap().as_str().len(), 8);
        let code = voucher_code();
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 5]);
        assert_ne!(callback_token(), callback_token());
    }

    #[test]
    fn digests_keep_parts_apart() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
