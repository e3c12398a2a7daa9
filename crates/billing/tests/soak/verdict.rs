//! What must hold: on every router what was paid for, and nothing else.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MacAddr, access::MARK};
use simulators::routeros::ClientState;
use uuid::Uuid;

use crate::world::World;

/// Looks until everything is as it must be; at each a second passes.
const LOOKS: u32 = 600;
/// The script on the router runs every minute.
const REAPED_AFTER: TimeDelta = TimeDelta::seconds(62);
/// Whole seconds here and there.
const ROUNDING: TimeDelta = TimeDelta::seconds(6);

/// A device that should be on.
#[derive(Debug, Clone)]
pub(crate) struct Paid {
    pub(crate) ends_at: Option<DateTime<Utc>>,
    is_capped: bool,
    is_applied: bool,
}

type Place = (usize, MacAddr);
/// Router, MAC, end of paid time, whether data is limited, whether the router was brought to it.
type PaidRow = (Uuid, Vec<u8>, Option<DateTime<Utc>>, bool, bool);

/// Every device with paid time, by site.
pub(crate) async fn paid_ends(world: &World) -> BTreeMap<Place, Paid> {
    let rows: Vec<PaidRow> = sqlx::query_as(
        "select d.router_id, d.mac, s.ends_at, s.data_bytes is not null, d.applied_generation = d.generation
         from session_devices d join sessions s on s.id = d.session_id
         where d.intended = 'on' and s.ended_at is null",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(router, mac, ends_at, is_capped, is_applied)| {
            let site = world.sites.iter().position(|site| site.id.as_uuid() == router).unwrap();
            let mac = MacAddr::from_bytes(mac.try_into().unwrap()).unwrap();
            ((site, mac), Paid { ends_at, is_capped, is_applied })
        })
        .collect()
}

/// Moves the clock second by second until every router within reach has what it should.
pub(crate) async fn converge(world: &mut World) {
    let mut wrong = Vec::new();
    for _ in 0..LOOKS {
        wrong = faults(world).await;
        if wrong.is_empty() {
            world.sites.iter_mut().for_each(|site| site.was_restarted = false);
            return;
        }
        world.advance(1);
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("round {}, {:?}: {}\n{}", world.round, world.counts, world.now(), wrong.join("\n"));
}

/// What is not as it must be, in words.
async fn faults(world: &World) -> Vec<String> {
    let paid = paid_ends(world).await;
    let now = world.now();
    let mut wrong: Vec<String> = paid
        .iter()
        .filter(|(_, paid)| paid.ends_at.is_some_and(|at| at <= now))
        .map(|(place, paid)| format!("{place:?} is over and not ended: {paid:?}"))
        .collect();
    for (at, site) in world.sites.iter().enumerate().filter(|(_, site)| !site.is_cut) {
        for client in site.sim.clients() {
            let mac: MacAddr = client.mac.parse().unwrap();
            let is_on = client.state == ClientState::Online;
            let is_paid = paid.contains_key(&(at, mac));
            if client.state != ClientState::Off && is_on != is_paid {
                wrong.push(format!("{mac} at {at} is {:?}, paid: {:?}", client.state, paid.get(&(at, mac))));
            }
        }
        let ours = |row: &Vec<(String, String)>| {
            let value = |name: &str| row.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            value("comment").filter(|comment| comment.starts_with(MARK)).and(value("name"))
        };
        let users: Vec<MacAddr> = site.sim.users().iter().filter_map(ours).map(|name| name.parse().unwrap()).collect();
        for mac in users.iter().filter(|mac| !paid.contains_key(&(at, **mac))) {
            wrong.push(format!("{mac} at {at} has a user and no paid time"));
        }
        for ((_, mac), paid) in paid.iter().filter(|((site, _), _)| *site == at) {
            if !users.contains(mac) || !paid.is_applied {
                wrong.push(format!("{mac} at {at} is paid and not delivered: {paid:?}"));
            }
        }
    }
    wrong
}

/// The server was away since `before` was asked: nobody who was on was cut off early, and nobody is on late.
pub(crate) fn kept_order_alone(world: &mut World, before: &BTreeMap<Place, Paid>) {
    let now = world.now();
    for ((at, mac), paid) in before {
        let site = &world.sites[*at];
        let Some(ends_at) = paid.ends_at else { continue };
        let client = site.sim.client(&mac.to_string()).unwrap();
        let is_on = client.state == ClientState::Online;
        let is_early = !is_on && client.state != ClientState::Off && ends_at > now + ROUNDING;
        // Nothing reached a router that is cut, so it may know an end of before; data is used up before time is.
        if is_early && paid.is_applied && !paid.is_capped && !site.was_restarted {
            panic!("round {}: {mac} at {at} is off though paid until {ends_at}; it is {now}; {client:?}", world.round);
        }
        if is_on && ends_at + REAPED_AFTER <= now {
            panic!("round {}: {mac} at {at} is on though paid until {ends_at}; it is {now}", world.round);
        }
        world.counts.ended += u32::from(ends_at <= now);
    }
}

/// At the end the books agree as well: what M-Pesa charged is what was sold, and the audit finds nothing.
pub(crate) async fn books(world: &World) {
    let sold: i64 = sqlx::query_scalar("select count(*) from sessions where payment_id is not null")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let charged = world.mpesa.control().charges().len();
    assert_eq!(usize::try_from(sold).unwrap(), charged, "sessions sold and charges of M-Pesa");
    for finding in billing::audit::run(&world.pool, world.now()).await.unwrap() {
        assert!(!finding.is_broken(), "{}: {:?}", finding.rule, finding.rows);
    }
}
