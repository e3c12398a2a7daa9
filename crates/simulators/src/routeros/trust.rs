//! `check-certificate`: TLS as the router's fetch accepts it, by its own clock and its own `/certificate`.

use std::{io, sync::Arc, time::Duration};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{
    fetch::{Request, Trust},
    options::RosVersion,
};

/// Checks by what the router believes the time is.
#[derive(Debug)]
struct ByRouterClock {
    inner: Arc<WebPkiServerVerifier>,
    now: UnixTime,
    roots: Vec<Vec<u8>>,
}

impl ServerCertVerifier for ByRouterClock {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let checked = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, self.now);
        match checked {
            // A certificate that was itself imported is trusted (documented: any in the store is).
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_)))
                if self.roots.iter().any(|root| root.as_slice() == end_entity.as_ref()) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// `check-certificate=no`: any certificate will do, its signature must still fit.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn prefix(ros: RosVersion) -> &'static str {
    if ros.is_v7() { "failure: SSL: " } else { "failure: " }
}

/// How TLS is to be spoken for this request.
pub(super) fn client_config(request: &Request) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let internal = || format!("{}ssl connection error: internal error (6)", prefix(request.ros));
    let verifier: Arc<dyn ServerCertVerifier> = match request.trust {
        Trust::Anything => Arc::new(Anything(Arc::clone(&provider))),
        Trust::WithRevocation if !request.revocation_lists => {
            return Err(format!("{}handshake failed: unable to get certificate CRL (6)", prefix(request.ros)));
        }
        Trust::Chain | Trust::WithRevocation => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(request.roots.iter().cloned().map(CertificateDer::from));
            if roots.is_empty() {
                return Err(format!("{}ssl: no trusted CA certificate found (6)", prefix(request.ros)));
            }
            let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let inner = inner.build().map_err(|_| internal())?;
            let secs = u64::try_from(request.epoch_secs).unwrap_or(0);
            let now = UnixTime::since_unix_epoch(Duration::from_secs(secs));
            Arc::new(ByRouterClock { inner, now, roots: request.roots.clone() })
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| internal())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The router's words for a handshake that failed. The first is observed, the others are modelled on it.
pub(super) fn words(error: &io::Error, ros: RosVersion) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let text = match tls {
        Some(rustls::Error::InvalidCertificate(error)) => match error {
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "ssl: certificate not yet valid (6)"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "ssl: certificate has expired (6)",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "ssl: certificate name does not match (6)"
            }
            _ => "ssl: no trusted CA certificate found (6)",
        },
        _ => "ssl connection error: internal error (6)",
    };
    format!("{}{text}", prefix(ros))
}
