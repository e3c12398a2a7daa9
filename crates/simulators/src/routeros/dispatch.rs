//! From a command to its answer: which menu, which verb, who may.

use tokio::sync::oneshot;

use super::{
    account::{Login, policy_of},
    facts::zone_hours,
    query::{self, Attribute, Query},
    router::Router,
    schema::{self, Menu, Shape},
    script::machine::Outcome,
    sentence::Command,
    table::{self, Row},
    trap::Trap,
};

/// What a client wants of a script's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// That it ended well.
    Success,
    /// What it printed.
    Output,
    /// Its value, as a row.
    Row,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Bare `!done`.
    Done,
    /// `!done =ret=…`.
    Ret(Vec<u8>),
    /// Rows, or `!empty` where the release says so.
    Rows(Vec<Vec<Attribute>>),
    /// Rows that came already, then changes until cancelled.
    Listen(&'static Menu, Vec<Vec<Attribute>>),
    /// The router goes down after its answer.
    Reboot,
    /// A script runs; what is answered depends on its end.
    Script(oneshot::Receiver<Outcome>, Wanted),
}

/// Arguments any print takes.
pub(crate) const PRINT_ARGUMENTS: [&str; 16] = [
    ".proplist",
    "count-only",
    "detail",
    "stats",
    "bytes",
    "packets",
    "rate",
    "without-paging",
    "terse",
    "brief",
    "value-list",
    "show-ids",
    "from",
    "follow",
    "follow-only",
    "as-value",
];

impl Router {
    /// Runs one command of a logged-in client.
    ///
    /// # Errors
    /// The trap of whatever is wrong.
    pub(crate) fn run(&mut self, login: &Login, command: &Command) -> Result<Answer, Trap> {
        let (directory, verb) = command.split_path();
        self.acting.clone_from(&login.name);
        if let Some(answer) = self.run_special(login, command) {
            return answer;
        }
        let Some(menu) = self.menu(directory).filter(|_| !directory.is_empty()) else {
            return Err(self.unknown_path(directory));
        };
        if !menu.has_verb(verb) {
            return Err(Trap::no_such_command());
        }
        if !login.may(policy_of(directory, verb)) {
            return Err(Trap::permission());
        }
        match verb {
            "print" | "getall" | "listen" => self.print(login, menu, verb, command),
            "get" => self.get(login, menu, command),
            "find" => {
                let ids = self.records(menu).into_iter().filter_map(|row| attribute(&row, ".id")).collect::<Vec<_>>();
                Ok(Answer::Ret(ids.join(&b';')))
            }
            "add" => self.add_row(menu, command).map(|id| Answer::Ret(id.into_bytes())),
            "set" if menu.path == "/system/clock" => self.set_clock_command(menu, command),
            "set" | "comment" => self.set_rows(menu, command, Vec::new()).map(|()| Answer::Done),
            "enable" | "disable" => {
                let disabled = table::bool_text(verb == "disable").as_bytes().to_vec();
                self.set_rows(menu, command, vec![("disabled", Some(disabled))]).map(|()| Answer::Done)
            }
            "unset" => self.unset_rows(menu, command).map(|()| Answer::Done),
            "remove" if menu.shape == Shape::Listing => self.remove_listed(menu, command).map(|()| Answer::Done),
            "remove" => self.remove_rows(menu, command).map(|()| Answer::Done),
            "move" => self.move_rows(menu, command).map(|()| Answer::Done),
            "reset-counters" => self.reset_counters(menu, command, false).map(|()| Answer::Done),
            "reset-counters-all" => self.reset_counters(menu, command, true).map(|()| Answer::Done),
            "login" => self.active_login(command).map(|()| Answer::Done),
            "make-binding" => self.make_binding(command).map(|()| Answer::Done),
            "reset-html" => self.reset_html(menu, command).map(|()| Answer::Done),
            "run" => self.run_script(login, command),
            "sign" => self.sign_certificate(menu, command).map(|()| Answer::Done),
            _ => Err(Trap::no_such_command()),
        }
    }

    /// A directory that exists but is no menu knows no commands; another is unknown from its first word on.
    fn unknown_path(&self, directory: &str) -> Trap {
        let below = format!("{directory}/");
        let known = schema::menus().any(|menu| menu.path.starts_with(&below) && self.menu(menu.path).is_some());
        if directory.is_empty() || known { Trap::no_such_command() } else { Trap::no_such_directory() }
    }

    /// Whether the rows of a menu are worked out when they are asked for.
    pub(crate) fn is_computed(&self, menu: &Menu) -> bool {
        matches!(menu.shape, Shape::Facts)
            || matches!(
                menu.path,
                "/system/clock" | "/user/active" | "/ip/hotspot/active" | "/ip/hotspot/host" | "/ip/hotspot/cookie"
            )
    }

    /// All rows of a menu as printed.
    pub(crate) fn records(&self, menu: &'static Menu) -> Vec<Vec<Attribute>> {
        self.records_for(menu, &[])
    }

    /// As [`Self::records`], without rows of which it is plain at first sight that `queries` do not want them.
    pub(crate) fn records_for(&self, menu: &'static Menu, queries: &[Query]) -> Vec<Vec<Attribute>> {
        let equal = query::all_equal(queries);
        let mac = equal.iter().find(|(name, _)| *name == "mac-address");
        let mac = mac.and_then(|(_, mac)| std::str::from_utf8(mac).ok());
        let may_match = |row: &&Row| {
            equal.iter().all(|(name, wanted)| row.values.get(name).is_none_or(|value| value.as_slice() == *wanted))
        };
        let mut records: Vec<Vec<Attribute>> = self.computed_records(menu.path, mac).unwrap_or_else(|| {
            self.rows(menu.path).iter().filter(may_match).map(|row| table::record(menu, row)).collect()
        });
        if menu.path == "/file" {
            // What is too long is not shown at all.
            let most = self.contents_bytes_max();
            for record in &mut records {
                record.retain(|(name, value)| name != "contents" || value.len() <= most);
            }
        }
        records
    }

    fn print(&self, login: &Login, menu: &'static Menu, verb: &str, command: &Command) -> Result<Answer, Trap> {
        let unknown = |name: &&str| !PRINT_ARGUMENTS.contains(name);
        if let Some(name) = command.attributes.iter().map(|(name, _)| name.as_str()).find(unknown) {
            return Err(Trap::unknown_parameter(name));
        }
        let wanted = command.selectors_of("from");
        let mut rows = self.records_for(menu, &command.queries);
        rows.retain(|row| wanted.as_ref().is_none_or(|ids| is_selected(row, ids)));
        rows.retain(|row| query::matches(&command.queries, row));
        for row in &mut rows {
            if !login.may("sensitive") {
                table::strip_secrets(menu, row);
            }
            project(row, command);
        }
        let follows = command.has("follow") || command.has("follow-only");
        if verb == "listen" || follows {
            let before = if verb == "listen" || command.has("follow-only") { Vec::new() } else { rows };
            return Ok(Answer::Listen(menu, before));
        }
        if command.has("count-only") {
            return Ok(Answer::Ret(rows.len().to_string().into_bytes()));
        }
        Ok(Answer::Rows(rows))
    }

    fn get(&self, login: &Login, menu: &'static Menu, command: &Command) -> Result<Answer, Trap> {
        let single = matches!(menu.shape, Shape::Single | Shape::Facts);
        let ids = if single { None } else { Some(command.selectors().ok_or_else(|| Trap::missing("number"))?) };
        let mut rows = self.records(menu).into_iter();
        let mut row =
            rows.find(|row| ids.as_ref().is_none_or(|ids| is_selected(row, ids))).ok_or_else(|| self.no_such_item())?;
        if !login.may("sensitive") {
            table::strip_secrets(menu, &mut row);
        }
        match command.text("value-name") {
            Some(name) => Ok(Answer::Ret(attribute(&row, &name).unwrap_or_default())),
            None => {
                let pairs = row.iter().map(|(name, value)| [name.as_bytes(), b"=", value].concat());
                Ok(Answer::Ret(pairs.collect::<Vec<_>>().join(&b';')))
            }
        }
    }

    fn set_clock_command(&mut self, menu: &'static Menu, command: &Command) -> Result<Answer, Trap> {
        if command.text("time-zone-name").is_some_and(|zone| zone_hours(&zone).is_none()) {
            return Err(Trap::no_match("time-zone-name"));
        }
        let (date, time) = (command.text("date"), command.text("time"));
        if date.is_some() || time.is_some() {
            self.set_clock_by_hand(date.as_deref(), time.as_deref())?;
        }
        let mut rest = command.clone();
        rest.attributes.retain(|(name, _)| name != "date" && name != "time");
        self.set_rows(menu, &rest, Vec::new()).map(|()| Answer::Done)
    }
}

impl Command {
    fn selectors_of(&self, name: &str) -> Option<Vec<String>> {
        self.text(name).map(|text| text.split(',').map(str::to_owned).collect())
    }
}

fn is_selected(row: &[Attribute], ids: &[String]) -> bool {
    let is = |name: &str, id: &String| attribute(row, name).is_some_and(|value| value == id.as_bytes());
    ids.iter().any(|id| is(".id", id) || is("name", id))
}

fn attribute(row: &[Attribute], name: &str) -> Option<Vec<u8>> {
    row.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

/// Leaves what `.proplist` asks for, in the order of the menu. A row may come out empty.
pub(crate) fn project(row: &mut Vec<Attribute>, command: &Command) {
    if let Some(list) = command.text(".proplist").filter(|list| !list.is_empty()) {
        let wanted: Vec<&str> = list.split(',').map(str::trim).collect();
        row.retain(|(name, _)| wanted.contains(&name.as_str()) || name == ".dead");
    }
}
