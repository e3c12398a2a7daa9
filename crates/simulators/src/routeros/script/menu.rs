//! Commands of menus: arguments are handed to the same dispatch as those of the API.

use super::{
    ast::{Args, Expr},
    grammar::positional_names,
    machine::{Machine, Ran, Stop},
    rows,
    value::{self, Array, Value},
};
use crate::routeros::{
    dispatch::Answer,
    query::Attribute,
    schema::{Kind, Menu, Shape},
    sentence,
    trap::Trap,
};

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Self::error(trap.message)
    }
}

impl Machine {
    /// One command of a menu.
    pub(super) async fn menu_command(&mut self, menu: &'static Menu, verb: &str, args: &Args) -> Ran<Value> {
        match verb {
            "find" => {
                let mut wanted = Vec::new();
                if let Some(filter) = args.filter.as_deref() {
                    rows::properties(filter, &mut wanted);
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
