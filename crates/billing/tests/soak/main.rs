//! Months in minutes: customers come, pay, leave and come back, routers are restarted, lose power and are out of
//! reach, the server is away for hours, and time passes on a clock that is moved by hand. After every stretch of it
//! each router must have what was paid for, and nothing else.
//!
//!   cargo test -p billing --test soak            a short soak
//!   make soak ROUNDS=1000 SEED=7                 a long one, or one again
//!
//! Two kinds of time pass. *Alone*: the server is off, and the routers must end paid time by themselves, to the second
//! where a connection was running, within a minute otherwise, and never early. *Together*: server and routers work
//! while the clock runs.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program")]

mod customers;
mod people;
mod site;
mod story;
mod verdict;
mod world;

use sqlx::MySqlPool;

use world::World;

/// Rounds of the soak that everybody runs; each has six to fourteen events.
const FEW: u64 = 25;
const FIXED_SEED: u64 = 20_261_122;

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_paid_is_on_and_nobody_else(pool: MySqlPool) {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, rounds) = (number("SOAK_SEED", FIXED_SEED), number("SOAK_ROUNDS", FEW));
    let mut world = World::new(pool, seed).await;
    for round in 0..rounds {
        world.round = round;
        story::round(&mut world).await;
    }
    story::heal(&mut world);
    verdict::converge(&mut world).await;
    verdict::books(&world).await;
    println!("seed {seed}, {rounds} rounds: {:?}", world.counts);
    world.stop().await;
}
