//! One connection to one router: login, then tagged commands, a few at a time.

mod actor;
mod login;

use std::{fmt, time::Duration};

use secrecy::SecretString;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use crate::{
    error::{CloseReason, Phase, RouterOsError},
    sentence::{Attributes, Command},
    tls,
};

/// Where a router is and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host name or address.
    pub host: String,
    /// 8728 by default, 8729 with TLS.
    pub port: u16,
    /// Plain TCP or pinned TLS.
    pub security: Security,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain TCP: for a tunnel or the router's own network only.
    Plain,
    /// TLS to the one certificate with this SHA-256.
    Pinned([u8; 32]),
}

/// The API user of the router.
#[derive(Clone)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password; may be empty.
    pub password: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Times and limits. The defaults are meant for routers behind slow links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// TCP and TLS together; 5 s.
    pub connect_timeout: Duration,
    /// `/login`; 5 s.
    pub login_timeout: Duration,
    /// From sending a command to its `!done`; 10 s.
    pub command_timeout: Duration,
    /// How long the router may send nothing at all after a command timed out; 3 s.
    pub silence_timeout: Duration,
    /// A connection without commands asks for the router's name this often; 30 s.
    pub keepalive: Duration,
    /// Commands under way at once; 4, because small routers have few workers. At least 1.
    pub in_flight: usize,
    /// Whether the login of RouterOS before 6.43 may be used. Whoever stands between us and the router
    /// could ask for it, so it is off.
    pub is_legacy_login_allowed: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            login_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(3),
            keepalive: Duration::from_secs(30),
            in_flight: 4,
            is_legacy_login_allowed: false,
        }
    }
}

/// Commands that wait for their turn; more of them make callers wait.
const QUEUE: usize = 64;

/// What a command that succeeded brought back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The records of a `print`, in the router's order.
    pub rows: Vec<Attributes>,
    /// `=ret=` of the `!done`: the id of an added row, or a count.
    pub ret: Option<String>,
}

/// A command on its way to the actor.
struct Request {
    command: Command,
    reply: oneshot::Sender<Result<Answer, RouterOsError>>,
}

/// A logged-in connection. Clones share it; it closes when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Connection {
    requests: mpsc::Sender<Request>,
    closed: watch::Receiver<Option<CloseReason>>,
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Every [`RouterOsError`] that concerns the link.
    pub async fn open(target: &Target, credentials: &Credentials, settings: Settings) -> Result<Self, RouterOsError> {
        let timed_out = RouterOsError::Timeout { phase: Phase::Connect };
        let connected = timeout(settings.connect_timeout, connect_tcp(target));
        match target.security {
            Security::Plain => {
                let stream = connected.await.map_err(|_| timed_out)??;
                Self::over(stream, credentials, settings).await
            }
            Security::Pinned(pin) => {
                let secured = async { tls::connect(connect_tcp(target).await?, &target.host, pin).await };
                let stream = timeout(settings.connect_timeout, secured).await.map_err(|_| timed_out)??;
                Self::over(stream, credentials, settings).await
            }
        }
    }

    /// Logs in over a stream that is already connected.
    ///
    /// # Errors
    /// Those of the login.
    pub async fn over<S>(mut stream: S, credentials: &Credentials, settings: Settings) -> Result<Self, RouterOsError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let login = login::login(&mut stream, credentials, settings.is_legacy_login_allowed);
        timeout(settings.login_timeout, login).await.map_err(|_| RouterOsError::Timeout { phase: Phase::Login })??;
        let (requests, receiver) = mpsc::channel(QUEUE);
        let (closing, closed) = watch::channel(None);
        tokio::spawn(actor::run(stream, settings, receiver, closing));
        Ok(Self { requests, closed })
    }

    /// Sends a command and waits for its end, at most [`Settings::command_timeout`] from its sending.
    ///
    /// # Errors
    /// [`RouterOsError::Trap`] with every trap of the command; [`RouterOsError::Timeout`], after which the
    /// command has been cancelled; [`RouterOsError::Closed`] when the connection ends first.
    pub async fn run(&self, command: Command) -> Result<Answer, RouterOsError> {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request { command, reply }).await.is_err() {
            return Err(self.close_error());
        }
        answer.await.unwrap_or_else(|_| Err(self.close_error()))
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.borrow().is_some() || self.requests.is_closed()
    }

    /// Waits for the end of the connection.
    pub async fn closed(&self) -> CloseReason {
        let mut closed = self.closed.clone();
        match closed.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or(CloseReason::Ours),
            Err(_) => CloseReason::Ours,
        }
    }

    fn close_error(&self) -> RouterOsError {
        RouterOsError::Closed(self.closed.borrow().clone().unwrap_or(CloseReason::Ours))
    }
}

/// Connects TCP to the first address that answers.
pub(crate) async fn connect_tcp(target: &Target) -> Result<TcpStream, RouterOsError> {
    let addresses: Vec<_> = tokio::net::lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|_| RouterOsError::UnknownName)?
        .collect();
    let mut last = RouterOsError::UnknownName;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Small sentences must not wait for each other; without it the connection still works.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot switch off Nagle's algorithm");
                }
                return Ok(stream);
            }
            Err(error) => last = RouterOsError::Connect(error.kind()),
        }
    }
    Err(last)
}
