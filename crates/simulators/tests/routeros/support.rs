//! A client that knows nothing but bytes: it shares no code with the router or with the product's client.

use std::time::Duration;

use simulators::routeros::{Options, Record, Sim};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

pub(crate) const MAC: &str = "A4:CF:12:00:00:01";
/// A bound on waiting, never a measure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Sentence = Vec<Vec<u8>>;

/// The end of a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

pub(crate) struct Api {
    pub(crate) stream: TcpStream,
}

pub(crate) async fn router() -> Sim {
    Sim::start(Options::default()).await.unwrap()
}

impl Api {
    pub(crate) async fn open(sim: &Sim) -> Self {
        Self { stream: TcpStream::connect(sim.addr()).await.unwrap() }
    }

    pub(crate) async fn login(sim: &Sim) -> Self {
        Self::login_as(sim, "admin", "bando").await
    }

    pub(crate) async fn login_as(sim: &Sim, name: &str, password: &str) -> Self {
        let mut api = Self::open(sim).await;
        let answer = api.ask(&["/login", &format!("=name={name}"), &format!("=password={password}")]).await;
        assert_eq!(answer, [["!done"]]);
        api
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn say(&mut self, words: &[&str]) {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.send(&sentence(&words)).await;
    }

    async fn byte(&mut self) -> Result<u8, Closed> {
        let mut byte = [0];
        match timeout(PATIENCE, self.stream.read_exact(&mut byte)).await.expect("the router says nothing") {
            Ok(_) => Ok(byte[0]),
            Err(_) => Err(Closed),
        }
    }

    pub(crate) async fn hear_bytes(&mut self) -> Result<Sentence, Closed> {
        let mut words = Vec::new();
        loop {
            let first = usize::from(self.byte().await?);
            let length = match first {
                0 => return Ok(words),
                1..=0x7f => first,
                0x80..=0xbf => (first & 0x3f) << 8 | usize::from(self.byte().await?),
                0xc0..=0xdf => {
                    let (second, third) = (self.byte().await?, self.byte().await?);
                    (first & 0x1f) << 16 | usize::from(second) << 8 | usize::from(third)
                }
                other => panic!("length byte {other:#x}"),
            };
            let mut word = vec![0; length];
            self.stream.read_exact(&mut word).await.map_err(|_| Closed)?;
            words.push(word);
        }
    }

    pub(crate) async fn hear(&mut self) -> Result<Vec<String>, Closed> {
        let words = self.hear_bytes().await?;
        Ok(words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    /// Says a sentence and hears everything up to its `!done`.
    pub(crate) async fn ask(&mut self, words: &[&str]) -> Vec<Vec<String>> {
        self.say(words).await;
        self.hear_answer().await
    }

    pub(crate) async fn hear_answer(&mut self) -> Vec<Vec<String>> {
        let mut answer = Vec::new();
        loop {
            let sentence = self.hear().await.expect("the router closed");
            let done = sentence[0] == "!done";
            answer.push(sentence);
            if done {
                return answer;
            }
        }
    }

    /// The id a successful `add` answers.
    pub(crate) async fn add(&mut self, words: &[&str]) -> String {
        let answer = self.ask(words).await;
        assert_eq!(answer.len(), 1, "{words:?}: {answer:?}");
        answer[0][1].strip_prefix("=ret=").unwrap().to_owned()
    }

    /// A command that answers nothing but `!done`.
    pub(crate) async fn does(&mut self, words: &[&str]) {
        assert_eq!(self.ask(words).await, [["!done"]], "{words:?}");
    }

    /// The text of the one trap a command answers.
    pub(crate) async fn refused(&mut self, words: &[&str]) -> String {
        let answer = self.ask(words).await;
        assert_eq!(answer.len(), 2, "{words:?}: {answer:?}");
        assert_eq!(answer[0][0], "!trap");
        let message = answer[0].iter().find_map(|word| word.strip_prefix("=message="));
        message.unwrap().to_owned()
    }

    /// The attributes of each row a print answers.
    pub(crate) async fn rows(&mut self, words: &[&str]) -> Vec<Vec<String>> {
        let answer = self.ask(words).await;
        let rows = answer.into_iter().filter(|sentence| sentence[0] == "!re");
        rows.map(|mut sentence| sentence.split_off(1)).collect()
    }
}

/// A sentence as bytes.
pub(crate) fn sentence(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        match word.len() {
            length @ 0..=0x7f => bytes.push(u8::try_from(length).unwrap()),
            length @ 0x80..=0x3fff => bytes.extend(u16::try_from(length | 0x8000).unwrap().to_be_bytes()),
            length => bytes.extend(&u32::try_from(length | 0xc0_0000).unwrap().to_be_bytes()[1..]),
        }
        bytes.extend_from_slice(word);
    }
    bytes.push(0);
    bytes
}

/// A value of a record, empty when absent.
pub(crate) fn value<'a>(record: &'a Record, name: &str) -> &'a str {
    record.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What any certificate is accepted with, to see which one is offered.
#[derive(Debug)]
struct AnyCertificate;

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Logs in over TLS and gives the SHA-256 of the certificate that was offered.
pub(crate) async fn tls_certificate_sha256(sim: &Sim) -> String {
    use sha2::{Digest, Sha256};
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(std::sync::Arc::new(AnyCertificate))
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = TcpStream::connect(sim.tls_addr().unwrap()).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("router.lan").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(&sentence(&[b"/login", b"=name=admin", b"=password=bando"])).await.unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"\x05!done\x00");
    let offered = &stream.get_ref().1.peer_certificates().unwrap()[0];
    hex::encode(Sha256::digest(offered))
}
