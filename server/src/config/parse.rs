//! From text to [`Config`].

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use super::{
    Config, ConfigError, Environment, FirstOwner, FirstRouter, HttpConfig, LogConfig, environment::Reader, table,
};

const APP_SECRET_MIN: usize = 32;
/// NIST 800-63B asks for 8, ASVS advises more; an owner's password guards money.
pub const ADMIN_PASSWORD_MIN: usize = 10;

impl Config {
    /// Understands the environment.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn parse(environment: &Environment) -> Result<Self, ConfigError> {
        let reader = Reader::new(environment);
        let config = read(&reader);
        match (config, reader.finish().0) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(ConfigError(problems)),
        }
    }

    /// The names that parsing asks for; a test compares them with the table.
    #[cfg(test)]
    pub(super) fn names_read(environment: &Environment) -> std::collections::BTreeSet<&'static str> {
        let reader = Reader::new(environment);
        read(&reader);
        reader.finish().1
    }
}

/// Reads everything even after a problem, so that all of them are found.
fn read(reader: &Reader<'_>) -> Option<Config> {
    let database_url = database_url(reader);
    let app_secret = app_secret(reader);
    let app_secret_old = reader.text(&table::APP_SECRET_OLD).map(SecretString::from);
    let http = http(reader);
    let mpesa = super::mpesa::read(reader, http.as_ref());
    let pay_limits = pay_limits(reader);
    let first_owner = first_owner(reader);
    let first_router = first_router(reader);
    let routers = super::routers::read(reader);
    let log = log(reader);
    let web_dir = reader.text(&table::BANDO_WEB_DIR).map(Into::into);
    Some(Config {
        database_url: database_url?,
        app_secret: app_secret?,
        app_secret_old,
        http: http?,
        mpesa: mpesa?,
        pay_limits: pay_limits?,
        first_owner,
        first_router,
        routers: routers?,
        log: log?,
        web_dir,
    })
}

fn database_url(reader: &Reader<'_>) -> Option<SecretString> {
    reader
        .parse_with(&table::DATABASE_URL, "such as mysql://bando:password@127.0.0.1:3306/bando", |text| {
            let url = Url::parse(text).ok()?;
            let names_database = !url.path().trim_matches('/').is_empty();
            (matches!(url.scheme(), "mysql" | "mariadb") && names_database).then(|| text.to_owned())
        })
        .map(SecretString::from)
}

fn app_secret(reader: &Reader<'_>) -> Option<SecretString> {
    let text = reader.text(&table::APP_SECRET)?;
    if let Err(weakness) = judge_secret(&text) {
        reader.problem(&table::APP_SECRET, weakness, "make one with: openssl rand -hex 32");
        return None;
    }
    Some(SecretString::from(text))
}

/// Whether a secret is long and varied enough to resist guessing.
///
/// # Errors
/// What is weak about it, in words.
pub fn judge_secret(text: &str) -> Result<(), &'static str> {
    let distinct: std::collections::BTreeSet<char> = text.chars().collect();
    match text.chars().count() {
        0..APP_SECRET_MIN => Err("is shorter than 32 characters"),
        _ if distinct.len() < 8 => Err("repeats the same few characters"),
        _ => Ok(()),
    }
}

fn http(reader: &Reader<'_>) -> Option<HttpConfig> {
    let host = reader.parse_with(&table::HOST, "an address such as 127.0.0.1 or 0.0.0.0", |text| match text {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => text.parse().ok(),
    });
    let port: Option<u16> = reader.parse(&table::PORT, "a number from 0 to 65535");
    let expected = "an address without a path, such as https://wifi.example.co.ke";
    let public_url = match reader.text(&table::PUBLIC_URL) {
        Some(_) => reader.parse_with(&table::PUBLIC_URL, expected, |text| {
            web_url(text).filter(|url| url.path() == "/" && url.query().is_none())
        }),
        None => default_public_url(host?, port?),
    };
    let proxies = "addresses or networks with commas between, such as 127.0.0.1,10.0.0.0/8";
    let trusted_proxies = match reader.text(&table::TRUSTED_PROXIES) {
        Some(_) => reader.parse_with(&table::TRUSTED_PROXIES, proxies, networks),
        None => Some(Vec::new()),
    };
    Some(HttpConfig { host: host?, port: port?, public_url: public_url?, trusted_proxies: trusted_proxies? })
}

fn default_public_url(host: IpAddr, port: u16) -> Option<Url> {
    let host = if host.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { host };
    Url::parse(&format!("http://{}", std::net::SocketAddr::new(host, port))).ok()
}

/// An absolute http or https address with a host and without credentials.
pub(super) fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (is_web && url.username().is_empty() && url.password().is_none()).then_some(url)
}

pub(super) fn networks(text: &str) -> Option<Vec<IpNet>> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.parse::<IpNet>().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from)))
        .collect()
}

fn pay_limits(reader: &Reader<'_>) -> Option<billing::payments::PayLimits> {
    let number = |variable| {
        let expected = "a number from 1 to 1000000";
        reader.parse_with(variable, expected, |text| {
            text.parse().ok().filter(|number: &u32| (1..=1_000_000).contains(number))
        })
    };
    let per_sec = number(&table::PAY_PER_SECOND);
    let burst = number(&table::PAY_BURST);
    let per_address = number(&table::PAY_PER_ADDRESS);
    Some(billing::payments::PayLimits { per_sec: per_sec?, burst: burst?, per_address: per_address? })
}

fn first_owner(reader: &Reader<'_>) -> Option<FirstOwner> {
    let username = reader.parse_with(&table::ADMIN_USERNAME, "3 to 64 letters, digits, dots, - or _", |text| {
        is_username(text).then(|| text.to_ascii_lowercase())
    });
    let password = reader.text(&table::ADMIN_PASSWORD)?;
    if password.chars().count() < ADMIN_PASSWORD_MIN {
        let todo = format!("choose at least {ADMIN_PASSWORD_MIN} characters");
        reader.problem(&table::ADMIN_PASSWORD, "is too short", todo);
    }
    Some(FirstOwner { username: username?, password: password.into() })
}

/// Whether a text may be an admin's name.
#[must_use]
pub fn is_username(text: &str) -> bool {
    (3..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@'))
}

fn first_router(reader: &Reader<'_>) -> Option<FirstRouter> {
    let host = reader.text(&table::MIKROTIK_HOST);
    let tls_pin = reader.parse_with(&table::MIKROTIK_TLS, "off, or pin: and 64 hexadecimal digits", tls_pin);
    let port = match reader.text(&table::MIKROTIK_PORT) {
        Some(_) => reader.parse_with(&table::MIKROTIK_PORT, "a number from 1 to 65535", |text| {
            text.parse().ok().filter(|port| *port != 0)
        }),
        None => tls_pin.map(default_api_port),
    };
    let username = reader.text(&table::MIKROTIK_USERNAME);
    let password = reader.text(&table::MIKROTIK_PASSWORD);
    let host = host?;
    if password.is_none() {
        reader.problem(&table::MIKROTIK_PASSWORD, "is not set", "it is needed because MIKROTIK_HOST is set");
    }
    Some(FirstRouter { host, port: port?, username: username?, password: password?.into(), tls_pin: tls_pin? })
}

/// The port RouterOS listens on by default for its API, plain or with TLS.
#[must_use]
pub fn default_api_port(tls_pin: Option<[u8; 32]>) -> u16 {
    if tls_pin.is_some() { 8729 } else { 8728 }
}

/// `off` is `Some(None)`, `pin:<hex>` the fingerprint; colons between the pairs are accepted.
#[must_use]
pub fn tls_pin(text: &str) -> Option<Option<[u8; 32]>> {
    if text == "off" {
        return Some(None);
    }
    let digits = text.strip_prefix("pin:")?.replace(':', "");
    let mut pin = [0; 32];
    hex::decode_to_slice(digits, &mut pin).ok()?;
    Some(Some(pin))
}

fn log(reader: &Reader<'_>) -> Option<LogConfig> {
    let is_json = reader.parse_with(&table::LOG_FORMAT, "pretty or json", |text| match text {
        "pretty" => Some(false),
        "json" => Some(true),
        _ => None,
    });
    let filter = reader.parse_with(&table::LOG_LEVEL, "error, warn, info, debug or trace", |text| {
        text.parse::<tracing_subscriber::EnvFilter>().ok().map(|_| text.to_owned())
    });
    Some(LogConfig { is_json: is_json?, filter: filter? })
}
