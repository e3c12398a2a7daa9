//! What can be known of a router that asks the server, and that nothing can connect to.

use chrono::{DateTime, TimeDelta, Utc};
use domain::RouterId;
use routeros_api::system::License;
use sqlx::MySqlPool;

use super::{Check, customers, line};
use crate::{
    access::REAPER,
    db::{StoreError, router_facts::FactsRecord, routers::RouterRecord},
    health::{SKEW_MAX_SECS, in_words},
};

/// It asks every ten seconds or so; after this it is away.
const SILENT_AFTER: TimeDelta = TimeDelta::minutes(2);

/// What such a router said of itself last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Polled {
    pub(crate) polled_at: Option<DateTime<Utc>>,
    pub(crate) reported_at: Option<DateTime<Utc>>,
    pub(crate) clock_skew_secs: Option<i64>,
    pub(crate) version: Option<String>,
    pub(crate) board: Option<String>,
}

pub(super) async fn find(pool: &MySqlPool, id: RouterId) -> Result<Option<Polled>, StoreError> {
    Ok(sqlx::query_as!(
        Polled,
        r#"select polled_at as "polled_at: DateTime<Utc>", reported_at as "reported_at: DateTime<Utc>", clock_skew_secs,
                  version, board
           from router_pulls where router_id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?)
}

pub(super) fn judge(
    router: &RouterRecord,
    known: Option<&Polled>,
    facts: Option<&FactsRecord>,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let look = "Look at its power and its internet. In its terminal, this asks at once:\n/system script run bando-pull";
    let mut checks = match known.and_then(|known| known.polled_at) {
        None => vec![line::REACH.wrong("It has never asked.", format!("Set it up under Routers. {look}"))],
        Some(at) if now - at > SILENT_AFTER => {
            vec![line::REACH.wrong(format!("It asked last {} ago.", in_words(now - at)), look)]
        }
        Some(at) => vec![
            line::REACH.ok(format!("It asked {} ago.", in_words(now - at))),
            line::TLS.ok("It asks over HTTPS, and what it is told is signed."),
            line::LOGIN.ok("It has the key that it was given."),
        ],
    };
    if let Some(known) = known {
        if let (Some(version), Some(board)) = (&known.version, &known.board) {
            checks.push(line::VERSION.ok(format!("{board} with RouterOS {version}.")));
        }
        checks.extend(known.clock_skew_secs.map(|skew| match skew.abs() {
            secs if secs <= SKEW_MAX_SECS => {
                line::CLOCK.ok(format!("It differs from this server's by {}.", in_words(TimeDelta::seconds(secs))))
            }
            secs => line::CLOCK.warning(
                format!("It is {} {}.", in_words(TimeDelta::seconds(secs)), if skew < 0 { "behind" } else { "ahead" }),
                "Run:\n/system ntp client set enabled=yes",
            ),
        }));
        if let (Some(at), Some(error)) = (known.reported_at, &router.last_error) {
            checks.push(line::HOTSPOT.warning(
                format!("{} ago it reported: {error}", in_words(now - at)),
                "It tries again by itself; if this stays, do what it says.",
            ));
        }
    }
    checks.extend(facts.into_iter().flat_map(said));
    let rest = line::ALL.into_iter().filter(|line| !checks.iter().any(|check| check.name == line.name));
    let unknown: Vec<Check> =
        rest.map(|line| line.unknown("This router asks the server and cannot be looked at from here.")).collect();
    checks.extend(unknown);
    checks
}

/// What follows from what it said of itself.
fn said(facts: &FactsRecord) -> Vec<Check> {
    let reaper = facts.has_reaper.map(|is_there| {
        if is_there {
            return line::REAPER_RUNS.ok(format!("{REAPER} is on its schedule."));
        }
        let found = format!("{REAPER} is not on its schedule: while this server is away, customers could stay on.");
        line::REAPER_RUNS.warning(found, "Set the router up again under Routers: it installs the script.")
    });
    let license = facts.license.clone().map(|level| License { level });
    let room = facts.users_on.zip(license).map(|(on, license)| customers::room(on, &license));
    reaper.into_iter().chain(room).collect()
}
