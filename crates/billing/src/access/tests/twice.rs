//! One router that was connected twice, under two names.

use super::*;

/// Comes after our device in every order.
const UNKNOWN: &str = "A4:CF:12:00:00:09";

#[sqlx::test(migrations = "../../migrations")]
async fn a_router_connected_twice_keeps_what_was_sold_under_the_other_name(pool: MySqlPool) {
    let (world, sim) = (World::new(pool).await, sim().await);
    let first = world.router("first", sim.addr().port(), "bando").await;
    sim.join(MAC).unwrap();
    let handle = world.start(OFTEN);
    let session = world.grant(first.id, MAC, 86_400, None).await;
    handle.wake(first.id);
    world.until_device(first.id, "online", |device| device.is_online && device.is_applied).await;
    // From here on only the second name looks at the router, and nobody knows of a third row.
    sqlx::query("update routers set is_active = 0").execute(&world.pool).await.unwrap();
    let second = world.router("second", sim.addr().port(), "bando").await;
    let end = world.now().timestamp() + 400_000;
    let row = format!(
        "/ip hotspot user add name={UNKNOWN} mac-address={UNKNOWN} profile=default comment=\"bando1;g={};e={end}\"",
        uuid::Uuid::from_u128(9)
    );
    assert_eq!(sim.paste(&row).await.error(), None);
    until("the row that nobody knows is gone", || async {
        world.clock.advance(TimeDelta::seconds(10));
        let is_there = sim.users().iter().any(|row| field(row, "name") == Some(UNKNOWN));
        (!is_there).then_some(())
    })
    .await;
    let device = world.device(first.id).await;
    assert!(device.ends_at.unwrap() > world.now(), "{device:?}");
    assert!(is_on(&sim) && user_row(&sim).is_some(), "what was paid for stays");
    // When it has ended under its own name, it is like any other row that nobody knows.
    sqlx::query("update sessions set ended_at = ?, end_reason = 'expired' where id = ?")
        .bind(world.now())
        .bind(session.as_uuid())
        .execute(&world.pool)
        .await
        .unwrap();
    until("the row is gone", || async {
        world.clock.advance(TimeDelta::seconds(10));
        user_row(&sim).is_none().then_some(())
    })
    .await;
    assert!(world.router_seen(second.id).await.is_some());
    world.stop().await;
}
