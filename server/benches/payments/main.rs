//! How many payments a second begin and settle, beside the same statements without a server: one transaction for each,
//! on the same database, in the same run. `DATABASE_URL` names an empty database; `make bench-payments` brings one.
//!
//! `BENCH_STORED` is how many payments are stored before everything is measured once more (0: only the empty one).

#[path = "../flow/line.rs"]
mod line;
mod measure;
mod over_http;
mod raw;
mod rows;
mod server;

use std::{error::Error, time::Duration};

use measure::Load;
use sqlx::MySqlPool;

/// What goes wrong ends the run with its text.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Callers at a time.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Each cell of the table is measured so long.
const MEASURED: Duration = Duration::from_secs(4);
/// Payments that wait for their callback before a round.
const WAITING: u32 = 60_000;

fn main() -> Outcome<()> {
    // Without it this was started by something that only wants to know whether it links.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run it with: make bench-payments");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run());
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn run() -> Outcome<()> {
    let url = std::env::var("DATABASE_URL")
        .map_err(|_| "set DATABASE_URL to an empty database, or run make bench-payments")?;
    let stored: u32 = std::env::var("BENCH_STORED").ok().map(|text| text.parse()).transpose()?.unwrap_or(0);
    let pool = rows::connect(&url).await?;
    let server = server::Server::start(&url).await?;
    rows::describe(&pool).await?;
    let shop = rows::Shop::open(&pool, &server.package_id).await?;
    let empty = round(&pool, &server, &shop, "nothing stored before").await?;
    if stored > 0 {
        rows::store(&pool, &shop, stored).await?;
        let full = round(&pool, &server, &shop, &format!("{stored} payments stored before")).await?;
        println!("\nthe same with {stored} payments stored, as a share of the first round:");
        for (before, after) in empty.iter().zip(&full) {
            println!(
                "  {:<12} {:>4} connections  {:>5.2}",
                before.what,
                before.connections,
                after.per_second / before.per_second
            );
        }
    }
    server.stop().await
}

/// One table: callbacks and intakes over HTTP and raw, at every number of connections.
async fn round(pool: &MySqlPool, server: &server::Server, shop: &rows::Shop, title: &str) -> Outcome<Vec<Load>> {
    println!("\n{title}");
    println!(
        "{:<12}{:>12}{:>12}{:>10}{:>10}{:>12}{:>10}{:>10}{:>10}{:>10}",
        "", "connections", "a second", "p50 ms", "p99 ms", "raw", "p50 ms", "p99 ms", "rate", "p99"
    );
    let mut loads = Vec::new();
    for connections in CONNECTIONS {
        rows::prepare(pool, shop, WAITING).await?;
        let waiting = rows::Waiting::new(shop);
        let over_http = over_http::callbacks(server.address, &waiting, connections, MEASURED).await?;
        let raw = raw::settle(pool, shop, &waiting, connections, MEASURED).await?;
        report("callbacks", connections, &over_http, &raw);
        loads.push(Load { what: "callbacks", ..over_http });
        let over_http = over_http::intakes(server.address, shop, &server.package_id, connections, MEASURED).await?;
        server.let_prompts_end(pool).await?;
        let raw = raw::begin(pool, shop, connections, MEASURED).await?;
        report("intakes", connections, &over_http, &raw);
        loads.push(Load { what: "intakes", ..over_http });
    }
    Ok(loads)
}

fn report(what: &str, connections: usize, http: &Load, raw: &Load) {
    println!(
        "{what:<12}{connections:>12}{:>12.0}{:>10.2}{:>10.2}{:>12.0}{:>10.2}{:>10.2}{:>9.2}x{:>9.2}x",
        http.per_second,
        http.p50_ms,
        http.p99_ms,
        raw.per_second,
        raw.p50_ms,
        raw.p99_ms,
        http.per_second / raw.per_second,
        http.p99_ms / raw.p99_ms
    );
}
