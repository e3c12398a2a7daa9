//! How routers fare: facts, outages and what their owner is told.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use simulators::routeros::{Fault, FaultRule, Options, Reboot, Sim};
use sqlx::MySqlPool;

use super::{
    MAC, OFTEN, SELDOM, advance, online,
    world::{World, until},
};
use crate::{
    access::Handle,
    db::{
        router_events::{self, EventKind},
        routers::RouterRecord,
    },
};

#[derive(Debug, sqlx::FromRow)]
struct OutageRow {
    is_over: bool,
    secs: Option<i64>,
    verdict: String,
    lost_secs: Option<u64>,
}

async fn outages(world: &World) -> Vec<OutageRow> {
    sqlx::query_as(
        "select o.to_at is not null as is_over, timestampdiff(second, o.from_at, o.to_at) as secs, o.verdict, x.lost_secs
         from outages o left join outage_sessions x on x.outage_id = o.id order by o.from_at",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap()
}

/// Kinds of what happened to the only router, oldest first, in the order in which its owner sees them.
async fn events(world: &World) -> Vec<String> {
    let id: uuid::Uuid = sqlx::query_scalar("select id from routers").fetch_one(&world.pool).await.unwrap();
    let lines = router_events::list_events(&world.pool, id.into(), 100).await.unwrap();
    lines.into_iter().rev().map(|line| line.kind).collect()
}

/// Kinds of notifications that wait to be read.
async fn unread(world: &World) -> Vec<String> {
    sqlx::query_scalar("select kind from notifications where read_at is null order by kind")
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

async fn until_told(world: &World, kind: &str) {
    until(kind, || async { unread(world).await.iter().any(|told| told == kind).then_some(()) }).await;
}

/// The router cannot be reached, and goes on working alone.
fn unplug(sim: &Sim) {
    sim.inject(FaultRule { fault: Fault::RefuseAccept, command: None, nth: 1, times: 0 }).unwrap();
    sim.cut_connections();
}

async fn until_noticed(world: &World, handle: &Handle, router: &RouterRecord) {
    until("the outage is noticed", || async {
        handle.wake(router.id);
        outages(world).await.last().is_some_and(|outage| !outage.is_over).then_some(())
    })
    .await;
}

async fn until_over(world: &World, handle: &Handle, router: &RouterRecord) -> OutageRow {
    until("the outage is over", || async {
        handle.wake(router.id);
        outages(world).await.pop().filter(|outage| outage.is_over)
    })
    .await
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_power_cut_is_known_by_what_the_router_shows_afterwards(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = Sim::start(Options::default()).await.unwrap();
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.advance(Duration::from_secs(86_400));
    world.clock.advance(TimeDelta::days(1));
    let (handle, _) = online(&world, &sim, &router, SELDOM).await;
    until_told(&world, "router_reaper").await;
    assert_eq!(events(&world).await, ["online"], "it was asked about itself");
    unplug(&sim);
    advance(&world, &sim, 100);
    until_noticed(&world, &handle, &router).await;
    until_told(&world, "router_down").await;
    advance(&world, &sim, 900);
    sim.reboot(Reboot::PowerCut);
    advance(&world, &sim, 10);
    sim.clear_faults();
    let outage = until_over(&world, &handle, &router).await;
    assert_eq!((outage.verdict.as_str(), outage.secs), ("off", Some(1010)));
    // The device was on nowhere, up to the instant at which the router started.
    assert!((995..=1000).contains(&outage.lost_secs.unwrap()), "{outage:?}");
    let kinds = events(&world).await;
    assert_eq!(kinds, ["online", "offline", "rebooted", "online"]);
    until("the owner is told", || async {
        let kinds = unread(&world).await;
        (kinds.contains(&"router_back".to_owned()) && !kinds.contains(&"router_down".to_owned())).then_some(())
    })
    .await;
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn customers_who_were_on_all_the_time_lost_nothing(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = Sim::start(Options::default()).await.unwrap();
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.advance(Duration::from_secs(86_400));
    world.clock.advance(TimeDelta::days(1));
    let (handle, _) = online(&world, &sim, &router, OFTEN).await;
    unplug(&sim);
    advance(&world, &sim, 100);
    until_noticed(&world, &handle, &router).await;
    for _ in 0..9 {
        sim.traffic(MAC, 100_000, 4_000_000).unwrap();
        advance(&world, &sim, 100);
    }
    sim.clear_faults();
    let outage = until_over(&world, &handle, &router).await;
    assert_eq!((outage.verdict.as_str(), outage.lost_secs), ("served", Some(0)), "{outage:?}");
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_server_that_did_not_look_does_not_call_it_an_outage(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = Sim::start(Options::default()).await.unwrap();
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.advance(Duration::from_secs(86_400));
    sqlx::query("update routers set last_seen_at = ?").bind(world.now()).execute(&world.pool).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    unplug(&sim);
    let handle = world.start(OFTEN);
    until_noticed(&world, &handle, &router).await;
    advance(&world, &sim, 300);
    sim.clear_faults();
    let outage = until_over(&world, &handle, &router).await;
    assert_eq!(outage.secs, Some(300), "the day without a server is not the router's");
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn another_certificate_is_refused_and_told_once(pool: MySqlPool) {
    let world = World::new(pool).await;
    let tls = Some("127.0.0.1:0".parse().unwrap());
    let sim = Sim::start(Options { tls, ..Options::default() }).await.unwrap();
    let router = world.router("main", sim.tls_addr().unwrap().port(), "bando").await;
    let pin = hex::decode(sim.certificate_sha256().unwrap()).unwrap();
    sqlx::query("update routers set tls_pin = ?").bind(pin).execute(&world.pool).await.unwrap();
    let handle = world.start(OFTEN);
    until("the router is read", || async { world.router_seen(router.id).await }).await;
    sim.inject(FaultRule { fault: Fault::TlsCertificate, command: None, nth: 1, times: 1 }).unwrap();
    sim.cut_connections();
    advance(&world, &sim, 1);
    until("the owner is told", || async {
        handle.wake(router.id);
        unread(&world).await.contains(&"router_certificate".to_owned()).then_some(())
    })
    .await;
    sqlx::query("update notifications set read_at = now(), dedupe_key = null").execute(&world.pool).await.unwrap();
    for _ in 0..3 {
        advance(&world, &sim, 1);
        until("it is refused once more", || async {
            handle.wake(router.id);
            let tried: Option<DateTime<Utc>> =
                sqlx::query_scalar("select last_error_at from routers").fetch_one(&world.pool).await.unwrap();
            (tried == Some(world.now())).then_some(())
        })
        .await;
    }
    assert!(!unread(&world).await.contains(&"router_certificate".to_owned()), "once is enough");
    assert_eq!(events(&world).await.iter().filter(|kind| *kind == "certificate").count(), 1);
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_clock_that_is_wrong_is_told_until_it_is_right(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = Sim::start(Options::default()).await.unwrap();
    let router = world.router("main", sim.addr().port(), "bando").await;
    let handle = world.start(SELDOM);
    until("it was asked about itself", || async { (events(&world).await == ["online"]).then_some(()) }).await;
    let is_told = || async { unread(&world).await.contains(&"router_clock".to_owned()) };
    assert!(!is_told().await);
    sim.reboot(Reboot::Clean);
    sim.advance(Duration::from_secs(2));
    until("the owner is told", || async {
        handle.wake(router.id);
        is_told().await.then_some(())
    })
    .await;
    sim.ntp();
    sim.cut_connections();
    until("it is taken back", || async {
        handle.wake(router.id);
        (!is_told().await).then_some(())
    })
    .await;
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_one_look_finds_is_told_in_the_order_of_its_causes(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 8728, "bando").await;
    let causes = [
        EventKind::Certificate,
        EventKind::Changed,
        EventKind::Upgraded,
        EventKind::Rebooted,
        EventKind::Offline,
        EventKind::Online,
    ];
    // Ids of one instant are in no order, so whichever way they are written makes no difference.
    for kind in causes.iter().rev().chain(&causes) {
        router_events::insert_event(&world.pool, router.id, *kind, "", world.now()).await.unwrap();
    }
    let earlier = world.now() - TimeDelta::microseconds(1);
    router_events::insert_event(&world.pool, router.id, EventKind::Online, "", earlier).await.unwrap();
    let told: Vec<&str> = ["online"].into_iter().chain(causes.iter().flat_map(|kind| [kind.as_str(); 2])).collect();
    assert_eq!(events(&world).await, told);
}
