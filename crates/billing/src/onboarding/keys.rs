//! The secrets in addresses. A line to paste has a random one, stored hashed. What follows from it is signed with a
//! key derived from `APP_SECRET`: the run (one paste on one router), and the line that takes everything back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    random,
    seal::{AppSecret, SealError},
};

/// One paste on one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// The set-up.
    pub setup_id: Uuid,
    /// Whether it takes everything back.
    pub is_undo: bool,
    /// Tells this run from the others. The first byte says in its lowest bit whether the router could check the
    /// server's certificate, and is chance otherwise; the rest is when the run began, in microseconds since 1970.
    pub nonce: [u8; 8],
}

const CHECKED: u8 = 1;
const MAC_LEN: usize = 16;

impl Run {
    /// A new one that begins `now`.
    #[must_use]
    pub(super) fn new(setup_id: Uuid, is_undo: bool, is_checked: bool, now: DateTime<Utc>) -> Self {
        let mut chance = [0; 1];
        random::fill(&mut chance);
        let [chance] = chance;
        let mut nonce = now.timestamp_micros().to_be_bytes();
        let [first, ..] = &mut nonce;
        *first = (chance & !CHECKED) | u8::from(is_checked);
        Self { setup_id, is_undo, nonce }
    }

    /// Whether the router of a run could check the server's certificate.
    #[must_use]
    pub(super) fn is_checked(nonce: &[u8]) -> bool {
        nonce.first().is_some_and(|first| first & CHECKED == CHECKED)
    }

    fn body(&self) -> Vec<u8> {
        [self.setup_id.as_bytes().as_slice(), &[u8::from(self.is_undo)], &self.nonce].concat()
    }

    /// The part of an address that stands for it: 82 lower-case hexadecimal characters. A secret.
    ///
    /// # Errors
    /// [`SealError`].
    pub(super) fn write(&self, secret: &AppSecret) -> Result<String, SealError> {
        let body = self.body();
        let mac = secret.setup_mac(&[b"run", &body])?;
        Ok(hex::encode([body.as_slice(), &mac[..MAC_LEN]].concat()))
    }

    /// Reads what [`write`](Self::write) made; `None` for anything else.
    #[must_use]
    pub(super) fn read(text: &str, secret: &AppSecret) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let ([is_undo], rest) = rest.split_first_chunk::<1>()?;
        let (nonce, mac) = rest.split_first_chunk::<8>()?;
        let run = Self { setup_id: Uuid::from_bytes(*id), is_undo: *is_undo == 1, nonce: *nonce };
        let expected = secret.setup_mac(&[b"run", &run.body()]).ok()?;
        is_same(mac, &expected[..MAC_LEN]).then_some(run)
    }
}

/// The secret of the line that takes a set-up back: 96 lower-case hexadecimal characters.
///
/// # Errors
/// [`SealError`].
pub(super) fn undo_token(setup_id: Uuid, secret: &AppSecret) -> Result<String, SealError> {
    let mac = secret.setup_mac(&[b"undo", setup_id.as_bytes()])?;
    Ok(hex::encode([setup_id.as_bytes().as_slice(), &mac].concat()))
}

/// The set-up that a line takes back; `None` for anything else.
#[must_use]
pub(super) fn read_undo_token(text: &str, secret: &AppSecret) -> Option<Uuid> {
    let bytes = hex::decode(text).ok()?;
    let (id, mac) = bytes.split_first_chunk::<16>()?;
    let expected = secret.setup_mac(&[b"undo", id]).ok()?;
    is_same(mac, &expected).then(|| Uuid::from_bytes(*id))
}

/// Digests are compared, so the time it takes says nothing about where they differ.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    random::digest(&[given]) == random::digest(&[expected])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;

    fn secret(letter: &str) -> AppSecret {
        AppSecret::new(&SecretString::from(letter.repeat(32))).unwrap()
    }

    #[test]
    fn a_run_is_read_back_and_nothing_else_is() {
        let id = Uuid::from_u128(7);
        let run = Run::new(id, true, false, DateTime::UNIX_EPOCH);
        let text = run.write(&secret("a")).unwrap();
        assert_eq!(text.len(), 82);
        assert_eq!(Run::read(&text, &secret("a")), Some(run));
        assert_eq!(Run::read(&text, &secret("b")), None);
        assert_eq!(Run::read(&text[..80], &secret("a")), None);
        for at in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(Run::read(std::str::from_utf8(&other).unwrap(), &secret("a")), None, "{at}");
        }
        let undo = undo_token(id, &secret("a")).unwrap();
        assert_eq!(read_undo_token(&undo, &secret("a")), Some(id));
        assert_eq!(read_undo_token(&undo, &secret("b")), None);
        assert_eq!(Run::read(&undo, &secret("a")), None);
    }

    proptest! {
        #[test]
        fn garbage_is_refused(text in "[0-9a-f]{0,200}|\\PC{0,100}") {
            prop_assert_eq!(Run::read(&text, &secret("a")), None);
            prop_assert_eq!(read_undo_token(&text, &secret("a")), None);
        }
    }
}
