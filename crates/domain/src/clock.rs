//! Where time comes from. Nothing else in the workspace may read the system clock.

use chrono::{DateTime, Utc};

/// A source of the current instant.
///
/// It has two implementations: the system clock of the server, and a manual clock that tests move
/// by hand. Rules in this crate never take a clock, they take the instant.
pub trait Clock: Send + Sync + 'static {
    /// The current instant, UTC.
    fn now(&self) -> DateTime<Utc>;
}
