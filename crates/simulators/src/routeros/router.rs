//! The whole state of the simulated router, and the passing of its time.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::broadcast;

use super::{
    certificates::Credential,
    clock::{Millis, SimClock},
    fetch::{Internet, NetworkTask},
    hotspot::Hotspot,
    options::{DeviceMode, Options, RosVersion},
    preload,
    query::Attribute,
    scheduler::Timer,
    schema::{self, Menu},
    script::{Block, Grammar, job::Job, machine::Globals},
    table::{self, Row, Table},
};

/// Changes a slow listener may fall behind before rows are dropped, as routers drop them.
const CHANGES_MAX: usize = 4096;
/// Lines `/log` keeps, as stock routers do.
const LOG_LINES_MAX: usize = 1000;

/// A row that came, changed or went, for `listen`.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) path: &'static str,
    pub(crate) record: Vec<Attribute>,
}

/// One logged-in API session, as `/user/active` shows it.
#[derive(Debug, Clone)]
pub(crate) struct ApiSession {
    pub(crate) connection: u64,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) since_ms: Millis,
}

/// The router.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) options: Options,
    pub(crate) clock: SimClock,
    /// The instant up to which everything has happened.
    pub(crate) now_ms: Millis,
    pub(crate) tables: BTreeMap<&'static str, Table>,
    pub(crate) hotspot: Hotspot,
    pub(crate) api_sessions: Vec<ApiSession>,
    changes: broadcast::Sender<Change>,
    pub(crate) booted_at_ms: Millis,
    /// While this is ahead of now the router boots: no API, no hotspot.
    pub(crate) up_at_ms: Millis,
    pub(crate) ntp_at_ms: Option<Millis>,
    /// Router clock minus the time since boot, Unix seconds; before the clock is set it counts from 1970.
    pub(crate) clock_set_epoch_secs: i64,
    /// Scripts started since the simulator started.
    pub(crate) jobs: u32,
    /// Times the router came up again.
    pub(crate) boots: u32,
    /// When each entry of the scheduler runs next.
    pub(crate) timers: BTreeMap<u32, Timer>,
    /// Scripts that wait for time or the network.
    pub(crate) running: Vec<Job>,
    /// Requests of scripts that nobody has made yet.
    pub(crate) network: Vec<NetworkTask>,
    pub(crate) globals: Globals,
    /// Scripts of the scheduler as they were parsed last.
    pub(crate) compiled: Vec<(Grammar, Arc<Block>)>,
    /// What the terminal numbered when it printed last.
    pub(crate) printed: BTreeMap<&'static str, Vec<String>>,
    pub(crate) internet: Internet,
    /// A script told the router to go down.
    pub(crate) wants_reboot: bool,
    /// Who gives the command that is being carried out.
    pub(crate) acting: String,
    /// What belongs to rows of `/certificate`.
    pub(crate) credentials: BTreeMap<u32, Credential>,
    /// Until when a power cut confirms another device-mode.
    pub(crate) device_mode_until_ms: Option<Millis>,
    dice: u64,
}

impl Router {
    pub(crate) fn new(mut options: Options) -> Self {
        if options.smips && options.ros >= RosVersion::V7_22 {
            options.hotspot = false;
        }
        let clock = SimClock::new(options.clock);
        let mut router = Self {
            clock_set_epoch_secs: clock.true_epoch_secs(0),
            clock,
            now_ms: 0,
            tables: BTreeMap::new(),
            hotspot: Hotspot::default(),
            api_sessions: Vec::new(),
            changes: broadcast::Sender::new(CHANGES_MAX),
            booted_at_ms: 0,
            up_at_ms: 0,
            ntp_at_ms: None,
            jobs: 0,
            boots: 0,
            timers: BTreeMap::new(),
            running: Vec::new(),
            network: Vec::new(),
            globals: Globals::default(),
            compiled: Vec::new(),
            printed: BTreeMap::new(),
            internet: Internet { places: options.internet.clone(), up: true, anywhere: options.internet_anywhere },
            wants_reboot: false,
            acting: String::new(),
            credentials: BTreeMap::new(),
            device_mode_until_ms: None,
            dice: 0,
            options,
        };
        preload::fill(&mut router);
        router
    }

    /// The menu at `path`, if this router has it.
    pub(crate) fn menu(&self, path: &str) -> Option<&'static Menu> {
        if path.starts_with("/ip/hotspot") && !self.options.hotspot {
            return None;
        }
        schema::menu(path, self.options.ros)
    }

    pub(crate) fn rows(&self, path: &str) -> &[Row] {
        self.tables.get(path).map_or(&[], |table| table.rows.as_slice())
    }

    pub(crate) fn table(&mut self, path: &'static str) -> &mut Table {
        // What these rows say decides when hosts and sessions end.
        let is_of_users = path == "/ip/hotspot/user" && self.options.unconfirmed.live_limits;
        if is_of_users || matches!(path, "/ip/hotspot" | "/ip/hotspot/ip-binding") {
            self.hotspot.agenda.doubt();
        }
        self.tables.entry(path).or_default()
    }

    pub(crate) fn named(&self, path: &str, name: &str) -> Option<&Row> {
        self.tables.get(path).and_then(|table| table.named(name))
    }

    /// Appends a row with the menu's defaults below `values`.
    pub(crate) fn insert(&mut self, menu: &'static Menu, mut row: Row) -> u32 {
        for field in menu.fields.iter().filter(|field| field.known_to(self.options.ros)) {
            if let (Some(default), false) = (field.default, row.values.contains_key(field.name)) {
                row.set(field.name, default);
            }
        }
        let id = self.table(menu.path).push(row);
        self.announce_row(menu, id);
        id
    }

    /// Removes a row without asking.
    pub(crate) fn delete(&mut self, path: &'static str, id: u32) -> Option<Row> {
        let table = self.table(path);
        let at = table.place(id)?;
        let row = table.rows.remove(at);
        self.announce_gone(path, &row.wire_id());
        Some(row)
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Whether anybody listens. Nobody is the usual case, and then no rows are put together to tell them.
    pub(crate) fn is_heard(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    pub(crate) fn announce(&self, path: &'static str, record: Vec<Attribute>) {
        // That nobody listens any more is no failure.
        let _ = self.changes.send(Change { path, record });
    }

    pub(crate) fn announce_row(&self, menu: &'static Menu, id: u32) {
        if !self.is_heard() {
            return;
        }
        if let Some(row) = self.tables.get(menu.path).and_then(|table| table.find(id)) {
            self.announce(menu.path, table::record(menu, row));
        }
    }

    /// A deletion on the wire is the id and `.dead=true` (observed on 7.23.1; the manual says `yes`).
    pub(crate) fn announce_gone(&self, path: &'static str, wire_id: &str) {
        if self.is_heard() {
            self.announce(path, vec![(".id".into(), wire_id.into()), (".dead".into(), b"true".to_vec())]);
        }
    }

    /// What the router believes the time is, Unix seconds.
    pub(crate) fn epoch_secs(&self) -> i64 {
        let since_set_ms = self.now_ms.saturating_sub(self.booted_at_ms);
        self.clock_set_epoch_secs.saturating_add(i64::try_from(since_set_ms / 1000).unwrap_or(i64::MAX))
    }

    /// The network tells the time: from now on the router's clock is right.
    pub(crate) fn set_clock_from_network(&mut self) {
        self.ntp_at_ms = None;
        if !self.rows("/system/ntp/client").first().is_none_or(|row| row.is_true("enabled")) {
            return;
        }
        self.set_clock(self.clock.true_epoch_secs(self.now_ms));
        self.show_time_client("synchronized");
    }

    /// What the time client says of itself.
    pub(crate) fn show_time_client(&mut self, status: &'static str) {
        if let Some(row) = self.table("/system/ntp/client").rows.first_mut() {
            row.set("status", status);
        }
    }

    pub(crate) fn set_clock(&mut self, epoch_secs: i64) {
        let since_boot_ms = self.now_ms.saturating_sub(self.booted_at_ms);
        self.clock_set_epoch_secs = epoch_secs.saturating_sub(i64::try_from(since_boot_ms / 1000).unwrap_or(0));
        self.rearm_schedulers(false);
    }

    /// A number nobody can foresee who does not know the simulator: the same in every run.
    pub(crate) fn random(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice ^ self.now_ms;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up_at_ms <= self.now_ms
    }

    pub(crate) fn device_mode_blocks(&self, path: &str) -> bool {
        self.options.device_mode == DeviceMode::Home
            && (path.starts_with("/ip/hotspot") || path == "/system/scheduler" || path == "/tool/fetch")
    }

    /// Writes a line of the router's own log (`/log`).
    pub(crate) fn note(&mut self, topics: &'static str, message: &str) {
        let (date, time) = value_now(self);
        let mut row = Row { volatile: true, dynamic: true, ..Row::default() };
        row.set("time", format!("{date} {time}"));
        row.set("topics", topics);
        row.set("message", message);
        let table = self.table("/log");
        table.push(row);
        if table.rows.len() > LOG_LINES_MAX {
            table.rows.remove(0);
        }
    }

    /// Lets time pass up to the clock's now, everything in its order.
    pub(crate) fn settle(&mut self) {
        let target_ms = self.clock.now_ms();
        self.renew_agenda();
        while let Some(at_ms) = self.next_event_ms().filter(|at_ms| *at_ms <= target_ms) {
            self.now_ms = at_ms.max(self.now_ms);
            self.happen();
        }
        self.now_ms = target_ms.max(self.now_ms);
    }

    /// When something happens by itself next.
    pub(crate) fn next_event_ms(&self) -> Option<Millis> {
        let booting = (!self.is_up()).then_some(self.up_at_ms);
        let rows = self.tables.values().flat_map(Table::expiring).map(|(_, at)| at);
        // Nothing of the hotspot happens before the router is up.
        let of_hotspot =
            self.next_timer_ms().into_iter().chain(self.next_wake_ms()).chain(self.next_hotspot_event_ms());
        let of_hotspot = of_hotspot.map(|at| at.max(self.up_at_ms));
        booting.into_iter().chain(self.ntp_at_ms).chain(rows).chain(of_hotspot).min()
    }

    /// Does everything that is due at this instant.
    fn happen(&mut self) {
        if self.ntp_at_ms.is_some_and(|at| at <= self.now_ms) {
            self.set_clock_from_network();
        }
        self.expire_rows();
        if self.is_up() {
            self.hotspot_events();
            self.wake_scripts();
            self.run_schedulers();
        }
    }

    fn expire_rows(&mut self) {
        let now_ms = self.now_ms;
        let gone: Vec<(&'static str, u32)> = self
            .tables
            .iter()
            .flat_map(|(path, table)| table.expiring().map(|(row, at)| (*path, row.id, at)))
            .filter(|(_, _, at)| *at <= now_ms)
            .map(|(path, id, _)| (path, id))
            .collect();
        for (path, id) in gone {
            self.delete(path, id);
        }
    }
}

fn value_now(router: &Router) -> (String, String) {
    super::value::date_time(router.options.ros, router.epoch_secs())
}
