//! The self-signed certificate of the API over TLS, as a provisioned router has one.

use std::{io, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use sha2::{Digest, Sha256};

/// A certificate in use, and the SHA-256 of it that a careful client pins.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) sha256_hex: String,
}

/// Makes a new key and certificate.
pub(crate) fn issue() -> io::Result<Certificate> {
    let made = rcgen::generate_simple_self_signed(vec!["router.lan".to_owned()]).map_err(io::Error::other)?;
    let der = made.cert.der().clone();
    let sha256_hex = hex::encode(Sha256::digest(&der));
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .map_err(io::Error::other)?;
    Ok(Certificate { config: Arc::new(config), sha256_hex })
}
