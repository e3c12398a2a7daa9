//! `/certificate`: keys and certificates that are real.

use super::router::Router;

/// What belongs to a row of `/certificate` and is not shown.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    /// The certificate itself.
    pub(crate) der: Vec<u8>,
}

impl Router {
    /// The certificates that are trusted.
    pub(crate) fn trusted_roots(&self) -> Vec<Vec<u8>> {
        let trusted = self.rows("/certificate").iter().filter(|row| row.is_true("trusted"));
        trusted.filter_map(|row| self.credentials.get(&row.id)).map(|credential| credential.der.clone()).collect()
    }
}
