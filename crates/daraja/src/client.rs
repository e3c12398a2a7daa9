//! The client: one value per merchant, cheap to clone, shared by the whole process.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::Clock;

use crate::{
    auth::{CredentialsError, Tokens, backoff},
    config::{Config, ConfigError},
    http::{Answer, Http, Loss, SendError},
    sync_error::{self, SyncError},
    timestamp::{self, Signature},
    wire::WireError,
};

/// Speaks to Daraja for one merchant. Clones share the connections and the access token.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    http: Http,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// Why an authorised call has no answer to interpret.
#[derive(Debug)]
pub(crate) enum CallError {
    /// There is no access token, so nothing was sent.
    NoToken(CredentialsError),
    /// A fresh token was refused too: the keys, the product or the environment are wrong.
    TokenRefused { answer: Answer, error: WireError },
    /// No connection: nothing was sent.
    NotConnected,
    /// The request may have been sent.
    Lost { loss: Loss, http_status: Option<u16>, partial: Bytes },
}

/// Renewals of a refused token in one call.
const MAX_RENEWALS: u32 = 2;
/// Before the second, at least.
const STEP_ASIDE: Duration = Duration::from_millis(100);

impl Client {
    /// Checks the configuration and builds the client; sends nothing. The program must have installed a rustls
    /// crypto provider before.
    ///
    /// # Errors
    /// [`ConfigError`], one line for the owner.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        config.validate()?;
        let http = Http::new(&config)?;
        let tokens = Tokens::new(&config, http.clone(), Arc::clone(&clock))?;
        Ok(Self { inner: Arc::new(Inner { config, http, tokens, clock }) })
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Asks for a new access token, which proves consumer key and secret (not shortcode and passkey: only a push
    /// proves those). Other processes with the same keys lose their token and fetch another by themselves.
    ///
    /// # Errors
    /// [`CredentialsError`], one line for the owner.
    pub async fn check_credentials(&self) -> Result<(), CredentialsError> {
        self.inner.tokens.forget().await;
        self.inner.tokens.get().await.map(drop)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.inner.clock.as_ref()
    }

    /// `Timestamp` and `Password` for one request, from one reading of the clock.
    pub(crate) fn sign(&self) -> Signature {
        timestamp::sign(&self.inner.config.shortcode, &self.inner.config.passkey, self.now())
    }

    /// Posts with the shared token. When the token is refused, that token is thrown away and the request is made
    /// anew, at most twice: a refused token proves that nothing was processed, and another process with the same keys
    /// ends our token by fetching its own (documented).
    pub(crate) async fn call(&self, path: &str, body: impl Fn() -> String) -> Result<Answer, CallError> {
        let mut renewed = 0;
        loop {
            let token = self.inner.tokens.get().await.map_err(CallError::NoToken)?;
            let answer = match self.inner.http.post(path, token.header(), body()).await {
                Ok(answer) => answer,
                Err(SendError::NotConnected) => return Err(CallError::NotConnected),
                Err(SendError::Lost { loss, http_status, partial }) => {
                    return Err(CallError::Lost { loss, http_status, partial });
                }
            };
            let Some(error) = WireError::read(&answer.body) else { return Ok(answer) };
            if sync_error::classify(answer.status, &error, answer.retry_after_secs) != SyncError::Token {
                return Ok(answer);
            }
            if renewed == MAX_RENEWALS {
                return Err(CallError::TokenRefused { answer, error });
            }
            tracing::debug!(code = error.code, "M-Pesa access token refused; renewing it");
            self.inner.tokens.invalidate(&token).await;
            renewed += 1;
            if renewed == MAX_RENEWALS {
                // Two processes that take the token from each other in step would go on doing so.
                tokio::time::sleep(backoff(STEP_ASIDE, renewed, self.clock())).await;
            }
        }
    }
}
