//! One seed from beginning to verdict.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;
use sqlx::MySqlPool;
use tokio::sync::Mutex;

use crate::{
    books::Books,
    customer::{self, Told},
    database::Database,
    gateway::Played,
    history,
    plan::Plan,
    process::{Server, Settings, command, done},
    recovery,
    trouble::{Broken, Hand},
    verdict,
    world::{World, stock},
};

/// How long everything may take to come right after the last trouble: the last question to M-Pesa and a good while.
const PATIENCE: Duration = Duration::from_secs(150);

/// When nothing is open any more: how long a line must stand before it counts.
const LAST_LOOK: Duration = Duration::from_secs(15);

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Report {
    seed: u64,
    visits: usize,
    took: Duration,
    quiet_after: Duration,
    /// What does not fit; empty means passed.
    pub(crate) lines: Vec<String>,
    history: Vec<String>,
    figures: Vec<(String, String)>,
    log: PathBuf,
}

/// Runs a plan.
pub(crate) async fn run(plan: Plan) -> Report {
    let started = Instant::now();
    let database = Arc::new(Database::start().await);
    let url = database.create("chaos").await;
    let world = Arc::new(World::start(plan.routers).await);
    let settings = world.settings(&url, &plan.query_delays());
    done(&settings, &["migrate"]).await;
    world.add_routers(&settings).await;
    let packages = Arc::new(stock(&settings).await);
    world.bring_devices(&plan);
    let log = std::env::temp_dir().join(format!("bando-chaos-{}-seed-{}.log", std::process::id(), plan.seed));
    drop(std::fs::remove_file(&log));
    let (first, second) = (Server::new(&settings, &log), Server::new(&settings, &log));
    first.start(None).await;
    world.front.add(first.port());
    first.until_ready().await;
    if plan.has_echo {
        done(&settings, &["mpesa", "register-urls"]).await;
    }
    let hand = Arc::new(Hand {
        world: Arc::clone(&world),
        database: Arc::clone(&database),
        first: first.clone(),
        second: second.clone(),
        broken: Arc::new(Broken::default()),
        server_turn: Mutex::default(),
        second_turn: Mutex::default(),
        database_turn: Mutex::default(),
        mpesa_turn: Mutex::default(),
    });
    let told = Arc::new(Told::default());
    let died = tokio::spawn(keep_alive(Arc::clone(&hand)));
    let phones = tokio::spawn(customer::phones(Arc::clone(&world), plan.visits.clone()));
    play(&plan, &hand, &told, &packages).await;
    hand.let_go().await;
    first.until_ready().await;
    // Long after everything, M-Pesa's latest reports come once more.
    hand.repeat_reports(20, 10).await;

    let pool = MySqlPool::connect(&url).await.unwrap();
    let quiet = Instant::now();
    let (books, mut lines, recovered) = settle(&world, &pool).await;
    let quiet_after = quiet.elapsed();
    phones.abort();
    died.abort();
    lines.extend(told.contradictions.lock().unwrap().iter().map(|line| format!("DOUBLE  {line}")));
    lines.extend(forgotten(&books, &told));
    lines.extend(first.panics().into_iter().map(|line| format!("PANIC   {line}")));
    lines.extend(audit(&settings, &pool).await);
    let history = history::of_lines(&books, &pool, &lines).await;
    let mut figures = figures(&books, &hand, &told, world.gateway.played());
    let no_id = recovered.iter().filter(|why| why.contains("no id")).count();
    let listed = format!("{} ({no_id} with no id to ask by, the others reported as failed before)", recovered.len());
    figures.push(("found on M-Pesa's list".to_owned(), listed));
    if lines.is_empty() {
        drop(std::fs::remove_file(&log));
    }
    Report {
        seed: plan.seed,
        visits: plan.visits.len(),
        took: started.elapsed(),
        quiet_after,
        lines,
        history,
        figures,
        log,
    }
}

/// Lets customers and troubles happen at their times; returns when the last of both is over.
async fn play(plan: &Plan, hand: &Arc<Hand>, told: &Arc<Told>, packages: &Arc<Vec<String>>) {
    let began = tokio::time::Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, visit) in plan.visits.iter().cloned().enumerate() {
        let (world, told, packages) = (Arc::clone(&hand.world), Arc::clone(told), Arc::clone(packages));
        let key = format!("{}-{number}", plan.seed);
        tasks.spawn(async move {
            tokio::time::sleep_until(began + visit.at).await;
            customer::visit(world, told, visit, packages, key).await;
        });
    }
    for (at, trouble) in plan.troubles.iter().cloned() {
        let hand = Arc::clone(hand);
        tasks.spawn(async move {
            tokio::time::sleep_until(began + at).await;
            hand.cause(trouble).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        if let Err(error) = done {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// Starts the first server again whenever it has ended at a kill point.
async fn keep_alive(hand: Arc<Hand>) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        hand.first.revive().await;
    }
}

/// Reads and compares until everything fits and nothing is awaited, or patience ends.
async fn settle(world: &World, pool: &MySqlPool) -> (Books, Vec<String>, Vec<&'static str>) {
    let (began, mut recovered) = (Instant::now(), Vec::new());
    let (mut before, mut unchanged_since) = (Vec::new(), Instant::now());
    loop {
        let books = Books::read(world, pool).await.unwrap();
        let mut lines = verdict::compare(&books);
        let awaited = books.awaited_reports();
        if lines != before {
            (before, unchanged_since) = (lines.clone(), Instant::now());
        }
        let may_change = awaited > 0 || lines.iter().any(|line| line.starts_with("STUCK"));
        let is_final = lines.is_empty() || unchanged_since.elapsed() > LAST_LOOK;
        if (is_final && !may_change) || began.elapsed() > PATIENCE {
            if awaited > 0 {
                lines.push(format!("STUCK   {awaited} reports were never sent: the simulator is not done"));
            }
            return (books, lines, recovered);
        }
        recovered.extend(recovery::find(world, &books).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Payments that customers were told of and the database does not know.
fn forgotten(books: &Books, told: &Told) -> Vec<String> {
    let known: std::collections::HashSet<String> =
        books.payments.iter().map(|payment| payment.id.to_string()).collect();
    let acknowledged = told.acknowledged.lock().unwrap();
    let missing = acknowledged.iter().filter(|id| !known.contains(*id));
    missing.map(|id| format!("LOST    payment {id} was acknowledged and is not in the database")).collect()
}

/// What `bando audit` finds. It leaves young rows alone, so they are made older first.
pub(crate) async fn audit(settings: &Settings, pool: &MySqlPool) -> Vec<String> {
    for table in ["payments", "sessions", "users", "receipts"] {
        let older = format!("update {table} set created_at = created_at - interval 10 minute");
        sqlx::query(&older).execute(pool).await.unwrap();
    }
    let output = command(settings, &["audit", "--json"]).await;
    if output.status.success() {
        return Vec::new();
    }
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let broken = findings.iter().filter(|finding| finding["holds"] == false);
    let mut lines: Vec<String> =
        broken.map(|finding| format!("AUDIT   {}: {}", finding["rule"], finding["rows"])).collect();
    lines.push(format!("AUDIT   {}", String::from_utf8_lossy(&output.stderr).trim()));
    lines
}

fn figures(books: &Books, hand: &Hand, told: &Told, played: Played) -> Vec<(String, String)> {
    let load = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
    let broken = &hand.broken;
    let starts = hand.first.starts() + hand.second.starts();
    let refusals = books.payments.iter().filter(|payment| payment.state == "rejected");
    let mut refusals: Vec<&str> = refusals.map(|payment| payment.result_code.as_deref().unwrap_or("?")).collect();
    refusals.sort_unstable();
    let refusals: Vec<String> =
        refusals.chunk_by(|one, other| one == other).map(|same| format!("{} {}", same.len(), same[0])).collect();
    let states: Vec<_> = verdict::count_states(books).iter().map(|(state, count)| format!("{count} {state}")).collect();
    let charged: u64 = books.charges.iter().map(|charge| u64::from(charge.amount)).sum();
    let ends = Value::from(books.sessions.iter().filter(|session| session.is_over).count());
    [
        ("payments begun", format!("{} ({})", books.payments.len(), states.join(", "))),
        ("rejected as", refusals.join(", ")),
        ("charges", format!("{} (KES {charged})", books.charges.len())),
        ("sessions", format!("{} ({ends} over)", books.sessions.len())),
        (
            "requests repeated",
            format!("{}, refused {}, given up {}", load(&told.repeated), load(&told.refused), load(&told.gave_up)),
        ),
        (
            "servers killed",
            format!(
                "{}, started {starts} times, {} with a kill point",
                load(&broken.server_kills),
                load(&broken.killpoints_armed)
            ),
        ),
        ("databases killed", load(&broken.database_kills).to_string()),
        ("frozen", load(&broken.freezes).to_string()),
        ("router faults", format!("{}, reboots {}", load(&broken.router_faults), load(&broken.reboots))),
        ("M-Pesa outages", load(&broken.outages).to_string()),
        (
            "push answers lost",
            format!(
                "{}, pushes throttled {}, odd answers {}",
                played.answers_lost, played.throttled, played.odd_answers
            ),
        ),
        (
            "reports sent",
            format!(
                "{}, taken {}",
                books.deliveries.len(),
                books.deliveries.iter().filter(|d| d.status == Some(200)).count()
            ),
        ),
        ("reports repeated", format!("{}, forged {}", load(&broken.repeats), load(&broken.forgeries))),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} visits", self.seed, self.visits)?;
        for (name, value) in &self.figures {
            writeln!(f, "  {name:<22} {value}")?;
        }
        writeln!(
            f,
            "  {:<22} {:.1} s, quiet {:.1} s after the last trouble",
            "time taken",
            self.took.as_secs_f64(),
            self.quiet_after.as_secs_f64()
        )?;
        for line in self.lines.iter().chain(&self.history) {
            writeln!(f, "  {line}")?;
        }
        if self.lines.is_empty() {
            write!(f, "  passed: no shilling lost, doubled or given away, nothing stuck")
        } else {
            writeln!(f, "  FAILED: {} lines do not fit. The servers' log: {}", self.lines.len(), self.log.display())?;
            write!(f, "  again: make chaos SEED={} PAYMENTS={}", self.seed, self.visits)
        }
    }
}
