//! What must hold: on every router what was paid for, and nothing else.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    MacAddr,
    access::{MARK, Tag},
};
use simulators::routeros::ClientState;
use uuid::Uuid;

use crate::{
    site::{Reach, Site},
    world::World,
};

/// Looks until everything is as it must be; at each a second passes, or a few where only routers are waited for that
/// ask by themselves.
const LOOKS: u32 = 600;
const ASKING_SECS: u64 = 4;
/// The script on the router runs every minute.
const REAPED_AFTER: TimeDelta = TimeDelta::seconds(62);
/// Whole seconds here and there.
const ROUNDING: TimeDelta = TimeDelta::seconds(6);
/// A router that asks may have been cut off before it was told the end to the second: until then it has one that is
/// later by so much.
const UNCONFIRMED: TimeDelta = TimeDelta::seconds(120);

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
         where d.router_id in (select id from routers) and d.intended = 'on' and s.ended_at is null",
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

/// Moves the clock until every router within reach has what it should.
pub(crate) async fn converge(world: &mut World) {
    let mut wrong = Vec::new();
    for _ in 0..LOOKS {
        wrong = faults(world).await;
        if wrong.is_empty() {
            world.sites.iter_mut().for_each(|site| site.was_restarted = false);
            return;
        }
        if wrong.iter().all(|(site, _)| world.sites[*site].reach == Reach::Polling) {
            world.advance(ASKING_SECS).await;
            tokio::task::yield_now().await;
        } else {
            world.advance(1).await;
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }
    let wrong: Vec<String> = wrong.into_iter().map(|(_, what)| what).collect();
    panic!("round {}, {:?}: {}\n{}", world.round, world.counts, world.now(), wrong.join("\n"));
}

/// What is not as it must be: at which site, and in words.
async fn faults(world: &World) -> Vec<(usize, String)> {
    let paid = paid_ends(world).await;
    let now = world.now();
    let mut wrong: Vec<(usize, String)> = paid
        .iter()
        .filter(|(_, paid)| paid.ends_at.is_some_and(|at| at <= now))
        .map(|(place, paid)| (place.0, format!("{place:?} is over and not ended: {paid:?}")))
        .collect();
    for (at, site) in world.sites.iter().enumerate().filter(|(_, site)| !site.is_cut) {
        let here: BTreeMap<MacAddr, &Paid> =
            paid.iter().filter(|((site, _), _)| *site == at).map(|((_, mac), paid)| (*mac, paid)).collect();
        wrong.extend(faults_at(site, &here).into_iter().map(|what| (at, format!("at {at}: {what}"))));
    }
    wrong
}

/// The same at one site, of which `paid` are the devices that should be on: who is on, and what the router has.
fn faults_at(site: &Site, paid: &BTreeMap<MacAddr, &Paid>) -> Vec<String> {
    let mut wrong = Vec::new();
    for client in site.sim.clients() {
        let mac: MacAddr = client.mac.parse().unwrap();
        let is_on = client.state == ClientState::Online;
        if client.state != ClientState::Off && is_on != paid.contains_key(&mac) {
            wrong.push(format!("{mac} is {:?}, paid: {:?}", client.state, paid.get(&mac)));
        }
    }
    let users = users(site);
    for mac in users.keys().filter(|mac| !paid.contains_key(mac)) {
        wrong.push(format!("{mac} has a user and no paid time"));
    }
    for (mac, paid) in paid {
        let told = users.get(mac).and_then(|tag| DateTime::from_timestamp(tag.ends_at_epoch_secs.try_into().ok()?, 0));
        let is_right = told.is_some_and(|told| paid.ends_at.is_none_or(|at| (told - at).abs() <= ROUNDING));
        if !is_right || !paid.is_applied {
            wrong.push(format!("{mac} is paid and not delivered: {paid:?}, the router has {told:?}"));
        }
    }
    wrong
}

/// Our rows on a router: whom they let on, and until when.
fn users(site: &Site) -> BTreeMap<MacAddr, Tag> {
    let ours = |row: &Vec<(String, String)>| {
        let value = |name: &str| row.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let comment = value("comment").filter(|comment| comment.starts_with(MARK))?;
        Some((value("name")?.parse().unwrap(), comment.parse().unwrap()))
    };
    site.sim.users().iter().filter_map(ours).collect()
}

/// The server was away since `before` was asked: nobody who was on was cut off early, and nobody is on late.
pub(crate) fn kept_order_alone(world: &mut World, before: &BTreeMap<Place, Paid>, since: DateTime<Utc>) {
    let now = world.now();
    for ((at, mac), paid) in before {
        let site = &world.sites[*at];
        let Some(ends_at) = paid.ends_at else { continue };
        world.counts.entry(site.reach).or_default().ends_alone += u32::from(since < ends_at && ends_at <= now);
        // Whoever has left for good is on nowhere.
        let Ok(client) = site.sim.client(&mac.to_string()) else { continue };
        let is_on = client.state == ClientState::Online;
        let is_early = !is_on && client.state != ClientState::Off && ends_at > now + ROUNDING;
        // Nothing reached a router that is cut, so it may know an end of before; data is used up before time is.
        if is_early && paid.is_applied && !paid.is_capped && !site.was_restarted {
            panic!("round {}: {mac} at {at} is off though paid until {ends_at}; it is {now}; {client:?}", world.round);
        }
        let is_untold = site.reach == Reach::Polling && site.is_cut;
        let known_after = if is_untold { UNCONFIRMED } else { TimeDelta::zero() };
        if is_on && ends_at + REAPED_AFTER + known_after <= now {
            panic!("round {}: {mac} at {at} is on though paid until {ends_at}; it is {now}", world.round);
        }
    }
}

/// The books agree as well: what M-Pesa charged is what was sold, and the audit finds nothing.
pub(crate) async fn books(world: &World) {
    let sold: i64 = sqlx::query_scalar("select count(*) from sessions where payment_id is not null")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let charged = world.mpesa.control().charges().len();
    assert_eq!(usize::try_from(sold).unwrap(), charged, "sessions sold and charges of M-Pesa");
    let counted: u32 = world.counts.values().map(|counts| counts.payments).sum();
    assert_eq!(usize::try_from(counted).unwrap(), charged, "payments made and charges of M-Pesa");
    for finding in billing::audit::run(&world.pool, world.now()).await.unwrap() {
        assert!(!finding.is_broken(), "{}: {:?}", finding.rule, finding.rows);
    }
}

/// Counts the sessions that are over.
pub(crate) async fn count_ends(world: &mut World) {
    let ends: Vec<(Uuid, String, i64)> = sqlx::query_as(
        "select router_id, end_reason, count(*) from sessions where ended_at is not null group by router_id, end_reason",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    for (router, reason, number) in ends {
        let site = world.sites.iter().position(|site| site.id.as_uuid() == router).unwrap();
        let counts = world.count(site);
        *match reason.as_str() {
            "expired" => &mut counts.ends_by_time,
            "data_used" => &mut counts.ends_by_data,
            _ => &mut counts.ends_otherwise,
        } += u32::try_from(number).unwrap();
    }
}
