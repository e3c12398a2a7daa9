//! How routers fare: what they say of themselves, what happened to them, when they were away, what their owner
//! should know, and what customers get back for it.

mod alerts;
pub(crate) mod credit;
mod detail;
mod facts;
pub(crate) mod outage;
mod pulse;

pub use credit::{CreditError, Credited};
pub use detail::{Health, OutagePolicy};

pub(crate) use alerts::{SKEW_MAX_SECS, is_nearly_full};
pub(crate) use pulse::{Pulse, polled_heard, polled_silent};

pub use crate::db::{outages::OutageRecord, router_events::EventRecord, router_facts::FactsRecord};

use chrono::TimeDelta;

/// A length of time for people, such as `3 hours 5 minutes`; two units at most.
#[must_use]
pub fn in_words(length: TimeDelta) -> String {
    let secs = length.num_seconds().max(0);
    let parts = [(secs / 86_400, "day"), (secs % 86_400 / 3_600, "hour"), (secs % 3_600 / 60, "minute")];
    let worded: Vec<String> = parts
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if worded.is_empty() {
        return format!("{secs} second{}", if secs == 1 { "" } else { "s" });
    }
    worded.join(" ")
}
