//! Money under attack. Real server processes, a real database and the simulators, while processes are killed, the
//! database is killed, reports are lost, repeated and reordered, routers go away. Then three ledgers are compared
//! line by line: what M-Pesa charged, what the database says, what the routers let through.
//!
//!   cargo test --features server/killpoints --test chaos        two short runs, and every kill point
//!   make chaos                                                  twenty long runs
//!   make chaos SEED=7 PAYMENTS=500                              one run again
//!   make chaos SEED=7 PAYMENTS=500 PLAN=yes                     what would happen in it
//!
//! Everything that happens is drawn from the seed: the same seed gives the same customers, stories and troubles at
//! the same times. How they interleave is up to the machine, so a failure comes again often, not always.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test program: what must not happen ends it")]

mod arguments;
mod books;
mod customer;
mod database;
mod dice;
mod front;
mod gateway;
mod history;
mod killpoints;
mod plan;
mod process;
mod recovery;
mod run;
mod story;
mod trouble;
mod verdict;
mod wait;
mod world;

use std::process::ExitCode;

use arguments::{Arguments, Wanted};
use dice::Dice;
use plan::Plan;

/// The seed of the short run that everybody makes.
const FIXED_SEED: u64 = 20_261_122;
const FEW: usize = 60;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("chaos: {error}");
            return ExitCode::FAILURE;
        }
    };
    match arguments.wanted {
        Wanted::Plan { seed, payments } => {
            print!("{}", Plan::draw(seed, payments).text());
            ExitCode::SUCCESS
        }
        Wanted::Run { seed, payments } => {
            println!("seed {seed}, {payments} payments");
            let report = run::run(Plan::draw(seed, payments)).await;
            println!("{report}");
            if report.lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Wanted::Tests { filter } => tests(&filter).await,
        Wanted::List => {
            names().iter().for_each(|name| println!("{name}: test"));
            ExitCode::SUCCESS
        }
    }
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = ["same_seed_same_plan", "fixed_seed", "random_seed"].map(str::to_owned).into();
    names.extend(killpoints::names());
    names
}

/// What `cargo test` runs, told in its own words so that its counts can be added up.
async fn tests(filter: &[String]) -> ExitCode {
    let is_wanted = |name: &String| filter.is_empty() || filter.iter().any(|part| name.contains(part));
    let wanted: Vec<String> = names().into_iter().filter(is_wanted).collect();
    println!("\nrunning {} tests", wanted.len());
    let (mut passed, mut failed) = (0, Vec::new());
    let mut tell = |name: String, fault: Option<String>| {
        println!("test {name} ... {}", if fault.is_none() { "ok" } else { "FAILED" });
        match fault {
            None => passed += 1,
            Some(fault) => failed.push((name, fault)),
        }
    };
    let has = |name: &str| wanted.iter().any(|wanted| wanted == name);
    if has("same_seed_same_plan") {
        let same = Plan::draw(FIXED_SEED, FEW).text() == Plan::draw(FIXED_SEED, FEW).text();
        let other = Plan::draw(FIXED_SEED, FEW).text() != Plan::draw(FIXED_SEED + 1, FEW).text();
        tell("same_seed_same_plan".to_owned(), (!same || !other).then(|| "plans are not drawn by the seed".to_owned()));
    }
    // Mostly they wait, so they do it together.
    let mut seeds = tokio::task::JoinSet::new();
    for (name, seed) in [("fixed_seed", FIXED_SEED), ("random_seed", Dice::unchosen_seed())] {
        if has(name) {
            println!("{name}: seed {seed}, {FEW} payments; again: make chaos SEED={seed} PAYMENTS={FEW}");
            seeds.spawn(async move { (name.to_owned(), run::run(Plan::draw(seed, FEW)).await) });
        }
    }
    while let Some(done) = seeds.join_next().await {
        let (name, report) = done.unwrap();
        println!("{report}");
        tell(name, (!report.lines.is_empty()).then(|| report.to_string()));
    }
    killpoints::run(&wanted, &mut tell).await;
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    if !failed.is_empty() {
        println!("\nfailures:\n");
        failed.iter().for_each(|(name, fault)| println!("---- {name} ----\n{fault}\n"));
    }
    println!(
        "\ntest result: {verdict}. {passed} passed; {} failed; 0 ignored; 0 measured; 0 filtered out\n",
        failed.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
