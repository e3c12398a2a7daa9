//! The reconcilers against a real database and the router simulator over TCP.

mod agent;
mod agent_live;
mod alerts;
mod check;
mod credit;
mod expiry;
mod faults;
mod forgotten;
mod health;
mod pull;
mod scale;
mod sharing;
mod traps;
mod twice;
mod world;

use std::time::Duration;

use chrono::TimeDelta;
use domain::SessionId;
use simulators::{
    KeptPort,
    routeros::{Fault, FaultRule, Options, Reboot, Sim},
};
use sqlx::MySqlPool;
use tokio_util::sync::CancellationToken;

use self::world::{World, until};
use super::Handle;
use crate::{db::routers::RouterRecord, db::session_devices};

const MAC: &str = "A4:CF:12:00:00:01";

const SELDOM: Duration = Duration::from_secs(3600);
const OFTEN: Duration = Duration::from_millis(150);

fn field<'a>(row: &'a [(String, String)], name: &str) -> Option<&'a str> {
    row.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The user of our device on the simulator.
fn user_row(sim: &Sim) -> Option<Vec<(String, String)>> {
    sim.users().into_iter().find(|row| field(row, "name") == Some(MAC))
}

fn is_on(sim: &Sim) -> bool {
    sim.active().iter().any(|row| field(row, "user") == Some(MAC))
}

async fn sim() -> Sim {
    Sim::start(Options::default()).await.unwrap()
}

/// The simulated router and the server's clock move together.
fn advance(world: &World, sim: &Sim, secs: u64) {
    world.clock.advance(TimeDelta::seconds(i64::try_from(secs).unwrap()));
    sim.advance(Duration::from_secs(secs));
}

/// A device at the portal, paid for, and brought on.
async fn online(world: &World, sim: &Sim, router: &RouterRecord, full: Duration) -> (Handle, SessionId) {
    sim.join(MAC).unwrap();
    let handle = world.start(full);
    until("the router is read", || async { world.router_seen(router.id).await }).await;
    let session = world.grant(router.id, MAC, 3600, None).await;
    handle.wake(router.id);
    world.until_device(router.id, "online", |device| device.is_online && device.is_applied).await;
    (handle, session)
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_paid_device_at_the_portal_comes_on_and_its_time_starts(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    let (_, session) = online(&world, &sim, &router, SELDOM).await;

    let row = user_row(&sim).unwrap();
    assert_eq!(field(&row, "limit-uptime"), Some("1h"));
    assert_eq!(field(&row, "mac-address"), Some(MAC));
    let ends_at = world.now() + TimeDelta::hours(1);
    assert_eq!(field(&row, "comment"), Some(format!("bando1;g={session};e={}", ends_at.timestamp()).as_str()));
    let profiles = sim.rows("/ip/hotspot/user/profile").unwrap();
    let profile = profiles.iter().find(|profile| field(profile, "name") == field(&row, "profile")).unwrap();
    assert_eq!(field(profile, "rate-limit"), Some("512k/2M"), "the customer's upload first");
    assert!(is_on(&sim));
    let device = world.device(router.id).await;
    assert_eq!((device.starts_at, device.ends_at), (Some(world.now()), Some(ends_at)));
    assert_eq!((device.applied.as_str(), device.last_error, device.attempts), ("on", None, 0));
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn on_a_live_connection_a_purchase_costs_few_sentences(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.join(MAC).unwrap();
    sim.join("A4:CF:12:00:00:02").unwrap();
    let (handle, _) = online(&world, &sim, &router, SELDOM).await;
    sim.clear_log();
    let second = "A4:CF:12:00:00:02";
    world.grant(router.id, second, 3600, None).await;
    handle.wake(router.id);
    until("the second device is on", || async {
        sim.active().iter().any(|row| field(row, "user") == Some(second)).then_some(())
    })
    .await;
    until("it is written down", || async {
        session_devices::list_work(&world.pool, router.id).await.unwrap().iter().all(|d| d.is_online).then_some(())
    })
    .await;
    // Three reads at once, add, login, verify.
    assert_eq!(sim.log().len(), 6, "{:?}", sim.log());
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_device_that_is_away_logs_in_by_itself_when_it_comes(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    world.grant(router.id, MAC, 3600, None).await;
    let handle = world.start(OFTEN);
    let device = world.until_device(router.id, "ready", |device| device.is_applied).await;
    assert!(!device.is_online && device.starts_at.is_some(), "delivered: the router has the user");
    sim.join(MAC).unwrap();
    sim.traffic(MAC, 1000, 1000).unwrap();
    assert!(is_on(&sim));
    handle.wake(router.id);
    world.until_device(router.id, "seen online", |device| device.is_online).await;
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn when_time_is_over_the_device_is_taken_off(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    let (handle, _) = online(&world, &sim, &router, SELDOM).await;
    advance(&world, &sim, 3599);
    handle.wake(router.id);
    assert!(is_on(&sim), "not a second early");
    // Only the server's clock: the router's own limit has not struck.
    world.clock.advance(TimeDelta::seconds(1));
    handle.wake(router.id);
    let device = world.until_device(router.id, "off", |device| device.applied == "off" && device.is_applied).await;
    assert_eq!(device.end_reason.as_deref(), Some("expired"));
    assert_eq!(device.ended_at, device.ends_at);
    assert!(!device.is_online && user_row(&sim).is_none() && !is_on(&sim));
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn buying_again_gives_the_new_time_at_once(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    let (handle, first) = online(&world, &sim, &router, SELDOM).await;
    advance(&world, &sim, 1800);
    sim.traffic(MAC, 1000, 1000).unwrap();
    let second = world.grant(router.id, MAC, 5400, None).await;
    assert_ne!(first, second);
    handle.wake(router.id);
    let device = world
        .until_device(router.id, "renewed", |device| {
            // The device's next packet after it was logged out. Once it is on again the router's clock stands still.
            if !is_on(&sim) {
                sim.advance(Duration::from_millis(100));
            }
            device.is_applied && device.is_online && device.starts_at == Some(world.now())
        })
        .await;
    assert_eq!(device.ends_at, Some(world.now() + TimeDelta::seconds(5400)));
    let row = user_row(&sim).unwrap();
    assert_eq!((field(&row, "limit-uptime"), field(&row, "uptime")), (Some("1h30m"), Some("0s")));
    assert!(is_on(&sim));
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_router_that_was_down_gets_everything_when_it_is_back_and_time_starts_then(pool: MySqlPool) {
    let world = World::new(pool).await;
    let port = KeptPort::any().unwrap();
    let router = world.router("main", port.number(), "bando").await;
    world.grant(router.id, MAC, 3600, None).await;
    world.start(SELDOM);
    let device = world.until_device(router.id, "an error", |device| device.last_error.is_some()).await;
    assert!(device.starts_at.is_none() && !device.is_applied);
    assert!(device.last_error.unwrap().contains("refuses the connection"));
    assert!(world.router_error(router.id).await.unwrap().contains("API service"));

    world.clock.advance(TimeDelta::minutes(10));
    let sim = Sim::start(Options { listen: port.addr(), ..Options::default() }).await.unwrap();
    sim.join(MAC).unwrap();
    let device = world.until_device(router.id, "online", |device| device.is_online).await;
    assert_eq!(device.starts_at, Some(world.now()), "paid time did not run while we could not deliver");
    assert_eq!(device.last_error, None);
    until("the router's error is cleared", || async { world.router_error(router.id).await.is_none().then_some(()) })
        .await;
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_connection_lost_after_execution_leads_to_one_user_and_one_start(pool: MySqlPool) {
    for fault in [Fault::DropAfter, Fault::DropBefore, Fault::HalfSentence, Fault::Hang] {
        let pool = pool.clone();
        sqlx::query("delete from session_devices").execute(&pool).await.unwrap();
        for table in ["sessions", "routers", "packages", "admin_users"] {
            sqlx::query(&format!("delete from {table}")).execute(&pool).await.unwrap();
        }
        let (world, sim) = (World::new(pool).await.hasty(), sim().await);
        let router = world.router("main", sim.addr().port(), "bando").await;
        sim.join(MAC).unwrap();
        sim.inject(FaultRule::at("/ip/hotspot/user/add", fault.clone())).unwrap();
        let handle = world.start(SELDOM);
        world.grant(router.id, MAC, 3600, None).await;
        handle.wake(router.id);
        let device = world.until_device(router.id, "online", |device| {
            // Back-off for the device runs on the server's clock.
            world.clock.advance(TimeDelta::milliseconds(200));
            device.is_online && device.is_applied
        });
        let device = device.await;
        let ours = sim.users().iter().filter(|row| field(row, "name") == Some(MAC)).count();
        assert_eq!(ours, 1, "{fault:?}");
        assert_eq!(device.ends_at.unwrap() - device.starts_at.unwrap(), TimeDelta::hours(1));
        world.stop().await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rebooted_router_is_read_again_and_devices_come_back(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    let (_, _) = online(&world, &sim, &router, OFTEN).await;
    sim.reboot(Reboot::PowerCut);
    sim.clear_log();
    until("it is read again", || async {
        sim.log().iter().any(|entry| format!("{entry:?}").contains("hotspot/user")).then_some(())
    })
    .await;
    sim.traffic(MAC, 1, 1).unwrap();
    until("on again", || async { is_on(&sim).then_some(()) }).await;
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_wrong_password_is_said_in_words(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "not it").await;
    world.grant(router.id, MAC, 3600, None).await;
    world.start(SELDOM);
    let error = until("an error", || world.router_error(router.id)).await;
    assert!(error.contains("user name or password"), "{error}");
    let tested = check::test(&world, &router, "http://127.0.0.1:8080").await;
    check::assert_state(&tested, "login", "wrong", "user name or password");
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_owner_is_told_once_of_a_router_that_stays_away(pool: MySqlPool) {
    let world = World::new(pool).await;
    let closed = KeptPort::any().unwrap();
    let router = world.router("main", closed.number(), "bando").await;
    world.grant(router.id, MAC, 3600, None).await;
    world.clock.advance(TimeDelta::seconds(61));
    world.start(SELDOM);
    let raised = until("a notification", || async {
        let raised = crate::db::notifications::list_notifications(&world.pool, 10).await.unwrap();
        (!raised.is_empty()).then_some(raised)
    })
    .await;
    assert_eq!((raised.len(), raised[0].kind.as_str()), (1, "router_down"));
    assert!(raised[0].message.contains("Router main is not reachable"), "{}", raised[0].message);
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn used_up_data_ends_the_session(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.join(MAC).unwrap();
    world.start(OFTEN);
    world.grant(router.id, MAC, 3600, Some(1_000_000)).await;
    world.until_device(router.id, "online", |device| device.is_online).await;
    assert_eq!(field(&user_row(&sim).unwrap(), "limit-bytes-total"), Some("1000000"));
    sim.traffic(MAC, 200_000, 300_000).unwrap();
    let device = world.until_device(router.id, "use is counted", |device| device.used_bytes == 500_000).await;
    assert!(device.ended_at.is_none());
    sim.traffic(MAC, 200_000, 400_000).unwrap();
    let device = world.until_device(router.id, "ended", |device| device.applied == "off").await;
    assert_eq!(device.end_reason.as_deref(), Some("data_used"));
    assert!(user_row(&sim).is_none() && device.used_secs < 5);
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_elses_user_of_that_name_is_left_and_reported(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    let target = super::target(&router);
    let login = super::credentials(&router, &world.secret).unwrap();
    let connection = routeros_api::Connection::open(&target, &login, routeros_api::Settings::default()).await.unwrap();
    let add = routeros_api::Command::new("/ip/hotspot/user/add").attr("name", MAC).attr("comment", "the boss");
    connection.run(add).await.unwrap();
    world.grant(router.id, MAC, 3600, None).await;
    world.start(SELDOM);
    let device = world.until_device(router.id, "an error", |device| device.last_error.is_some()).await;
    assert!(device.last_error.unwrap().contains("by hand"));
    assert_eq!(field(&user_row(&sim).unwrap(), "comment"), Some("the boss"));
    assert!(device.starts_at.is_none());
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sick_router_does_not_delay_another(pool: MySqlPool) {
    let (world, sick, well) = (World::new(pool).await.hasty(), sim().await, sim().await);
    sick.inject(FaultRule::at("/ip/hotspot", Fault::HangBefore).times(0)).unwrap();
    let first = world.router("a-sick", sick.addr().port(), "bando").await;
    let second = world.router("b-well", well.addr().port(), "bando").await;
    for router in [&first, &second] {
        world.grant(router.id, MAC, 3600, None).await;
    }
    well.join(MAC).unwrap();
    world.start(SELDOM);
    world.until_device(second.id, "online", |device| device.is_online).await;
    assert!(!world.device(first.id).await.is_applied);
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_processes_share_a_router_by_its_lease(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.join(MAC).unwrap();
    let first = CancellationToken::new();
    world.start_as(uuid::Uuid::from_u128(1), SELDOM, &first);
    until("the first reads the router", || world.router_seen(router.id)).await;
    world.start_as(uuid::Uuid::from_u128(2), SELDOM, &world.shutdown);
    let sessions = || sim.state().api_sessions;
    world.grant(router.id, MAC, 3600, None).await;
    world.until_device(router.id, "online", |device| device.is_online).await;
    assert_eq!(sessions(), 1, "only the holder talks to the router");
    let holder = || async {
        sqlx::query_scalar::<_, Option<uuid::Uuid>>("select lease_holder from routers where id = ?")
            .bind(router.id.as_uuid())
            .fetch_one(&world.pool)
            .await
            .unwrap()
    };
    assert_eq!(holder().await, Some(uuid::Uuid::from_u128(1)));
    // The first ends and gives the lease back; the second takes over.
    first.cancel();
    until("the second holds it", || async { (holder().await == Some(uuid::Uuid::from_u128(2))).then_some(()) }).await;
    world.clock.advance(TimeDelta::hours(2));
    world.until_device(router.id, "taken off by the second", |device| device.applied == "off").await;
    world.stop().await;
}
