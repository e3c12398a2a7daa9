//! The words of a page that waits for M-Pesa or for the router, kept true as time goes on; and the watch
//! over the state, by server-sent events or, when they do not get through, by asking.

use leptos::prelude::*;

use super::Start;
use crate::portal::words;

/// Heading, words and clock of a waiting page.
#[island]
pub fn LiveStatus() -> impl IntoView {
    let Start { seconds: start, status, is_in_review, is_claimed, .. } = Start::here();
    let is_paid = status == "paid";
    let seconds = RwSignal::new(start);
    let words = move || match seconds.get() {
        _ if is_in_review => words::IN_REVIEW,
        _ if is_claimed => words::CLAIMED,
        seconds if is_paid => words::delivering(seconds),
        seconds => words::waiting(seconds),
    };
    #[cfg(all(feature = "hydrate", not(feature = "ssr")))]
    watch::start(seconds, start);
    view! {
        <div role="status">
            <h1>{move || words().title}</h1>
            <p class="lead">{move || words().text}</p>
        </div>
        <p class="clock" aria-hidden="true">{move || words::elapsed(seconds.get())}</p>
    }
}

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod watch {
    //! What runs in the browser.

    use leptos::prelude::{RwSignal, Set};
    use wasm_bindgen::JsCast;

    use super::super::dom;

    /// How often the state is asked for while no event stream is open.
    const ASK_EVERY_SECS: u64 = 3;

    /// Ticks the clock and watches the state.
    pub(super) fn start(seconds: RwSignal<u64>, start: u64) {
        let began = dom::wall_ms();
        let stream = open_stream();
        let mut last_asked = 0;
        dom::every_second(move || {
            let waited = dom::secs_between(began, dom::wall_ms());
            seconds.set(start + waited);
            let is_live = stream.as_ref().is_some_and(|stream| stream.ready_state() == web_sys::EventSource::OPEN);
            if !is_live && waited >= last_asked + ASK_EVERY_SECS {
                last_asked = waited;
                wasm_bindgen_futures::spawn_local(async {
                    if let Some(answer) = dom::ask().await {
                        dom::judge(&answer);
                    }
                });
            }
        });
    }

    /// Opens the event stream of the payment, if there is one. The browser reconnects by itself; the first
    /// event after a connect is the present state, so nothing is missed in between.
    fn open_stream() -> Option<web_sys::EventSource> {
        let address = dom::data("data-events");
        if address.is_empty() {
            return None;
        }
        let stream = web_sys::EventSource::new(&address).ok()?;
        dom::listen(&stream, "status", |event| {
            let text = event.dyn_ref::<web_sys::MessageEvent>().and_then(|message| message.data().as_string());
            if let Some(text) = text {
                dom::judge(&text);
            }
        });
        Some(stream)
    }
}
