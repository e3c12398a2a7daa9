//! Commands of menus: arguments are handed to the same dispatch as those of the API.

use super::{
    ast::{Args, Binary, Expr, Part},
    grammar::positional_names,
    machine::{Machine, Ran, Stop},
    value::{self, Array, Value},
};
use crate::routeros::{
    account::{Login, policy_of},
    dispatch::Answer,
    query::Attribute,
    router::Router,
    schema::{Kind, Menu, Shape},
    sentence, table,
    trap::Trap,
};

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Self::error(trap.message)
    }
}

impl Router {
    fn allows_reading(login: &Login, menu: &Menu) -> Result<(), Trap> {
        if login.may(policy_of(menu.path, "print")) { Ok(()) } else { Err(Trap::permission()) }
    }

    /// Rows of a menu as a script of this account may read them. What `asked` does not ask for may be left out.
    fn readable(&self, login: &Login, menu: &'static Menu, asked: &Asked) -> Result<Vec<Vec<Attribute>>, Trap> {
        Self::allows_reading(login, menu)?;
        let is_wanted =
            |name: &str| name == ".id" || asked.names.as_ref().is_none_or(|names| names.iter().any(|held| held == name));
        let mut rows = match (&asked.names, self.is_computed(menu)) {
            (Some(_), false) => {
                let rows = self.rows(menu.path).iter();
                let kept = rows.filter(|row| asked.may_hold(|name| row.values.get(name).map(Vec::as_slice)));
                kept.map(|row| table::record_of(menu, row, is_wanted)).collect()
            }
            (Some(names), true) if names.is_empty() && self.hotspot_ids(menu.path).is_some() => {
                let ids = self.hotspot_ids(menu.path).unwrap_or_default();
                ids.into_iter().map(|id| vec![(".id".to_owned(), id.into_bytes())]).collect()
            }
            (Some(_), true) => {
                let keep = |row: &[(&str, &str)]| {
                    asked.may_hold(|name| row.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_bytes()))
                };
                self.hotspot_records_if(menu.path, keep).unwrap_or_else(|| self.records(menu))
            }
            (None, _) => self.records(menu),
        };
        if !login.may("sensitive") {
            for row in &mut rows {
                table::strip_secrets(menu, row);
            }
        }
        Ok(rows)
    }

    /// The row that an id or a name stands for, or the only one.
    fn readable_row(
        &self,
        login: &Login,
        menu: &'static Menu,
        selector: Option<&str>,
        wanted: Option<&str>,
    ) -> Result<Option<Vec<Attribute>>, Trap> {
        Self::allows_reading(login, menu)?;
        let all = || self.readable(login, menu, &Asked::default());
        let Some(selector) = selector else { return Ok(all()?.into_iter().next()) };
        if let Some(row) = self.hotspot_record(menu.path, selector) {
            return Ok(Some(row));
        }
        if self.is_computed(menu) || menu.path == "/file" {
            let mut rows = all()?.into_iter();
            return Ok(rows.find(|row| is(row, ".id", selector) || is(row, "name", selector)));
        }
        let id = selector.strip_prefix('*').and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let row = self.rows(menu.path).iter().find(|row| match id {
            Some(id) => row.id == id,
            None => row.text("name") == selector,
        });
        Ok(row.map(|row| {
            let mut record = table::record_of(menu, row, |name| wanted.is_none_or(|wanted| wanted == name));
            if !login.may("sensitive") {
                table::strip_secrets(menu, &mut record);
            }
            record
        }))
    }
}

/// What a command wants to know of the rows of a menu.
#[derive(Debug, Default)]
struct Asked {
    /// Properties; `None` for all.
    names: Option<Vec<String>>,
    /// Properties that must have a value with colons, such as the address of a device.
    equal: Vec<(String, Vec<u8>)>,
}

impl Asked {
    /// `false` when a row does not pass the filter for sure. Text with colons is the same in every type, so that it can
    /// be compared as it is stored; rows with other text are left to the filter itself.
    fn may_hold<'a>(&self, value: impl Fn(&str) -> Option<&'a [u8]>) -> bool {
        self.equal.iter().all(|(name, wanted)| value(name).is_none_or(|held| held == wanted || !held.contains(&b':')))
    }
}

/// The comparisons for equality that all have to hold.
fn equalities<'a>(expr: &'a Expr, found: &mut Vec<(&'a str, &'a Expr)>) {
    match expr {
        Expr::Binary(Binary::And, left, right) => {
            equalities(left, found);
            equalities(right, found);
        }
        Expr::Binary(Binary::Equal, left, right) => {
            if let (Expr::Field(name), Expr::Variable(_) | Expr::Literal(..)) = (&**left, &**right) {
                found.push((name, right));
            }
        }
        _ => {}
    }
}

/// The properties a filter asks for.
fn properties(expr: &Expr, found: &mut Vec<String>) {
    match expr {
        Expr::Field(name) | Expr::Variable(name) => found.push(name.clone()),
        Expr::Text(parts) => {
            for part in parts {
                if let Part::Expr(expr) = part {
                    properties(expr, found);
                }
            }
        }
        Expr::Array(items) => items.iter().for_each(|(_, value)| properties(value, found)),
        Expr::Unary(_, operand) => properties(operand, found),
        Expr::Binary(_, left, right) => {
            properties(left, found);
            properties(right, found);
        }
        Expr::Literal(..) | Expr::Code(_) | Expr::Substitution(_) | Expr::Call(_) => {}
    }
}

impl Machine {
    /// One command of a menu.
    pub(super) async fn menu_command(&mut self, menu: &'static Menu, verb: &str, args: &Args) -> Ran<Value> {
        match verb {
            "find" => {
                let mut wanted = Vec::new();
                if let Some(filter) = args.filter.as_deref() {
                    properties(filter, &mut wanted);
                }
                let rows = self.rows_with(menu, args.filter.as_deref(), Some(wanted)).await?;
                let ids = rows.into_iter().filter_map(|row| id_of(&row));
                Ok(Value::Array(Array::of(ids.map(Value::Id).collect())))
            }
            "print" | "getall" | "listen" => self.print_menu(menu, args).await,
            "get" => self.get(menu, args).await,
            _ => self.change(menu, verb, args).await,
        }
    }

    /// The rows for which the filter holds.
    pub(super) async fn rows(&mut self, menu: &'static Menu, filter: Option<&Expr>) -> Ran<Vec<Vec<Attribute>>> {
        self.rows_with(menu, filter, None).await
    }

    async fn rows_with(
        &mut self,
        menu: &'static Menu,
        filter: Option<&Expr>,
        wanted: Option<Vec<String>>,
    ) -> Ran<Vec<Vec<Attribute>>> {
        let login = self.host.login.clone();
        let mut asked = Asked { names: wanted, equal: Vec::new() };
        let mut equal = Vec::new();
        if let Some(filter) = filter {
            equalities(filter, &mut equal);
        }
        for (name, expr) in equal.into_iter().filter(|(name, _)| matches!(*name, "name" | "user" | "mac-address")) {
            // In `where` a variable named like a property is that property.
            let is_property = matches!(expr, Expr::Variable(name) if menu.field(name, self.grammar.ros).is_some());
            match self.eval(expr).await? {
                Value::Str(text) if text.contains(&b':') && !is_property => asked.equal.push((name.to_owned(), text)),
                _ => {}
            }
        }
        let rows = self.host.with(move |router| router.readable(&login, menu, &asked)).await?;
        let Some(filter) = filter else { return Ok(rows) };
        let outer = self.row.take();
        let mut kept = Vec::new();
        for row in rows {
            self.row = Some((menu, row));
            let held = self.eval(filter).await;
            let row = self.row.take();
            let held = match held {
                Ok(value) => value.truth().unwrap_or(false),
                Err(stop) => {
                    self.row = outer;
                    return Err(stop);
                }
            };
            kept.extend(row.map(|(_, row)| row).filter(|_| held));
        }
        self.row = outer;
        Ok(kept)
    }

    /// A property of the row in question.
    pub(super) fn field(&self, name: &str) -> Value {
        let Some((menu, row)) = &self.row else { return Value::Nothing };
        typed(menu, self.grammar.ros, row, name)
    }

    /// Which rows a command means. `None` when it names none at all.
    async fn selection(&mut self, menu: &'static Menu, expr: Option<&Expr>) -> Ran<Option<Vec<String>>> {
        let Some(expr) = expr else { return Ok(None) };
        let value = match expr {
            Expr::Literal(Value::Str(bytes), _) => Value::Str(bytes.clone()),
            other => self.eval(other).await?,
        };
        let one = |machine: &Self, value: &Value| -> Ran<Option<String>> {
            match value {
                Value::Nothing | Value::Nil => Ok(None),
                Value::Num(number) => {
                    let at = usize::try_from(*number).ok();
                    let printed = machine.printed.get(menu.path);
                    let id = at.and_then(|at| printed.and_then(|ids| ids.get(at)));
                    id.cloned().map(Some).ok_or_else(|| Stop::error("no such item"))
                }
                other => Ok(Some(other.display()).filter(|text| !text.is_empty())),
            }
        };
        let mut ids = Vec::new();
        match &value {
            Value::Array(array) => {
                for item in &array.items {
                    ids.extend(one(self, item)?);
                }
            }
            Value::Str(text) => {
                let text = String::from_utf8_lossy(text);
                ids.extend(text.split(',').filter(|part| !part.is_empty()).map(str::to_owned));
            }
            other => ids.extend(one(self, other)?),
        }
        Ok(Some(ids))
    }

    fn selector<'a>(verb: &str, args: &'a Args, name: &str) -> Option<&'a Expr> {
        let at = positional_names(verb).iter().position(|positional| *positional == name);
        let named =
            args.get(name).or_else(|| if name == "numbers" { args.get(".id").or(args.get("number")) } else { None });
        named.or_else(|| at.and_then(|at| args.positional.get(at)))
    }

    async fn get(&mut self, menu: &'static Menu, args: &Args) -> Ran<Value> {
        let single = matches!(menu.shape, Shape::Single | Shape::Facts);
        let (row_expr, name_expr) = if single {
            (None, args.get("value-name").or_else(|| args.positional.first()))
        } else {
            (Self::selector("get", args, "numbers"), Self::selector("get", args, "value-name"))
        };
        let ids = self.selection(menu, row_expr).await?;
        let name = match name_expr {
            Some(expr) => Some(String::from_utf8_lossy(&self.wire(expr).await?).into_owned()),
            None => None,
        };
        let no_such_item = if self.grammar.ros.is_v7() { "no such item" } else { "no such item (4)" };
        let selector = if single {
            None
        } else {
            let ids = ids.ok_or_else(|| Stop::error("missing value(s) of argument(s) number"))?;
            match ids.as_slice() {
                [only] => Some(only.clone()),
                [] => return Err(Stop::error(no_such_item)),
                _ => return Err(Stop::error("invalid internal item number")),
            }
        };
        let login = self.host.login.clone();
        let wanted = name.clone();
        let row = self
            .host
            .with(move |router| router.readable_row(&login, menu, selector.as_deref(), wanted.as_deref()))
            .await?;
        let row = row.ok_or_else(|| Stop::error(no_such_item))?;
        match name {
            Some(name) if !self.grammar.has_property(menu, &name) => {
                Err(Stop::error("input does not match any value of value-name"))
            }
            Some(name) if menu.fields.is_empty() && !row.iter().any(|(key, _)| *key == name) => {
                Err(Stop::error("input does not match any value of value-name"))
            }
            Some(name) => Ok(typed(menu, self.grammar.ros, &row, &name)),
            None => Ok(as_value(menu, self.grammar.ros, &row)),
        }
    }

    /// Everything that changes something.
    async fn change(&mut self, menu: &'static Menu, verb: &str, args: &Args) -> Ran<Value> {
        let mut attributes: Vec<Attribute> = Vec::new();
        let wants_rows = menu.shape != Shape::Single && !matches!(verb, "add" | "login" | "reset-counters-all");
        let mut ids = None;
        if wants_rows {
            ids = self.selection(menu, Self::selector(verb, args, "numbers")).await?;
            match &ids {
                // `remove [find …]` that finds nothing does nothing (observed on 7.21).
                Some(none) if none.is_empty() && verb != "run" => return Ok(Value::Nothing),
                Some(some) => attributes.push((".id".to_owned(), some.join(",").into_bytes())),
                None => {}
            }
        }
        for name in positional_names(verb).iter().skip(1) {
            if let (Some(expr), None) = (Self::selector(verb, args, name), args.get(name)) {
                attributes.push(((*name).to_owned(), self.wire(expr).await?));
            }
        }
        for (name, expr) in args.named.iter().filter(|(name, _)| !matches!(name.as_str(), "numbers" | ".id")) {
            let value = if matches!(name.as_str(), "place-before" | "destination") {
                let ids = self.selection(menu, Some(expr)).await?.unwrap_or_default();
                ids.join(",").into_bytes()
            } else {
                self.wire(expr).await?
            };
            attributes.push((name.clone(), value));
        }
        attributes.extend(args.flags.iter().map(|flag| (flag.clone(), b"yes".to_vec())));
        if verb == "run" && menu.path == "/system/script" {
            return self.run_stored(ids.unwrap_or_default()).await;
        }
        let unset: Vec<Vec<Attribute>> = args
            .unset
            .iter()
            .map(|name| {
                let mut attributes: Vec<Attribute> =
                    attributes.iter().filter(|(name, _)| name == ".id").cloned().collect();
                attributes.push(("value-name".to_owned(), name.clone().into_bytes()));
                attributes
            })
            .collect();
        let result = self.invoke(format!("{}/{verb}", menu.path), attributes).await?;
        if verb == "set" {
            for attributes in unset {
                self.invoke(format!("{}/unset", menu.path), attributes).await?;
            }
        }
        Ok(result)
    }

    /// Hands a command to the router, as the API would.
    pub(super) async fn invoke(&mut self, path: String, attributes: Vec<Attribute>) -> Ran<Value> {
        let login = self.host.login.clone();
        let command = sentence::Command { path, attributes, ..sentence::Command::default() };
        let answer = self.host.with(move |router| router.run(&login, &command)).await?;
        match answer {
            Answer::Ret(ret) => Ok(value::literal(&String::from_utf8_lossy(&ret))),
            Answer::Reboot => {
                self.host.with(|router| router.wants_reboot = true).await;
                Err(Stop::Quit)
            }
            _ => Ok(Value::Nothing),
        }
    }

    /// `/system/script/run`: in the same breath, with the policies of the script checked.
    async fn run_stored(&mut self, ids: Vec<String>) -> Ran<Value> {
        let login = self.host.login.clone();
        let [id] = ids.as_slice() else { return Err(Stop::error("no such item")) };
        let id = id.clone();
        let (name, source) = self.host.with(move |router| router.script_to_run(&login, &id)).await?;
        let (block, _) =
            super::parser::parse(&source, self.grammar, "").map_err(|error| Stop::error(error.to_string()))?;
        let outer = std::mem::replace(&mut self.name, name);
        let result = self.call(&block, Vec::new()).await;
        self.name = outer;
        result
    }

    /// Commands that belong to no table.
    pub(super) async fn special(&mut self, path: &'static str, args: &Args) -> Ran<Value> {
        match path {
            "/tool/fetch" => return self.fetch(args).await,
            "/import" => return self.import(args).await,
            "/execute" => return self.execute(args).await,
            "/log/info" | "/log/warning" | "/log/error" | "/log/debug" => {
                let message = self.first(args, "message").await?.display();
                let topic = path.rsplit('/').next().unwrap_or_default();
                return self.write_log(topic, message).await;
            }
            _ => {}
        }
        let special = self.grammar.special(path);
        let mut attributes = Vec::new();
        for (at, expr) in args.positional.iter().enumerate() {
            if let Some(name) = special.and_then(|special| special.positional.get(at)) {
                attributes.push(((*name).to_owned(), self.wire(expr).await?));
            }
        }
        for (name, expr) in &args.named {
            attributes.push((name.clone(), self.wire(expr).await?));
        }
        self.invoke(path.to_owned(), attributes).await
    }

    /// `/import`: the whole file is parsed before its first command runs.
    async fn import(&mut self, args: &Args) -> Ran<Value> {
        let name = match args.positional.first().or_else(|| args.get("file-name")) {
            Some(expr) => String::from_utf8_lossy(&self.wire(expr).await?).into_owned(),
            None => return Err(Stop::error("missing value(s) of argument(s) file-name")),
        };
        let login = self.host.login.clone();
        let source = self.host.with(move |router| router.file_to_import(&login, &name)).await?;
        let (block, _) =
            super::parser::parse(&source, self.grammar, "").map_err(|error| Stop::error(error.to_string()))?;
        self.call(&block, Vec::new()).await?;
        self.print_line(b"Script file loaded and executed successfully")?;
        Ok(Value::Nothing)
    }
}

fn id_of(row: &[Attribute]) -> Option<String> {
    row.iter().find(|(name, _)| name == ".id").map(|(_, id)| String::from_utf8_lossy(id).into_owned())
}

fn is(row: &[Attribute], name: &str, text: &str) -> bool {
    row.iter().any(|(key, value)| key == name && value == text.as_bytes())
}

/// A property with the type scripts see.
pub(super) fn typed(menu: &Menu, ros: crate::routeros::options::RosVersion, row: &[Attribute], name: &str) -> Value {
    let bytes = row.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let Some(bytes) = bytes else {
        let flag = matches!(name, "dynamic" | "invalid" | "disabled" | "default" | "static");
        return if flag { Value::Bool(false) } else { Value::Nothing };
    };
    let text = String::from_utf8_lossy(bytes);
    if name == "gmt-offset" {
        return offset_secs(&text).map_or_else(|| Value::Str(bytes.clone()), Value::Num);
    }
    if name == ".id" {
        return Value::Id(text.into_owned());
    }
    match menu.field(name, ros).map(|field| field.kind) {
        // Rows the router computes, and flags it shows: by their looks.
        None => by_looks(&text, bytes),
        Some(Kind::Bool) => Value::Bool(text == "true"),
        Some(Kind::Number(..) | Kind::Bytes) => {
            value::number(&text).map_or_else(|| Value::Str(bytes.clone()), Value::Num)
        }
        Some(Kind::Duration(_)) => value::time(&text).map_or_else(|| Value::Str(bytes.clone()), Value::Time),
        Some(Kind::Ip | Kind::Address) => match value::literal(&text) {
            value @ (Value::Ip(_) | Value::Prefix(..)) => value,
            _ => Value::Str(bytes.clone()),
        },
        Some(Kind::Words(_)) if !text.is_empty() => Value::Array(Array::of(text.split(',').map(Value::text).collect())),
        Some(Kind::Text) if !menu.field(name, ros).is_some_and(|field| field.writable) => by_looks(&text, bytes),
        Some(_) => Value::Str(bytes.clone()),
    }
}

/// Scripts get the offset of the zone as seconds, where `print` shows `+03:00` (reported from the field).
fn offset_secs(text: &str) -> Option<i64> {
    let (hours, minutes) = text.trim_start_matches('+').split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    Some(hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60)))
}

fn by_looks(text: &str, bytes: &[u8]) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match value::literal(text) {
            value @ (Value::Num(_) | Value::Ip(_)) => value,
            value @ Value::Time(_) if !text.contains(':') => value,
            _ => Value::Str(bytes.to_vec()),
        },
    }
}

/// A whole row as an array.
pub(super) fn as_value(menu: &Menu, ros: crate::routeros::options::RosVersion, row: &[Attribute]) -> Value {
    let keyed = row.iter().map(|(name, _)| (name.clone(), typed(menu, ros, row, name))).collect();
    Value::Array(Array { items: Vec::new(), keyed })
}
