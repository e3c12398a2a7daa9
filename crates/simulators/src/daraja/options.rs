//! How a simulator is set up: credentials, merchants, profile, delays and limits.

use std::{net::SocketAddr, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Safaricom's public sandbox passkey, valid for [`SANDBOX_SHORTCODE`]. DOCUMENTED.
pub const SANDBOX_PASSKEY: &str = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919";
/// Safaricom's public sandbox pay bill. DOCUMENTED.
pub const SANDBOX_SHORTCODE: &str = "174379";

/// Who answers the prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Scenarios resolve by themselves after their delay.
    Auto,
    /// A prompt waits for a person at `/phone` (or the control plane) until it expires.
    Manual,
}

/// Which Daraja is imitated where sandbox and production differ, or are unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The sandbox without its rate limit and with one steady pending answer: for work at the desk.
    Development,
    /// The sandbox as observed: query limit 5 a minute, pending answers of all four shapes.
    Sandbox,
    /// Production as far as documented: URLs registered once, prompts live 60 s.
    Production,
}

/// How the query answers while a prompt is unresolved. All OBSERVED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingStyle {
    /// HTTP 200, `"ResultCode":"4999"`.
    Code4999,
    /// HTTP 200, `"ResultCode":4999`.
    Code4999Number,
    /// HTTP 500, 500.001.1001 "The transaction is being processed".
    Http500,
    /// HTTP 500, 500.001.1001 with an empty message.
    Http500Empty,
    /// HTTP 200, 500.001.1001 with an empty message.
    Http200Empty,
    /// All of them in turn.
    Mixed,
}

/// How a throttled request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleStyle {
    /// HTTP 429 with Apigee's `fault` body. OBSERVED.
    Fault,
    /// HTTP 500, 500.003.02 "System is busy. …". DOCUMENTED.
    Busy,
}

/// A spike-arrest limit: one request every `60 / per_minute` seconds, `burst` of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// Requests a minute, at least 1.
    pub per_minute: u32,
    /// Requests that may come together, at least 1.
    pub burst: u32,
}

/// Which callback hosts are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackHosts {
    /// 127.0.0.0/8, ::1 and `localhost` only: no outbound traffic.
    LoopbackOnly,
    /// Whatever the request names.
    Any,
}

/// How payer numbers look in C2B confirmations. DOCUMENTED, with contradictions about which version does which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum C2bNumbers {
    /// Hashed where v1 registered the URLs, masked where v2 did.
    ByVersion,
    /// `2547*****678`.
    Masked,
    /// SHA-256, 64 hexadecimal digits.
    Hashed,
    /// In full, as until 2022.
    Plain,
}

/// What comes after Transaction Status, Reversal, balance and B2C have acknowledged a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultDelivery {
    /// The result, at `ResultURL`. DOCUMENTED.
    Result,
    /// The work is done, but only `QueueTimeOutURL` hears, and not what came of it. MODELLED.
    Timeout,
    /// The work is done and nobody hears.
    Lost,
}

/// A short code that may be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// `BusinessShortCode`: the pay bill, or the head-office number of a till.
    pub shortcode: String,
    /// The till number when it sells through one (`PartyB` then).
    pub till: Option<String>,
    /// The passkey inside `Password`.
    pub passkey: String,
    /// The name printed in the prompt and the messages.
    pub name: String,
}

impl Merchant {
    fn sandbox(shortcode: &str, till: Option<&str>) -> Self {
        Self {
            shortcode: shortcode.to_owned(),
            till: till.map(str::to_owned),
            passkey: SANDBOX_PASSKEY.to_owned(),
            name: "BANDO WIFI".to_owned(),
        }
    }
}

/// Set-up of a simulator. Start from [`Options::auto`] or [`Options::manual`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen.
    pub addr: SocketAddr,
    /// Who answers the prompts.
    pub mode: Mode,
    /// See [`Profile`]; change it with [`Options::with_profile`].
    pub profile: Profile,
    /// Time compression; 0 stands still until the clock is advanced.
    pub speed: f64,
    /// Makes identifiers repeat from run to run.
    pub seed: Option<u64>,
    /// The date of the simulator's clock at the start; the system's when `None`.
    pub start_at: Option<DateTime<Utc>>,
    /// OAuth user name.
    pub consumer_key: String,
    /// OAuth password.
    pub consumer_secret: String,
    /// The short codes that exist.
    pub merchants: Vec<Merchant>,
    /// The API operator of the asynchronous APIs; others fail with 21.
    pub initiator: String,
    /// Whether amounts, numbers and references select scenarios.
    pub implied_scenarios: bool,
    /// Automatic mode: from push to PIN.
    pub approve_after: Duration,
    /// From PIN to outcome when a person answers.
    pub settle_after: Duration,
    /// From push to 1037 when nobody will ever answer.
    pub unanswered_after: Duration,
    /// How long a prompt waits on the screen.
    pub prompt_life: Duration,
    /// Whether an open prompt locks its subscriber for 60 s.
    pub subscriber_lock: bool,
    /// Whether the same amount again within 120 s of a payment fails with 17.
    pub rule_17: bool,
    /// Spike arrest of the query.
    pub query_limit: Option<RateLimit>,
    /// Spike arrest of the push.
    pub push_limit: Option<RateLimit>,
    /// The form of a throttled answer.
    pub throttle_style: ThrottleStyle,
    /// The query's answer while pending.
    pub pending_style: PendingStyle,
    /// `expires_in` as the number 3599 instead of a string.
    pub expires_in_number: bool,
    /// Wrong consumer credentials answer 400.008.01 instead of an empty body.
    pub auth_error_body: bool,
    /// Whether an over-long AccountReference or TransactionDesc is refused. Nobody has recorded what the real
    /// service does; public clients have long sent descriptions of 20 characters.
    pub strict_lengths: bool,
    /// How far a `Timestamp` may be from East Africa Time; unchecked when `None`.
    pub timestamp_tolerance: Option<Duration>,
    /// Which callback hosts are called.
    pub callback_hosts: CallbackHosts,
    /// How long a receiver may take, real time.
    pub callback_timeout: Duration,
    /// Further deliveries after a failed one, 30 s apart. The real service makes none (OBSERVED).
    pub callback_retries: u32,
    /// Sent as `X-Forwarded-For` with callbacks, to try a receiver behind a proxy.
    pub forwarded_for: Option<String>,
    /// Whether a balance result carries one parameter, as a bare object instead of an array. DOCUMENTED as possible.
    pub bare_parameter: bool,
    /// Whether C2B payments ask the validation URL first.
    pub c2b_validation: bool,
    /// Whether an STK payment also confirms to registered C2B URLs.
    pub c2b_for_stk: bool,
    /// How payer numbers look in C2B confirmations, in Pull Transactions and on the statement.
    pub c2b_numbers: C2bNumbers,
    /// What each short code has at the start, in shillings.
    pub opening_balance: u32,
    /// What Safaricom keeps of each payment, in hundredths of a percent. MODELLED: real tariffs have bands.
    pub fee_basis_points: u32,
}

impl Options {
    fn new(mode: Mode) -> Self {
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            mode,
            profile: Profile::Development,
            speed: 1.0,
            seed: None,
            start_at: None,
            consumer_key: "demo".to_owned(),
            consumer_secret: "demo".to_owned(),
            merchants: vec![
                Merchant::sandbox(SANDBOX_SHORTCODE, None),
                Merchant::sandbox("600984", None),
                Merchant::sandbox("600100", Some("600200")),
            ],
            initiator: "testapi".to_owned(),
            implied_scenarios: true,
            approve_after: Duration::from_secs(6),
            settle_after: Duration::from_secs(1),
            unanswered_after: Duration::from_secs(26),
            prompt_life: Duration::from_secs(60),
            subscriber_lock: true,
            rule_17: true,
            query_limit: None,
            push_limit: None,
            throttle_style: ThrottleStyle::Fault,
            pending_style: PendingStyle::Code4999,
            expires_in_number: false,
            auth_error_body: false,
            strict_lengths: true,
            timestamp_tolerance: None,
            callback_hosts: CallbackHosts::LoopbackOnly,
            callback_timeout: Duration::from_secs(10),
            callback_retries: 0,
            forwarded_for: None,
            bare_parameter: false,
            c2b_validation: false,
            c2b_for_stk: true,
            c2b_numbers: C2bNumbers::ByVersion,
            opening_balance: 0,
            fee_basis_points: 0,
        }
    }

    /// Prompts answer themselves by their scenario.
    #[must_use]
    pub fn auto() -> Self {
        Self::new(Mode::Auto)
    }

    /// Prompts wait for a person.
    #[must_use]
    pub fn manual() -> Self {
        Self::new(Mode::Manual)
    }

    /// Sets what the profile implies: limits, pending answers, how long silence lasts.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        let (limit, pending, unanswered) = match profile {
            Profile::Development => (None, PendingStyle::Code4999, 26),
            Profile::Sandbox => (Some(RateLimit { per_minute: 5, burst: 1 }), PendingStyle::Mixed, 26),
            Profile::Production => (None, PendingStyle::Mixed, 60),
        };
        self.query_limit = limit;
        self.pending_style = pending;
        self.unanswered_after = Duration::from_secs(unanswered);
        self
    }

    pub(crate) fn merchant(&self, shortcode: &str) -> Option<&Merchant> {
        self.merchants.iter().find(|merchant| merchant.shortcode == shortcode)
    }

    /// The merchant behind a number a person would type: a pay bill or a till.
    pub(crate) fn payable(&self, number: &str) -> Option<&Merchant> {
        self.merchants.iter().find(|m| m.till.as_deref().unwrap_or(&m.shortcode) == number)
    }
}
