//! Paid time ends on the router by three ways. Each is proved alone here, with the two others switched off: never
//! early, and not later than it can know.

use std::time::Duration;

use chrono::TimeDelta;
use routeros_api::{Command, Connection};
use simulators::routeros::{Options, Reboot, Sim};
use sqlx::MySqlPool;
use tokio_util::sync::CancellationToken;

use super::{
    MAC, OFTEN, SELDOM, advance, field, is_on,
    world::{World, until},
};
use crate::{
    access::{credentials, target},
    db::routers::RouterRecord,
};

const REAPER: &str = include_str!("../../../../../hotspot/bando-reap.rsc");
const HOUR: u64 = 3600;

/// What happens half-way.
#[derive(Debug, Clone, Copy)]
enum Event {
    Nothing,
    CleanReboot,
    PowerCut,
}

const EVENTS: [Event; 3] = [Event::Nothing, Event::CleanReboot, Event::PowerCut];

impl Event {
    fn strike(self, sim: &Sim) {
        match self {
            Self::Nothing => return,
            Self::CleanReboot => sim.reboot(Reboot::Clean),
            Self::PowerCut => sim.reboot(Reboot::PowerCut),
        }
        // The device is there, and its next packet is its first.
        advance_router(sim, 2);
        sim.traffic(MAC, 1, 1).unwrap();
    }
}

fn advance_router(sim: &Sim, secs: u64) {
    sim.advance(Duration::from_secs(secs));
}

/// Somebody's hand at the router.
async fn by_hand(world: &World, router: &RouterRecord, commands: Vec<Command>) {
    let login = credentials(router, &world.secret).unwrap();
    let connection = Connection::open(&target(router), &login, routeros_api::Settings::default()).await.unwrap();
    for command in commands {
        connection.run(command).await.unwrap();
    }
}

/// A paid device that is delivered while it is away, so that its row can be changed before its login; then the server
/// goes away.
async fn delivered(world: &World, router: &RouterRecord) -> CancellationToken {
    let server = CancellationToken::new();
    world.start_as(uuid::Uuid::from_u128(1), SELDOM, &server);
    world.grant(router.id, MAC, HOUR, None).await;
    world.until_device(router.id, "delivered", |device| device.is_applied).await;
    server
}

/// The server is away from now on.
async fn gone(world: &World, router: &RouterRecord, server: &CancellationToken) {
    server.cancel();
    until("the server has gone", || async {
        let holder: Option<uuid::Uuid> = sqlx::query_scalar("select lease_holder from routers where id = ?")
            .bind(router.id.as_uuid())
            .fetch_one(&world.pool)
            .await
            .unwrap();
        holder.is_none().then_some(())
    })
    .await;
}

fn no_limit() -> Command {
    Command::new("/ip/hotspot/user/set").attr("numbers", MAC).attr("limit-uptime", "30d")
}

fn reaper() -> Vec<Command> {
    vec![
        Command::new("/system/script/add")
            .attr("name", "bando-reap")
            .attr("source", REAPER)
            .attr("policy", "read,write,test"),
        Command::new("/system/scheduler/add")
            .attr("name", "bando-reap")
            .attr("interval", "1m")
            .attr("start-time", "startup")
            .attr("on-event", "bando-reap")
            .attr("policy", "read,write,test"),
    ]
}

fn has_user(sim: &Sim) -> bool {
    sim.users().iter().any(|row| field(row, "name") == Some(MAC))
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_routers_own_limit_ends_paid_time_alone(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (n, event) in EVENTS.into_iter().enumerate() {
        let sim = Sim::start(Options::default()).await.unwrap();
        let router = world.router(&format!("limit-{n}"), sim.addr().port(), "bando").await;
        let server = delivered(&world, &router).await;
        gone(&world, &router, &server).await;
        sim.join(MAC).unwrap();
        advance_router(&sim, 1800);
        event.strike(&sim);
        advance_router(&sim, 1797);
        assert!(is_on(&sim), "{event:?}: not early");
        advance_router(&sim, 4);
        // What ran when the power went is lost to the router, and nothing else knows the time here.
        let lost = if matches!(event, Event::PowerCut) { 1800 } else { 0 };
        assert_eq!(is_on(&sim), lost > 0, "{event:?}");
        advance_router(&sim, lost + 2);
        assert!(!is_on(&sim), "{event:?}: over");
        sim.leave(MAC).unwrap();
        advance_router(&sim, 600);
        sim.join(MAC).unwrap();
        advance_router(&sim, 5);
        assert!(!is_on(&sim), "{event:?}: and does not slip back in");
    }
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_script_on_the_router_ends_paid_time_alone(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (n, event) in EVENTS.into_iter().enumerate() {
        let sim = Sim::start(Options::default()).await.unwrap();
        let router = world.router(&format!("reaper-{n}"), sim.addr().port(), "bando").await;
        by_hand(&world, &router, reaper()).await;
        let server = delivered(&world, &router).await;
        gone(&world, &router, &server).await;
        by_hand(&world, &router, vec![no_limit()]).await;
        sim.join(MAC).unwrap();
        advance_router(&sim, 1800);
        event.strike(&sim);
        advance_router(&sim, 1797);
        assert!(is_on(&sim) && has_user(&sim), "{event:?}: not early");
        if !matches!(event, Event::Nothing) {
            // It is 1970 until the network says otherwise, and until then nobody is cut off.
            advance_router(&sim, 7200);
            assert!(is_on(&sim), "{event:?}: the clock is not set");
            sim.ntp();
        }
        advance_router(&sim, 63);
        assert!(!is_on(&sim) && !has_user(&sim), "{event:?}: over, with its row");
        advance_router(&sim, 86_400);
        sim.traffic(MAC, 1, 1).unwrap();
        assert!(!is_on(&sim), "{event:?}: a day later as well");
    }
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_server_ends_paid_time_alone(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (n, event) in EVENTS.into_iter().enumerate() {
        let sim = Sim::start(Options::default()).await.unwrap();
        let router = world.router(&format!("server-{n}"), sim.addr().port(), "bando").await;
        let server = delivered(&world, &router).await;
        by_hand(&world, &router, vec![no_limit()]).await;
        sim.join(MAC).unwrap();
        advance(&world, &sim, 1800);
        event.strike(&sim);
        if matches!(event, Event::Nothing) {
            // The server's clock is wrong for a while.
            world.clock.advance(TimeDelta::seconds(-1800));
            until("it looks", || world.router_seen(router.id)).await;
            assert!(is_on(&sim));
            world.clock.advance(TimeDelta::seconds(1800));
        } else {
            // After a restart the whole router is compared, and the limit with it: taken away once more.
            until("the limit is put right", || async {
                let users = sim.users();
                let row = users.iter().find(|row| field(row, "name") == Some(MAC))?;
                (field(row, "limit-uptime") != Some("4w2d")).then_some(())
            })
            .await;
            by_hand(&world, &router, vec![no_limit()]).await;
        }
        let device = world.device(router.id).await;
        let left = (device.ends_at.unwrap() - world.now()).num_seconds();
        world.clock.advance(TimeDelta::seconds(left - 1));
        until("it looks", || world.router_seen(router.id)).await;
        assert!(device.ended_at.is_none() && has_user(&sim), "{event:?}: not early");
        world.clock.advance(TimeDelta::seconds(1));
        let device = world.until_device(router.id, "over", |device| device.applied == "off" && device.is_applied).await;
        assert_eq!(device.ended_at, device.ends_at, "{event:?}: to the second");
        assert!(!is_on(&sim) && !has_user(&sim), "{event:?}");
        server.cancel();
    }
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_server_that_was_away_for_a_day_takes_off_what_is_over(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, Sim::start(Options::default()).await.unwrap());
    let router = world.router("main", sim.addr().port(), "bando").await;
    let server = delivered(&world, &router).await;
    gone(&world, &router, &server).await;
    by_hand(&world, &router, vec![no_limit()]).await;
    sim.join(MAC).unwrap();
    advance(&world, &sim, 86_400);
    assert!(is_on(&sim), "nothing else knows the time in this test");
    world.start(OFTEN);
    let device = world.until_device(router.id, "over", |device| device.applied == "off" && device.is_applied).await;
    assert_eq!(device.end_reason.as_deref(), Some("expired"));
    assert!(!is_on(&sim) && !has_user(&sim));
    world.stop().await;
}
