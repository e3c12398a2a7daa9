//! A test of one router, line by line, for the command line and the admin app: everything that access depends
//! on, what was found, and what to do. Changes nothing on the router.

mod customers;
mod firewall;
mod garden;
mod hotspot;
mod line;
mod login;
mod page;
mod polled;
mod readings;
mod reaper;
mod system;
mod time;

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::Clock;
use routeros_api::{Connection, Settings, System};
use sqlx::MySqlPool;
use tokio::time::Instant;

use self::readings::Readings;
use super::{credentials, target, words};
use crate::{
    db::{
        StoreError, router_facts,
        routers::{Reach, RouterRecord},
    },
    seal::AppSecret,
};
pub use line::{Check, CheckState};

/// A router that takes longer for all of it is not waited for.
const TEST_MAX: Duration = Duration::from_secs(25);

/// Where customers find the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// `PUBLIC_URL` without a slash at its end.
    pub url: String,
    /// Its host: a name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Portal {
    /// The portal of a public address.
    #[must_use]
    pub fn new(url: &str, host: &str, port: u16) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self { url: url.trim_end_matches('/').to_owned(), host: host.to_owned(), port }
    }
}

/// What a test compares with.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Where customers are to be led.
    pub portal: Portal,
    /// The owner's time zone.
    pub zone: Tz,
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// When.
    pub at: DateTime<Utc>,
    /// Line by line.
    pub checks: Vec<Check>,
    /// One command there and back; `None` when the router was not reached.
    pub round_trip: Option<Duration>,
}

/// Tests a router. One that the server connects to is looked at over a connection of its own, so that the one
/// that serves customers is left in peace; of one that asks the server, what it said last is judged.
///
/// # Errors
/// [`StoreError`]; whatever is wrong with the router is a line.
pub async fn test_router(
    pool: &MySqlPool,
    router: &RouterRecord,
    secret: &AppSecret,
    settings: Settings,
    expected: &Expected,
    clock: &dyn Clock,
) -> Result<Tested, StoreError> {
    let at = clock.now();
    if router.reach == Reach::Pull {
        let known = polled::find(pool, router.id).await?;
        let facts = router_facts::find_facts(pool, router.id).await?;
        return Ok(Tested { at, checks: polled::judge(router, known.as_ref(), facts.as_ref(), at), round_trip: None });
    }
    let (checks, round_trip) = connected(router, secret, settings, expected, clock).await;
    Ok(Tested { at, checks: finish(checks), round_trip })
}

/// Only reaches a router and logs in: the first lines of its test.
pub(crate) async fn reach_router(router: &RouterRecord, secret: &AppSecret, settings: Settings) -> Vec<Check> {
    match open(router, secret, settings).await {
        Ok((_, checks)) | Err(checks) => checks,
    }
}

/// A connection with what can be said of it, or why there is none.
async fn open(
    router: &RouterRecord,
    secret: &AppSecret,
    settings: Settings,
) -> Result<(Connection, Vec<Check>), Vec<Check>> {
    let Ok(credentials) = credentials(router, secret) else {
        let found = "The saved password cannot be opened: APP_SECRET has changed.";
        return Err(vec![line::LOGIN.wrong(found, "Enter the router's password again under Routers.")]);
    };
    let begun = Instant::now();
    match Connection::open(&target(router), &credentials, settings).await {
        Ok(connection) => Ok((connection, login::succeeded(router, begun.elapsed()))),
        Err(error) => Err(login::failed(&error)),
    }
}

async fn connected(
    router: &RouterRecord,
    secret: &AppSecret,
    settings: Settings,
    expected: &Expected,
    clock: &dyn Clock,
) -> (Vec<Check>, Option<Duration>) {
    let (connection, mut checks) = match open(router, secret, settings).await {
        Ok(opened) => opened,
        Err(checks) => return (checks, None),
    };
    let system = System::new(connection);
    let Ok(readings) = tokio::time::timeout(TEST_MAX, Readings::take(&system, router, clock)).await else {
        let found = "The router takes connections but does not answer in time.";
        checks
            .push(line::ROUND_TRIP.wrong(found, "Restart it. If that does not help, look at its load: /tool profile"));
        return (checks, None);
    };
    checks.extend(login::rights(&readings));
    checks.extend(system::judge(&readings));
    checks.extend(hotspot::judge(&readings));
    checks.extend(garden::judge(&readings, &expected.portal).await);
    checks.push(page::judge(&readings, &expected.portal, &router.slug));
    checks.extend(reaper::judge(&readings));
    checks.extend(time::judge(&readings, expected.zone));
    checks.extend(firewall::judge(&readings));
    checks.extend(customers::judge(&readings));
    (checks, readings.round_trip)
}

/// Every line there is, in its order: what was not looked at is unknown, because of what stands before it.
fn finish(mut checks: Vec<Check>) -> Vec<Check> {
    for line in line::ALL {
        if !checks.iter().any(|check| check.name == line.name) {
            checks.push(line.unknown("This is known once the router can be logged in to."));
        }
    }
    checks
}

/// A failure to read a part of the router: a lack of rights says nothing about what is there.
fn unread(line: &line::Line, error: &routeros_api::RouterOsError) -> Check {
    line.unknown(words::for_owner(error))
}
