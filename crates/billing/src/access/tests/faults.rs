//! Every fault at every command of a grant and of a removal: the right state in the end, whatever happened.

use std::time::Duration;

use chrono::TimeDelta;
use simulators::routeros::{Fault, FaultRule, Options, RosVersion, Sim};
use sqlx::MySqlPool;

use super::{
    MAC, SELDOM, field, is_on, online, user_row,
    world::{World, until, until_within},
};
use crate::db::routers::RouterRecord;

pub(super) const LONG: Duration = Duration::from_secs(180);

const GRANT: [&str; 8] = [
    "/login",
    "/ip/hotspot/user/print",
    "/ip/hotspot/host/print",
    "/ip/hotspot/active/print",
    "/ip/hotspot/user/profile/print",
    "/ip/hotspot/user/profile/add",
    "/ip/hotspot/user/add",
    "/ip/hotspot/active/login",
];
const REMOVAL: [&str; 5] = [
    "/ip/hotspot/user/print",
    "/ip/hotspot/user/remove",
    "/ip/hotspot/active/print",
    "/ip/hotspot/cookie/print",
    "/ip/hotspot/active/remove",
];

fn faults() -> Vec<Fault> {
    let trap = |message: &str, category| Fault::Trap { message: message.into(), category };
    vec![
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::HangBefore,
        Fault::Hang,
        Fault::HalfSentence,
        Fault::Fragments,
        Fault::Glue,
        Fault::StrayRe,
        Fault::GarbageLength { byte: 0xf1 },
        Fault::GarbageLength { byte: 0xff },
        Fault::OversizeWord,
        Fault::UnknownReply,
        Fault::PermissionDenied,
        trap("failure: something nobody has heard of", None),
        trap("std failure: timeout (13)", None),
        trap("interrupted", Some(2)),
        trap("no such item", None),
    ]
}

const RENEWAL: [&str; 8] = [
    "/ip/hotspot/user/print",
    "/ip/hotspot/host/print",
    "/ip/hotspot/user/remove",
    "/ip/hotspot/active/print",
    "/ip/hotspot/cookie/print",
    "/ip/hotspot/active/remove",
    "/ip/hotspot/user/add",
    "/ip/hotspot/active/login",
];

/// One router for each fault, all at once.
pub(super) struct Row {
    pub(super) fault: Fault,
    pub(super) command: &'static str,
    pub(super) sim: Sim,
    pub(super) router: RouterRecord,
}

async fn rows(world: &World, commands: &[&'static str]) -> Vec<Row> {
    let mut rows = Vec::new();
    for command in commands {
        for fault in faults() {
            // Told that what it removes is not there, the server believes it; the next comparison finds the lie.
            let is_lie = matches!(&fault, Fault::Trap { message, .. } if message == "no such item");
            if is_lie && command.ends_with("/remove") {
                continue;
            }
            let sim = Sim::start(Options::default()).await.unwrap();
            sim.join(MAC).unwrap();
            let router = world.router(&format!("r{}", rows.len()), sim.addr().port(), "bando").await;
            rows.push(Row { fault, command, sim, router });
        }
    }
    rows
}

pub(super) async fn count(world: &World, condition: &str) -> usize {
    let sql =
        format!("select count(*) from session_devices d join sessions s on s.id = d.session_id where {condition}");
    loop {
        // A hundred reconcilers and we share few connections.
        match sqlx::query_scalar::<_, i64>(&sql).fetch_one(&world.pool).await {
            Err(sqlx::Error::PoolTimedOut) => {}
            count => return usize::try_from(count.unwrap()).unwrap(),
        }
    }
}

/// Back-off for a device runs on the server's clock, and a device whose entry was cleared talks again on the router's.
pub(super) async fn until_all(world: &World, what: &str, condition: &str, rows: &[Row]) {
    until_within(LONG, what, || async {
        world.clock.advance(TimeDelta::milliseconds(100));
        rows.iter().for_each(|row| row.sim.advance(Duration::from_millis(100)));
        (count(world, condition).await == rows.len()).then_some(())
    })
    .await;
}

pub(super) fn assert_calm(row: &Row) {
    let Row { fault, command, sim, .. } = row;
    assert!(sim.log().len() < 120, "{fault:?} at {command}: {} commands", sim.log().len());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_grant_survives_every_fault_at_every_command(pool: MySqlPool) {
    let world = World::new(pool).await.hasty();
    let rows = rows(&world, &GRANT).await;
    for row in &rows {
        row.sim.inject(FaultRule::at(row.command, row.fault.clone())).unwrap();
        world.grant(row.router.id, MAC, 3600, None).await;
    }
    world.start(SELDOM);
    until_all(
        &world,
        "all are on",
        "d.is_online = 1 and d.applied = 'on' and d.applied_generation = d.generation",
        &rows,
    )
    .await;
    assert_eq!(
        count(&world, "timestampdiff(second, s.starts_at, s.ends_at) = 3600 and d.last_error is null").await,
        rows.len()
    );
    for row in &rows {
        let Row { fault, command, sim, .. } = row;
        let ours = sim.users().iter().filter(|user| field(user, "name") == Some(MAC)).count();
        assert_eq!(ours, 1, "{fault:?} at {command}");
        assert_calm(row);
    }
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_removal_survives_every_fault_at_every_command(pool: MySqlPool) {
    let world = World::new(pool).await.hasty();
    let rows = rows(&world, &REMOVAL).await;
    for row in &rows {
        world.grant(row.router.id, MAC, 3600, None).await;
    }
    world.start(SELDOM);
    until_all(&world, "all are on", "d.is_online = 1 and d.applied_generation = d.generation", &rows).await;
    for row in &rows {
        row.sim.clear_log();
        row.sim.inject(FaultRule::at(row.command, row.fault.clone())).unwrap();
    }
    // Only the server's clock: the routers' own limits have not struck.
    world.clock.advance(TimeDelta::hours(1));
    until_all(&world, "all are off", "d.applied = 'off' and d.applied_generation = d.generation", &rows).await;
    for row in &rows {
        let Row { fault, command, sim, .. } = row;
        assert!(user_row(sim).is_none() && !is_on(sim), "{fault:?} at {command}");
        assert_calm(row);
    }
    assert_eq!(count(&world, "s.end_reason = 'expired'").await, rows.len());
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_renewal_survives_every_fault_at_every_command(pool: MySqlPool) {
    let world = World::new(pool).await.hasty();
    let rows = rows(&world, &RENEWAL).await;
    for row in &rows {
        world.grant(row.router.id, MAC, 3600, None).await;
    }
    let handle = world.start(SELDOM);
    until_all(&world, "all are on", "d.is_online = 1 and d.applied_generation = d.generation", &rows).await;
    for row in &rows {
        row.sim.clear_log();
        row.sim.inject(FaultRule::at(row.command, row.fault.clone())).unwrap();
        world.grant(row.router.id, MAC, 5400, None).await;
        handle.wake(row.router.id);
    }
    until_all(
        &world,
        "all are on again",
        "d.is_online = 1 and d.applied_generation = d.generation and s.duration_secs = 5400 and d.last_error is null",
        &rows,
    )
    .await;
    assert_eq!(count(&world, "timestampdiff(second, s.starts_at, s.ends_at) = 5400").await, rows.len());
    for row in &rows {
        let Row { fault, command, sim, .. } = row;
        let ours: Vec<_> = sim.users().into_iter().filter(|user| field(user, "name") == Some(MAC)).collect();
        assert_eq!(ours.len(), 1, "{fault:?} at {command}");
        assert!(is_on(sim), "{fault:?} at {command}");
        assert_calm(row);
    }
    world.stop().await;
}

/// While it lasts nothing is lost, the words are clear, and the router is not asked for ever faster.
#[sqlx::test(migrations = "../../migrations")]
async fn a_fault_that_lasts_is_said_in_words_and_waited_for(pool: MySqlPool) {
    let world = World::new(pool).await;
    let lasting = [
        ("/ip/hotspot/user/add", Fault::PermissionDenied, "may not do this"),
        ("/ip/hotspot", Fault::PermissionDenied, "may not do this"),
        ("/ip/hotspot", Fault::Trap { message: "no such command prefix".into(), category: None }, "no hotspot"),
        (
            "/ip/hotspot",
            Fault::Trap { message: "failure: not allowed by device-mode".into(), category: None },
            "device-mode",
        ),
        (
            "/ip/hotspot/active/login",
            Fault::Trap { message: "session limit reached (200)".into(), category: None },
            "licence",
        ),
        ("/ip/hotspot/user/print", Fault::DropBefore, "connection was lost"),
        ("/ip/hotspot/user/print", Fault::GarbageLength { byte: 0xf8 }, "not the RouterOS API"),
    ];
    let mut rows = Vec::new();
    for (n, (command, fault, words)) in lasting.into_iter().enumerate() {
        let sim = Sim::start(Options::default()).await.unwrap();
        sim.join(MAC).unwrap();
        sim.inject(FaultRule::at(command, fault.clone()).times(0)).unwrap();
        let router = world.router(&format!("r{n}"), sim.addr().port(), "bando").await;
        world.grant(router.id, MAC, 3600, None).await;
        rows.push((Row { fault, command, sim, router }, words));
    }
    world.start(SELDOM);
    for (row, words) in &rows {
        let told = until_within(LONG, "it is told why", || async {
            let device = world.device(row.router.id).await;
            device.last_error.filter(|_| device.attempts >= 3)
        });
        let told = tokio::select! {
            told = told => told,
            () = async { loop {
                world.clock.advance(TimeDelta::milliseconds(100));
                tokio::time::sleep(Duration::from_millis(20)).await;
            } } => unreachable!(),
        };
        assert!(told.contains(words), "{:?} at {}: {told}", row.fault, row.command);
        assert!(row.sim.log().len() < 200, "{:?} at {}: {} commands", row.fault, row.command, row.sim.log().len());
        let device = world.device(row.router.id).await;
        assert!(device.starts_at.is_none(), "nobody's time runs");
    }
    for (row, _) in &rows {
        row.sim.clear_faults();
    }
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    until_all(&world, "all are on", "d.applied = 'on' and d.applied_generation = d.generation", &rows).await;
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_release_grants_renews_and_removes(pool: MySqlPool) {
    let world = World::new(pool).await;
    let mut rows = Vec::new();
    // 6.42 wants the old login, which is refused in words.
    for ros in RosVersion::ALL.into_iter().filter(|ros| *ros > RosVersion::V6_42) {
        let sim = Sim::start(Options { ros, ..Options::default() }).await.unwrap();
        sim.join(MAC).unwrap();
        let router = world.router(&format!("r{}", rows.len()), sim.addr().port(), "bando").await;
        world.grant(router.id, MAC, 3600, Some(5_000_000)).await;
        rows.push(Row { fault: Fault::Glue, command: ros.text(), sim, router });
    }
    let handle = world.start(SELDOM);
    until_all(&world, "all are on", "d.is_online = 1 and d.applied = 'on'", &rows).await;
    for row in &rows {
        let user = user_row(&row.sim).unwrap();
        assert_eq!(field(&user, "limit-bytes-total"), Some("5000000"), "{}", row.command);
        assert_eq!(row.sim.client(MAC).unwrap().rate_limit.as_deref(), Some("512000/2000000"), "{}", row.command);
        world.grant(row.router.id, MAC, 7200, None).await;
        handle.wake(row.router.id);
    }
    let renewed = "d.is_online = 1 and d.applied_generation = d.generation and s.duration_secs = 7200";
    until_all(&world, "all are renewed", renewed, &rows).await;
    for row in &rows {
        let user = user_row(&row.sim).unwrap();
        assert_eq!(field(&user, "limit-uptime"), Some("2h"), "{}", row.command);
        assert!(matches!(field(&user, "limit-bytes-total"), None | Some("0")), "{}", row.command);
    }
    world.clock.advance(TimeDelta::minutes(90));
    assert!(rows.iter().all(|row| is_on(&row.sim)), "the first hour is long over, the second purchase is not");
    world.clock.advance(TimeDelta::minutes(31));
    until_all(&world, "all are off", "d.applied = 'off' and d.applied_generation = d.generation", &rows).await;
    for row in &rows {
        assert!(user_row(&row.sim).is_none() && !is_on(&row.sim), "{}", row.command);
    }
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn use_is_counted_across_a_power_cut_and_never_twice(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    let (_handle, _) = online(&world, &sim, &router, super::OFTEN).await;
    sim.traffic(MAC, 400_000, 600_000).unwrap();
    world.until_device(router.id, "a million", |device| device.used_bytes == 1_000_000).await;
    sim.reboot(simulators::routeros::Reboot::PowerCut);
    sim.advance(Duration::from_secs(2));
    sim.traffic(MAC, 1, 1).unwrap();
    until("on again", || async { is_on(&sim).then_some(()) }).await;
    sim.traffic(MAC, 100_000, 150_000).unwrap();
    world.until_device(router.id, "and a quarter", |device| device.used_bytes >= 1_250_000).await;
    for _ in 0..3 {
        world.router_seen(router.id).await;
        tokio::task::yield_now().await;
    }
    assert!(world.device(router.id).await.used_bytes <= 1_250_002);
    world.stop().await;
}
