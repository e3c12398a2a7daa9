//! The access token: one for the whole process, fetched by one caller at a time.
//!
//! Each new token invalidates the one before (documented), so a token is shared until it expires, and when it
//! is refused only that very token is thrown away. Several processes with the same keys take the token from
//! each other now and then; the one retry after a refused token absorbs that.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Clock, result_text::RefusalClass};
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    config::{Config, ConfigError, SecretName},
    http::{Answer, Http, Loss, SendError},
    sync_error::{self, SyncError},
    wire::{self, Lexeme, WireError},
};

const PATH: &str = "/oauth/v1/generate?grant_type=client_credentials";
/// Tries for one token; only this request is ever repeated freely.
const TRIES: u32 = 3;
/// A token is renewed this long before it ends.
const MARGIN_SECS: u64 = 300;
/// The documented life of a token; a longer one is not believed.
const MAX_LIFE_SECS: u64 = 3599;
/// Assumed life when `expires_in` is missing or unreadable (our decision).
const FALLBACK_LIFE_SECS: u64 = 900;

/// Why there is no access token, in one line for the owner. Whatever was to be sent has not been sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// HTTP 400 or 401, often with an empty body (observed), or `400.008.01` (documented).
    #[error(
        "M-Pesa refused the consumer key and secret; copy both again from the app on the Daraja portal, and check that they belong to the chosen environment (sandbox or production)"
    )]
    Refused {
        /// HTTP status.
        http_status: u16,
        /// `errorCode`, when there was one.
        code: Option<String>,
    },
    /// The app has no product that covers this API (documented as "no apiproduct match found").
    #[error("the app on the Daraja portal lacks the M-Pesa product for this; add M-Pesa Express to the app")]
    NoProduct,
    /// HTTP 3xx, 404, 405: there is something else at this address.
    #[error("the M-Pesa base URL is wrong: what answers there (HTTP {http_status}) is not Daraja")]
    WrongAddress {
        /// HTTP status.
        http_status: u16,
    },
    /// Too many requests.
    #[error("M-Pesa says too many requests; try again in {retry_after_secs} seconds")]
    Throttled {
        /// Seconds to wait.
        retry_after_secs: u64,
    },
    /// No connection could be made.
    #[error("M-Pesa cannot be reached; check the internet connection, the firewall and the M-Pesa base URL")]
    Unreachable,
    /// No answer in time, or a broken one.
    #[error("M-Pesa did not answer in time; it may be down, try again later")]
    NoAnswer,
    /// An error of the gateway, or an answer that makes no sense.
    #[error("M-Pesa answered HTTP {http_status} without a token; it may be down, try again later")]
    Unexpected {
        /// HTTP status.
        http_status: u16,
    },
}

impl CredentialsError {
    /// Whether only the owner can put it right; the others pass by themselves.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NoProduct | Self::WrongAddress { .. })
    }
}

/// An access token as a header value, marked sensitive so that nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(HeaderValue);

impl Token {
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// What the lock protects.
#[derive(Default)]
struct State {
    token: Option<(Token, Instant)>,
    /// The last failure and when it ended: whoever was already waiting then shares it instead of asking again.
    failure: Option<(CredentialsError, Instant)>,
}

/// The keeper of the token.
pub(crate) struct Tokens {
    http: Http,
    clock: Arc<dyn Clock>,
    basic: HeaderValue,
    try_timeout: Duration,
    retry_delay: Duration,
    state: Mutex<State>,
}

impl Tokens {
    pub(crate) fn new(config: &Config, http: Http, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let pair = format!("{}:{}", config.consumer_key.expose_secret(), config.consumer_secret.expose_secret());
        let basic = sensitive(&format!("Basic {}", STANDARD.encode(pair)))
            .ok_or(ConfigError::Secret(SecretName::ConsumerSecret))?;
        Ok(Self {
            http,
            clock,
            basic,
            // The tries together take no longer than one request may.
            try_timeout: config.timing.request_timeout / TRIES,
            retry_delay: config.timing.retry_delay,
            state: Mutex::default(),
        })
    }

    /// The token in force, or a new one. Callers who arrive while one is being fetched wait for it and share it,
    /// or share its failure.
    pub(crate) async fn get(&self) -> Result<Token, CredentialsError> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        if let Some((token, expires)) = &state.token
            && Instant::now() < *expires
        {
            return Ok(token.clone());
        }
        if let Some((error, ended)) = &state.failure
            && arrived < *ended
        {
            return Err(error.clone());
        }
        state.token = None;
        match self.fetch().await {
            Ok((token, life)) => {
                let started = Instant::now();
                state.failure = None;
                state.token = Some((token.clone(), started + life));
                tracing::debug!(life_secs = life.as_secs(), "M-Pesa access token renewed");
                Ok(token)
            }
            Err(error) => {
                tracing::warn!(%error, "no M-Pesa access token");
                state.failure = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    /// Throws this token away; a newer one that somebody fetched meanwhile stays.
    pub(crate) async fn invalidate(&self, refused: &Token) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|(token, _)| token == refused) {
            state.token = None;
        }
    }

    /// Throws away whatever token there is.
    pub(crate) async fn forget(&self) {
        self.state.lock().await.token = None;
    }

    async fn fetch(&self) -> Result<(Token, Duration), CredentialsError> {
        let mut tried = 1;
        loop {
            let outcome = match self.http.get(PATH, self.basic.clone(), self.try_timeout).await {
                Ok(answer) => interpret(&answer),
                Err(SendError::NotConnected) => Err(CredentialsError::Unreachable),
                Err(SendError::Lost { loss: Loss::Timeout | Loss::Connection, .. }) => Err(CredentialsError::NoAnswer),
                Err(SendError::Lost { loss: Loss::TooLarge, http_status, .. }) => {
                    Err(CredentialsError::Unexpected { http_status: http_status.unwrap_or_default() })
                }
            };
            match outcome {
                Err(error) if !error.is_configuration() && tried < TRIES => {
                    tokio::time::sleep(backoff(self.retry_delay, tried, self.clock.as_ref())).await;
                    tried += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

/// The delay after the `tried`th try: doubled each time, plus up to half of it again. The jitter comes from the
/// fraction of the current second, which is as good as chance between processes.
pub(crate) fn backoff(base: Duration, tried: u32, clock: &dyn Clock) -> Duration {
    let delay = base.saturating_mul(1_u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX));
    let share = clock.now().timestamp_subsec_millis().min(999);
    delay.saturating_add((delay / 2_000).saturating_mul(share))
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: Option<String>,
    #[serde(default, deserialize_with = "wire::lexeme")]
    expires_in: Option<Lexeme>,
}

fn interpret(answer: &Answer) -> Result<(Token, Duration), CredentialsError> {
    let http_status = answer.status;
    let unexpected = CredentialsError::Unexpected { http_status };
    let error = WireError::read(&answer.body);
    if answer.is_success() && error.is_none() {
        let body: TokenBody = wire::parse(&answer.body).ok_or_else(|| unexpected.clone())?;
        let token = body.access_token.filter(|token| !token.is_empty()).ok_or(unexpected.clone())?;
        let token = sensitive(&format!("Bearer {token}")).ok_or(unexpected)?;
        return Ok((Token(token), life(body.expires_in.as_ref())));
    }
    let meaning = error.as_ref().map(|error| sync_error::classify(http_status, error, answer.retry_after_secs));
    match meaning {
        Some(SyncError::Refused(RefusalClass::Throttled { retry_after_secs })) => {
            return Err(CredentialsError::Throttled { retry_after_secs });
        }
        Some(_) if error.as_ref().is_some_and(|error| error.says("apiproduct")) => {
            return Err(CredentialsError::NoProduct);
        }
        _ => {}
    }
    let code = error.map(|error| error.code).filter(|code| !code.is_empty());
    Err(match http_status {
        _ if code.as_ref().is_some_and(|code| code.starts_with("400.008.")) => {
            CredentialsError::Refused { http_status, code }
        }
        400 | 401 => CredentialsError::Refused { http_status, code },
        403 if code.is_some() => CredentialsError::Refused { http_status, code },
        300..=399 | 404 | 405 => CredentialsError::WrongAddress { http_status },
        429 => CredentialsError::Throttled { retry_after_secs: answer.retry_after_secs.unwrap_or(12) },
        _ => unexpected,
    })
}

/// How long a token is used: five minutes less than it lives, or half of a life too short for that.
fn life(expires_in: Option<&Lexeme>) -> Duration {
    let secs = expires_in.and_then(|lexeme| lexeme.as_str().trim().parse().ok()).unwrap_or(FALLBACK_LIFE_SECS);
    let secs = secs.min(MAX_LIFE_SECS);
    Duration::from_secs(if secs >= 2 * MARGIN_SECS { secs - MARGIN_SECS } else { secs / 2 })
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests;
