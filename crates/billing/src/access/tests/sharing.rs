//! Paid time that goes on: bought again while online, on several devices, at another speed, at another address, and
//! beside a device that pretends to be the same.

use std::net::Ipv4Addr;

use domain::{DeviceId, MacAddr, RouterId, SessionId};
use simulators::routeros::{ClientState, Options, Sim};
use sqlx::MySqlPool;

use super::{
    MAC, OFTEN, SELDOM, advance, field, is_on, online, user_row,
    world::{World, until},
};
use crate::{
    db::session_devices::{self, Intent},
    random,
};

const SECOND: &str = "A4:CF:12:00:00:02";
const HERE: Ipv4Addr = Ipv4Addr::new(10, 5, 50, 23);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 5, 50, 24);

fn state(sim: &Sim, mac: &str) -> ClientState {
    sim.client(mac).unwrap().state
}

fn limit(sim: &Sim, mac: &str) -> Option<u64> {
    let row = sim.users().into_iter().find(|row| field(row, "name") == Some(mac))?;
    field(&row, "limit-bytes-total")?.parse().ok()
}

/// Until the whole router was read again from beginning to end.
async fn looked(sim: &Sim) {
    sim.clear_log();
    let reads = |path: &str| sim.log().iter().filter(|entry| entry.words[0] == path).count();
    until("it looks", || async { (reads("/ip/hotspot/active/print") >= 2).then_some(()) }).await;
}

/// One more device of a session.
async fn add_device(world: &World, router: RouterId, session: SessionId, mac: &str) {
    let mac: MacAddr = mac.parse().unwrap();
    let now = world.now();
    let mut transaction = world.pool.begin().await.unwrap();
    sqlx::query("update sessions set devices = devices + 1 where id = ?")
        .bind(session.as_uuid())
        .execute(&mut *transaction)
        .await
        .unwrap();
    let new_id = DeviceId::from_uuid(random::uuid(now));
    let intent = Intent { new_id, session_id: session, place: (router, mac), ip: None };
    session_devices::intend_on(&mut transaction, &[intent], now).await.unwrap();
    transaction.commit().await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn buying_again_while_online_leaves_no_gap(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    let (handle, _) = online(&world, &sim, &router, SELDOM).await;
    advance(&world, &sim, 1800);
    let place = |sim: &Sim| {
        let hosts = sim.hosts();
        let host = hosts.iter().find(|host| field(host, "mac-address") == Some(MAC)).unwrap();
        (field(host, ".id").map(str::to_owned), field(host, "address").map(str::to_owned))
    };
    let before = place(&sim);
    sim.clear_log();
    world.grant(router.id, MAC, 5400, None).await;
    handle.wake(router.id);
    // The router's clock stands still: the device sends nothing that could let it on by itself.
    let starts_at = Some(world.now());
    let is_renewed =
        |device: &super::world::Device| device.is_online && device.is_applied && device.starts_at == starts_at;
    world.until_device(router.id, "renewed", is_renewed).await;
    assert_eq!(state(&sim, MAC), ClientState::Online);
    assert_eq!(place(&sim), before, "it keeps its entry and its address");
    assert_eq!(sim.client(MAC).unwrap().seconds_left, Some(5400));
    let log = sim.log();
    let at = |path: &str| log.iter().position(|entry| entry.words[0] == path).unwrap();
    let (out, back) = (at("/ip/hotspot/active/remove"), at("/ip/hotspot/active/login"));
    let between: Vec<&str> = log[out + 1..back].iter().map(|entry| entry.words[0].as_str()).collect();
    assert!(matches!(between[..], [] | ["/ip/hotspot/user/add"]), "off for two round trips at most: {between:?}");
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_devices_use_up_one_cap_together(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.join(MAC).unwrap();
    sim.join(SECOND).unwrap();
    world.start(OFTEN);
    let session = world.grant(router.id, MAC, 3600, Some(100_000_000)).await;
    add_device(&world, router.id, session, SECOND).await;
    let both = || state(&sim, MAC) == ClientState::Online && state(&sim, SECOND) == ClientState::Online;
    until("both are on", || async { both().then_some(()) }).await;
    assert_eq!((limit(&sim, MAC), limit(&sim, SECOND)), (Some(100_000_000), Some(100_000_000)));

    sim.traffic(MAC, 10_000_000, 30_000_000).unwrap();
    until("the other has what is left", || async {
        sim.traffic(SECOND, 0, 0).unwrap();
        (limit(&sim, SECOND) == Some(60_000_000) && both()).then_some(())
    })
    .await;
    assert_eq!(limit(&sim, MAC), Some(100_000_000), "what it used itself is in its own count");
    sim.traffic(SECOND, 10_000_000, 40_000_000).unwrap();
    until("the first has what is left", || async {
        sim.traffic(MAC, 0, 0).unwrap();
        (limit(&sim, MAC) == Some(50_000_000) && both()).then_some(())
    })
    .await;
    let ended = || async {
        sqlx::query_scalar::<_, Option<String>>("select end_reason from sessions where id = ?")
            .bind(session.as_uuid())
            .fetch_one(&world.pool)
            .await
            .unwrap()
    };
    assert_eq!(ended().await, None, "a tenth is left");
    sim.traffic(MAC, 5_000_000, 5_000_000).unwrap();
    until("both are off", || async {
        let are_gone = limit(&sim, MAC).is_none() && limit(&sim, SECOND).is_none() && sim.active().is_empty();
        are_gone.then_some(())
    })
    .await;
    assert_eq!(ended().await.as_deref(), Some("data_used"));
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn another_speed_reaches_a_running_session_and_the_right_direction(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    let (handle, session) = online(&world, &sim, &router, SELDOM).await;
    // 2 Mbit/s down and 512 kbit/s up for the customer; the router counts what comes in from the device first.
    assert_eq!(sim.client(MAC).unwrap().rate_limit.as_deref(), Some("512000/2000000"));
    advance(&world, &sim, 600);
    let before = world.device(router.id).await;
    for change in [
        "update sessions set down_kbps = 8000, up_kbps = 1000, package_revision = 2 where id = ?",
        "update session_devices set generation = generation + 1, next_try_at = '2000-01-01' where session_id = ?",
    ] {
        sqlx::query(change).bind(session.as_uuid()).execute(&world.pool).await.unwrap();
    }
    handle.wake(router.id);
    world.until_device(router.id, "faster", |device| device.is_online && device.is_applied).await;
    assert_eq!(sim.client(MAC).unwrap().rate_limit.as_deref(), Some("1000000/8000000"));
    assert_eq!(sim.client(MAC).unwrap().seconds_left, Some(3000));
    let after = world.device(router.id).await;
    assert_eq!((after.starts_at, after.ends_at), (before.starts_at, before.ends_at));
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_phone_at_a_new_address_is_let_on_and_loses_no_time(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.join_at(MAC, HERE).unwrap();
    world.start(OFTEN);
    world.grant(router.id, MAC, 3600, None).await;
    world.until_device(router.id, "on", |device| device.is_online && device.is_applied).await;
    advance(&world, &sim, 60);
    sim.join_at(MAC, THERE).unwrap();
    until("on at the new address", || async { (state(&sim, MAC) == ClientState::Online).then_some(()) }).await;
    assert_eq!(sim.client(MAC).unwrap().ip, THERE);
    // For two minutes both logins count on the router.
    advance(&world, &sim, 180);
    assert_eq!(sim.active().len(), 1, "the old address has fallen silent");
    looked(&sim).await;
    let ends_at = world.device(router.id).await.ends_at.unwrap();
    let left = u64::try_from((ends_at - world.now()).num_seconds()).unwrap();
    assert_eq!(left, 3600 - 240);
    advance(&world, &sim, left - 2);
    assert!(is_on(&sim), "not early");
    advance(&world, &sim, 2);
    world.until_device(router.id, "over", |device| device.applied == "off" && device.is_applied).await;
    assert!(!is_on(&sim) && user_row(&sim).is_none());
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_copied_address_disturbs_nobody_else_and_ends_with_the_time_it_copied(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.join(SECOND).unwrap();
    sim.join_at(MAC, HERE).unwrap();
    world.start(OFTEN);
    world.grant(router.id, MAC, 3600, None).await;
    world.grant(router.id, SECOND, 7200, None).await;
    let both = || state(&sim, MAC) == ClientState::Online && state(&sim, SECOND) == ClientState::Online;
    until("both are on", || async { both().then_some(()) }).await;
    looked(&sim).await;
    let mut logins = 0;
    for minute in 1..59_u64 {
        // Two phones with one address take turns.
        sim.join_at(MAC, if minute % 2 == 0 { HERE } else { THERE }).unwrap();
        sim.traffic(MAC, 10, 10).unwrap();
        advance(&world, &sim, 60);
        looked(&sim).await;
        let again = format!("on in minute {minute}");
        until(&again, || async { (state(&sim, MAC) == ClientState::Online).then_some(()) }).await;
        assert_eq!(sim.client(SECOND).unwrap().uptime_secs, Some(minute * 60), "never logged out");
        logins += sim.log().iter().filter(|entry| entry.words[0] == "/ip/hotspot/active/login").count();
    }
    assert!(logins <= 60, "{logins} logins in an hour");
    advance(&world, &sim, 120);
    until("its hour is over at both places", || async {
        let logins = sim.active();
        (user_row(&sim).is_none() && logins.iter().all(|row| field(row, "user") == Some(SECOND))).then_some(())
    })
    .await;
    assert_eq!(sim.client(SECOND).unwrap().uptime_secs, Some(3600));
    world.stop().await;
}
