//! A router played by hand: raw bytes over any stream, written without the crate's own encoder.

use routeros_api::{Credentials, Settings};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The router's end of a connection.
pub(crate) struct Router<S> {
    stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Router<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream }
    }

    /// Reads one sentence of words shorter than 0x4000 bytes.
    pub(crate) async fn read(&mut self) -> Option<Vec<String>> {
        let mut words = Vec::new();
        loop {
            let first = usize::from(self.stream.read_u8().await.ok()?);
            let length = match first {
                0 => return Some(words),
                1..0x80 => first,
                _ => (first & 0x3f) << 8 | usize::from(self.stream.read_u8().await.ok()?),
            };
            let mut word = vec![0; length];
            self.stream.read_exact(&mut word).await.ok()?;
            words.push(String::from_utf8(word).ok()?);
        }
    }

    /// Reads a sentence and takes its tag out.
    pub(crate) async fn command(&mut self) -> Option<(String, Vec<String>)> {
        let mut words = self.read().await?;
        let at = words.iter().position(|word| word.starts_with(".tag="))?;
        Some((words.remove(at), words))
    }

    /// Reads a command, checks its words (without the tag) and returns the tag word.
    pub(crate) async fn expect(&mut self, expected: &[&str]) -> String {
        let (tag, words) = self.command().await.unwrap_or_default();
        assert_eq!(words, expected);
        tag
    }

    /// Sends sentences; each word is shorter than 128 bytes.
    pub(crate) async fn send(&mut self, sentences: &[&[&str]]) {
        let mut bytes = Vec::new();
        for words in sentences {
            for word in *words {
                bytes.push(u8::try_from(word.len()).unwrap_or_default());
                bytes.extend_from_slice(word.as_bytes());
            }
            bytes.push(0);
        }
        self.raw(&bytes).await;
    }

    /// Sends bytes as they are. A client that has gone is the test's to notice.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        if self.stream.write_all(bytes).await.is_ok() {
            assert!(self.stream.flush().await.is_ok());
        }
    }

    /// Takes the login of RouterOS 6.43 and later.
    pub(crate) async fn accept_login(&mut self) {
        assert_eq!(self.read().await.unwrap_or_default(), ["/login", "=name=admin", "=password=s3cret"]);
        self.send(&[&["!done"]]).await;
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials { username: "admin".into(), password: "s3cret".into() }
}

/// Short where a test has to wait for a limit, long where it must not.
pub(crate) fn settings() -> Settings {
    Settings { command_timeout: Duration::from_secs(30), ..Settings::default() }
}
