//! A program that forgot to install a TLS provider gets an error instead of a panic. Alone in its process,
//! because providers are installed for the whole process.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use daraja::{Client, Config, ConfigError};

struct Epoch;

impl domain::Clock for Epoch {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

#[test]
fn the_client_says_that_the_tls_provider_is_missing() {
    let config = Config::sandbox("key".into(), "secret".into());
    let client = Client::new(config, Arc::new(Epoch));
    assert_eq!(client.err(), Some(ConfigError::NoTlsProvider));
}
