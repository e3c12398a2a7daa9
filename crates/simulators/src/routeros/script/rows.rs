//! Which rows of a menu a script reads: those its `where` keeps, found without looking at every property of every row.

use super::{
    ast::{Binary, Expr, Part},
    machine::{Machine, Ran},
    menu::typed,
    value::Value,
};
use crate::routeros::{
    account::{Login, policy_of},
    query::Attribute,
    router::Router,
    schema::Menu,
    table,
    trap::Trap,
};

impl Router {
    fn allows_reading(login: &Login, menu: &Menu) -> Result<(), Trap> {
        if login.may(policy_of(menu.path, "print")) { Ok(()) } else { Err(Trap::permission()) }
    }

    /// Rows of a menu as a script of this account may read them. What `asked` does not ask for may be left out.
    fn readable(&self, login: &Login, menu: &'static Menu, asked: &Asked) -> Result<Vec<Vec<Attribute>>, Trap> {
        Self::allows_reading(login, menu)?;
        let is_wanted = |name: &str| {
            name == ".id" || asked.names.as_ref().is_none_or(|names| names.iter().any(|held| held == name))
        };
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
    pub(super) fn readable_row(
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
pub(super) fn properties(expr: &Expr, found: &mut Vec<String>) {
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
    /// The rows for which the filter holds.
    pub(super) async fn rows(&mut self, menu: &'static Menu, filter: Option<&Expr>) -> Ran<Vec<Vec<Attribute>>> {
        self.rows_with(menu, filter, None).await
    }

    pub(super) async fn rows_with(
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
}

fn is(row: &[Attribute], name: &str, text: &str) -> bool {
    row.iter().any(|(key, value)| key == name && value == text.as_bytes())
}
