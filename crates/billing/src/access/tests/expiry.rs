//! Paid time ends on the router by three ways. Each is proved alone here, with the two others switched off, through
//! whatever may happen meanwhile: never early, and not later than it can know.

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
const DAY: u64 = 86_400;

/// What happens half-way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Nothing,
    CleanReboot,
    PowerCut,
    /// The server is away for half of two days that were paid for.
    DayAway,
    /// The router's clock is set wrong.
    ClockAhead,
    ClockBehind,
    Clock1970,
}

/// When paid time ends then. To the second by the limit and the server, at the script's next run by the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    OnTime,
    /// Not before, but after what is said here.
    Late(&'static str),
}

use Ends::{Late, OnTime};

/// Every way alone, in every event.
#[rustfmt::skip]
const TABLE: [(Event, [Ends; 3]); 7] = [
    //                   the router's own limit            its script                                    the server
    (Event::Nothing,     [OnTime,                           OnTime,                                       OnTime]),
    (Event::CleanReboot, [OnTime,                           Late("once the network has told it the time"), OnTime]),
    (Event::PowerCut,    [Late("by what ran when it went"), Late("once the network has told it the time"), OnTime]),
    (Event::DayAway,     [OnTime,                           OnTime,                                       Late("once it is back")]),
    // The limit counts running time, and the server has a clock of its own: to both the router's clock is nothing.
    (Event::ClockAhead,  [OnTime,                           Late("once the clock is right, or in a day"), OnTime]),
    (Event::ClockBehind, [OnTime,                           Late("once the clock is right"),              OnTime]),
    (Event::Clock1970,   [OnTime,                           Late("once the clock is right"),              OnTime]),
];

impl Event {
    /// Seconds paid for.
    const fn paid(self) -> u64 {
        if matches!(self, Self::DayAway) { 2 * DAY } else { HOUR }
    }

    /// What `/system/clock` is set to.
    const fn set_to(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::ClockAhead => Some(("2027-03-01", "10:00:00")),
            Self::ClockBehind => Some(("2026-06-01", "10:00:00")),
            Self::Clock1970 => Some(("1970-01-02", "00:00:00")),
            _ => None,
        }
    }

    const fn is_reboot(self) -> bool {
        matches!(self, Self::CleanReboot | Self::PowerCut)
    }

    async fn strike(self, world: &World, router: &RouterRecord, sim: &Sim) {
        match self {
            Self::CleanReboot => sim.reboot(Reboot::Clean),
            Self::PowerCut => sim.reboot(Reboot::PowerCut),
            _ => {}
        }
        if let Some((date, time)) = self.set_to() {
            let set = Command::new("/system/clock/set").attr("date", date).attr("time", time);
            by_hand(world, router, vec![set]).await;
        }
        if self.is_reboot() {
            // The device is there, and its next packet is its first.
            advance_router(sim, 2);
            sim.traffic(MAC, 1, 1).unwrap();
        }
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
async fn delivered(world: &World, router: &RouterRecord, event: Event) -> CancellationToken {
    let server = CancellationToken::new();
    world.start_as(uuid::Uuid::from_u128(1), SELDOM, &server);
    world.grant(router.id, MAC, event.paid(), None).await;
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

/// Over is over: a device that comes again does not slip back in.
fn assert_stays_off(sim: &Sim, event: Event) {
    sim.leave(MAC).unwrap();
    advance_router(sim, 600);
    sim.join(MAC).unwrap();
    advance_router(sim, 5);
    assert!(!is_on(sim), "{event:?}: it slips back in");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_routers_own_limit_ends_paid_time_alone(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (event, [ends, ..]) in TABLE {
        let sim = Sim::start(Options::default()).await.unwrap();
        let router = world.router(&format!("limit-{event:?}"), sim.addr().port(), "bando").await;
        let server = delivered(&world, &router, event).await;
        gone(&world, &router, &server).await;
        sim.join(MAC).unwrap();
        let half = event.paid() / 2;
        advance_router(&sim, half);
        event.strike(&world, &router, &sim).await;
        advance_router(&sim, half - 3);
        assert!(is_on(&sim), "{event:?}: not early");
        advance_router(&sim, 4);
        assert_eq!(is_on(&sim), ends != OnTime, "{event:?}: {ends:?}");
        if ends != OnTime {
            // The router has forgotten what ran when its power went, and nothing else knows the time here.
            advance_router(&sim, half - 5);
            assert!(is_on(&sim), "{event:?}: not before what it knows of");
            advance_router(&sim, 7);
        }
        assert!(!is_on(&sim), "{event:?}: over");
        assert_stays_off(&sim, event);
    }
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_script_on_the_router_ends_paid_time_alone(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (event, [_, ends, _]) in TABLE {
        let sim = Sim::start(Options::default()).await.unwrap();
        let router = world.router(&format!("reaper-{event:?}"), sim.addr().port(), "bando").await;
        by_hand(&world, &router, reaper()).await;
        let server = delivered(&world, &router, event).await;
        gone(&world, &router, &server).await;
        by_hand(&world, &router, vec![no_limit()]).await;
        sim.join(MAC).unwrap();
        let half = event.paid() / 2;
        advance_router(&sim, half);
        event.strike(&world, &router, &sim).await;
        advance_router(&sim, half - 3);
        assert!(is_on(&sim) && has_user(&sim), "{event:?}: not early");
        advance_router(&sim, 63);
        assert_eq!(has_user(&sim), ends != OnTime, "{event:?}: {ends:?}");
        if ends != OnTime {
            // Until it knows the time nobody is cut off.
            advance_router(&sim, 2 * HOUR);
            assert!(is_on(&sim) && has_user(&sim), "{event:?}: {ends:?}");
            sim.ntp();
            advance_router(&sim, 60);
        }
        assert!(!is_on(&sim) && !has_user(&sim), "{event:?}: over, with its row");
        advance_router(&sim, DAY);
        assert_stays_off(&sim, event);
    }
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_server_ends_paid_time_alone(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (event, [.., ends]) in TABLE {
        let sim = Sim::start(Options::default()).await.unwrap();
        let router = world.router(&format!("server-{event:?}"), sim.addr().port(), "bando").await;
        let mut server = delivered(&world, &router, event).await;
        by_hand(&world, &router, vec![no_limit()]).await;
        sim.join(MAC).unwrap();
        if event == Event::DayAway {
            gone(&world, &router, &server).await;
        }
        advance(&world, &sim, event.paid() / 2);
        event.strike(&world, &router, &sim).await;
        if event.is_reboot() {
            // After a restart the whole router is compared, and the limit with it: taken away once more.
            until("the limit is put right", || async {
                let users = sim.users();
                let row = users.iter().find(|row| field(row, "name") == Some(MAC))?;
                (field(row, "limit-uptime") != Some("4w2d")).then_some(())
            })
            .await;
            by_hand(&world, &router, vec![no_limit()]).await;
        }
        if event == Event::Nothing {
            // Its own clock is behind for a while.
            world.clock.advance(TimeDelta::seconds(-1800));
            until("it looks", || world.router_seen(router.id)).await;
            assert!(is_on(&sim));
            world.clock.advance(TimeDelta::seconds(1800));
        }
        let device = world.device(router.id).await;
        let left = u64::try_from((device.ends_at.unwrap() - world.now()).num_seconds()).unwrap();
        advance(&world, &sim, left - 1);
        until("it looks", || world.router_seen(router.id)).await;
        assert!(device.ended_at.is_none() && has_user(&sim), "{event:?}: not early");
        advance(&world, &sim, 1);
        if ends != OnTime {
            advance(&world, &sim, HOUR);
            assert!(is_on(&sim), "{event:?}: {ends:?}, and nothing else knows the time in this test");
            server = CancellationToken::new();
            world.start_as(uuid::Uuid::from_u128(1), OFTEN, &server);
        }
        let device = world.until_device(router.id, "over", |device| device.applied == "off" && device.is_applied).await;
        assert_eq!(device.ended_at == device.ends_at, ends == OnTime, "{event:?}: to the second, or as late as it was");
        assert_eq!(device.end_reason.as_deref(), Some("expired"));
        assert!(!is_on(&sim) && !has_user(&sim), "{event:?}");
        assert_stays_off(&sim, event);
        server.cancel();
    }
    world.stop().await;
}
