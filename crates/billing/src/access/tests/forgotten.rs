//! Old rows go, a bounded number at a time; what is still needed stays however old it is.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MacAddr, SessionId};
use sqlx::MySqlPool;
use uuid::Uuid;

use super::{MAC, pull::polling_router, world::World};
use crate::{
    db::{
        router_setups::{self, NewSetup},
        session_moves::{self, MoveKind, NewMove},
        session_passes,
    },
    housekeeping::forget_old,
    random,
};

/// A session with a pass and a move, begun now.
async fn session(world: &World, mac: &str, n: u8) -> SessionId {
    let router = sqlx::query_scalar::<_, Uuid>("select id from routers").fetch_one(&world.pool).await.unwrap();
    let id = world.grant(router.into(), mac, 3600, None).await;
    session_passes::upsert_pass(&world.pool, id, [n; 32], world.now()).await.unwrap();
    let new = NewMove {
        id: random::uuid(world.now()),
        session_id: id,
        kind: MoveKind::Added,
        from: None,
        to: None,
        is_counted: true,
    };
    let mut connection = world.pool.acquire().await.unwrap();
    session_moves::insert_move(&mut connection, &new, world.now()).await.unwrap();
    id
}

async fn end(world: &World, id: SessionId) {
    sqlx::query("update sessions set ended_at = ? where id = ?")
        .bind(world.now())
        .bind(id.as_uuid())
        .execute(&world.pool)
        .await
        .unwrap();
}

async fn setup(world: &World, n: u8) -> Uuid {
    let (id, now) = (random::uuid(world.now()), world.now());
    let new = NewSetup {
        id,
        name: "Cafe",
        slug: "cafe",
        reach: "pull",
        router_id: None,
        token_hash: [n; 32],
        password_sealed: vec![1],
        expires_at: now + TimeDelta::days(1),
        created_at: now,
        created_by: "owner",
    };
    router_setups::insert_setup(&world.pool, &new).await.unwrap();
    sqlx::query("insert into router_setup_steps (setup_id, run, name, is_ok, text, at) values (?, 'aaaaaaaa', 'look', 1, 'x', ?)")
        .bind(id)
        .bind(now)
        .execute(&world.pool)
        .await
        .unwrap();
    id
}

async fn count(world: &World, table: &str) -> i64 {
    sqlx::query_scalar(&format!("select count(*) from {table}")).fetch_one(&world.pool).await.unwrap()
}

async fn counts(world: &World) -> [i64; 5] {
    let mut counts = [0; 5];
    let tables = ["session_passes", "session_moves", "router_setups", "router_setup_steps", "router_pull_parts"];
    for (place, table) in counts.iter_mut().zip(tables) {
        *place = count(world, table).await;
    }
    counts
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_nobody_asks_for_any_more_is_forgotten_and_the_rest_stays(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, _) = polling_router(&world, "main").await;
    let over = session(&world, MAC, 1).await;
    end(&world, over).await;
    // Paused, say, for more than a year.
    let running = session(&world, "A4:CF:12:00:00:02", 2).await;
    let lapsed = setup(&world, 1).await;
    let (approved, referred, referring) = (setup(&world, 2).await, setup(&world, 3).await, setup(&world, 4).await);
    for (id, sql) in [
        (approved, "update router_setups set approved_at = created_at where id = ?"),
        (referring, "update router_setups set approved_at = created_at where id = ?"),
    ] {
        sqlx::query(sql).bind(id).execute(&world.pool).await.unwrap();
    }
    sqlx::query("update router_setups set before_setup_id = ?, before_run = 'aaaaaaaa' where id = ?")
        .bind(referred)
        .bind(referring)
        .execute(&world.pool)
        .await
        .unwrap();
    sqlx::query("insert into router_pull_parts (router_id, ticket, part, body, created_at) values (?, 'x', 0, 'y', ?)")
        .bind(router.id.as_uuid())
        .bind(world.now())
        .execute(&world.pool)
        .await
        .unwrap();
    assert_eq!(counts(&world).await, [2, 2, 4, 4, 1]);
    let after = async |days: i64, hours: i64| {
        world.clock.advance(TimeDelta::days(days) + TimeDelta::hours(hours));
        forget_old(&world.pool, world.now()).await.unwrap();
        counts(&world).await
    };
    assert_eq!(after(0, 23).await, [2, 2, 4, 4, 1], "nothing is old yet");
    assert_eq!(after(0, 2).await, [2, 2, 4, 4, 0]);
    assert_eq!(after(31, 0).await, [2, 2, 3, 3, 0], "what came to nothing, but not what is needed to undo");
    let left: Vec<Uuid> = sqlx::query_scalar("select id from router_setups").fetch_all(&world.pool).await.unwrap();
    assert!(!left.contains(&lapsed) && left.contains(&approved) && left.contains(&referred), "{left:?}");
    assert_eq!(after(30, 0).await, [1, 2, 3, 3, 0], "the pass of the session that is over");
    assert_eq!(after(400, 0).await, [1, 1, 3, 3, 0]);
    assert!(session_passes::find_code_hash(&world.pool, running).await.unwrap().is_some(), "it is still good");
    // Not long over: its pass still says so.
    end(&world, running).await;
    assert_eq!(after(30, 0).await, [1, 1, 3, 3, 0]);
    assert_eq!(after(31, 0).await, [0, 1, 3, 3, 0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_turn_forgets_a_bounded_number(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, _) = polling_router(&world, "main").await;
    let macs: Vec<MacAddr> = (0..700_u16)
        .map(|n| {
            let [high, low] = n.to_be_bytes();
            MacAddr::from_bytes([0xA4, 0xCF, 0x12, 0, high, low]).unwrap()
        })
        .collect();
    world.grant_all(router.id, &macs).await;
    let now: DateTime<Utc> = world.now();
    for sql in [
        "update sessions set ended_at = ?",
        "insert into session_passes (session_id, code_hash, created_at) select id, unhex(sha2(id, 256)), ? from sessions",
    ] {
        sqlx::query(sql).bind(now).execute(&world.pool).await.unwrap();
    }
    for (turn, left) in [(1, 200), (2, 0)] {
        forget_old(&world.pool, now + TimeDelta::days(61)).await.unwrap();
        assert_eq!(count(&world, "session_passes").await, left, "turn {turn}");
    }
}
