//! What a database error means for the person who runs the server.

use std::error::Error;

use sqlx::mysql::MySqlDatabaseError;

/// An error with everything that caused it, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

/// What to do about an error of the database, in one line.
#[must_use]
pub fn advice(error: &(dyn Error + 'static)) -> &'static str {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(error) = error.downcast_ref::<sqlx::Error>() {
            return match error {
                sqlx::Error::Io(_) => {
                    "nothing answers at the address in DATABASE_URL; start the database or correct the address"
                }
                sqlx::Error::PoolTimedOut => {
                    "no connection to the database came about within 3 seconds; check that it runs and that DATABASE_URL is right"
                }
                sqlx::Error::Database(database) => {
                    code_advice(database.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number))
                }
                _ => GENERAL,
            };
        }
        current = error.source();
    }
    GENERAL
}

const GENERAL: &str = "look at the database's own log";

fn code_advice(code: Option<u16>) -> &'static str {
    match code {
        Some(1045 | 1698) => "the database refuses the user or password of DATABASE_URL; correct them",
        Some(1049) => {
            "the database named in DATABASE_URL does not exist; create it, for example: create database bando"
        }
        Some(1044 | 1142 | 1143 | 1227 | 1370) => {
            "the database user may not do this; grant it all rights on its own database, for example: grant all on bando.* to 'bando'@'localhost'"
        }
        Some(1040) => "the database has too many connections; raise max_connections",
        Some(1290 | 1836) => "the database is read-only; make it writable or point DATABASE_URL at the writable server",
        Some(1021 | 1114) => "the database's disk is full; make room",
        _ => GENERAL,
    }
}
