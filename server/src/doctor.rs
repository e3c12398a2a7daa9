//! `bando doctor`: everything that keeps customers from paying or going online, checked one by one, each a
//! line with what to do.

mod callback;
mod database;
pub(crate) mod router;

use std::{fmt, sync::Arc};

use domain::Clock;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::{
    application::{self, Engine, StartError},
    config::{self, Config, judge_secret},
};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Fine.
    Ok,
    /// Works, but should be known.
    Hint,
    /// Has to be mended.
    Problem,
    /// Could not be found out.
    Unknown,
}

/// One line of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    subject: String,
    outcome: Outcome,
    message: String,
    /// What to do; absent when nothing is to be done.
    todo: Option<String>,
}

impl Check {
    pub(crate) fn ok(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), outcome: Outcome::Ok, message: message.into(), todo: None }
    }

    pub(crate) fn hint(subject: impl Into<String>, message: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { subject: subject.into(), outcome: Outcome::Hint, message: message.into(), todo: Some(todo.into()) }
    }

    pub(crate) fn problem(subject: impl Into<String>, message: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { subject: subject.into(), outcome: Outcome::Problem, message: message.into(), todo: Some(todo.into()) }
    }

    pub(crate) fn unknown(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), outcome: Outcome::Unknown, message: message.into(), todo: None }
    }

    /// Whether something has to be mended.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        self.outcome == Outcome::Problem
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.outcome {
            Outcome::Ok => "ok",
            Outcome::Hint => "hint",
            Outcome::Problem => "PROBLEM",
            Outcome::Unknown => "?",
        };
        write!(f, "{mark:<8} {:<16} {}", self.subject, self.message)?;
        match &self.todo {
            Some(todo) => write!(f, " -> {todo}"),
            None => Ok(()),
        }
    }
}

/// Makes every check, in the order in which one depends on the other.
///
/// # Errors
/// [`StartError`] when the settings do not even make an engine.
pub async fn examine(config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Check>, StartError> {
    let engine = application::engine(config, clock, 2)?;
    let Engine { billing, mpesa, .. } = &engine;
    let mut checks = vec![secret(config)];
    let is_reached = database::examine(billing.pool(), clock.as_ref(), &mut checks).await;
    checks.push(match mpesa.check_credentials().await {
        Ok(()) => Check::ok("M-Pesa", "the consumer key and secret are accepted"),
        Err(error) => Check::problem("M-Pesa", "no access token", error.to_string()),
    });
    checks.extend(callback::examine(config).await);
    checks.extend(tunnel(config));
    if is_reached {
        checks.extend(router::examine(&engine, &config::portal(config)).await);
        checks.push(owners(billing).await);
    }
    Ok(checks)
}

fn secret(config: &Config) -> Check {
    match judge_secret(config.app_secret.expose_secret()) {
        Ok(()) => Check::ok("APP_SECRET", "long enough"),
        Err(weakness) => Check::problem("APP_SECRET", weakness, "make one with: openssl rand -hex 32"),
    }
}

/// The tunnel's own end is outside of this program; what can be told is what routers are told.
fn tunnel(config: &Config) -> Option<Check> {
    let tunnel = config.routers.tunnel.as_ref()?;
    let (host, port, server) = (&tunnel.endpoint_host, tunnel.endpoint_port, tunnel.server());
    Some(Check::hint(
        "tunnel",
        format!("routers are told to find WireGuard at {host}:{port} and this server at {server} inside it"),
        "check with: wg show",
    ))
}

async fn owners(billing: &billing::Billing) -> Check {
    match billing.has_admin().await {
        Ok(true) => Check::ok("admin", "somebody can log in"),
        Ok(false) => Check::problem("admin", "nobody can log in yet", "make an owner with: bando admin add"),
        Err(error) => Check::problem("admin", crate::database::chain(&error), crate::database::advice(&error)),
    }
}
