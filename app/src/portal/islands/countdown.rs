//! Time left, counting down.

use leptos::prelude::*;

use super::Start;
use crate::portal::words;

/// Time left. Follows the wall clock, so it stays right when the phone sleeps, and asks the server once a
/// minute, so it stays right when time was added or access ended early.
#[island]
pub fn Countdown() -> impl IntoView {
    let Start { seconds: start, .. } = Start::here();
    let seconds = RwSignal::new(start);
    #[cfg(all(feature = "hydrate", not(feature = "ssr")))]
    run::start(seconds, start);
    view! { <p class="left">{move || words::time_left(seconds.get())}</p> }
}

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod run {
    //! What runs in the browser.

    use std::{cell::Cell, rc::Rc};

    use leptos::prelude::{RwSignal, Set};

    use super::super::dom;

    /// How often the server is asked while time is left.
    const ASK_EVERY_SECS: u64 = 60;
    /// How often it is asked when none is left, until it says that access ended.
    const ASK_AT_END_SECS: u64 = 5;

    /// Ticks, and asks the server now and then; the answer sets the clock right.
    pub(super) fn start(seconds: RwSignal<u64>, start: u64) {
        let ends_ms = Rc::new(Cell::new(dom::wall_ms() + dom::millis(start)));
        let mut asked_ms = dom::wall_ms();
        dom::every_second(move || {
            let now_ms = dom::wall_ms();
            let left = dom::secs_between(now_ms, ends_ms.get());
            seconds.set(left);
            let pause = if left == 0 { ASK_AT_END_SECS } else { ASK_EVERY_SECS };
            if dom::secs_between(asked_ms, now_ms) >= pause {
                asked_ms = now_ms;
                let ends_ms = Rc::clone(&ends_ms);
                wasm_bindgen_futures::spawn_local(async move {
                    if let Some(left) = dom::ask().await.and_then(|answer| dom::judge(&answer)) {
                        ends_ms.set(dom::wall_ms() + left * 1000.0);
                    }
                });
            }
        });
    }
}
