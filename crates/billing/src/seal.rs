//! Secrets at rest: router passwords are sealed with a key derived from `APP_SECRET`.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::random;

/// The key material derived from `APP_SECRET`. It does not print.
#[derive(Clone)]
pub struct AppSecret {
    sealing: chacha20poly1305::Key,
    /// The secret part of the addresses for payments made by hand.
    by_hand: [u8; 32],
    /// Signs passes, and is what their short codes are made of.
    passes: [u8; 32],
    /// Signs the addresses that routers use while they are being connected.
    setups: [u8; 32],
    /// While the secret is being changed: what was sealed and handed out under the one before still counts.
    old: Option<Old>,
}

/// What is still accepted of the secret before.
#[derive(Clone)]
struct Old {
    sealing: chacha20poly1305::Key,
    by_hand: [u8; 32],
}

/// Which secret a sealed value opens with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedUnder {
    /// `APP_SECRET`.
    Current,
    /// `APP_SECRET_OLD`.
    Old,
    /// Neither.
    Unknown,
}

/// A sealed secret could not be opened or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short to be a sealed secret, or sealed under another `APP_SECRET`, or for another row.
    #[error("the stored secret cannot be opened: APP_SECRET is not the one it was saved with")]
    CannotOpen,
    /// The cipher refused the input.
    #[error("the secret could not be sealed")]
    CannotSeal,
}

const NONCE_LEN: usize = 12;

impl AppSecret {
    /// Derives the keys. The length of `secret` is checked where configuration is read.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`] if the key cannot be derived, which HKDF-SHA256 only does for absurd lengths.
    pub fn new(secret: &SecretString) -> Result<Self, SealError> {
        let mut key = chacha20poly1305::Key::default();
        let mut by_hand = [0; 32];
        let mut passes = [0; 32];
        let mut setups = [0; 32];
        let derived = Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes());
        derived.expand(b"bando/seal/v1", &mut key).map_err(|_| SealError::CannotSeal)?;
        derived.expand(b"bando/c2b/v1", &mut by_hand).map_err(|_| SealError::CannotSeal)?;
        derived.expand(b"bando/pass/v1", &mut passes).map_err(|_| SealError::CannotSeal)?;
        derived.expand(b"bando/setup/v1", &mut setups).map_err(|_| SealError::CannotSeal)?;
        Ok(Self { sealing: key, by_hand, passes, setups, old: None })
    }

    /// The same, while the secret is being changed from `old`: what was sealed under it opens, and the addresses that
    /// were made from it still count. Passes are not carried over: their holders get new ones.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_old(self, old: &SecretString) -> Result<Self, SealError> {
        let old = Self::new(old)?;
        Ok(Self { old: Some(Old { sealing: old.sealing, by_hand: old.by_hand }), ..self })
    }

    /// Whether an older secret counts beside the current one.
    #[must_use]
    pub const fn has_old(&self) -> bool {
        self.old.is_some()
    }

    /// The last part of the addresses where M-Pesa reports payments made by hand: 64 lower-case hexadecimal
    /// characters, the same for as long as `APP_SECRET` is. Never for logs.
    #[must_use]
    pub fn c2b_token(&self) -> String {
        hex::encode(self.by_hand)
    }

    /// Whether `token` is [`c2b_token`](Self::c2b_token). Digests are compared, so the time it takes says nothing
    /// about where they differ.
    #[must_use]
    pub fn is_c2b_token(&self, token: &str) -> bool {
        let shown = random::digest(&[token.as_bytes()]);
        let is = |key: &[u8; 32]| shown == random::digest(&[hex::encode(key).as_bytes()]);
        let is_old = self.old.as_ref().is_some_and(|old| is(&old.by_hand));
        is(&self.by_hand) || is_old
    }

    /// A keyed digest under the key of passes: `purpose` keeps the uses of the key apart.
    #[must_use]
    pub fn pass_digest(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let message = random::digest(&[purpose.as_bytes(), &random::digest(parts)]);
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.passes).map(|mac| mac.chain_update(message));
        // HMAC takes keys of any length; the other branch is as secret as this one.
        mac.map_or_else(|_| random::digest(&[&self.passes, &message]), |mac| mac.finalize().into_bytes().into())
    }

    /// A signature (HMAC-SHA256) over parts, each preceded by its length, for addresses of routers being connected.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`] for keys of a length that this one does not have.
    pub(crate) fn setup_mac(&self, parts: &[&[u8]]) -> Result<[u8; 32], SealError> {
        let mut mac = [0; 32];
        let key = Hkdf::<Sha256>::from_prk(&self.setups).map_err(|_| SealError::CannotSeal)?;
        key.expand(&random::digest(parts), &mut mac).map_err(|_| SealError::CannotSeal)?;
        Ok(mac)
    }

    /// Seals a secret for one row: `context` (such as the router's id) is bound to it, so that a sealed
    /// value copied to another row does not open.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(&self, context: &[u8], secret: &SecretString) -> Result<Vec<u8>, SealError> {
        let mut nonce = Nonce::default();
        random::fill(&mut nonce);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: context };
        let sealed =
            ChaCha20Poly1305::new(&self.sealing).encrypt(&nonce, payload).map_err(|_| SealError::CannotSeal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) made with the same context.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`].
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretString, SealError> {
        match (open_with(&self.sealing, context, sealed), &self.old) {
            (Err(_), Some(old)) => open_with(&old.sealing, context, sealed),
            (opened, _) => opened,
        }
    }

    /// Which secret a sealed value opens with.
    #[must_use]
    pub fn sealed_under(&self, context: &[u8], sealed: &[u8]) -> SealedUnder {
        if open_with(&self.sealing, context, sealed).is_ok() {
            return SealedUnder::Current;
        }
        let is_old = self.old.as_ref().is_some_and(|old| open_with(&old.sealing, context, sealed).is_ok());
        if is_old { SealedUnder::Old } else { SealedUnder::Unknown }
    }
}

fn open_with(key: &chacha20poly1305::Key, context: &[u8], sealed: &[u8]) -> Result<SecretString, SealError> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::CannotOpen)?;
    let payload = Payload { msg: ciphertext, aad: context };
    let opened =
        ChaCha20Poly1305::new(key).decrypt(Nonce::from_slice(nonce), payload).map_err(|_| SealError::CannotOpen)?;
    String::from_utf8(opened).map(SecretString::from).map_err(|_| SealError::CannotOpen)
}

impl std::fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_and_row() {
        let key = AppSecret::new(&SecretString::from("a".repeat(32))).unwrap();
        let other = AppSecret::new(&SecretString::from("b".repeat(32))).unwrap();
        let sealed = key.seal(b"row 1", &SecretString::from("pässword")).unwrap();
        assert_eq!(key.open(b"row 1", &sealed).unwrap().expose_secret(), "pässword");
        assert_eq!(key.open(b"row 2", &sealed).unwrap_err(), SealError::CannotOpen);
        assert_eq!(other.open(b"row 1", &sealed).unwrap_err(), SealError::CannotOpen);
        assert_eq!(key.open(b"row 1", &sealed[..8]).unwrap_err(), SealError::CannotOpen);
        assert_eq!(format!("{key:?}"), "AppSecret(…)");
    }

    #[test]
    fn while_it_is_changed_both_secrets_open_and_only_the_new_one_seals() {
        let old = AppSecret::new(&SecretString::from("a".repeat(32))).unwrap();
        let new = AppSecret::new(&SecretString::from("b".repeat(32))).unwrap();
        let both = new.clone().with_old(&SecretString::from("a".repeat(32))).unwrap();
        let before = old.seal(b"row", &SecretString::from("x")).unwrap();
        let after = both.seal(b"row", &both.open(b"row", &before).unwrap()).unwrap();
        assert_eq!(new.open(b"row", &after).unwrap().expose_secret(), "x");
        assert_eq!(old.open(b"row", &after).unwrap_err(), SealError::CannotOpen);
        assert_eq!(both.sealed_under(b"row", &before), SealedUnder::Old);
        assert_eq!(both.sealed_under(b"row", &after), SealedUnder::Current);
        assert_eq!(both.sealed_under(b"other row", &after), SealedUnder::Unknown);
        assert!(both.is_c2b_token(&old.c2b_token()) && both.is_c2b_token(&new.c2b_token()));
        assert_eq!(both.c2b_token(), new.c2b_token());
        assert!(!new.is_c2b_token(&old.c2b_token()));
    }

    #[test]
    fn digests_of_passes_belong_to_the_secret_and_the_purpose() {
        let key = AppSecret::new(&SecretString::from("a".repeat(32))).unwrap();
        let other = AppSecret::new(&SecretString::from("b".repeat(32))).unwrap();
        let digest = key.pass_digest("pass", &[b"1"]);
        assert_eq!(digest, key.pass_digest("pass", &[b"1"]));
        for different in
            [key.pass_digest("payer", &[b"1"]), key.pass_digest("pass", &[b"2"]), other.pass_digest("pass", &[b"1"])]
        {
            assert_ne!(digest, different);
        }
    }

    #[test]
    fn the_token_of_payments_by_hand_belongs_to_the_secret() {
        let key = AppSecret::new(&SecretString::from("a".repeat(32))).unwrap();
        let other = AppSecret::new(&SecretString::from("b".repeat(32))).unwrap();
        let token = key.c2b_token();
        assert!(token.len() == 64 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_eq!(token, AppSecret::new(&SecretString::from("a".repeat(32))).unwrap().c2b_token());
        assert_ne!(token, other.c2b_token());
        assert!(key.is_c2b_token(&token));
        let almost = format!("{}{}", &token[..63], if token.ends_with('0') { '1' } else { '0' });
        for wrong in ["", &token[..63], &token.to_ascii_uppercase(), &almost, &other.c2b_token()] {
            assert_eq!(key.is_c2b_token(wrong), wrong == token, "{wrong}");
        }
    }
}
