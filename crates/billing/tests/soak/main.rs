//! Weeks in minutes: customers come, pay, leave and come back, routers are restarted, lose power and are out of
//! reach, the server is away for hours, and time passes on a clock that is moved by hand. After every stretch of it
//! each router must have what was paid for, and nothing else. Some of the routers are connected to by the server, some
//! ask it with their own script.
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

use site::Reach;
use world::World;

/// Rounds of the soak that everybody runs; each has seven to fifteen events.
const FEW: u64 = 25;
/// What routers have is looked at in every round; what is in the books, which grow, every so many and in the end.
const BOOKS_EVERY: u64 = 100;
const FIXED_SEED: u64 = 20_261_122;

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_paid_is_on_and_nobody_else(pool: MySqlPool) {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, rounds) = (number("SOAK_SEED", FIXED_SEED), number("SOAK_ROUNDS", FEW));
    let mut world = World::new(pool, seed).await;
    let began = std::time::Instant::now();
    for round in 0..rounds {
        world.round = round;
        story::round(&mut world).await;
        if (round + 1) % BOOKS_EVERY == 0 {
            verdict::books(&world).await;
            println!("{} rounds after {} s, at {}", round + 1, began.elapsed().as_secs(), world.now());
        }
    }
    story::heal(&mut world);
    verdict::converge(&mut world).await;
    verdict::books(&world).await;
    verdict::count_ends(&mut world).await;
    let (alone, together) = (world.minutes_alone, world.minutes_together);
    println!(
        "seed {seed}, {rounds} rounds, {alone} minutes without the server, {together} with it: {:#?}",
        world.counts
    );
    assert!(alone > 0 && together > 0, "time must pass in both ways");
    for reach in [Reach::Direct, Reach::Polling] {
        world.counts.entry(reach).or_default().must_be_large(reach, rounds);
    }
    world.stop().await;
}
