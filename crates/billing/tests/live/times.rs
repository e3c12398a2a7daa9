//! Paid time that is paused, added to, ended, and cut short by a log-out.

use billing::{admins::Role, live::LiveError, payments::Phase};
use chrono::TimeDelta;
use domain::{
    Clock as _,
    live::{LiveAction, LiveState},
    session::TimesRefusal,
};
use sqlx::MySqlPool;

use crate::{PHONE, Site, WHY, admin, field, mac, start_of_time, support::eventually};

#[sqlx::test(migrations = "../../migrations")]
async fn a_pause_keeps_time_and_data_and_the_device_off(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.sim.traffic(PHONE, 1_000_000, 9_000_000).unwrap();
    site.advance(600).await;
    site.look_again();
    eventually("its use is written", async || site.find(PHONE).await.unwrap().used_bytes == 10_000_000).await;
    let cashier = admin(Role::Cashier);
    site.billing.pause_session(session, &cashier, None).await.unwrap();
    site.is_off(PHONE).await;
    let paused = site.stands(PHONE, LiveState::Paused).await;
    assert_eq!((paused.seconds_remaining, paused.ends_at), (Some(3000), None));
    assert_eq!(paused.actions, [LiveAction::Resume, LiveAction::Extend, LiveAction::End, LiveAction::Block]);
    let status = site.billing.device_status(None, mac(PHONE)).await.unwrap();
    assert!(status.phase == Phase::Paid && status.is_paused && status.message.contains("paused"), "{status:?}");
    site.advance(86_400).await;
    site.billing.pause_session(session, &cashier, None).await.unwrap();
    assert_eq!(site.logged("session.pause").await, 1, "again changes nothing");
    assert_eq!(site.find(PHONE).await.unwrap().seconds_remaining, Some(3000));
    site.holds().await;

    site.sim.join(PHONE).unwrap();
    site.billing.resume_session(session, &cashier, None).await.unwrap();
    site.billing.resume_session(session, &cashier, None).await.unwrap();
    assert_eq!(site.logged("session.resume").await, 1, "again changes nothing");
    let resumed = site.stands(PHONE, LiveState::Online).await;
    let now = site.clock.now();
    assert_eq!(site.times(session).await, (3000, Some(now), Some(now + TimeDelta::seconds(3000))));
    assert_eq!(site.limit(PHONE), "50m", "the router's own limit too");
    assert_eq!((resumed.used_bytes, resumed.bytes_remaining), (10_000_000, Some(490_000_000)));
    site.holds().await;

    for _ in 0..2 {
        site.billing.pause_session(session, &cashier, None).await.unwrap();
        site.is_off(PHONE).await;
        site.billing.resume_session(session, &cashier, None).await.unwrap();
        site.stands(PHONE, LiveState::Online).await;
    }
    let fourth = site.billing.pause_session(session, &cashier, None).await;
    assert!(matches!(fourth, Err(LiveError::Times(TimesRefusal::PausesUsed))), "{fourth:?}");
    assert!(!site.find(PHONE).await.unwrap().actions.contains(&LiveAction::Pause));
    site.advance(2940).await;
    assert!(site.login(PHONE).is_some(), "not early");
    site.advance(60).await;
    site.is_off(PHONE).await;
    site.advance(300).await;
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn buying_while_paused_adds_up_and_goes_on(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let first = site.online(PHONE).await;
    site.advance(600).await;
    site.billing.pause_session(first, &site.owner, None).await.unwrap();
    site.is_off(PHONE).await;
    site.advance(10_000).await;
    let second = site.redeem(PHONE).await.unwrap();
    let row = site.stands(PHONE, LiveState::Online).await;
    assert_eq!(row.session_id, Some(second));
    let (duration_secs, starts_at, ends_at) = site.times(second).await;
    assert_eq!((duration_secs, ends_at), (6600, starts_at.map(|at| at + TimeDelta::seconds(6600))));
    let gone = site.billing.resume_session(first, &site.owner, None).await;
    assert!(matches!(gone, Err(LiveError::Times(TimesRefusal::Over))), "{gone:?}");
    site.advance(200).await;
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn added_time_reaches_the_router_before_the_old_end(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.advance(3000).await;
    let by_cashier = site.billing.extend_session(session, 30, &admin(Role::Cashier), WHY, None).await;
    assert!(matches!(by_cashier, Err(LiveError::NotOwner)));
    let without = site.billing.extend_session(session, 30, &site.owner, " ", None).await;
    assert!(matches!(without, Err(LiveError::Reason)));
    let (one, two) = tokio::join!(
        site.billing.extend_session(session, 30, &site.owner, WHY, None),
        site.billing.extend_session(session, 30, &site.owner, WHY, None)
    );
    one.unwrap();
    two.unwrap();
    assert_eq!(site.times(session).await.0, 5400, "a button pressed twice adds once");
    // To the second or two that the router's clock was moved ahead while waiting for it.
    eventually("the router has the new limit", async || {
        ["1h30m", "1h29m5"].iter().any(|start| site.limit(PHONE).starts_with(start))
    })
    .await;
    site.stands(PHONE, LiveState::Online).await;
    site.advance(2300).await;
    assert!(site.login(PHONE).is_some(), "on beyond the old end");
    site.holds().await;
    site.advance(100).await;
    site.is_off(PHONE).await;
    let over = site.billing.extend_session(session, 30, &site.owner, WHY, None).await;
    assert!(matches!(over, Err(LiveError::Times(TimesRefusal::Over))), "{over:?}");
    site.advance(200).await;
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_kicked_comes_back_with_what_is_left(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.advance(600).await;
    assert!(field(&site.login(PHONE).unwrap(), "uptime").starts_with("10m"));
    let row = site.find(PHONE).await.unwrap();
    site.billing.kick_device(row.id, &admin(Role::Cashier), None).await.unwrap();
    eventually("a new login", async || site.login(PHONE).is_some_and(|row| !field(&row, "uptime").contains('m'))).await;
    eventually("it is done", async || {
        let left: i64 = sqlx::query_scalar("select count(*) from session_devices where is_kicked = 1")
            .fetch_one(site.billing.pool())
            .await
            .unwrap();
        left == 0
    })
    .await;
    assert_eq!(site.times(session).await.2, Some(start_of_time() + TimeDelta::seconds(3600)), "time ran on");
    site.advance(2940).await;
    assert!(site.login(PHONE).is_some(), "not early");
    let nobody = site.billing.kick_device(uuid::Uuid::from_u128(1), &site.owner, None).await;
    assert!(matches!(nobody, Err(LiveError::Unknown)));
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn ended_by_an_owner_is_off_for_good(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.billing.stop_session(session, &site.owner, WHY, None).await.unwrap();
    site.billing.stop_session(session, &site.owner, WHY, None).await.unwrap();
    assert_eq!(site.logged("session.end").await, 1);
    site.is_off(PHONE).await;
    assert!(site.find(PHONE).await.is_none());
    let row: uuid::Uuid =
        sqlx::query_scalar("select id from session_devices").fetch_one(site.billing.pool()).await.unwrap();
    let gone = site.billing.find_live(row, Role::Owner).await.unwrap().unwrap();
    assert!(gone.state.is_none() && gone.actions.is_empty(), "the feed can say that it is gone");
    // An end under way when time is added, and the other way round, is one or the other.
    let again = site.redeem(PHONE).await.unwrap();
    site.stands(PHONE, LiveState::Online).await;
    let (ended, extended) = tokio::join!(
        site.billing.stop_session(again, &site.owner, WHY, None),
        site.billing.extend_session(again, 10, &site.owner, WHY, None)
    );
    ended.unwrap();
    assert!(matches!(extended, Ok(()) | Err(LiveError::Times(TimesRefusal::Over))), "{extended:?}");
    site.is_off(PHONE).await;
    site.advance(200).await;
    site.holds().await;
}
