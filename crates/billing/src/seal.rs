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
        Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes())
            .expand(b"bando/seal/v1", &mut key)
            .map_err(|_| SealError::CannotSeal)?;
        Ok(Self { sealing: key })
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
}
