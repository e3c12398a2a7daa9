//! What is printed: plain text, milliseconds.

use std::{fmt, fs, thread::available_parallelism, time::Duration};

use crate::{Outcome, rows, world::World};

/// Measured times, sorted.
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// Least, median and most of some counts.
    pub(crate) fn counts(counts: impl Iterator<Item = usize>) -> String {
        let mut counts: Vec<usize> = counts.collect();
        counts.sort_unstable();
        let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
        let (least, most) = (counts.first().copied().unwrap_or(0), counts.last().copied().unwrap_or(0));
        format!("median {median}, least {least}, most {most}")
    }

    /// The smallest time that `percent` of all do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = self.0.len().saturating_mul(percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// `12.34`.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

/// Steps with count, median, 99th percentile and longest.
pub(crate) struct Table(Vec<String>);

impl Table {
    pub(crate) fn new() -> Self {
        Self(vec![format!("{:<42}{:>6}{:>10}{:>10}{:>10}", "", "n", "median", "p99", "longest")])
    }

    pub(crate) fn row(&mut self, step: &str, samples: &Samples) {
        let [median, p99, longest] = [50, 99, 100].map(|percent| millis(samples.percentile(percent)));
        self.0.push(format!("{step:<42}{:>6}{median:>10}{p99:>10}{longest:>10}", samples.len()));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// On what and how this is measured.
pub(crate) async fn conditions(world: &World) -> Outcome<()> {
    let cores = available_parallelism()?;
    println!("command:  cargo bench --locked -p server --bench flow");
    println!("machine:  {cores} cores of {}, load {}", processor(), load());
    println!("database: {}", rows::describe(&world.pool).await?);
    println!("network:  127.0.0.1; M-Pesa and the router are played by this process, on the same cores");
    Ok(())
}

/// What the server holds in memory after all of it.
pub(crate) fn memory(world: &World) -> Outcome<()> {
    let status = fs::read_to_string(format!("/proc/{}/status", world.process()))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("unknown", str::trim).to_owned()
    };
    println!("\nserver memory after all this: {}, at most {}", field("VmRSS:"), field("VmHWM:"));
    println!("load at the end: {}", load());
    Ok(())
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("an unknown processor", |(_, model)| model).to_owned()
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
