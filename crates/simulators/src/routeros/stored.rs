//! `add`, `set`, `remove` and their kin on stored rows, with the checks a router makes.

use super::{
    canonical::canonical,
    router::Router,
    schema::{Menu, Shape, Unique},
    sentence::Command,
    table::Row,
    trap::Trap,
};

type Values = Vec<(&'static str, Option<Vec<u8>>)>;

impl Router {
    /// `add`: the wire id of the new row.
    ///
    /// # Errors
    /// Unknown or invalid arguments, missing ones, a row that exists already.
    pub(crate) fn add_row(&mut self, menu: &'static Menu, command: &Command) -> Result<String, Trap> {
        self.check_device_mode(menu)?;
        let mut row = Row::default();
        for (name, value) in self.checked_values(menu, command, &["place-before", "copy-from"])? {
            if let Some(value) = value {
                row.set(name, value);
            }
        }
        let absent = |row: &Row, name: &str| row.values.get(name).is_none_or(Vec::is_empty);
        if let Some(name) = menu.mandatory.iter().find(|name| absent(&row, name)) {
            return Err(Trap::missing(name));
        }
        if matches!(menu.unique, Unique::Name) && absent(&row, "name") {
            row.set("name", self.free_name(menu));
        }
        self.check_unique(menu, &row)?;
        self.complete_provisioned(menu, &mut row)?;
        self.complete_new_row(menu, &mut row);
        let id = self.insert(menu, row);
        if let Some(before) = command.text("place-before").filter(|_| menu.has_verb("move")) {
            self.move_row(menu, id, Some(&before))?;
        }
        self.after_change(menu);
        Ok(format!("*{id:X}"))
    }

    /// What the router itself writes into a new row.
    fn complete_new_row(&self, menu: &Menu, row: &mut Row) {
        let (date, time) = super::value::date_time(self.options.ros, self.epoch_secs());
        match menu.path {
            "/ip/firewall/address-list" => {
                row.set("creation-time", format!("{date} {time}"));
                let timeout_ms = super::value::parse_duration_ms(&row.text("timeout")).filter(|ms| *ms > 0);
                if let Some(ms) = timeout_ms {
                    // An entry with a timeout lives in memory only (documented).
                    row.expires_at_ms = Some(self.now_ms.saturating_add(ms));
                    row.dynamic = true;
                }
                row.volatile = row.dynamic || row.text("timeout") == "none-dynamic";
            }
            "/system/scheduler" => {
                row.set("owner", self.acting.clone());
                self.complete_scheduler(row);
            }
            "/system/script" => row.set("owner", self.acting.clone()),
            "/file" => {
                row.set("creation-time", format!("{date} {time}"));
                row.set("size", row.text("contents").len().to_string());
            }
            _ => {}
        }
    }

    /// `set`, and `comment`, `enable`, `disable` which are its short forms.
    ///
    /// # Errors
    /// As [`Self::add_row`], and for rows that are not there or not to be changed.
    pub(crate) fn set_rows(&mut self, menu: &'static Menu, command: &Command, forced: Values) -> Result<(), Trap> {
        self.check_device_mode(menu)?;
        let mut values = self.checked_values(menu, command, &[".id", "numbers"])?;
        values.extend(forced);
        for id in self.selected(menu, command)? {
            let old = self.table(menu.path).find(id).cloned().ok_or_else(|| self.no_such_item())?;
            if old.dynamic && menu.shape != Shape::Listing {
                return Err(Trap::new("failure: can not change dynamic item"));
            }
            let mut new = old.clone();
            for (name, value) in &values {
                match value {
                    Some(value) => new.set(name, value.clone()),
                    None => drop(new.values.remove(name)),
                }
            }
            self.check_unique(menu, &new)?;
            if menu.path == "/file" {
                if new.values.get("contents").map_or(0, Vec::len) > self.contents_bytes_max() {
                    return Err(Trap::new("failure: contents too long"));
                }
                new.set("size", new.values.get("contents").map_or(0, Vec::len).to_string());
            }
            let renamed = (old.text("name"), new.text("name"));
            if let Some(row) = self.table(menu.path).find_mut(id) {
                *row = new;
            }
            if renamed.0 != renamed.1 {
                self.repoint(menu, &renamed.0, &renamed.1);
            }
            self.announce_row(menu, id);
        }
        self.after_change(menu);
        Ok(())
    }

    /// `unset =value-name=`: back to the default, or to nothing.
    ///
    /// # Errors
    /// For unknown names and rows.
    pub(crate) fn unset_rows(&mut self, menu: &'static Menu, command: &Command) -> Result<(), Trap> {
        self.check_device_mode(menu)?;
        let name = command.text("value-name").ok_or_else(|| Trap::missing("value-name"))?;
        let field = menu.field(&name, self.options.ros).filter(|field| field.writable);
        let field = field.ok_or_else(|| Trap::no_match("value-name"))?;
        for id in self.selected(menu, command)? {
            if let Some(row) = self.table(menu.path).find_mut(id) {
                match field.default {
                    Some(default) => row.set(field.name, default),
                    None => drop(row.values.remove(field.name)),
                }
            }
            self.announce_row(menu, id);
        }
        self.after_change(menu);
        Ok(())
    }

    /// `remove`: in the order given; what came before a row that is not there is gone.
    ///
    /// # Errors
    /// For rows that are not there or not to be removed.
    pub(crate) fn remove_rows(&mut self, menu: &'static Menu, command: &Command) -> Result<(), Trap> {
        self.check_device_mode(menu)?;
        for selector in command.selectors().ok_or_else(|| Trap::missing("numbers"))? {
            let id = self.resolve(menu, &selector)?;
            let row = self.table(menu.path).find(id).cloned().unwrap_or_default();
            if row.builtin {
                return Err(Trap::new("failure: can not remove default item"));
            }
            if row.dynamic && row.expires_at_ms.is_none() {
                return Err(Trap::new("failure: can not remove dynamic item"));
            }
            self.delete(menu.path, id);
            // Who still refers to a removed row shows its id from then on.
            self.repoint(menu, &row.text("name"), &row.wire_id());
            if menu.path == "/ip/hotspot/user" && self.options.unconfirmed.user_remove_ends_session {
                self.end_sessions_of(&row.text("name"), super::hotspot::Cause::AdminReset);
            }
            self.after_change(menu);
        }
        Ok(())
    }

    /// `move =numbers= =destination=`.
    ///
    /// # Errors
    /// For rows that are not there.
    pub(crate) fn move_rows(&mut self, menu: &'static Menu, command: &Command) -> Result<(), Trap> {
        let before = command.text("destination");
        for id in self.selected(menu, command)? {
            self.move_row(menu, id, before.as_deref())?;
        }
        Ok(())
    }

    fn move_row(&mut self, menu: &'static Menu, id: u32, before: Option<&str>) -> Result<(), Trap> {
        let before = before.map(|selector| self.resolve(menu, selector)).transpose()?;
        let rows = &mut self.table(menu.path).rows;
        let Some(from) = rows.iter().position(|row| row.id == id) else { return Ok(()) };
        let row = rows.remove(from);
        let to = before.and_then(|id| rows.iter().position(|row| row.id == id)).unwrap_or(rows.len());
        rows.insert(to, row);
        Ok(())
    }

    /// `reset-counters`: on users uptime and bytes, on queues and walled-garden rows their counts.
    ///
    /// # Errors
    /// For rows that are not there.
    pub(crate) fn reset_counters(&mut self, menu: &'static Menu, command: &Command, all: bool) -> Result<(), Trap> {
        let ids =
            if all { self.rows(menu.path).iter().map(|row| row.id).collect() } else { self.selected(menu, command)? };
        const COUNTERS: [&str; 8] =
            ["uptime", "bytes-in", "bytes-out", "packets-in", "packets-out", "hits", "bytes", "packets"];
        for id in ids {
            if let Some(row) = self.table(menu.path).find_mut(id) {
                for field in menu.fields.iter().filter(|field| COUNTERS.contains(&field.name)) {
                    row.set(field.name, field.default.unwrap_or("0"));
                }
            }
            self.announce_row(menu, id);
        }
        Ok(())
    }

    /// The ids a command means. A singleton needs none.
    pub(crate) fn selected(&self, menu: &Menu, command: &Command) -> Result<Vec<u32>, Trap> {
        if menu.shape == Shape::Single {
            return Ok(self.rows(menu.path).iter().map(|row| row.id).collect());
        }
        let selectors = command.selectors().ok_or_else(|| Trap::missing("numbers"))?;
        selectors.iter().map(|selector| self.resolve(menu, selector)).collect()
    }

    /// An id `*1A`, or the name of a row where rows have names.
    fn resolve(&self, menu: &Menu, selector: &str) -> Result<u32, Trap> {
        let found = match selector.strip_prefix('*') {
            Some(hex) => {
                let id = u32::from_str_radix(hex, 16).ok();
                self.rows(menu.path).iter().find(|row| Some(row.id) == id)
            }
            None => self.rows(menu.path).iter().find(|row| !selector.is_empty() && row.text("name") == selector),
        };
        found.map(|row| row.id).ok_or_else(|| self.no_such_item())
    }

    /// `no such item`, with the number older releases add.
    pub(crate) fn no_such_item(&self) -> Trap {
        Trap::new(if self.options.ros.is_v7() { "no such item" } else { "no such item (4)" })
    }

    fn checked_values(&self, menu: &Menu, command: &Command, besides: &[&str]) -> Result<Values, Trap> {
        let mut values = Values::new();
        for (name, raw) in command.attributes.iter().filter(|(name, _)| !besides.contains(&name.as_str())) {
            let field = menu.field(name, self.options.ros).filter(|field| field.writable);
            let field = field.ok_or_else(|| Trap::unknown_parameter(name))?;
            values.push((field.name, canonical(self, field, raw)?));
        }
        Ok(values)
    }

    fn check_unique(&self, menu: &Menu, row: &Row) -> Result<(), Trap> {
        // Id 0 is the built-in row of a menu; any other row with it has not been stored yet.
        let is_new = row.id == 0 && !row.builtin;
        let others = || self.rows(menu.path).iter().filter(|other| other.id != row.id || is_new);
        match menu.unique {
            Unique::No => Ok(()),
            Unique::Name if others().any(|other| other.text("name") == row.text("name")) => {
                Err(Trap::new(self.options.unconfirmed.duplicate_name_message.clone()))
            }
            Unique::Name => Ok(()),
            Unique::Pair(first, second, message) => {
                // An absent server means all of them.
                let second_of = |row: &Row| Some(row.text(second)).filter(|v| v != "all").unwrap_or_default();
                let same = |other: &&Row| other.text(first) == row.text(first) && second_of(other) == second_of(row);
                if others().find(same).is_some() { Err(Trap::new(message)) } else { Ok(()) }
            }
        }
    }

    fn check_device_mode(&self, menu: &Menu) -> Result<(), Trap> {
        if self.device_mode_blocks(menu.path) { Err(Trap::device_mode()) } else { Ok(()) }
    }

    fn free_name(&self, menu: &Menu) -> String {
        let base = menu.path.rsplit('/').next().unwrap_or("item");
        let taken = |name: &String| self.named(menu.path, name).is_some();
        (1..=u32::MAX).map(|n| format!("{base}{n}")).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Rows that refer to `from` in `menu` refer to `to`.
    fn repoint(&mut self, menu: &Menu, from: &str, to: &str) {
        use super::schema::{Kind, menus};
        for other in menus() {
            let refers = |kind: &Kind| matches!(kind, Kind::Ref(path, _) if *path == menu.path);
            for field in other.fields.iter().filter(|field| refers(&field.kind)) {
                let Some(table) = self.tables.get_mut(other.path) else { continue };
                for row in table.rows.iter_mut().filter(|row| !from.is_empty() && row.text(field.name) == from) {
                    row.set(field.name, to);
                }
            }
        }
    }

    /// What else a change sets in motion.
    fn after_change(&mut self, menu: &Menu) {
        match menu.path {
            "/system/scheduler" => self.arm_schedulers(),
            "/interface/wireguard" | "/interface/bridge" => self.sync_interfaces(),
            "/certificate" => self.drop_stale_credentials(),
            "/ip/hotspot/profile" => self.stock_pages(),
            "/ip/hotspot" => {
                self.stock_pages();
                self.wake_devices();
            }
            _ => {}
        }
    }
}
