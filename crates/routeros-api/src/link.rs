//! A connection that comes back: one per router, with back-off, and a breaker so that a router that is
//! down costs its callers nothing.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

use crate::{
    client::{Connection, Credentials, Settings, Target},
    error::RouterOsError,
};

/// The first wait after a failed attempt; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// From this many failures in a row callers are refused at once until it is time for the next attempt.
const BREAKER: u32 = 3;
/// A router that knew our password before an outage and refuses it after is taken to be starting for this
/// long (observed: the API takes connections before the users are loaded).
const BOOT_GRACE: Duration = Duration::from_secs(120);

/// The way to one router.
#[derive(Debug)]
pub struct Link {
    target: Target,
    credentials: Credentials,
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    connection: Option<Connection>,
    failures: u32,
    last_failure: Option<(Instant, Duration, RouterOsError)>,
    /// Whether these credentials have worked.
    has_worked: bool,
    /// When the router first took a connection again after an outage.
    back_since: Option<Instant>,
    jitter: u64,
}

impl Link {
    /// A link that has not connected yet. `jitter_seed` spreads the attempts of many links; give each its own.
    #[must_use]
    pub fn new(target: Target, credentials: Credentials, settings: Settings, jitter_seed: u64) -> Self {
        let state = State {
            connection: None,
            failures: 0,
            last_failure: None,
            has_worked: false,
            back_since: None,
            jitter: jitter_seed | 1,
        };
        Self { target, credentials, settings, state: Mutex::new(state) }
    }

    /// The live connection, or a new one. After a failure it first waits for its turn; from the third
    /// failure in a row on it refuses at once instead.
    ///
    /// # Errors
    /// [`RouterOsError::CircuitOpen`] when it is not time for the next attempt, else the error of connecting.
    pub async fn connection(&self) -> Result<Connection, RouterOsError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = state.connection.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        state.connection = None;
        if let Some((at, wait, cause)) = &state.last_failure {
            let retry_in = (*at + *wait).saturating_duration_since(Instant::now());
            if state.failures >= BREAKER && !retry_in.is_zero() {
                return Err(RouterOsError::CircuitOpen { retry_in, cause: Box::new(cause.clone()) });
            }
            tokio::time::sleep(retry_in).await;
        }
        match Connection::open(&self.target, &self.credentials, self.settings).await {
            Ok(connection) => {
                state.connection = Some(connection.clone());
                state.failures = 0;
                state.last_failure = None;
                state.has_worked = true;
                state.back_since = None;
                Ok(connection)
            }
            Err(error) => {
                let error = state.judge(error);
                let wait = state.next_wait();
                state.last_failure = Some((Instant::now(), wait, error.clone()));
                Err(error)
            }
        }
    }

    /// When the next attempt may be made; `None` when connected or never tried.
    pub async fn retry_in(&self) -> Option<Duration> {
        let state = self.state.lock().await;
        state.last_failure.as_ref().map(|(at, wait, _)| (*at + *wait).saturating_duration_since(Instant::now()))
    }

    /// Closes the connection once nobody uses it; the next call makes a new one.
    pub async fn close(&self) {
        self.state.lock().await.connection = None;
    }
}

impl State {
    /// Tells a wrong password from a router that is still starting.
    fn judge(&mut self, error: RouterOsError) -> RouterOsError {
        if error != RouterOsError::AuthFailed {
            if !matches!(error, RouterOsError::NotReady(_)) {
                self.back_since = None;
            }
            return error;
        }
        let back_since = *self.back_since.get_or_insert_with(Instant::now);
        if self.has_worked && back_since.elapsed() < BOOT_GRACE {
            return RouterOsError::NotReady("it refuses a password that worked before".to_owned());
        }
        self.has_worked = false;
        error
    }

    /// Counts the failure; 1, 2, 4 … 60 seconds, each shortened by up to half.
    fn next_wait(&mut self) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(6)).min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        // xorshift64: spreading needs no secrecy.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let thousandths = u32::try_from(self.jitter % 500).unwrap_or(0);
        doubled - doubled / 1000 * thousandths
    }
}
