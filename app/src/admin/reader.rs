//! One thing read from one address, and read again when it may have changed.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use serde::de::DeserializeOwned;

use super::{client, session::Session};

/// What was read last, and how the last reading went.
pub(super) struct Reader<T: Send + Sync + 'static> {
    /// What was read last; stays while it is read again.
    pub(super) value: RwSignal<Option<T>>,
    /// Why the last reading failed.
    pub(super) fault: RwSignal<Option<String>>,
    path: Memo<String>,
    owner: StoredValue<Owner>,
    session: Session,
    /// Goes up with every request, so that a late answer to an older one is dropped.
    turn: StoredValue<u32>,
    /// Goes up with every answer that counts.
    answered: StoredValue<u32>,
}

impl<T: Send + Sync + 'static> Clone for Reader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Reader<T> {}

impl<T: DeserializeOwned + Clone + PartialEq + Send + Sync + 'static> Reader<T> {
    /// Reads `path`, and forgets what it has and reads again whenever it changes.
    pub(super) fn new(path: Memo<String>) -> Self {
        let reader = Self {
            value: RwSignal::new(None),
            fault: RwSignal::new(None),
            path,
            owner: StoredValue::new(Owner::new()),
            session: Session::here(),
            turn: StoredValue::new(0),
            answered: StoredValue::new(0),
        };
        Effect::new(move |_| {
            path.track();
            reader.value.set(None);
            reader.fault.set(None);
            reader.again();
        });
        reader
    }

    /// Reads an address that never changes.
    pub(super) fn of(path: &'static str) -> Self {
        Self::new(Memo::new(move |_| path.to_owned()))
    }

    /// Reads again, leaving what is there on the screen meanwhile.
    pub(super) fn again(self) {
        let Some(path) = self.path.try_get_untracked() else { return };
        let turn = self.turn.get_value() + 1;
        self.turn.set_value(turn);
        self.owner.get_value().with(|| {
            spawn_local_scoped_with_cancellation(async move {
                let answer = client::get::<T>(&path).await;
                if self.turn.try_get_value() == Some(turn) {
                    self.answered.set_value(turn);
                    self.show(answer);
                }
            });
        });
    }

    /// Reads again `every` so often until the present owner is gone, while `is_wanted`. An answer that is still on its
    /// way is waited for.
    pub(super) fn poll(self, every: Duration, is_wanted: impl Fn() -> bool + 'static) {
        let tick = move || {
            let is_waiting = self.turn.try_get_value() != self.answered.try_get_value();
            if !is_waiting && is_wanted() {
                self.again();
            }
        };
        let ticks = set_interval_with_handle(tick, every).ok();
        on_cleanup(move || {
            if let Some(ticks) = ticks {
                ticks.clear();
            }
        });
    }

    fn show(self, answer: Result<T, client::Fault>) {
        match answer {
            Ok(value) => {
                self.value.maybe_update(|shown| {
                    let is_new = shown.as_ref() != Some(&value);
                    *shown = Some(value);
                    is_new
                });
                self.fault.set(None);
            }
            Err(fault) => {
                self.session.heed(&fault);
                self.fault.set(Some(fault.to_string()));
            }
        }
    }
}
