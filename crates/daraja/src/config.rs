//! What the client must be told, checked once before anything is sent.

use std::{fmt, time::Duration};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::initiator::Initiator;

/// The passkey Safaricom publishes for the sandbox shortcode `174379` (documented). It is not a secret.
pub const SANDBOX_PASSKEY: &str = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919";
/// The shortcode of the sandbox (documented).
pub const SANDBOX_SHORTCODE: &str = "174379";

/// Which of Safaricom's two worlds is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// `https://sandbox.safaricom.co.ke` (documented). A real phone number still moves real money there (observed).
    Sandbox,
    /// `https://api.safaricom.co.ke` (documented).
    Production,
}

impl Environment {
    /// Where the environment lives.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Sandbox => "https://sandbox.safaricom.co.ke",
            Self::Production => "https://api.safaricom.co.ke",
        }
    }
}

/// `TransactionType` of an STK push (documented).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionType {
    /// The shortcode is a paybill; `PartyB` is the paybill itself.
    CustomerPayBillOnline,
    /// The shortcode is the head office or store number; `PartyB` is the till.
    CustomerBuyGoodsOnline,
}

impl TransactionType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CustomerPayBillOnline => "CustomerPayBillOnline",
            Self::CustomerBuyGoodsOnline => "CustomerBuyGoodsOnline",
        }
    }
}

/// How long the client waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// To open a connection.
    pub connect_timeout: Duration,
    /// From the first byte sent to the last byte read.
    pub request_timeout: Duration,
    /// Before the second try for an access token, and before a push is tried again after a connection could
    /// not be made; doubles for the third try, and up to half of it again is added as jitter.
    pub retry_delay: Duration,
    /// Before a push that was refused as too fast is sent once more; `None` leaves it to the customer.
    pub throttled_resend_delay: Option<Duration>,
}

impl Default for Timing {
    /// 10 s to connect, 30 s in all, 500 ms between tries, 3 s after a throttled push (our decision).
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            retry_delay: Duration::from_millis(500),
            throttled_resend_delay: Some(Duration::from_secs(3)),
        }
    }
}

/// Everything the client needs to speak for one merchant. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// Sandbox or production.
    pub environment: Environment,
    /// Another address than Safaricom's own, such as a simulator; plain http only outside production.
    pub base_url: Option<String>,
    /// Consumer key of the app on the Daraja portal.
    pub consumer_key: SecretString,
    /// Consumer secret of the app on the Daraja portal.
    pub consumer_secret: SecretString,
    /// Passkey of the shortcode, as Safaricom sent it, not encoded.
    pub passkey: SecretString,
    /// `BusinessShortCode`: the paybill, or the head office or store number of a till.
    pub shortcode: String,
    /// The till number (`PartyB`), for [`TransactionType::CustomerBuyGoodsOnline`] only.
    pub till: Option<String>,
    /// Paybill or till.
    pub transaction_type: TransactionType,
    /// For Transaction Status and Reversal; without it both say that they are not configured.
    pub initiator: Option<Initiator>,
    /// How long to wait.
    pub timing: Timing,
}

/// What is wrong with a [`Config`], in one line for the owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A secret is empty or holds spaces, line breaks or characters that cannot be sent.
    #[error("the M-Pesa {0} is empty or contains spaces; copy it again from the Daraja portal")]
    Secret(SecretName),
    /// The shortcode is not 5 to 7 digits.
    #[error("the M-Pesa shortcode must be 5 to 7 digits, such as 174379")]
    Shortcode,
    /// The till is not 5 to 8 digits.
    #[error("the M-Pesa till number must be 5 to 8 digits")]
    Till,
    /// Buy Goods without a till.
    #[error("Buy Goods needs the till number as well as the head office or store number")]
    TillMissing,
    /// Paybill with a till.
    #[error("a till number is set, but the transaction type is paybill; use CustomerBuyGoodsOnline or remove the till")]
    TillNotUsed,
    /// The base URL cannot be used.
    #[error("the M-Pesa base URL must look like https://host or http://host:port, without user, query or fragment")]
    BaseUrl,
    /// Plain http in production.
    #[error("the M-Pesa base URL must use https in production; http would send the keys in the clear")]
    InsecureBaseUrl,
    /// Sandbox values in production.
    #[error(
        "production is chosen, but the M-Pesa {0} is the public sandbox one; use the one Safaricom sent at go-live"
    )]
    SandboxValue(&'static str),
    /// The initiator's name cannot be one.
    #[error("the M-Pesa initiator must be the API operator's user name, without spaces")]
    InitiatorName,
    /// The security credential is not what the Daraja portal makes of the password.
    #[error(
        "the M-Pesa security credential must be the long encrypted text from the Daraja portal, not the password itself"
    )]
    SecurityCredential,
    /// A timeout of zero.
    #[error("the M-Pesa timeouts must be longer than zero")]
    Timeout,
    /// The program did not install a TLS provider; a mistake in the program, not in the settings.
    #[error("no TLS provider is installed; the program must install one before it talks to M-Pesa")]
    NoTlsProvider,
    /// The HTTP client could not be built, mostly because the machine has no root certificates.
    #[error("secure connections cannot be set up ({0}); install the package ca-certificates")]
    Tls(String),
}

/// Which secret is meant by [`ConfigError::Secret`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretName {
    /// `MPESA_CONSUMER_KEY`.
    ConsumerKey,
    /// `MPESA_CONSUMER_SECRET`.
    ConsumerSecret,
    /// `MPESA_PASSKEY`.
    Passkey,
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConsumerKey => "consumer key",
            Self::ConsumerSecret => "consumer secret",
            Self::Passkey => "passkey",
        })
    }
}

impl Config {
    /// The sandbox with its public passkey and shortcode, for one app's key and secret.
    #[must_use]
    pub fn sandbox(consumer_key: SecretString, consumer_secret: SecretString) -> Self {
        Self {
            environment: Environment::Sandbox,
            base_url: None,
            consumer_key,
            consumer_secret,
            passkey: SecretString::from(SANDBOX_PASSKEY),
            shortcode: SANDBOX_SHORTCODE.to_owned(),
            till: None,
            transaction_type: TransactionType::CustomerPayBillOnline,
            initiator: None,
            timing: Timing::default(),
        }
    }

    /// Checks everything that can be checked without asking Safaricom.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first thing that is wrong, in words for the owner.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let secrets = [
            (&self.consumer_key, SecretName::ConsumerKey),
            (&self.consumer_secret, SecretName::ConsumerSecret),
            (&self.passkey, SecretName::Passkey),
        ];
        for (secret, name) in secrets {
            let text = secret.expose_secret();
            if text.is_empty() || text.len() > 512 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(ConfigError::Secret(name));
            }
        }
        // HTTP Basic splits at the first colon, so a key with one could never be read back.
        if self.consumer_key.expose_secret().contains(':') {
            return Err(ConfigError::Secret(SecretName::ConsumerKey));
        }
        if !is_number(&self.shortcode, 5..=7) {
            return Err(ConfigError::Shortcode);
        }
        match (self.transaction_type, &self.till) {
            (TransactionType::CustomerBuyGoodsOnline, None) => return Err(ConfigError::TillMissing),
            (TransactionType::CustomerPayBillOnline, Some(_)) => return Err(ConfigError::TillNotUsed),
            (TransactionType::CustomerBuyGoodsOnline, Some(till)) if !is_number(till, 5..=8) => {
                return Err(ConfigError::Till);
            }
            (TransactionType::CustomerBuyGoodsOnline, Some(_)) | (TransactionType::CustomerPayBillOnline, None) => {}
        }
        if self.environment == Environment::Production {
            if self.shortcode == SANDBOX_SHORTCODE {
                return Err(ConfigError::SandboxValue("shortcode"));
            }
            if self.passkey.expose_secret() == SANDBOX_PASSKEY {
                return Err(ConfigError::SandboxValue("passkey"));
            }
        }
        if let Some(initiator) = &self.initiator {
            initiator.validate(self.environment)?;
        }
        let Timing { connect_timeout, request_timeout, .. } = self.timing;
        if connect_timeout.is_zero() || request_timeout.is_zero() {
            return Err(ConfigError::Timeout);
        }
        self.base().map(drop)
    }

    /// `PartyB` of a push: the till, or the paybill itself.
    #[must_use]
    pub fn party_b(&self) -> &str {
        self.till.as_deref().unwrap_or(&self.shortcode)
    }

    /// The base URL in force.
    pub(crate) fn base(&self) -> Result<Url, ConfigError> {
        let text = self.base_url.as_deref().unwrap_or(self.environment.base_url());
        let url = Url::parse(text).map_err(|_| ConfigError::BaseUrl)?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.has_host();
        match url.scheme() {
            "https" if plain => Ok(url),
            "http" if self.environment == Environment::Production => Err(ConfigError::InsecureBaseUrl),
            "http" if plain => Ok(url),
            _ => Err(ConfigError::BaseUrl),
        }
    }
}

fn is_number(text: &str, len: std::ops::RangeInclusive<usize>) -> bool {
    len.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
