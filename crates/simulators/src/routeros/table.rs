//! Rows as the router keeps them, and as it prints them.

use std::collections::BTreeMap;

use super::{
    clock::Millis,
    query::Attribute,
    schema::{Field, Kind, Menu, Shape},
};

/// One stored row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) id: u32,
    pub(crate) values: BTreeMap<&'static str, Vec<u8>>,
    /// Made by the router: cannot be changed by clients.
    pub(crate) dynamic: bool,
    /// Built in: cannot be removed.
    pub(crate) builtin: bool,
    /// Kept in memory only: gone after a reboot.
    pub(crate) volatile: bool,
    /// When the row goes away by itself.
    pub(crate) expires_at_ms: Option<Millis>,
}

impl Row {
    /// A value as text; empty when it is not set.
    pub(crate) fn text(&self, name: &str) -> String {
        self.values.get(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }

    /// Whether a boolean value is set and true.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| value == b"true")
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Vec<u8>>) {
        self.values.insert(name, value.into());
    }

    /// The id on the wire.
    pub(crate) fn wire_id(&self) -> String {
        format!("*{:X}", self.id)
    }
}

/// The rows of one menu.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    next_id: u32,
    /// Whether any of its rows ever was one that goes away by itself.
    has_expiring: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { rows: Vec::new(), next_id: 1, has_expiring: false }
    }
}

impl Table {
    /// Appends a row under a fresh id, which is never used again.
    pub(crate) fn push(&mut self, mut row: Row) -> u32 {
        row.id = self.next_id;
        self.next_id = self.next_id.saturating_add(1);
        let id = row.id;
        self.has_expiring |= row.expires_at_ms.is_some();
        self.rows.push(row);
        id
    }

    /// The rows that go away by themselves, and when.
    pub(crate) fn expiring(&self) -> impl Iterator<Item = (&Row, Millis)> {
        let rows = if self.has_expiring { self.rows.as_slice() } else { &[] };
        rows.iter().filter_map(|row| row.expires_at_ms.map(|at| (row, at)))
    }

    /// Makes the only row row 0, and the next one row 1.
    pub(crate) fn number_from_zero(&mut self) {
        if let [only] = self.rows.as_mut_slice() {
            only.id = 0;
            self.next_id = 1;
        }
    }

    pub(crate) fn find(&self, id: u32) -> Option<&Row> {
        self.rows.get(self.place(id)?)
    }

    pub(crate) fn find_mut(&mut self, id: u32) -> Option<&mut Row> {
        let place = self.place(id)?;
        self.rows.get_mut(place)
    }

    /// Ids grow from row to row, until somebody moves rows.
    pub(crate) fn place(&self, id: u32) -> Option<usize> {
        let guess = self.rows.binary_search_by_key(&id, |row| row.id).ok();
        guess.or_else(|| self.rows.iter().position(|row| row.id == id))
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.values.get("name").is_some_and(|value| value == name.as_bytes()))
    }
}

/// A row as printed: id first, then the fields in the order of the menu.
pub(crate) fn record(menu: &Menu, row: &Row) -> Vec<Attribute> {
    record_of(menu, row, |_| true)
}

/// As [`record`], of the fields that are `wanted`.
pub(crate) fn record_of(menu: &Menu, row: &Row, wanted: impl Fn(&str) -> bool) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    if menu.shape != Shape::Single {
        attributes.push((".id".to_owned(), row.wire_id().into_bytes()));
    }
    // The password of a router account is kept to check logins and shown to nobody.
    let hidden = |field: &Field| menu.path == "/user" && matches!(field.kind, Kind::Secret);
    for field in menu.fields.iter().filter(|field| wanted(field.name) && !hidden(field)) {
        match field.name {
            "dynamic" => attributes.push(("dynamic".to_owned(), bool_text(row.dynamic).into())),
            // The flag is printed where it is set and left out elsewhere.
            "default" if row.builtin => attributes.push(("default".to_owned(), b"true".to_vec())),
            "default" => {}
            name => {
                if let Some(value) = row.values.get(name) {
                    attributes.push((name.to_owned(), value.clone()));
                }
            }
        }
    }
    attributes
}

/// Takes out what only accounts with the `sensitive` policy may read.
pub(crate) fn strip_secrets(menu: &Menu, record: &mut Vec<Attribute>) {
    let secret = |name: &str| menu.fields.iter().any(|f| f.name == name && matches!(f.kind, Kind::Secret));
    record.retain(|(name, _)| !secret(name));
}

/// `true` or `false`.
pub(crate) const fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
