//! Secrets at rest: router passwords are sealed with a key derived from `APP_SECRET`.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::random;

/// The key material derived from `APP_SECRET`. It does not print.
#[derive(Clone)]
pub struct AppSecret {
    sealing: chacha20poly1305::Key,
    /// The secret part of the addresses for payments made by hand.
    by_hand: [u8; 32],
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
        let derived = Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes());
        derived.expand(b"bando/seal/v1", &mut key).map_err(|_| SealError::CannotSeal)?;
        derived.expand(b"bando/c2b/v1", &mut by_hand).map_err(|_| SealError::CannotSeal)?;
        Ok(Self { sealing: key, by_hand })
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
        random::digest(&[token.as_bytes()]) == random::digest(&[self.c2b_token().as_bytes()])
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
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::CannotOpen)?;
        let payload = Payload { msg: ciphertext, aad: context };
        let opened = ChaCha20Poly1305::new(&self.sealing)
            .decrypt(Nonce::from_slice(nonce), payload)
            .map_err(|_| SealError::CannotOpen)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| SealError::CannotOpen)
    }
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
