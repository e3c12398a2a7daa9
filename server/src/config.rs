//! Configuration: one struct, read once at the start from the environment and `.env`. Everything that is
//! wrong is reported at once, a line each, naming the variable, what is wrong and what to do.

mod environment;
mod mpesa;
mod parse;
mod routers;
pub mod table;
#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr, path::PathBuf};

use billing::{CallbackConfirm, CallbackIps};
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use environment::Environment;
pub use parse::{ADMIN_PASSWORD_MIN, default_api_port, is_username, judge_secret, tls_pin};
pub use routers::{RoutersConfig, portal, site};

/// Everything Bando needs to know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DATABASE_URL`.
    pub database_url: SecretString,
    /// `APP_SECRET`.
    pub app_secret: SecretString,
    /// `APP_SECRET_OLD`, while the secret is being changed.
    pub app_secret_old: Option<SecretString>,
    /// Where to listen and how the outside reaches us.
    pub http: HttpConfig,
    /// Safaricom Daraja.
    pub mpesa: MpesaConfig,
    /// `PAY_PER_SECOND`, `PAY_BURST` and `PAY_PER_ADDRESS`.
    pub pay_limits: billing::payments::PayLimits,
    /// `ADMIN_USERNAME` and `ADMIN_PASSWORD`, when a password is set.
    pub first_owner: Option<FirstOwner>,
    /// `MIKROTIK_*`, when a host is set.
    pub first_router: Option<FirstRouter>,
    /// `BANDO_ROUTER_SOURCES` and `BANDO_TUNNEL_*`.
    pub routers: RoutersConfig,
    /// How to log.
    pub log: LogConfig,
    /// `BANDO_WEB_DIR`.
    pub web_dir: Option<PathBuf>,
}

impl Config {
    /// The configuration once the port is known: with `PORT=0`, addresses that were made from it follow.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        if self.http.port == 0 {
            self.http.port = port;
            let is_derived = self.http.public_url.port() == Some(0);
            if is_derived && self.http.public_url.set_port(Some(port)).is_ok() {
                let derived = format!("{}api/pay/hook", self.http.public_url);
                self.mpesa.callback_url =
                    Some(self.mpesa.callback_url).filter(|url| !url.contains(":0/")).unwrap_or(derived);
            }
        }
        self
    }
}

/// `HOST`, `PORT`, `PUBLIC_URL`, `TRUSTED_PROXIES`.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// `HOST`.
    pub host: IpAddr,
    /// `PORT`; 0 for any free one.
    pub port: u16,
    /// `PUBLIC_URL`, without a path.
    pub public_url: Url,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
}

impl HttpConfig {
    /// Whether browsers reach us over https, so that cookies must be Secure.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// `MPESA_*`.
#[derive(Debug, Clone)]
pub struct MpesaConfig {
    /// Whether real money moves: `MPESA_ENV=production`.
    pub is_production: bool,
    /// `MPESA_BASE_URL`, if overridden.
    pub base_url: Option<Url>,
    /// `MPESA_CONSUMER_KEY`.
    pub consumer_key: SecretString,
    /// `MPESA_CONSUMER_SECRET`.
    pub consumer_secret: SecretString,
    /// `MPESA_SHORTCODE`, 5 to 7 digits.
    pub shortcode: String,
    /// `MPESA_PASSKEY`.
    pub passkey: SecretString,
    /// `MPESA_TILL` when the transaction type is `CustomerBuyGoodsOnline`.
    pub till: Option<String>,
    /// `MPESA_CALLBACK_URL` without a slash at its end.
    pub callback_url: String,
    /// `MPESA_CALLBACK_IPS`.
    pub callback_ips: CallbackIps,
    /// `MPESA_CALLBACK_CONFIRM`.
    pub callback_confirm: CallbackConfirm,
    /// `MPESA_QUERY_GRACE_SECS`.
    pub query_grace_secs: u64,
    /// `MPESA_PULL`.
    pub pull: bool,
    /// `MPESA_QUERY_DELAYS`, if set.
    pub query_delays_secs: Option<Vec<u64>>,
    /// `MPESA_QUERY_PER_MINUTE`; the sandbox allows 5 (observed).
    pub query_per_minute: u32,
    /// `MPESA_INITIATOR` and `MPESA_SECURITY_CREDENTIAL`, if set.
    pub initiator: Option<daraja::Initiator>,
}

impl MpesaConfig {
    /// The world `MPESA_ENV` names.
    #[must_use]
    pub const fn environment(&self) -> daraja::Environment {
        if self.is_production { daraja::Environment::Production } else { daraja::Environment::Sandbox }
    }
}

/// The owner to make when there is none.
#[derive(Debug, Clone)]
pub struct FirstOwner {
    /// `ADMIN_USERNAME`.
    pub username: String,
    /// `ADMIN_PASSWORD`.
    pub password: SecretString,
}

/// The router to add when there is none.
#[derive(Debug, Clone)]
pub struct FirstRouter {
    /// `MIKROTIK_HOST`.
    pub host: String,
    /// `MIKROTIK_PORT`.
    pub port: u16,
    /// `MIKROTIK_USERNAME`.
    pub username: String,
    /// `MIKROTIK_PASSWORD`.
    pub password: SecretString,
    /// The fingerprint of `MIKROTIK_TLS`; none for plain TCP.
    pub tls_pin: Option<[u8; 32]>,
}

/// `LOG_FORMAT` and `LOG_LEVEL`.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Whether lines are JSON.
    pub is_json: bool,
    /// A filter such as `info,billing=debug`.
    pub filter: String,
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable or file.
    pub name: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub todo: String,
}

impl Problem {
    fn new(name: impl Into<String>, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name: name.into(), what: what.into(), todo: todo.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.name, self.what, self.todo)
    }
}

/// The configuration cannot be used. `Display` is one line for each problem; values are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<Problem>);

impl ConfigError {
    fn one(name: impl Into<String>, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self(vec![Problem::new(name, what, todo)])
    }
}
