//! Values of a row. What a version does not send reads as absent.

use std::time::Duration;

use crate::{sentence::Attributes, value::parse_duration};

pub(super) fn text(row: &Attributes, name: &str) -> String {
    row.get(name).unwrap_or_default().to_owned()
}

pub(super) fn words(row: &Attributes, name: &str) -> Vec<String> {
    let text = row.get(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

pub(super) fn duration(row: &Attributes, name: &str) -> Option<Duration> {
    parse_duration(row.get(name)?).ok()
}
