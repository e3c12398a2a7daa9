//! What delivery costs: from settled to online, a long list after a router was away, routers with many users, many
//! routers at once. The routers are simulators on sockets in this process. `DATABASE_URL` names an empty database;
//! `make bench-routers` brings one.

mod house;

use std::{error::Error, time::Duration};

use house::House;
use routeros_api::{Command, Connection, Credentials, Security, Settings, Target};
use secrecy::SecretString;
use simulators::{
    KeptPort,
    routeros::{Options, Sim},
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// What goes wrong ends the run with its text.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Customers served one after another.
const PURCHASES: u32 = 200;
/// Grants that wait for one router.
const WAITING: u32 = 1_000;
/// Users of one router.
const USERS: [u32; 2] = [1_000, 5_000];
/// Routers at once, and how many of them are dead.
const ROUTERS: (u32, u32) = (200, 50);
/// Nothing here takes longer; a run that does is ended.
const RUN_MAX: Duration = Duration::from_secs(1800);

fn main() -> Outcome<()> {
    // Without it this was started by something that only wants to know whether it links.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run it with: make bench-routers");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async { tokio::time::timeout(RUN_MAX, run()).await })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn run() -> Outcome<()> {
    let url = std::env::var("DATABASE_URL")
        .map_err(|_| "set DATABASE_URL to an empty database, or run make bench-routers")?;
    let mut house = House::open(&url).await?;
    // First, while the process is small: what it has been given once it does not give back.
    many(&mut house).await?;
    one_by_one(&mut house).await?;
    catch_up(&mut house).await?;
    for users in USERS {
        full_house(&mut house, users).await?;
    }
    Ok(())
}

fn router() -> Options {
    Options { license_level: 6, ..Options::default() }
}

async fn one_by_one(house: &mut House) -> Outcome<()> {
    let sim = Sim::start(router()).await?;
    let trip = round_trip(&sim).await?;
    let id = house.router(sim.addr().port()).await?;
    house.start(Duration::from_secs(60));
    purchases(house, &sim, id, 20).await?;
    sim.clear_log();
    let times = purchases(house, &sim, id, PURCHASES).await?;
    let commands = sim.log().len();
    println!("\nfrom the commit of a grant until online, one customer after another");
    println!("  the simulator's own round trip      {:>9.3} ms", ms(trip));
    print_times("  settled until logged in", &times);
    let count = usize::try_from(PURCHASES)?;
    println!("  commands a purchase                 {:>9.1}", ratio(commands, count));
    house.stop().await
}

async fn catch_up(house: &mut House) -> Outcome<()> {
    let port = KeptPort::any()?;
    let id = house.router(port.number()).await?;
    let macs: Vec<String> = (0..WAITING).map(|_| house.next_mac()).collect();
    house.grant(id, &macs).await?;
    let sim = Sim::start(Options { listen: port.addr(), ..router() }).await?;
    for mac in &macs {
        sim.join(mac)?;
    }
    let trip = round_trip(&sim).await?;
    sim.clear_log();
    let began = Instant::now();
    house.start(Duration::from_secs(60));
    house.until_delivered(id).await?;
    let (took, commands) = (began.elapsed(), sim.log().len());
    println!("\n{WAITING} waiting grants on a router that comes back, every device at the portal");
    println!("  until all are online and written down {:>7.0} ms", ms(took));
    println!("  commands                            {commands:>9}");
    println!("  the same commands one after another {:>9.0} ms", ms(trip) * ratio(commands, 1));
    println!("  a grant                             {:>9.2} ms", ms(took) / f64::from(WAITING));
    house.stop().await
}

/// A comparison of the whole router every second, and a purchase in between.
async fn full_house(house: &mut House, users: u32) -> Outcome<()> {
    let sim = Sim::start(router()).await?;
    let id = house.router(sim.addr().port()).await?;
    let macs: Vec<String> = (0..users).map(|_| house.next_mac()).collect();
    house.grant(id, &macs).await?;
    house.start(Duration::from_secs(1));
    house.until_delivered(id).await?;
    sleep(Duration::from_secs(2)).await;
    sim.clear_log();
    let (cpu, began) = (house::cpu()?, Instant::now());
    sleep(Duration::from_secs(10)).await;
    let spent = house::cpu()?.saturating_sub(cpu);
    let comparisons = sim.log().iter().filter(|entry| format!("{entry:?}").contains("/ip/hotspot/user/print")).count();
    println!("\na router with {users} users");
    println!("  comparisons in {:.0} s                 {comparisons:>9}", began.elapsed().as_secs_f64());
    println!(
        "  processor time of one               {:>9.1} ms (the simulator's share included)",
        ms(spent) / ratio(comparisons.max(1), 1)
    );
    // As it is at an owner's: compared every minute.
    house.pause().await;
    house.start(Duration::from_secs(60));
    purchases(house, &sim, id, 1).await?;
    let times = purchases(house, &sim, id, 50).await?;
    print_times("  settled until logged in", &times);
    house.stop().await
}

async fn many(house: &mut House) -> Outcome<()> {
    let (all, dead) = ROUTERS;
    let mut sims = Vec::new();
    let mut refusing = Vec::new();
    for n in 0..all {
        let mac = house.next_mac();
        let port = if n < dead {
            let port = KeptPort::any()?;
            let number = port.number();
            refusing.push(port);
            number
        } else {
            let sim = Sim::start(router()).await?;
            sim.join(&mac)?;
            let port = sim.addr().port();
            sims.push(sim);
            port
        };
        let id = house.router(port).await?;
        house.grant(id, &[mac]).await?;
    }
    let (memory, began) = (house::resident_kb()?, Instant::now());
    house.start(Duration::from_secs(60));
    let well = i64::from(all - dead);
    house.until(&format!("select count(*) = {well} from session_devices d join routers r on r.id = d.router_id where r.is_active = 1 and d.is_online = 1")).await?;
    println!("{all} routers at once, {dead} of them dead");
    println!("  until the others have what was paid {:>9.0} ms", ms(began.elapsed()));
    let more = house::resident_kb()?.saturating_sub(memory);
    println!(
        "  memory a router                     {:>9} kB (the simulator's side of the connection included)",
        more / u64::from(all)
    );
    house.stop().await
}

/// The times from commit to login.
async fn purchases(house: &mut House, sim: &Sim, id: Uuid, count: u32) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..count {
        let mac = house.next_mac();
        sim.join(&mac)?;
        house.grant(id, std::slice::from_ref(&mac)).await?;
        let began = Instant::now();
        house.wake(id);
        while sim.client(&mac)?.user.is_none() {
            if began.elapsed() > Duration::from_secs(30) {
                return Err("a customer was not let on within 30 seconds".into());
            }
            sleep(Duration::from_micros(200)).await;
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

/// What a question and its answer take, with nothing else going on.
async fn round_trip(sim: &Sim) -> Outcome<Duration> {
    let target = Target { host: "127.0.0.1".into(), port: sim.addr().port(), security: Security::Plain };
    let login = Credentials { username: "admin".into(), password: SecretString::from("bando") };
    let connection = Connection::open(&target, &login, Settings::default()).await?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        connection.run(Command::new("/system/identity/print")).await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times.get(times.len() / 2).copied().ok_or_else(|| "no round trip was measured".into())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ratio(count: usize, of: usize) -> f64 {
    let whole = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    whole(count) / whole(of)
}

fn print_times(what: &str, times: &[Duration]) {
    let at = |percent: usize| {
        let rank = times.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
        ms(times.get(rank).copied().unwrap_or_default())
    };
    println!("{what:<38}{:>7.2} ms p50 {:>9.2} ms p99", at(50), at(99));
}
