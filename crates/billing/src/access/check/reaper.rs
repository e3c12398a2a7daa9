//! The script on the router that ends paid time while no server does.

use std::time::Duration;

use super::{Check, line, readings::Readings, unread};
use crate::access::REAPER;

/// The script as we install it.
const SOURCE: &str = include_str!("../../../../../hotspot/bando-reap.rsc");
/// It should run every minute; anything up to this is near enough.
const INTERVAL_MAX: Duration = Duration::from_secs(300);
/// A router that has been up for longer should have run it.
const SETTLED: Duration = Duration::from_secs(600);

pub(super) fn judge(readings: &Readings) -> Vec<Check> {
    vec![script(readings), schedule(readings)]
}

const SET_UP: &str = "Set the router up again under Routers: it installs the script.";

fn script(readings: &Readings) -> Check {
    let script = match &readings.script {
        Ok(Some(script)) => script,
        Ok(None) => {
            let found = format!("The script {REAPER} is missing: while this server is away, customers could stay on.");
            return line::REAPER.warning(found, SET_UP);
        }
        Err(error) => return unread(&line::REAPER, error),
    };
    if readings.release().is_some_and(|release| release < (7, 10)) {
        let found = format!("{REAPER} is there, but this release cannot read the time: it does nothing.");
        return line::REAPER.warning(found, "Update the router, at a quiet hour:\n/system package update install");
    }
    if script.is_invalid || !is_same(&script.source) {
        return line::REAPER
            .warning(format!("{REAPER} is another text than ours: it was changed, or is of an older set-up."), SET_UP);
    }
    line::REAPER.ok(format!("The script {REAPER} is there and is ours."))
}

/// Line ends and the space around do not count: terminals and uploads change them.
fn is_same(source: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    lines(source) == lines(SOURCE)
}

fn schedule(readings: &Readings) -> Check {
    let schedule = match &readings.schedule {
        Ok(Some(schedule)) => schedule,
        Ok(None) => return line::REAPER_RUNS.warning(format!("Nothing runs the script {REAPER}."), SET_UP),
        Err(error) => return unread(&line::REAPER_RUNS, error),
    };
    if schedule.is_disabled {
        let todo = format!("Switch it on:\n/system scheduler enable {REAPER}");
        return line::REAPER_RUNS.warning(format!("The schedule {REAPER} is switched off."), todo);
    }
    if !schedule.on_event.contains(REAPER) {
        return line::REAPER_RUNS.warning(format!("The schedule {REAPER} runs something else."), SET_UP);
    }
    match schedule.interval {
        Some(interval) if !interval.is_zero() && interval <= INTERVAL_MAX => {}
        _ => {
            let todo = format!("Run:\n/system scheduler set {REAPER} interval=1m");
            return line::REAPER_RUNS.warning(format!("The schedule {REAPER} does not run every minute."), todo);
        }
    }
    let uptime = readings.resource.as_ref().ok().and_then(|resource| resource.uptime).unwrap_or_default();
    let runs = schedule.run_count.unwrap_or_default();
    if runs == 0 && schedule.next_run.is_empty() && uptime > SETTLED {
        let todo = "Look at the log, and that the device-mode allows schedulers:\n/log print where topics~\"script\"";
        return line::REAPER_RUNS.warning(format!("The schedule {REAPER} is on, but has never run."), todo);
    }
    line::REAPER_RUNS.ok(format!("It runs every minute; {runs} times since the router started."))
}
