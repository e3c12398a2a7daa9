//! `/system/scheduler` on the simulated clock, and what scripts kept on the router run with.

use std::sync::Arc;

use super::{
    account::Login,
    clock::Millis,
    router::Router,
    script::{self, Block, job::Start},
    table::Row,
    trap::Trap,
    value::{self, parse_duration_ms},
};

/// An entry with `start-time=startup` and no interval runs so long after boot (documented: 3 seconds).
const STARTUP_MS: Millis = 3_000;

/// Scripts kept parsed.
const COMPILED_KEPT: usize = 16;

/// When an entry runs next, and what that was worked out from.
#[derive(Debug, Clone)]
pub(crate) struct Timer {
    of: (String, String, String, bool),
    at_ms: Option<Millis>,
}

impl Router {
    /// Works out anew when entries run that were added or changed.
    pub(crate) fn arm_schedulers(&mut self) {
        let rows = self.rows("/system/scheduler").to_vec();
        self.timers.retain(|id, _| rows.iter().any(|row| row.id == *id));
        for row in rows {
            let of = (row.text("interval"), row.text("start-time"), row.text("start-date"), row.is_true("disabled"));
            if self.timers.get(&row.id).is_some_and(|timer| timer.of == of) {
                continue;
            }
            let at_ms = self.first_run_ms(&row);
            self.timers.insert(row.id, Timer { of, at_ms });
            self.show_next_run(row.id);
        }
    }

    /// Forgets the rhythm of every entry: the router came up, or its clock was set.
    pub(crate) fn rearm_schedulers(&mut self, also_startup: bool) {
        let startup: Vec<u32> = self
            .rows("/system/scheduler")
            .iter()
            .filter(|row| row.text("start-time") == "startup")
            .map(|row| row.id)
            .collect();
        self.timers.retain(|id, _| !also_startup && startup.contains(id));
        self.arm_schedulers();
    }

    fn first_run_ms(&self, row: &Row) -> Option<Millis> {
        if row.is_true("disabled") {
            return None;
        }
        let interval = parse_duration_ms(&row.text("interval")).filter(|ms| *ms > 0);
        let from_ms = self.now_ms.max(self.up_at_ms);
        if row.text("start-time") == "startup" {
            // With an interval the first run is one interval after boot (documented).
            return Some(from_ms.saturating_add(interval.unwrap_or(STARTUP_MS)));
        }
        let now = self.epoch_secs();
        let start = self.start_epoch_secs(row)?;
        let wait_secs = if start > now {
            start.saturating_sub(now)
        } else {
            // In the past: the rhythm is kept; without an interval it never runs (documented).
            let interval = i64::try_from(interval? / 1000).ok().filter(|secs| *secs > 0)?;
            interval.saturating_sub(now.saturating_sub(start) % interval)
        };
        Some(from_ms.saturating_add(u64::try_from(wait_secs).ok()?.saturating_mul(1000)))
    }

    fn start_epoch_secs(&self, row: &Row) -> Option<i64> {
        let time = chrono::NaiveTime::parse_from_str(&row.text("start-time"), "%H:%M:%S").ok()?;
        let date = row.text("start-date");
        let day = chrono::NaiveDate::parse_from_str(&date, "%Y-%m-%d")
            .or_else(|_| chrono::NaiveDate::parse_from_str(&date, "%b/%d/%Y"))
            .ok()?;
        Some(day.and_time(time).and_utc().timestamp().saturating_sub(self.zone_offset_secs()))
    }

    /// What a new entry gets that was not given a start: now, by the router's clock.
    pub(crate) fn complete_scheduler(&self, row: &mut Row) {
        let (date, time) =
            value::date_time(self.options.ros, self.epoch_secs().saturating_add(self.zone_offset_secs()));
        if row.text("start-time").is_empty() {
            row.set("start-time", time);
        }
        if row.text("start-date").is_empty() {
            row.set("start-date", date);
        }
    }

    fn show_next_run(&mut self, id: u32) {
        let at_ms = self.timers.get(&id).and_then(|timer| timer.at_ms);
        let text = at_ms.map_or_else(String::new, |at_ms| {
            let wait = i64::try_from(at_ms.saturating_sub(self.now_ms) / 1000).unwrap_or(0);
            let at = self.epoch_secs().saturating_add(wait).saturating_add(self.zone_offset_secs());
            let (date, time) = value::date_time(self.options.ros, at);
            format!("{date} {time}")
        });
        if let Some(row) = self.table("/system/scheduler").find_mut(id) {
            row.set("next-run", text);
        }
    }

    /// When an entry runs next.
    pub(crate) fn next_timer_ms(&self) -> Option<Millis> {
        self.timers.values().filter_map(|timer| timer.at_ms).min()
    }

    /// Runs the entries that are due.
    pub(crate) fn run_schedulers(&mut self) {
        let now_ms = self.now_ms;
        let due: Vec<u32> = self
            .timers
            .iter()
            .filter(|(_, timer)| timer.at_ms.is_some_and(|at| at <= now_ms))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(row) = self.table("/system/scheduler").find(id).cloned() else { continue };
            let interval = parse_duration_ms(&row.text("interval")).filter(|ms| *ms > 0);
            if let Some(timer) = self.timers.get_mut(&id) {
                timer.at_ms = interval.map(|ms| now_ms.saturating_add(ms));
            }
            self.show_next_run(id);
            // Blocked by device-mode it keeps its place and does nothing.
            if self.device_mode_blocks("/system/scheduler") {
                continue;
            }
            self.count_run("/system/scheduler", id);
            self.fire(&row);
        }
    }

    /// The parsed text of an entry. The same few run again and again, so they are kept.
    fn compiled(&mut self, source: &str) -> Result<Arc<Block>, String> {
        let grammar = self.grammar();
        let kept = self.compiled.iter().find(|(held, block)| *held == grammar && block.source == source);
        if let Some((_, block)) = kept {
            return Ok(Arc::clone(block));
        }
        let (block, _) = script::parse(source, grammar, "").map_err(|error| error.to_string())?;
        let block = Arc::new(block);
        if self.compiled.len() >= COMPILED_KEPT {
            self.compiled.remove(0);
        }
        self.compiled.push((grammar, Arc::clone(&block)));
        Ok(block)
    }

    fn count_run(&mut self, path: &'static str, id: u32) {
        if let Some(row) = self.table(path).find_mut(id) {
            let runs: u64 = row.text("run-count").parse().unwrap_or(0);
            row.set("run-count", runs.saturating_add(1).to_string());
        }
    }

    fn fire(&mut self, row: &Row) {
        let name = row.text("name");
        let event = row.text("on-event");
        let login = self.login_for(&row.text("owner"), &row.text("policy"));
        let source = if self.named("/system/script", event.trim()).is_some() {
            match self.script_to_run(&login, event.trim()) {
                Ok((_, source)) => source,
                Err(trap) => return self.scheduler_failed(&name, &trap.message),
            }
        } else {
            event
        };
        match self.compiled(&source) {
            Err(error) => self.scheduler_failed(&name, &error),
            Ok(block) => {
                let start = Start { name: name.clone(), block, login, terminal: false };
                let (_, mut ended) = self.start_script(start);
                if let Some(error) = ended.try_recv().ok().and_then(|outcome| outcome.error()) {
                    self.scheduler_failed(&name, &error);
                }
            }
        }
    }

    fn scheduler_failed(&mut self, name: &str, why: &str) {
        self.note(
            "script,error",
            &format!("executing script from scheduler ({name}) failed, please check it manually"),
        );
        self.note("script,error,debug", &format!("({name}) {why}"));
    }

    /// Who a stored script or entry runs as: its policies, as far as its owner still holds them.
    fn login_for(&self, owner: &str, policy: &str) -> Login {
        let mut login = Login::new(owner, policy);
        let group = self.named("/user", owner).map(|user| user.text("group"));
        let held = group.and_then(|group| self.named("/user/group", &group).map(|group| group.text("policy")));
        if let (Some(held), true) = (held, self.options.unconfirmed.owner_limits_scripts) {
            login.keep_only(&held);
        }
        login
    }

    /// The name and text of a stored script that this account wants to run.
    ///
    /// # Errors
    /// When there is none, or the script wants more than the account may.
    pub(crate) fn script_to_run(&mut self, login: &Login, selector: &str) -> Result<(String, String), Trap> {
        if !login.may("test") {
            return Err(Trap::permission());
        }
        let rows = self.rows("/system/script").iter();
        let row = rows.into_iter().find(|row| row.wire_id() == selector || row.text("name") == selector).cloned();
        let row = row.ok_or_else(|| self.no_such_item())?;
        let wants = row.text("policy");
        let may_all = wants.split(',').filter(|policy| !policy.is_empty()).all(|policy| login.may(policy));
        if !may_all && !row.is_true("dont-require-permissions") {
            return Err(Trap::permission());
        }
        self.count_run("/system/script", row.id);
        Ok((row.text("name"), row.text("source")))
    }

    /// The text of a file to import.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn file_to_import(&mut self, login: &Login, name: &str) -> Result<String, Trap> {
        if !login.may("write") {
            return Err(Trap::permission());
        }
        let row = self.named("/file", name).ok_or_else(|| Trap::new("failure: no such file"))?;
        Ok(row.text("contents"))
    }
}
