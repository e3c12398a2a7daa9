//! The whole main job measured from outside: a real `bando serve`, a real database, M-Pesa and the router played
//! on real sockets by this process. `DATABASE_URL` names an empty database; `make bench` brings one along.

mod customers;
mod line;
mod pages;
mod report;
mod rows;
mod world;

use std::{error::Error, time::Duration};

use report::{Samples, Table};
use world::World;

/// What goes wrong ends the run with its text.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Customers served before anything counts.
const WARM_UP: u32 = 20;
/// Customers served one after another.
const JOURNEYS: u32 = 200;
/// Customers who pay in the same moment, and how often that is tried.
const BURST: u32 = 20;
const BURSTS: u32 = 5;
/// Nothing here takes longer; a run that does is ended.
const RUN_MAX: Duration = Duration::from_secs(600);

fn main() -> Outcome<()> {
    // Without it this was started by something that only wants to know whether it links.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run it with: make bench");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async { tokio::time::timeout(RUN_MAX, run()).await })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn run() -> Outcome<()> {
    let mut world = World::start().await?;
    report::conditions(&world).await?;
    one_by_one(&mut world).await?;
    together(&mut world).await?;
    pages::measure(&mut world).await?;
    report::memory(&world)?;
    world.stop().await
}

/// Each customer has the machine to themselves.
async fn one_by_one(world: &mut World) -> Outcome<()> {
    for _ in 0..WARM_UP {
        customers::serve(world).await?;
    }
    let mut served = Vec::new();
    for _ in 0..JOURNEYS {
        served.push(customers::serve(world).await?);
    }
    let of = |step: fn(&customers::Served) -> Duration| Samples::new(served.iter().map(step).collect());
    println!("\nOne customer after another, as the customer, M-Pesa and the router see it (ms)");
    let mut table = Table::new();
    table.row("intake: POST /api/pay until 202", &of(|s| s.intake));
    table.row("pay until the prompt is on the phone", &of(|s| s.prompted));
    table.row("callback until its 200: settled", &of(|s| s.settled));
    table.row("settled until granted (database clock)", &of(|s| s.granted));
    table.row("callback's 200 until status says online", &of(|s| s.shown));
    table.row("pay until online, approval taken out", &of(|s| s.online));
    println!("{table}");
    if let Some(last) = served.last() {
        let commands = Samples::counts(served.iter().map(|s| s.commands.len()));
        println!("router commands for a grant: {commands}");
        println!("the last one's: {}", last.commands.join(", "));
    }
    Ok(())
}

/// Many customers approve in the same moment, and the simulator delivers their callbacks at once.
async fn together(world: &mut World) -> Outcome<()> {
    let (mut intakes, mut grants, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BURSTS {
        let burst = customers::serve_together(world, BURST).await?;
        intakes.extend(burst.intakes);
        grants.extend(burst.granted);
        whole.push(burst.whole);
    }
    println!("\n{BURST} customers in the same moment, {BURSTS} times (ms)");
    let mut table = Table::new();
    table.row("intake: POST /api/pay until 202", &Samples::new(intakes));
    table.row("settled until granted (database clock)", &Samples::new(grants));
    table.row("all approve until all are granted", &Samples::new(whole));
    println!("{table}");
    Ok(())
}
