//! The key of a router that polls, and what is made from it.

use domain::RouterId;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha512};

use crate::{
    db::router_pulls::PullRecord,
    random,
    seal::{AppSecret, SealError},
};

/// 256 random bits for one router. Two secrets are made from it: the router shows one when it asks, the other
/// proves that an answer is the server's. It does not print.
#[derive(Clone)]
pub struct PullKey(SecretString);

impl std::fmt::Debug for PullKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PullKey(…)")
    }
}

impl PullKey {
    pub(super) fn draw() -> Self {
        Self(SecretString::from(random::callback_token()))
    }

    /// A key that somebody else made up.
    #[cfg(test)]
    pub(in crate::access) fn open_for_test(text: &str) -> Self {
        Self(SecretString::from(text.to_owned()))
    }

    pub(super) fn seal(&self, secret: &AppSecret, router_id: RouterId) -> Result<Vec<u8>, SealError> {
        secret.seal(&context(router_id), &self.0)
    }

    pub(super) fn open(secret: &AppSecret, router_id: RouterId, sealed: &[u8]) -> Result<Self, SealError> {
        secret.open(&context(router_id), sealed).map(Self)
    }

    /// What the router shows when it asks: 64 lower-case hexadecimal characters.
    pub(in crate::access) fn poll_secret(&self) -> String {
        hex::encode(random::digest(&[b"bando/pull/poll/v1", self.0.expose_secret().as_bytes()]))
    }

    /// What proves an answer: 64 lower-case hexadecimal characters. A router that checks digests never sees it on
    /// the wire.
    pub(in crate::access) fn answer_secret(&self) -> String {
        hex::encode(random::digest(&[b"bando/pull/answer/v1", self.0.expose_secret().as_bytes()]))
    }

    /// Whether `shown` is [`poll_secret`](Self::poll_secret). Digests are compared, so the time it takes says
    /// nothing about where they differ.
    pub(super) fn is_shown(&self, shown: &str) -> bool {
        random::digest(&[shown.as_bytes()]) == random::digest(&[self.poll_secret().as_bytes()])
    }

    /// The keyed digest of an answer: `sha512(k, hex(sha512(k, text)))`, as RouterOS can compute it. The outer
    /// round keeps anybody from adding to a text whose digest he has seen.
    pub(in crate::access) fn digest(&self, text: &str) -> String {
        let key = self.answer_secret();
        let inner = hex::encode(Sha512::digest([key.as_bytes(), text.as_bytes()].concat()));
        hex::encode(Sha512::digest([key.as_bytes(), inner.as_bytes()].concat()))
    }
}

/// Which of a router's keys was shown.
#[derive(Debug)]
pub(super) enum Shown {
    /// The one in use.
    Current(PullKey),
    /// The newer one, for the first time.
    Next(PullKey),
}

/// The key whose secret was shown, if it is one of the router's.
pub(super) fn shown(
    record: &PullRecord,
    secret: &AppSecret,
    router_id: RouterId,
    shown: &str,
) -> Result<Option<Shown>, SealError> {
    // Both are always looked at, so that the time it takes does not tell which one it was.
    let current = PullKey::open(secret, router_id, &record.key_sealed)?;
    let is_current = current.is_shown(shown);
    let next = record.next_key_sealed.as_deref().map(|sealed| PullKey::open(secret, router_id, sealed)).transpose()?;
    let next = next.filter(|next| next.is_shown(shown));
    Ok(if is_current { Some(Shown::Current(current)) } else { next.map(Shown::Next) })
}

/// What a sealed key is bound to: not to be taken for the password of the same router.
fn context(router_id: RouterId) -> Vec<u8> {
    [b"pull:".as_slice(), router_id.as_uuid().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_secrets_say_nothing_of_each_other_and_the_digest_depends_on_everything() {
        let (key, other) = (PullKey::draw(), PullKey::draw());
        assert_ne!(key.poll_secret(), key.answer_secret());
        assert!(key.is_shown(&key.poll_secret()));
        assert!(!key.is_shown(&key.answer_secret()) && !key.is_shown(&other.poll_secret()) && !key.is_shown(""));
        assert_ne!(key.digest("a"), key.digest("b"));
        assert_ne!(key.digest("a"), other.digest("a"));
        assert_eq!(key.digest("a").len(), 128);
        assert_eq!(format!("{key:?}"), "PullKey(…)");
    }

    #[test]
    fn a_key_opens_for_its_router_only() {
        let secret = AppSecret::new(&SecretString::from("a".repeat(32))).unwrap();
        let (one, two) = (uuid::Uuid::from_u128(1).into(), uuid::Uuid::from_u128(2).into());
        let key = PullKey::draw();
        let sealed = key.seal(&secret, one).unwrap();
        assert_eq!(PullKey::open(&secret, one, &sealed).unwrap().poll_secret(), key.poll_secret());
        assert!(PullKey::open(&secret, two, &sealed).is_err());
        assert!(secret.open(uuid::Uuid::from_u128(1).as_bytes(), &sealed).is_err(), "not a router's password");
    }
}
