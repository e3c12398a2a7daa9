//! Something done a little later, once however often it is asked for.

use std::time::Duration;

use leptos::prelude::*;

/// What is due; forgotten when its owner is gone.
#[derive(Clone, Copy)]
pub(super) struct Later {
    due: StoredValue<Option<TimeoutHandle>>,
}

impl Later {
    /// Nothing is due.
    pub(super) fn new() -> Self {
        let later = Self { due: StoredValue::new(None) };
        on_cleanup(move || {
            if let Some(Some(due)) = later.due.try_get_value() {
                due.clear();
            }
        });
        later
    }

    /// Does `work` after `delay`, unless something is due already.
    pub(super) fn run(self, delay: Duration, work: impl FnOnce() + 'static) {
        if self.due.with_value(Option::is_some) {
            return;
        }
        let work = move || {
            self.due.set_value(None);
            work();
        };
        self.due.set_value(set_timeout_with_handle(work, delay).ok());
    }
}
