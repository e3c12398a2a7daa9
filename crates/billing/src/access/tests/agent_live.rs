//! Routers that poll, with the script itself: who is kept out, who is logged out, who is on unpaid, and how the router
//! fares, as with any other router; and a thousand customers on one.

use std::net::Ipv4Addr;

use domain::MacAddr;
use simulators::routeros::{ClientState, Options, RosVersion, Sim};
use sqlx::MySqlPool;
use uuid::Uuid;

use super::{
    MAC,
    agent::{Scene, Weather, advance, log_of, online, scene, scene_with},
    check::{assert_state, test},
    field, is_on, user_row,
    world::World,
};
use crate::{
    db::{
        blocks::{self, BlockRecord},
        router_strangers, session_devices,
    },
    random,
};

const OTHER: &str = "A4:CF:12:00:00:02";
const PORTAL: &str = "http://127.0.0.1:8080";

/// As people block a device.
async fn block(world: &World, mac: &str) -> Uuid {
    let block = BlockRecord {
        id: random::uuid(world.now()),
        mac: mac.parse().unwrap(),
        reason: "shares its account".into(),
        blocked_by: "owner".into(),
        created_at: world.now(),
    };
    let mut tx = world.pool.begin().await.unwrap();
    assert!(blocks::insert_block(&mut tx, &block).await.unwrap());
    session_devices::intend_off_blocked(&mut tx, None, world.now()).await.unwrap();
    tx.commit().await.unwrap();
    block.id
}

/// Bindings as `type mac comment`.
fn bindings(sim: &Sim) -> Vec<String> {
    let rows = sim.rows("/ip/hotspot/ip-binding").unwrap();
    let text = |row, name| field(row, name).unwrap_or("-").to_owned();
    rows.iter()
        .map(|row| format!("{} {} {}", text(row, "type"), text(row, "mac-address"), text(row, "comment")))
        .collect()
}

/// How many answers since the first `from` bore a line with this verb.
fn told(scene: &Scene, from: usize, verb: &str) -> usize {
    let line = format!("\n{verb};");
    scene.server.answers().iter().skip(from).filter(|answer| answer.contains(&line)).count()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_blocked_device_is_kept_out_and_only_our_bindings_are_touched(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim) = (&scene.world, &scene.sim);
    let neighbour = "A4:CF:12:00:00:09";
    let by_hand = format!("/ip hotspot ip-binding add mac-address={neighbour} type=blocked comment=\"a neighbour\"");
    assert_eq!(sim.paste(&by_hand).await.error(), None);
    let foreign = format!("blocked {neighbour} a neighbour");
    online(&scene, 3600).await;
    let id = block(world, MAC).await;
    advance(world, sim, 40).await;
    let ours = format!("blocked {MAC} bando:block");
    assert_eq!(bindings(sim), [foreign.clone(), ours.clone()], "{}", log_of(sim));
    assert!(!is_on(sim) && user_row(sim).is_none());
    sim.traffic(MAC, 1, 1).unwrap();
    assert_eq!(sim.client(MAC).unwrap().state, ClientState::Blocked);
    let device = world.device(scene.router.id).await;
    assert!(device.is_applied && device.applied == "off");
    // Told once and not again.
    let from = scene.server.answers().len();
    advance(world, sim, 180).await;
    assert_eq!(told(&scene, from, "block"), 0);
    assert!(!scene.server.asked().iter().any(|asked| asked.contains("failed;")), "{:?}", scene.server.asked());
    // Somebody switches ours off, and adds one of ours for a device that nobody blocked: set right, in a minute.
    let by_hand = format!(
        "/ip hotspot ip-binding set [find where comment=\"bando:block\"] type=regular\n\
         /ip hotspot ip-binding add mac-address={OTHER} type=blocked comment=\"bando:block\""
    );
    assert_eq!(sim.paste(&by_hand).await.error(), None);
    advance(world, sim, 100).await;
    assert_eq!(bindings(sim), [foreign.clone(), ours], "{}", log_of(sim));
    // Lifted: the device is let on again with what is left.
    let mut tx = world.pool.begin().await.unwrap();
    blocks::lift_block(&mut tx, id, "owner", "paid for the damage", world.now()).await.unwrap();
    tx.commit().await.unwrap();
    advance(world, sim, 40).await;
    assert_eq!(bindings(sim), [foreign]);
    world.grant(scene.router.id, MAC, 600, None).await;
    advance(world, sim, 60).await;
    assert!(is_on(sim), "{}", log_of(sim));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_customer_is_logged_out_once_though_the_command_was_lost(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    online(&scene, 3600).await;
    advance(world, sim, 60).await;
    let device: Uuid = sqlx::query_scalar("select id from session_devices").fetch_one(&world.pool).await.unwrap();
    let kick = async || {
        let mut tx = world.pool.begin().await.unwrap();
        assert!(session_devices::kick(&mut tx, device, world.now()).await.unwrap());
        tx.commit().await.unwrap();
    };
    let is_kicked = async || -> bool {
        sqlx::query_scalar("select is_kicked from session_devices").fetch_one(&world.pool).await.unwrap()
    };
    let on_for = || sim.client(MAC).unwrap().uptime_secs.unwrap();
    // What bears the command never arrives.
    server.weather(Weather::Altered("\nkick;".into(), "\nkock;".into()));
    let from = server.answers().len();
    kick().await;
    let before = on_for();
    advance(world, sim, 60).await;
    assert!(told(&scene, from, "kick") >= 2, "told until it is seen");
    assert!(on_for() >= before + 60 && is_kicked().await, "not done is not said to be done");
    server.weather(Weather::Fair);
    let from = server.answers().len();
    advance(world, sim, 60).await;
    assert_eq!(told(&scene, from, "kick"), 1, "{:?}", &server.answers()[from..]);
    assert!(is_on(sim) && on_for() < 60, "logged out, and in again because it has paid: {}", on_for());
    assert!(!is_kicked().await);
    let record = world.device(scene.router.id).await;
    assert!(record.is_applied && record.is_online);
    // And what the router does is not undone by the next report, nor is it told again.
    let before = on_for();
    advance(world, sim, 180).await;
    assert!(told(&scene, from, "kick") == 1 && on_for() >= before + 180);
    // A second time is a second time.
    kick().await;
    advance(world, sim, 60).await;
    assert!(told(&scene, from, "kick") == 2 && on_for() < 60 && !is_kicked().await);
    let used = world.device(scene.router.id).await;
    assert!(used.used_secs >= 400, "what it used before counts: {}", used.used_secs);
}

#[derive(Debug, sqlx::FromRow)]
struct Ghost {
    id: Uuid,
    kind: String,
    user_name: String,
    is_kicked: bool,
}

/// Who is on unpaid, by address.
async fn ghosts(world: &World) -> Vec<Ghost> {
    sqlx::query_as("select id, kind, user_name, is_kicked from router_strangers where gone_at is null order by mac")
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

fn kinds(ghosts: &[Ghost]) -> Vec<&str> {
    ghosts.iter().map(|ghost| ghost.kind.as_str()).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_on_unpaid_is_seen_and_logged_out_once_when_asked(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    online(&scene, 3600).await;
    let (bypassed, orphan) = ("A4:CF:12:00:00:03", "A4:CF:12:00:00:04");
    let end = world.now().timestamp() + 86_400;
    let by_hand = format!(
        "/ip hotspot user add name=guest password=x profile=default\n\
         /ip hotspot ip-binding add mac-address={bypassed} type=bypassed\n\
         /ip hotspot user add name={orphan} profile=default comment=\"bando1;g={};e={end}\"",
        Uuid::from_u128(9)
    );
    assert_eq!(sim.paste(&by_hand).await.error(), None);
    for mac in [OTHER, bypassed, orphan] {
        sim.join(mac).unwrap();
        let _ = sim.traffic(mac, 1, 1).unwrap();
    }
    sim.browser_login(OTHER, "guest", "x").unwrap();
    advance(world, sim, 70).await;
    let seen = ghosts(world).await;
    assert_eq!(kinds(&seen), ["user", "bypassed", "over"], "{seen:?} {:?}", sim.active());
    assert_eq!(seen[0].user_name, "guest");
    // The guest is logged out though the first command is lost.
    let guest = seen[0].id;
    let kick = async || {
        let mut tx = world.pool.begin().await.unwrap();
        let done = router_strangers::kick_stranger(&mut tx, guest, world.now()).await.unwrap();
        tx.commit().await.unwrap();
        done
    };
    server.weather(Weather::Altered("\nlogout;".into(), "\nlagout;".into()));
    assert!(kick().await.is_some());
    advance(world, sim, 60).await;
    assert!(ghosts(world).await[0].is_kicked && sim.client(OTHER).unwrap().user.as_deref() == Some("guest"));
    server.weather(Weather::Fair);
    let from = server.answers().len();
    advance(world, sim, 40).await;
    assert_eq!(told(&scene, from, "logout"), 1);
    assert_eq!(sim.client(OTHER).unwrap().user, None);
    assert_eq!(kinds(&ghosts(world).await), ["bypassed", "over"]);
    assert_eq!(kick().await, None, "there is nothing to log out");
    // He types the password again: that is another login, and nobody asked to end it.
    sim.browser_login(OTHER, "guest", "x").unwrap();
    advance(world, sim, 120).await;
    let seen = ghosts(world).await;
    assert!(kinds(&seen) == ["user", "bypassed", "over"] && !seen[0].is_kicked && seen[0].id == guest, "{seen:?}");
    assert_eq!(told(&scene, from, "logout"), 1);
    assert!(is_on(sim), "who paid is no ghost and stays on");
    // Who has no time left is no ghost while the router is being told, and none after.
    let left = world.device(scene.router.id).await.ends_at.unwrap() - world.now();
    advance(world, sim, u64::try_from(left.num_seconds()).unwrap() + 40).await;
    assert_eq!(kinds(&ghosts(world).await), ["user", "bypassed"], "the row nobody knows went after its grace");
    let paid: MacAddr = MAC.parse().unwrap();
    let ever: i64 = sqlx::query_scalar("select count(*) from router_strangers where mac = ?")
        .bind(paid.bytes().as_slice())
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(ever, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_router_that_does_not_take_somebody_off_shows_a_ghost(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    online(&scene, 3600).await;
    server.weather(Weather::Altered("\nremove;".into(), "\nreprove;".into()));
    let session: Uuid = sqlx::query_scalar("select id from sessions").fetch_one(&world.pool).await.unwrap();
    let mut tx = world.pool.begin().await.unwrap();
    session_devices::intend_off(&mut tx, session.into(), world.now()).await.unwrap();
    tx.commit().await.unwrap();
    advance(world, sim, 60).await;
    let seen = ghosts(world).await;
    assert!(is_on(sim) && kinds(&seen) == ["over"] && seen[0].user_name == MAC, "{seen:?}");
    server.weather(Weather::Fair);
    advance(world, sim, 40).await;
    assert!(!is_on(sim) && ghosts(world).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_it_says_of_itself_is_known_and_its_troubles_are_told(pool: MySqlPool) {
    let scene = scene_with(pool, Options { license_level: 1, ..Options::default() }).await;
    let (world, sim) = (&scene.world, &scene.sim);
    online(&scene, 3600).await;
    advance(world, sim, 360).await;
    let tested = test(world, &scene.router, PORTAL).await;
    for (line, state, part) in [
        ("reach", "ok", "asked"),
        ("version", "ok", "RouterOS 7."),
        ("clock", "ok", "seconds"),
        ("reaper-runs", "warning", "not on its schedule"),
        ("licence", "wrong", "1 customers are on"),
    ] {
        assert_state(&tested, line, state, part);
    }
    let facts = crate::db::router_facts::find_facts(&world.pool, scene.router.id).await.unwrap().unwrap();
    assert!(facts.version.starts_with("7.") && !facts.board.is_empty() && !facts.identity.is_empty(), "{facts:?}");
    assert_eq!((facts.users_on, facts.users_max, facts.license.as_deref()), (Some(1), Some(1), Some("1")));
    assert!(facts.uptime_secs > 300 && facts.clock_skew_secs.unwrap().abs() < 60, "{facts:?}");
    let unread = async || -> Vec<String> {
        sqlx::query_scalar("select kind from notifications where read_at is null order by kind")
            .fetch_all(&world.pool)
            .await
            .unwrap()
    };
    assert_eq!(unread().await, ["router_license", "router_reaper"]);
    let by_hand = "/system scheduler add name=bando-reap interval=1m on-event=bando-reap";
    assert_eq!(sim.paste(by_hand).await.error(), None);
    advance(world, sim, 80).await;
    assert_eq!(unread().await, ["router_license"], "taken back when it is there");
    assert_state(&test(world, &scene.router, PORTAL).await, "reaper-runs", "ok", "schedule");
    sim.reboot(simulators::routeros::Reboot::Clean);
    advance(world, sim, 120).await;
    let events: Vec<String> =
        sqlx::query_scalar("select kind from router_events order by id").fetch_all(&world.pool).await.unwrap();
    assert!(events.first().is_some_and(|kind| kind == "online") && events.iter().any(|kind| kind == "rebooted"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_thousand_customers_are_told_in_turns_and_reported_in_parts(pool: MySqlPool) {
    let scene = scene_with(pool, Options { license_level: 6, ..Options::default() }).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    let mac = |n: u16| {
        let [high, low] = n.to_be_bytes();
        format!("A4:CF:12:00:{high:02X}:{low:02X}")
    };
    for n in 0..1000_u16 {
        let [high, low] = n.to_be_bytes();
        sim.join_at(&mac(n), Ipv4Addr::new(10, 5, 64 + high, low)).unwrap();
    }
    let macs: Vec<MacAddr> = (0..1000).map(|n| mac(n).parse().unwrap()).collect();
    world.grant_all(scene.router.id, &macs).await;
    advance(world, sim, 60).await;
    assert_eq!(sim.active().len(), 1000, "{}", log_of(sim));
    let work = session_devices::list_work(&world.pool, scene.router.id).await.unwrap();
    assert_eq!(work.iter().filter(|device| device.is_applied() && device.is_online).count(), 1000);
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.len() < 64 * 1024), "a router sends no more");
    let parts = asked.iter().filter_map(|asked| asked.split(';').nth(3)?.parse::<u32>().ok()).max().unwrap();
    assert!(parts >= 6, "a whole report came in {} parts", parts + 1);
    assert!(server.answers().iter().all(|answer| answer.len() < 64 * 1024), "nor takes more");
    assert!(told(&scene, 0, "add") > 1, "told in several turns");
    assert!(!asked.iter().any(|asked| asked.contains("failed;")));
    // All of them end, and none comes back.
    let left = work.iter().filter_map(|device| device.ends_at).max().unwrap() - world.now();
    world.clock.advance(left);
    advance(world, sim, 60).await;
    assert_eq!((sim.active().len(), user_rows(sim)), (0, 0), "{}", log_of(sim));
    let left = session_devices::list_work(&world.pool, scene.router.id).await.unwrap();
    assert!(left.iter().all(session_devices::WorkRecord::is_applied));
}

fn user_rows(sim: &Sim) -> usize {
    sim.users().iter().filter(|row| field(row, "comment").is_some_and(|comment| comment.starts_with("bando1;"))).count()
}
