//! A statement's comparison, as totals.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::compare::{Class, Entry, Here, There, Total, Totals, compare, span};
use crate::{
    Billing,
    db::{
        StoreError,
        statements::{self, LineRecord, StatementRecord},
    },
};

/// What was imported, with how it compares.
#[derive(Debug, Clone)]
pub struct StatementReport {
    /// The statement.
    pub id: Uuid,
    /// The file's name, or `M-Pesa, pulled`.
    pub name: String,
    /// Who imported it.
    pub imported_by: String,
    /// When.
    pub imported_at: DateTime<Utc>,
    /// The first completion time in it.
    pub from: Option<DateTime<Utc>>,
    /// The last.
    pub to: Option<DateTime<Utc>>,
    /// Whether this very file had been imported before.
    pub is_repeat: bool,
    /// Rows that could not be read, in words.
    pub unreadable: Vec<String>,
    /// All money in.
    pub paid_in: Total,
    totals: [Total; 8],
}

impl StatementReport {
    /// The total of one class.
    #[must_use]
    pub fn class(&self, class: Class) -> Total {
        let at = Class::ALL.iter().position(|each| *each == class);
        at.and_then(|at| self.totals.get(at)).copied().unwrap_or_default()
    }
}

/// A statement's movements and everything of ours to compare them with.
pub(super) struct Material {
    pub(super) lines: Vec<LineRecord>,
    pub(super) there: Vec<There>,
    pub(super) here: Vec<Here>,
}

impl Material {
    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        compare(&self.there, &self.here)
    }

    pub(super) fn line(&self, id: u64) -> Option<&LineRecord> {
        self.lines.iter().find(|line| line.there.id == id)
    }
}

impl Billing {
    /// What was imported, newest first, at most a hundred, each as it compared when it was last looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_statements(&self) -> Result<Vec<StatementReport>, StoreError> {
        let records = statements::list_statements(self.pool()).await?;
        let mut reports = Vec::with_capacity(records.len());
        for record in records {
            reports.push(match record.totals.as_deref().and_then(|text| serde_json::from_str(text).ok()) {
                Some(totals) => from_json(record, &totals),
                None => self.report(record, false).await?,
            });
        }
        Ok(reports)
    }

    /// One statement, compared now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_statement(&self, id: Uuid) -> Result<Option<StatementReport>, StoreError> {
        match statements::find_statement(self.pool(), id).await? {
            Some(record) => Ok(Some(self.report(record, false).await?)),
            None => Ok(None),
        }
    }

    /// Compares a statement now and keeps the totals for the list.
    pub(super) async fn report(&self, record: StatementRecord, is_repeat: bool) -> Result<StatementReport, StoreError> {
        let material = self.material(record.id).await?;
        let totals = Totals::of(&material.entries());
        let kept = to_json(&totals, span(&material.there));
        statements::update_totals(self.pool(), record.id, &kept.to_string()).await?;
        Ok(StatementReport { is_repeat, ..from_json(record, &kept) })
    }

    pub(super) async fn material(&self, id: Uuid) -> Result<Material, StoreError> {
        let lines = statements::list_lines(self.pool(), id).await?;
        let there: Vec<There> = lines.iter().map(|line| line.there.clone()).collect();
        let mut here = statements::list_named_here(self.pool(), id).await?;
        if let Some((from, to)) = span(&there) {
            here.extend(statements::list_here_within(self.pool(), from, to).await?);
            here.sort_by(|one, other| one.receipt.as_ref().map(text).cmp(&other.receipt.as_ref().map(text)));
            here.dedup_by(|one, other| one.receipt == other.receipt);
            here.extend(statements::list_silent_within(self.pool(), from, to).await?);
        }
        Ok(Material { lines, there, here })
    }
}

fn text(receipt: &domain::Receipt) -> &str {
    receipt.as_str()
}

fn to_json(totals: &Totals, span: Option<(DateTime<Utc>, DateTime<Utc>)>) -> Value {
    let one = |total: Total| json!([total.count, total.cents]);
    let classes: Vec<Value> = Class::ALL.into_iter().map(|class| one(totals.class(class))).collect();
    json!({
        "from": span.map(|(from, _)| from.timestamp_micros()),
        "to": span.map(|(_, to)| to.timestamp_micros()),
        "paid_in": one(totals.paid_in),
        "classes": classes,
    })
}

fn from_json(record: StatementRecord, kept: &Value) -> StatementReport {
    let total = |value: &Value| Total {
        count: value.get(0).and_then(Value::as_u64).unwrap_or_default(),
        cents: value.get(1).and_then(Value::as_i64).unwrap_or_default(),
    };
    let instant = |name| kept.get(name).and_then(Value::as_i64).and_then(DateTime::from_timestamp_micros);
    let class = |at: usize| kept.get("classes").and_then(|classes| classes.get(at)).map(total).unwrap_or_default();
    StatementReport {
        id: record.id,
        name: record.name,
        imported_by: record.imported_by,
        imported_at: record.imported_at,
        from: instant("from"),
        to: instant("to"),
        is_repeat: false,
        unreadable: serde_json::from_str::<Value>(&record.unreadable)
            .ok()
            .and_then(|list| list.as_array().cloned())
            .unwrap_or_default()
            .iter()
            .filter_map(|line| line.as_str().map(str::to_owned))
            .collect(),
        paid_in: kept.get("paid_in").map(total).unwrap_or_default(),
        totals: std::array::from_fn(class),
    }
}
