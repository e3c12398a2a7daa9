//! What routers say when they refuse, at the command at which they say it: once, and for as long as it lasts. And what
//! is taken away from a router while it works.

use std::time::Duration;

use chrono::TimeDelta;
use simulators::routeros::{Fault, FaultRule, Options, RosVersion, ServerProfile, Sim};
use sqlx::MySqlPool;

use super::{
    MAC, SELDOM, advance,
    faults::{LONG, Row, assert_calm, count, until_all},
    field, is_on, online, user_row,
    world::{World, until, until_within},
};

const USERS: &str = "/ip/hotspot/user/print";
const HOSTS: &str = "/ip/hotspot/host/print";
const ACTIVE: &str = "/ip/hotspot/active/print";
const PROFILE: &str = "/ip/hotspot/user/profile/add";
const ADD: &str = "/ip/hotspot/user/add";
const LOGIN: &str = "/ip/hotspot/active/login";

/// Where, what, and a part of the words for the owner while it lasts. Without words: lasting, it would be no fault.
const TRAPS: [(&str, &str, Option<&str>); 44] = [
    ("/login", "invalid user name or password (6)", Some("user name or password")),
    ("/login", "cannot log in", Some("user name or password")),
    ("/login", "could not authenticate - radius timeout", Some("is starting")),
    (USERS, "no such command", Some("no hotspot")),
    (USERS, "no such command prefix", Some("no hotspot")),
    (USERS, "no such command or directory (hotspot)", Some("no hotspot")),
    (USERS, "not enough permissions (9)", Some("may not do this")),
    (USERS, "failure: not allowed by device-mode", Some("device-mode")),
    (USERS, "interrupted", None),
    (HOSTS, "std failure: timeout (13)", None),
    (ACTIVE, "timeout", None),
    (PROFILE, "failure: user profile with the same name already exists", Some("same moment")),
    (PROFILE, "unknown parameter rate-limit", Some("\"rate-limit\"")),
    (PROFILE, "invalid value of rate-limit", Some("\"rate-limit\"")),
    (PROFILE, "value of shared-users expects range of integer numbers", Some("\"shared-users\"")),
    (PROFILE, "ambiguous value of open-status-page, more than one possible value matches input", Some("status-page")),
    (PROFILE, "not enough permissions (9)", Some("may not do this")),
    (ADD, "failure: already have user with this name for this server", Some("same moment")),
    (ADD, "failure: already have such entry", Some("same moment")),
    (ADD, "input does not match any value of profile", Some("\"profile\"")),
    (ADD, "unknown parameter limit-bytes-total", Some("\"limit-bytes-total\"")),
    (ADD, "invalid value for argument limit-uptime", Some("\"limit-uptime\"")),
    (ADD, "invalid time value for argument limit-uptime", Some("\"limit-uptime\"")),
    (ADD, "not enough permissions (9)", Some("may not do this")),
    (ADD, "std failure: timeout (13)", Some("too busy")),
    (LOGIN, "unknown host IP 10.5.50.10", None),
    (LOGIN, "invalid value for argument ip", None),
    (LOGIN, "you are not logged in (ip 10.5.50.10)", None),
    (LOGIN, "wrong MAC provided", Some("another one")),
    (LOGIN, "invalid value of mac-address, mac address required", Some("another one")),
    (LOGIN, "invalid username (A4:CF:12:00:00:01): this MAC address is not yours", Some("another one")),
    (LOGIN, "user A4:CF:12:00:00:01 is not allowed to log in from this MAC address", Some("another one")),
    (LOGIN, "invalid username or password", Some("would not let")),
    (LOGIN, "web browser did not send challenge response (try again)", Some("would not let")),
    (LOGIN, "this OTP token is already used", Some("would not let")),
    (LOGIN, "no more sessions are allowed for user A4:CF:12:00:00:01", Some("addresses it has left")),
    (LOGIN, "session limit reached (200)", Some("licence")),
    (LOGIN, "user A4:CF:12:00:00:01 has reached uptime limit", Some("used up")),
    (LOGIN, "user A4:CF:12:00:00:01 has reached traffic limit", Some("used up")),
    (LOGIN, "RADIUS server is not responding", Some("too busy")),
    (LOGIN, "already authorizing, retry later", Some("too busy")),
    (LOGIN, "cannot assign ip address - no more free addresses from pool", Some("address pool")),
    (LOGIN, "hotspot service is shutting down", Some("too busy")),
    (LOGIN, "failure: something new", Some("Its own words: failure: something new")),
];

/// A router for each, with a customer who has paid and waits at the portal.
async fn rows(world: &World, options: Options, is_wanted: impl Fn(Option<&str>) -> bool, times: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    for (command, text, words) in TRAPS {
        if !is_wanted(words) {
            continue;
        }
        let sim = Sim::start(options.clone()).await.unwrap();
        sim.join(MAC).unwrap();
        let fault = Fault::Trap { message: text.into(), category: None };
        sim.inject(FaultRule::at(command, fault.clone()).times(times)).unwrap();
        let router = world.router(&format!("r{}", rows.len()), sim.addr().port(), "bando").await;
        world.grant(router.id, MAC, 3600, None).await;
        rows.push(Row { fault, command, sim, router });
    }
    rows
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_trap_where_it_really_comes_costs_nobody_anything(pool: MySqlPool) {
    let world = World::new(pool).await;
    let rows = rows(&world, Options::default(), |_| true, 1).await;
    world.start(SELDOM);
    let all = "d.is_online = 1 and d.applied = 'on' and d.applied_generation = d.generation and d.last_error is null";
    until_all(&world, "all are on", all, &rows).await;
    assert_eq!(count(&world, "timestampdiff(second, s.starts_at, s.ends_at) = 3600").await, rows.len());
    for row in &rows {
        let ours = row.sim.users().iter().filter(|user| field(user, "name") == Some(MAC)).count();
        assert!(ours == 1 && is_on(&row.sim), "{:?} at {}", row.fault, row.command);
        assert_calm(row);
    }
    world.stop().await;
}

/// On a router that lets nobody on by address alone, so that nothing hides a refusal.
#[sqlx::test(migrations = "../../migrations")]
async fn a_trap_that_lasts_is_said_in_words_and_no_time_runs(pool: MySqlPool) {
    let world = World::new(pool).await;
    let options = Options { server_profile: ServerProfile::Bare, ..Options::default() };
    let rows = rows(&world, options, |words| words.is_some(), 0).await;
    world.start(SELDOM);
    until_all(&world, "all were tried twice", "d.attempts >= 2 and d.last_error is not null", &rows).await;
    let words = TRAPS.into_iter().filter_map(|(.., words)| words);
    for (row, words) in rows.iter().zip(words) {
        let device = world.device(row.router.id).await;
        let told = device.last_error.unwrap();
        assert!(told.contains(words), "{:?} at {}: {told}", row.fault, row.command);
        assert!(device.starts_at.is_none(), "{:?} at {}: nobody's time runs", row.fault, row.command);
        assert_calm(row);
        row.sim.clear_faults();
    }
    let all = "d.is_online = 1 and d.applied_generation = d.generation and d.last_error is null";
    until_all(&world, "all are on", all, &rows).await;
    assert_eq!(count(&world, "timestampdiff(second, s.starts_at, s.ends_at) = 3600").await, rows.len());
    world.stop().await;
}

/// An attempt that failed and has nothing left to do is forgotten, and not made again and again.
#[sqlx::test(migrations = "../../migrations")]
async fn what_was_said_of_a_device_that_came_on_by_itself_is_taken_back(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    online(&world, &sim, &router, super::OFTEN).await;
    // Logged out by somebody, and the licence is full when it is to be let on again.
    let full = Fault::Trap { message: "session limit reached (200)".into(), category: None };
    sim.inject(FaultRule::at(LOGIN, full).times(0)).unwrap();
    sim.browser_logout(MAC).unwrap();
    world.until_device(router.id, "it is said why", |device| device.last_error.is_some()).await;
    sim.clear_faults();
    sim.leave(MAC).unwrap();
    sim.advance(Duration::from_secs(600));
    sim.join(MAC).unwrap();
    assert!(is_on(&sim));
    world.clock.advance(TimeDelta::seconds(120));
    world
        .until_device(router.id, "it is taken back", |device| device.last_error.is_none() && device.attempts == 0)
        .await;
    world.stop().await;
}

async fn until_said(world: &World, router: &crate::db::routers::RouterRecord, part: &str) {
    let said = until_within(LONG, part, || async {
        world.clock.advance(TimeDelta::milliseconds(100));
        world.device(router.id).await.last_error.filter(|said| said.contains(part))
    })
    .await;
    assert!(world.device(router.id).await.starts_at.is_none(), "{said}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_hotspot_is_gone_after_an_upgrade_and_what_was_paid_comes_when_it_is_back(pool: MySqlPool) {
    let world = World::new(pool).await;
    let options = Options { ros: RosVersion::V7_18, ..Options::default() };
    let (sim, busy) = (Sim::start(options.clone()).await.unwrap(), Sim::start(options).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    let second = world.router("busy", busy.addr().port(), "bando").await;
    online(&world, &busy, &second, SELDOM).await;
    let ends_at = world.device(second.id).await.ends_at;
    for sim in [&sim, &busy] {
        sim.upgrade(RosVersion::V7_22, false);
        sim.advance(Duration::from_secs(2));
    }
    world.grant(router.id, MAC, 3600, None).await;
    until_said(&world, &router, "no hotspot").await;
    until("the router says so too", || async {
        world.router_error(second.id).await.filter(|error| error.contains("hotspot package"))
    })
    .await;
    assert!(sim.log().len() < 120, "{} commands", sim.log().len());
    for sim in [&sim, &busy] {
        sim.upgrade(RosVersion::V7_22, true);
        sim.advance(Duration::from_secs(2));
        sim.join(MAC).unwrap();
    }
    until_within(LONG, "paid for while it was gone, and from before", || async {
        for sim in [&sim, &busy] {
            sim.traffic(MAC, 1, 1).unwrap();
        }
        advance(&world, &sim, 0);
        world.clock.advance(TimeDelta::milliseconds(100));
        let device = world.device(router.id).await;
        (device.is_online && device.last_error.is_none() && is_on(&busy)).then_some(())
    })
    .await;
    let device = world.device(router.id).await;
    assert_eq!(device.ends_at.unwrap() - device.starts_at.unwrap(), TimeDelta::hours(1));
    assert_eq!(world.device(second.id).await.ends_at, ends_at, "whose time ran keeps its end");
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn rights_that_are_taken_away_are_asked_for_and_used_when_they_are_back(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.join(MAC).unwrap();
    world.start(SELDOM);
    until("the router is read", || async { world.router_seen(router.id).await }).await;
    let group = "/user group add name=less policy=api,read; /user group add name=more policy=api,read,write,test; \
                 /user add name=spare group=full password=x; /user set admin group=less";
    assert_eq!(sim.paste(group).await.error(), None);
    sim.cut_connections();
    world.grant(router.id, MAC, 3600, None).await;
    until_said(&world, &router, "read, write, api and test").await;
    assert!(user_row(&sim).is_none());
    assert_eq!(sim.paste_as("spare", "/user set admin group=more").await.error(), None);
    sim.cut_connections();
    until_within(LONG, "delivered", || async {
        world.clock.advance(TimeDelta::milliseconds(100));
        let device = world.device(router.id).await;
        (device.is_online && device.last_error.is_none()).then_some(())
    })
    .await;
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_paid_behind_another_certificate_waits_until_it_is_known(pool: MySqlPool) {
    let world = World::new(pool).await;
    let tls = Some("127.0.0.1:0".parse().unwrap());
    let sim = Sim::start(Options { tls, ..Options::default() }).await.unwrap();
    sim.join(MAC).unwrap();
    let router = world.router("main", sim.tls_addr().unwrap().port(), "bando").await;
    let pin = |sim: &Sim| hex::decode(sim.certificate_sha256().unwrap()).unwrap();
    let save = |pin: Vec<u8>| sqlx::query("update routers set tls_pin = ?").bind(pin).execute(&world.pool);
    save(pin(&sim)).await.unwrap();
    world.start(SELDOM);
    until("the router is read", || async { world.router_seen(router.id).await }).await;
    sim.inject(FaultRule { fault: Fault::TlsCertificate, command: None, nth: 1, times: 1 }).unwrap();
    sim.cut_connections();
    world.grant(router.id, MAC, 3600, None).await;
    until_said(&world, &router, "another certificate").await;
    assert!(user_row(&sim).is_none(), "nothing is told to whoever shows another certificate");
    save(pin(&sim)).await.unwrap();
    until_within(LONG, "delivered", || async {
        world.clock.advance(TimeDelta::milliseconds(100));
        world.device(router.id).await.is_online.then_some(())
    })
    .await;
    world.stop().await;
}
