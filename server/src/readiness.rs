//! Whether the server can do its work: shared by the start-up, the health routes and the gate before the
//! routes that need the database.

use std::sync::atomic::{AtomicBool, Ordering};

/// What has been reached since the start. Steps are never undone while the process runs; the database's
/// presence is asked anew each time.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    is_migrated: AtomicBool,
    has_tasks: AtomicBool,
    is_stopping: AtomicBool,
}

impl Readiness {
    /// The schema is up to date.
    pub(crate) fn set_migrated(&self) {
        self.is_migrated.store(true, Ordering::Release);
    }

    /// The background tasks run.
    pub(crate) fn set_tasks_running(&self) {
        self.has_tasks.store(true, Ordering::Release);
    }

    /// No new work is wanted.
    pub(crate) fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Whether the schema is up to date.
    #[must_use]
    pub(crate) fn is_migrated(&self) -> bool {
        self.is_migrated.load(Ordering::Acquire)
    }

    /// Whether the background tasks run.
    #[must_use]
    pub(crate) fn has_tasks(&self) -> bool {
        self.has_tasks.load(Ordering::Acquire)
    }

    /// Whether the server is on its way out.
    #[must_use]
    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }
}
