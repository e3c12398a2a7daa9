//! `print` as a terminal shows it, `as-value`, `count-only`, and `export`.

use super::{
    ast::{Args, Expr},
    machine::{Machine, Ran, Stop},
    menu::as_value,
    value::{Array, Value},
};
use crate::routeros::{
    query::Attribute,
    router::Router,
    schema::{self, Kind, Menu, Shape},
};

impl Machine {
    /// `print`.
    pub(super) async fn print_menu(&mut self, menu: &'static Menu, args: &Args) -> Ran<Value> {
        let mut rows = self.rows(menu, args.filter.as_deref()).await?;
        for name in ["proplist", ".proplist"] {
            if let Some(expr) = args.get(name) {
                let list = String::from_utf8_lossy(&self.wire(expr).await?).into_owned();
                let wanted: Vec<&str> = list.split(',').collect();
                for row in &mut rows {
                    row.retain(|(name, _)| name == ".id" || wanted.contains(&name.as_str()));
                }
            }
        }
        if args.has_flag("count-only") {
            let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            if !self.in_brackets && !args.has_flag("as-value") {
                self.print_line(count.to_string().as_bytes())?;
            }
            return Ok(Value::Num(count));
        }
        let ids = rows.iter().filter_map(|row| row.iter().find(|(name, _)| name == ".id"));
        let ids = ids.map(|(_, id)| String::from_utf8_lossy(id).into_owned()).collect();
        self.printed.insert(menu.path, ids);
        let ros = self.grammar.ros;
        if args.has_flag("as-value") {
            let single = matches!(menu.shape, Shape::Single | Shape::Facts);
            return Ok(match rows.as_slice() {
                [only] if single => as_value(menu, ros, only),
                rows => Value::Array(Array::of(rows.iter().map(|row| as_value(menu, ros, row)).collect())),
            });
        }
        let text = if matches!(menu.shape, Shape::Single | Shape::Facts) { columns(&rows) } else { listed(&rows) };
        match args.get("file") {
            Some(expr) => {
                let name = String::from_utf8_lossy(&self.wire(expr).await?).into_owned();
                self.host.with(move |router| router.put_file(&format!("{name}.txt"), &text)).await;
            }
            None => self.print(text.as_bytes())?,
        }
        Ok(Value::Nothing)
    }

    /// `export`: what differs from the defaults, as commands.
    pub(super) async fn export(&mut self, path: &str, args: &Args) -> Ran<Value> {
        const FLAGS: [&str; 6] = ["compact", "verbose", "terse", "hide-sensitive", "show-sensitive", "hide"];
        for expr in &args.positional {
            let word = self.eval(expr).await?.display();
            if !FLAGS.contains(&word.as_str()) {
                return Err(Stop::error("expected end of command"));
            }
        }
        let sensitive =
            args.positional.iter().any(|expr| matches!(expr, Expr::Literal(_, raw) if raw == "show-sensitive"));
        let sensitive = sensitive && self.host.login.may("sensitive");
        if !self.host.login.may("read") {
            return Err(Stop::error("not enough permissions (9)"));
        }
        let below = path.to_owned();
        let text = self.host.with(move |router| exported(router, &below, sensitive)).await;
        match args.get("file") {
            Some(expr) => {
                let name = String::from_utf8_lossy(&self.wire(expr).await?).into_owned();
                self.host.with(move |router| router.put_file(&format!("{name}.rsc"), &text)).await;
            }
            None => self.print(text.as_bytes())?,
        }
        Ok(Value::Nothing)
    }
}

/// One record, a property a line, names to the right.
fn columns(rows: &[Vec<Attribute>]) -> String {
    let widest = rows.iter().flatten().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &Attribute| {
        format!("{:>width$}: {}\n", name, String::from_utf8_lossy(value), width = widest.saturating_add(2))
    };
    rows.iter().flatten().map(line).collect()
}

/// Records with their numbers.
fn listed(rows: &[Vec<Attribute>]) -> String {
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let disabled = row.iter().any(|(name, value)| name == "disabled" && value == b"true");
        let values = row.iter().filter(|(name, _)| name != ".id" && name != "disabled");
        let values: Vec<String> = values.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        text.push_str(&format!("{at:>2} {} {}\n", if disabled { "X" } else { " " }, values.join(" ")));
    }
    text
}

fn quoted(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | ',' | '*' | '+');
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' | '?' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn exported(router: &Router, below: &str, sensitive: bool) -> String {
    let inside = format!("{below}/");
    let (date, time) = crate::routeros::value::date_time(router.options.ros, router.epoch_secs());
    let mut text =
        format!("# {date} {time} by RouterOS {}\n", router.options.ros.text().split(' ').next().unwrap_or(""));
    for menu in schema::menus().filter(|menu| below.is_empty() || menu.path == below || menu.path.starts_with(&inside))
    {
        if router.menu(menu.path).is_none() || matches!(menu.path, "/log" | "/file") {
            continue;
        }
        let verb = match menu.shape {
            Shape::List | Shape::Ordered => "add",
            Shape::Single => "set",
            Shape::Listing | Shape::Facts => continue,
        };
        let rows = router.rows(menu.path).iter().filter(|row| !row.dynamic && !row.builtin);
        let lines: Vec<String> = rows
            .filter_map(|row| {
                let fields = menu.fields.iter().filter(|field| field.writable && field.known_to(router.options.ros));
                let fields = fields.filter(|field| sensitive || !matches!(field.kind, Kind::Secret));
                let set = fields.filter_map(|field| {
                    let value = row.values.get(field.name)?;
                    let is_default = field.default.is_some_and(|default| default.as_bytes() == value.as_slice());
                    (!is_default).then(|| format!("{}={}", field.name, yes_no(value)))
                });
                let set: Vec<String> = set.collect();
                (!set.is_empty()).then(|| format!("{verb} {}\n", set.join(" ")))
            })
            .collect();
        if !lines.is_empty() {
            text.push_str(&menu.path.replace('/', " ").replacen(' ', "/", 1));
            text.push('\n');
            text.extend(lines);
        }
    }
    text
}

fn yes_no(value: &[u8]) -> String {
    match value {
        b"true" => "yes".to_owned(),
        b"false" => "no".to_owned(),
        other => quoted(other),
    }
}
