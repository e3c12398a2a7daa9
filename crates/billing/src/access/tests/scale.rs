//! Many routers, and many customers on one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use domain::MacAddr;
use simulators::{
    KeptPort,
    routeros::{Options, Sim},
};
use sqlx::MySqlPool;
use tokio::net::TcpListener;

use super::{
    MAC, SELDOM, field,
    world::{World, until, until_within},
};

const LONG: Duration = Duration::from_secs(120);

fn mac(n: u32) -> String {
    let [_, a, b, c] = n.to_be_bytes();
    MacAddr::from_bytes([0xA4, 0xCF, 0x12, a, b, c]).unwrap().to_string()
}

/// Takes connections and says nothing; how many it took.
async fn silent() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, taken) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            held.push(stream);
        }
    });
    (port, taken)
}

/// 200 routers; nothing listens at 25 of them, and 25 take the connection and say nothing.
#[sqlx::test(migrations = "../../migrations")]
async fn fifty_dead_routers_of_two_hundred_cost_the_others_nothing(pool: MySqlPool) {
    let world = World::new(pool).await;
    let mut sims = Vec::new();
    let mut dead = Vec::new();
    let mut taken = Vec::new();
    let mut refused = Vec::new();
    for n in 0..200 {
        let port = match n % 8 {
            0 => {
                let port = KeptPort::any().unwrap();
                let number = port.number();
                refused.push(port);
                number
            }
            1 => {
                let (port, count) = silent().await;
                taken.push(count);
                port
            }
            _ => {
                let sim = Sim::start(Options::default()).await.unwrap();
                sim.join(MAC).unwrap();
                let port = sim.addr().port();
                sims.push(sim);
                port
            }
        };
        let router = world.router(&format!("r{n}"), port, "bando").await;
        world.grant(router.id, MAC, 3600, None).await;
        if n % 8 < 2 {
            dead.push(router.id);
        }
    }
    assert_eq!((sims.len(), dead.len()), (150, 50));
    world.start(SELDOM);
    until_within(LONG, "all who can be are on", || async {
        let on: i64 = sqlx::query_scalar("select count(*) from session_devices where is_online = 1 and applied = 'on'")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        (on == 150).then_some(())
    })
    .await;
    for sim in &sims {
        until("one connection that is kept", || async { (sim.state().api_sessions == 1).then_some(()) }).await;
        assert!(sim.log().len() < 40, "{:?}", sim.log());
    }
    until_within(LONG, "the others are said to be away", || async {
        let away: i64 = sqlx::query_scalar("select count(*) from session_devices where last_error is not null")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        (away == 50).then_some(())
    })
    .await;
    let attempts: u32 =
        sqlx::query_scalar("select max(attempts) from session_devices").fetch_one(&world.pool).await.unwrap();
    assert!(attempts < 30, "a dead router is asked ever more seldom: {attempts}");
    assert!(taken.iter().all(|count| count.load(Ordering::Relaxed) < 30));
    let started: i64 = sqlx::query_scalar("select count(*) from sessions where starts_at is not null")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(started, 150, "nobody's time runs where nothing is delivered");
    world.stop().await;
}

/// Paid while the router was away for days; then it comes back.
#[sqlx::test(migrations = "../../migrations")]
async fn a_long_list_is_worked_off_and_a_purchase_meanwhile_does_not_wait_for_its_end(pool: MySqlPool) {
    const WAITING: u32 = 150;
    let world = World::new(pool).await;
    let port = KeptPort::any().unwrap();
    let router = world.router("main", port.number(), "bando").await;
    for n in 0..WAITING {
        world.grant(router.id, &mac(n), 3600, None).await;
    }
    let handle = world.start(SELDOM);
    let told = || async {
        sqlx::query_scalar::<_, i64>(
            "select count(*) from session_devices where last_error like '%refuses the connection%'",
        )
        .fetch_one(&world.pool)
        .await
        .unwrap()
    };
    until_within(LONG, "all are told why", || async { (told().await == i64::from(WAITING)).then_some(()) }).await;
    world.clock.advance(TimeDelta::days(3));

    let sim = Sim::start(Options { listen: port.addr(), ..Options::default() }).await.unwrap();
    (0..WAITING).filter(|n| n % 2 == 0).for_each(|n| assert!(sim.join(&mac(n)).is_ok()));
    let adds = || {
        let log = sim.log();
        log.iter()
            .map(|entry| format!("{entry:?}"))
            .filter(|entry| entry.contains("hotspot/user/add"))
            .collect::<Vec<_>>()
    };
    until_within(LONG, "the first is let on", || async { (!adds().is_empty()).then_some(()) }).await;
    let late = mac(9999);
    world.grant(router.id, &late, 3600, None).await;
    handle.wake(router.id);
    until_within(LONG, "all are delivered", || async {
        let left: i64 =
            sqlx::query_scalar("select count(*) from session_devices where applied_generation <> generation")
                .fetch_one(&world.pool)
                .await
                .unwrap();
        (left == 0).then_some(())
    })
    .await;
    let order = adds();
    let place = order.iter().position(|entry| entry.contains(&late)).unwrap();
    assert!(place < order.len() - 1, "the purchase was number {place} of {}", order.len());
    let ours = sim.users().iter().filter(|row| field(row, "comment").is_some_and(|c| c.starts_with("bando1;"))).count();
    assert_eq!(ours, order.len(), "each once");
    assert_eq!(sim.active().len(), usize::try_from(WAITING / 2).unwrap());
    // The list is read once, and each device costs what a single purchase costs, without its reads.
    assert!(sim.log().len() < order.len() * 4 + 60, "{} commands for {} devices", sim.log().len(), order.len());
    let wrong: i64 = sqlx::query_scalar(
        "select count(*) from sessions where starts_at is null or timestampdiff(second, starts_at, ends_at) <> 3600",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(wrong, 0, "each has the whole of his hour, from now");
    world.stop().await;
}
