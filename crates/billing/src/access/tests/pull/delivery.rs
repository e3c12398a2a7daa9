//! What was bought reaches a router that asks, and what has ended leaves it, whatever is lost on the way.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::MySqlPool;

use super::{MAC, asked};
use crate::{access::tests::world::until, db::session_devices};

#[sqlx::test(migrations = "../../migrations")]
async fn a_purchase_is_on_after_one_run_and_time_starts_when_the_router_shows_it(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    assert_eq!(hand.run().await.rest, "00:00:30");
    let session = world.grant(router.id, MAC, 3600, None).await;

    let told = hand.look().await;
    assert_eq!(told.verbs(), ["profile", "add", "login"]);
    assert!(!world.device(router.id).await.is_applied, "to be told is not to have done");
    hand.obey(&told);
    hand.advance(3);
    let told = hand.report(&told.ticket.unwrap()).await;
    let device = world.device(router.id).await;
    assert!(device.is_applied && device.is_online && device.last_error.is_none());
    assert_eq!(device.starts_at, Some(world.now() - TimeDelta::seconds(3)), "since the router counts");
    // The end is told now that it is known to the second, and nothing else changes for the customer.
    assert_eq!(told.verbs(), ["set"]);
    hand.obey(&told);
    let row = &hand.users[MAC];
    assert_eq!(row.limit, "1h");
    assert_eq!(row.comment, format!("bando1;g={session};e={}", device.ends_at.unwrap().timestamp()));
    let told = hand.run().await;
    assert!(told.commands.is_empty() && told.ticket.is_none(), "{told:?}");
    assert_eq!(world.router_error(router.id).await, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_that_was_lost_costs_the_customer_nothing(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    // The commands are lost on the way.
    assert!(!hand.look().await.commands.is_empty());
    hand.advance(1800);
    assert_eq!(world.device(router.id).await.starts_at, None);
    // The commands arrive, but nobody hears of it for ten minutes in which the device is on.
    let told = hand.look().await;
    hand.obey(&told);
    hand.advance(600);
    hand.run().await;
    let device = world.device(router.id).await;
    assert_eq!(device.ends_at, Some(world.now() + TimeDelta::seconds(3000)), "ten of its sixty minutes are used");
    assert_eq!(hand.users[MAC].limit, "1h", "the router's own count says the same");
    assert!(hand.logins.contains_key(MAC), "nobody was cut off");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_device_that_has_left_keeps_its_time_until_the_router_is_heard(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    world.grant(router.id, MAC, 3600, None).await;
    let told = hand.look().await;
    assert_eq!(told.verbs(), ["profile", "add"], "nobody is there to log in");
    hand.obey(&told);
    hand.advance(7200);
    hand.run().await;
    let device = world.device(router.id).await;
    assert_eq!((device.starts_at, device.is_online), (Some(world.now()), false), "no second of it was used");
    assert!(hand.users[MAC].comment.ends_with(&device.ends_at.unwrap().timestamp().to_string()));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_has_ended_is_removed_and_no_old_report_or_answer_brings_it_back(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    let old = {
        let (tables, rows) = hand.tables();
        format!("{tables}{}", hand.about(rows))
    };
    hand.advance(3600);
    let ticket = hand.ask().await.ticket.unwrap();
    assert_eq!(world.device(router.id).await.end_reason.as_deref(), Some("expired"));
    // Somebody sends the report of an hour ago again, with a ticket of then and with one he made up.
    for replayed in ["0123456789abcdef0123456789abcdef", "x"] {
        let answer = hand.send(&format!("bando1;r;{replayed};0;last\n{old}")).await.unwrap();
        assert!(hand.read(&answer, "r").commands.is_empty());
    }
    let told = hand.report(&ticket).await;
    assert_eq!(told.verbs(), ["remove"]);
    assert!(!world.device(router.id).await.is_applied, "removed is what a report shows to be gone");
    hand.obey(&told);
    // The same ticket does not work twice.
    assert!(hand.report(&ticket).await.commands.is_empty());
    hand.run().await;
    let device = world.device(router.id).await;
    assert_eq!((device.is_applied, device.applied.as_str()), (true, "off"));
    for _ in 0..3 {
        hand.advance(61);
        assert!(hand.run().await.commands.is_empty() && hand.users.is_empty(), "never granted again");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn time_ends_in_the_database_although_the_router_is_silent_and_the_owner_hears_of_it(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    world.start(Duration::from_secs(60));
    hand.advance(3600);
    world.until_device(router.id, "ended", |device| device.end_reason.as_deref() == Some("expired")).await;
    let error = until("the silence is told", || world.router_error(router.id)).await;
    assert!(error.contains("has not asked for 60 minutes"), "{error}");
    let told: i64 = until("the owner is told", || async {
        let count: i64 = sqlx::query_scalar("select count(*) from notifications where kind = 'router_down'")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        (count > 0).then_some(count)
    })
    .await;
    assert_eq!(told, 1);
    // It is back: removed, and all is well.
    hand.run().await;
    assert!(hand.users.is_empty() && world.device(router.id).await.is_applied);
    assert_eq!(world.router_error(router.id).await, None);
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stuck_device_is_freed_and_the_router_comes_back_sooner_while_somebody_waits(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    hand.join(MAC);
    hand.stuck.push(MAC.into());
    world.grant(router.id, MAC, 3600, None).await;
    let told = hand.run().await;
    assert!(hand.stuck.is_empty(), "its host entry was cleared");
    assert!(world.device(router.id).await.is_applied, "it may come on by itself at any time");
    assert_eq!(told.rest, "00:00:04", "its owner waits");
    hand.advance(10);
    hand.run().await;
    assert!(world.device(router.id).await.is_online);
    hand.advance(3590 - 10);
    let told = hand.run().await;
    assert!(told.rest.as_str() < "00:00:30", "not beyond the end: {}", told.rest);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_customer_at_the_login_page_who_is_logged_out_is_freed_once(pool: MySqlPool) {
    let (world, router, mut hand) = asked(pool).await;
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    // It has come and stands at the login page.
    hand.join(MAC);
    let mut tx = world.pool.begin().await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("select id from session_devices").fetch_one(&mut *tx).await.unwrap();
    assert!(session_devices::kick(&mut tx, id, world.now()).await.unwrap());
    tx.commit().await.unwrap();
    // The first answer is lost.
    let told = hand.look().await;
    assert_eq!(told.verbs(), ["clear"]);
    let told = hand.report(&told.ticket.unwrap()).await;
    assert_eq!(told.verbs(), ["clear"], "it is still there");
    assert!(!world.device(router.id).await.is_applied);
    // Now it is carried out: the device has a new entry.
    hand.hosts.insert("A4:CF:12:00:00:00".into(), "10.5.50.9".into());
    hand.advance(5);
    let told = hand.report(&told.ticket.unwrap()).await;
    assert_eq!(told.verbs(), ["login"], "let on, and not cleared again");
    assert!(world.device(router.id).await.is_applied);
    hand.obey(&told);
    hand.advance(61);
    assert!(hand.run().await.commands.is_empty() && world.device(router.id).await.is_online);
}
