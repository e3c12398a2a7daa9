//! Time that is given back after an outage.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MacAddr, RouterId, SessionId};
use sqlx::MySqlPool;
use uuid::Uuid;

use super::{MAC, world::World};
use crate::{
    db::sessions,
    health::credit::{CreditError, by_policy, decide, give_back},
    health::outage,
    random,
};

#[derive(Debug, sqlx::FromRow)]
struct SessionRow {
    duration_secs: u64,
    added_secs: u64,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

async fn session(world: &World, id: SessionId) -> SessionRow {
    sqlx::query_as("select duration_secs, added_secs, starts_at, ends_at, ended_at from sessions where id = ?")
        .bind(id.as_uuid())
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

/// An hour whose time runs from now.
async fn running(world: &World, router: RouterId, mac: &str) -> SessionId {
    let id = world.grant(router, mac, 3600, None).await;
    let now = world.now();
    sqlx::query("update sessions set starts_at = ?, ends_at = ? where id = ?")
        .bind(now)
        .bind(now + TimeDelta::hours(1))
        .bind(id.as_uuid())
        .execute(&world.pool)
        .await
        .unwrap();
    id
}

/// The router is away from now on, for so long. Nothing is known of the time in between but what `uptime_secs` says.
async fn away(world: &World, router: RouterId, secs: i64, uptime_secs: Option<u64>) -> Uuid {
    assert!(outage::open(&world.pool, router, world.now(), "away", world.now()).await.unwrap());
    world.clock.advance(TimeDelta::seconds(secs));
    outage::close(&world.pool, router, uptime_secs, world.now()).await.unwrap().unwrap();
    sqlx::query_scalar("select id from outages order by from_at desc limit 1").fetch_one(&world.pool).await.unwrap()
}

async fn credit(world: &World, router: RouterId, outage: Uuid) -> Result<(), CreditError> {
    decide(&world.pool, (router, outage), ("owner", "no power", None), world.now()).await?;
    give_back(&world.pool, outage, world.now()).await?;
    Ok(())
}

async fn given(world: &World, outage: Uuid) -> Vec<Option<u64>> {
    sqlx::query_scalar("select given_secs from outage_sessions where outage_id = ? order by session_id")
        .bind(outage)
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_that_still_runs_ends_later_by_what_it_lost(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 1, "bando").await.id;
    let id = running(&world, router, MAC).await;
    let before = session(&world, id).await;
    let generation = "select generation from session_devices";
    let first: u32 = sqlx::query_scalar(generation).fetch_one(&world.pool).await.unwrap();
    let outage = away(&world, router, 1200, Some(100)).await;
    credit(&world, router, outage).await.unwrap();
    let after = session(&world, id).await;
    // It was off for 1,100 of the 1,200 seconds, and ran for the rest.
    assert_eq!(after.ends_at.unwrap() - before.ends_at.unwrap(), TimeDelta::seconds(1100));
    assert_eq!((after.duration_secs, after.added_secs), (4700, 1100));
    let second: u32 = sqlx::query_scalar(generation).fetch_one(&world.pool).await.unwrap();
    assert_eq!(second, first + 1, "the router is to be brought to it");
    // Again, and at once by many: nothing more.
    for _ in 0..3 {
        credit(&world, router, outage).await.unwrap();
    }
    assert_eq!(session(&world, id).await.ends_at, after.ends_at);
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_who_give_back_at_once_give_once(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 1, "bando").await.id;
    let mut ids = Vec::new();
    for last in 1..=5 {
        ids.push(running(&world, router, &format!("A4:CF:12:00:00:{last:02}")).await);
    }
    let outage = away(&world, router, 600, Some(0)).await;
    let at_once = (0..6).map(|_| credit(&world, router, outage));
    for done in futures::future::join_all(at_once).await {
        done.unwrap();
    }
    for id in ids {
        assert_eq!(session(&world, id).await.added_secs, 600);
    }
    assert_eq!(given(&world, outage).await, vec![Some(600); 5]);
    let logs: i64 = sqlx::query_scalar("select count(*) from logs where action = 'outage.credit'")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(logs, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_that_ended_meanwhile_goes_on_for_what_it_lost(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 1, "bando").await.id;
    let id = running(&world, router, MAC).await;
    world.clock.advance(TimeDelta::minutes(50));
    assert!(outage::open(&world.pool, router, world.now(), "away", world.now()).await.unwrap());
    world.clock.advance(TimeDelta::minutes(30));
    end(&world, router, id).await;
    outage::close(&world.pool, router, Some(0), world.now()).await.unwrap().unwrap();
    let outage: Uuid = sqlx::query_scalar("select id from outages").fetch_one(&world.pool).await.unwrap();
    credit(&world, router, outage).await.unwrap();
    let after = session(&world, id).await;
    // Ten of its minutes were left when the router went away. They run when a router lets it on again.
    assert_eq!((after.duration_secs, after.starts_at, after.ended_at), (600, None, None));
    let intended: String =
        sqlx::query_scalar("select intended from session_devices").fetch_one(&world.pool).await.unwrap();
    assert_eq!(intended, "on");
    let work = crate::db::session_devices::list_work(&world.pool, router).await.unwrap();
    assert!(work[0].is_due(world.now()) && work[0].used_secs == 0);
}

async fn end(world: &World, router: RouterId, id: SessionId) {
    let mut transaction = world.pool.begin().await.unwrap();
    let mac: MacAddr = MAC.parse().unwrap();
    crate::db::session_devices::lock_device(&mut transaction, router, mac).await.unwrap();
    sessions::end_session(&mut transaction, id, sessions::EndReason::Expired, world.now()).await.unwrap();
    crate::db::session_devices::intend_off(&mut transaction, id, world.now()).await.unwrap();
    transaction.commit().await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_bought_again_has_it_on_the_later_purchase(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 1, "bando").await.id;
    let first = running(&world, router, MAC).await;
    world.clock.advance(TimeDelta::minutes(50));
    assert!(outage::open(&world.pool, router, world.now(), "away", world.now()).await.unwrap());
    world.clock.advance(TimeDelta::minutes(30));
    end(&world, router, first).await;
    let second = world.grant(router, MAC, 3600, None).await;
    outage::close(&world.pool, router, Some(0), world.now()).await.unwrap().unwrap();
    let outage: Uuid = sqlx::query_scalar("select id from outages").fetch_one(&world.pool).await.unwrap();
    credit(&world, router, outage).await.unwrap();
    assert!(session(&world, first).await.ended_at.is_some());
    let later = session(&world, second).await;
    assert_eq!((later.duration_secs, later.added_secs), (4200, 600), "ten minutes on top");
}

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_is_given_for_time_that_was_not_lost_or_not_paid(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 1, "bando").await.id;
    let waiting = world.grant(router, "A4:CF:12:00:00:02", 3600, None).await;
    let id = running(&world, router, MAC).await;
    assert!(outage::open(&world.pool, router, world.now(), "away", world.now()).await.unwrap());
    let outage: Uuid = sqlx::query_scalar("select id from outages").fetch_one(&world.pool).await.unwrap();
    let still = credit(&world, router, outage).await;
    assert!(matches!(still, Err(CreditError::StillAway)), "{still:?}");
    world.clock.advance(TimeDelta::minutes(20));
    // What the router tells when it is back: on all the time, with data.
    sqlx::query("update session_devices set used_secs = 1200, used_bytes = 50000000 where session_id = ?")
        .bind(id.as_uuid())
        .execute(&world.pool)
        .await
        .unwrap();
    outage::close(&world.pool, router, Some(90_000), world.now()).await.unwrap().unwrap();
    let served = credit(&world, router, outage).await;
    assert!(matches!(served, Err(CreditError::NothingLost)), "{served:?}");
    let unknown = credit(&world, router, random::uuid(world.now())).await;
    assert!(matches!(unknown, Err(CreditError::NotFound)), "{unknown:?}");

    world.clock.advance(TimeDelta::hours(2));
    let later = away(&world, router, 600, Some(0)).await;
    credit(&world, router, later).await.unwrap();
    assert_eq!(given(&world, later).await, Vec::<Option<u64>>::new(), "the paid time was over before");
    assert_eq!(session(&world, waiting).await.added_secs, 0, "its time did not run");
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_outages_never_give_the_same_second_twice(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 1, "bando").await.id;
    let id = running(&world, router, MAC).await;
    let first = away(&world, router, 600, Some(0)).await;
    world.clock.advance(TimeDelta::minutes(10));
    let second = away(&world, router, 300, Some(0)).await;
    // In the other order, long after.
    world.clock.advance(TimeDelta::days(1));
    end(&world, router, id).await;
    credit(&world, router, second).await.unwrap();
    credit(&world, router, first).await.unwrap();
    assert_eq!(session(&world, id).await.added_secs, 900);
    assert_eq!(session(&world, id).await.duration_secs, 900, "goes on for both");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_policy_acts_on_proof_and_length_and_only_when_it_is_on(pool: MySqlPool) {
    let world = World::new(pool).await;
    let router = world.router("main", 1, "bando").await.id;
    let id = running(&world, router, MAC).await;
    let policy = |is_automatic| crate::health::OutagePolicy { is_automatic, min_minutes: 10 };
    let added = async || session(&world, id).await.added_secs;
    let act = async |is_automatic| by_policy(&world.pool, policy(is_automatic), world.now()).await.unwrap();

    away(&world, router, 300, Some(0)).await;
    act(true).await;
    assert_eq!(added().await, 0, "too short");
    away(&world, router, 700, None).await;
    act(true).await;
    assert_eq!(added().await, 0, "nothing proves that it was off");
    away(&world, router, 800, Some(0)).await;
    assert!(act(false).await.is_empty());
    assert_eq!(added().await, 0, "the policy is off");
    assert_eq!(act(true).await.into_iter().collect::<Vec<_>>(), [router]);
    assert!(act(true).await.is_empty());
    assert_eq!(added().await, 800, "once");
    let by: Option<String> = sqlx::query_scalar("select credited_by from outages where credited_at is not null")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(by.as_deref(), Some("automatic"));

    // Decided, and then the server died: the next turn finishes it, whatever the policy says now.
    let outage = away(&world, router, 60, Some(0)).await;
    decide(&world.pool, (router, outage), ("owner", "by hand", None), world.now()).await.unwrap();
    act(false).await;
    assert_eq!(added().await, 860);
    // What was switched on later does not reach back.
    away(&world, router, 900, Some(0)).await;
    world.clock.advance(TimeDelta::hours(2));
    act(true).await;
    assert_eq!(added().await, 860);
}
