//! TLS to one pinned certificate. Routers sign their own certificates, so there is no authority to ask:
//! the SHA-256 of the certificate itself is what we trust. The signatures of the handshake are verified as
//! always, so that knowing the certificate is not enough; the router must hold its key.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    client::{Settings, Target, connect_tcp},
    error::{Phase, RouterOsError, TlsFailure},
};

/// Accepts the certificate with one SHA-256 and no other.
#[derive(Debug)]
struct PinVerifier {
    pin: [u8; 32],
    provider: CryptoProvider,
    seen: OnceLock<[u8; 32]>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let seen: [u8; 32] = Sha256::digest(end_entity).into();
        let seen = self.seen.get_or_init(|| seen);
        if *seen == self.pin {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn failure(text: impl ToString) -> RouterOsError {
    RouterOsError::Tls(TlsFailure::Handshake(text.to_string()))
}

/// Makes TLS over `stream` to the certificate whose SHA-256 is `pin`.
pub(crate) async fn connect(
    stream: TcpStream,
    host: &str,
    pin: [u8; 32],
) -> Result<TlsStream<TcpStream>, RouterOsError> {
    let provider = ring::default_provider();
    let verifier = Arc::new(PinVerifier { pin, provider: provider.clone(), seen: OnceLock::new() });
    let verifier_for_config: Arc<dyn ServerCertVerifier> = verifier.clone();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(failure)?
        .dangerous()
        .with_custom_certificate_verifier(verifier_for_config)
        .with_no_client_auth();
    // The name plays no part in trust, and the router has only one certificate.
    config.enable_sni = false;
    let name = ServerName::try_from(host.to_owned())
        .unwrap_or(ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0]))));
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| match verifier.seen.get() {
        Some(seen) if *seen != pin => RouterOsError::Tls(TlsFailure::WrongPin { seen: hex::encode(seen) }),
        _ => failure(error),
    })
}

/// The SHA-256 of the certificate that the router shows, for a person to compare and pin. Nothing is sent
/// over this connection.
///
/// # Errors
/// [`RouterOsError::Tls`] when there is no TLS at that port, and the errors of connecting.
pub async fn fingerprint(target: &Target, settings: Settings) -> Result<[u8; 32], RouterOsError> {
    let attempt = async { connect(connect_tcp(target).await?, &target.host, [0; 32]).await };
    let refused = tokio::time::timeout(settings.connect_timeout, attempt)
        .await
        .map_err(|_| RouterOsError::Timeout { phase: Phase::Connect })?;
    match refused {
        Err(RouterOsError::Tls(TlsFailure::WrongPin { seen })) => {
            let bytes = hex::decode(seen).map_err(failure)?;
            <[u8; 32]>::try_from(bytes).map_err(|_| failure("no certificate"))
        }
        Err(error) => Err(error),
        Ok(_) => Err(failure("no certificate")),
    }
}
