//! Looking at everything that access depends on, now.

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use uuid::Uuid;

use crate::{
    admin::{
        client,
        parts::{checks::Checks, time::Time},
        session::Session,
        words::routers::summary,
    },
    api::RouterChecks,
};

/// The button, and what was found.
#[component]
pub(super) fn Test(id: Uuid) -> impl IntoView {
    let (session, owner) = (Session::here(), Owner::new());
    let found = RwSignal::new(None::<RouterChecks>);
    let fault = RwSignal::new(None::<String>);
    let is_busy = RwSignal::new(false);
    let test = move |_| {
        if is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        fault.set(None);
        owner.with(|| {
            spawn_local_scoped_with_cancellation(async move {
                match client::examine::<RouterChecks>(&format!("/api/admin/routers/{id}/test")).await {
                    Ok(checks) => found.set(Some(checks)),
                    Err(why) => {
                        session.heed(&why);
                        found.set(None);
                        fault.set(Some(why.to_string()));
                    }
                }
                is_busy.set(false);
            });
        });
    };
    let label = move || match (is_busy.get(), found.with(Option::is_some)) {
        (true, _) => "Looking…",
        (false, true) => "Test again",
        (false, false) => "Test now",
    };
    view! {
        <section class="card" aria-labelledby="test">
            <h2 id="test">"Test"</h2>
            <p>"Looks at everything that is needed to let customers on, and says what to do. It changes nothing."</p>
            <p><button class="primary" disabled=move || is_busy.get() on:click=test>{label}</button></p>
            <p class="error" role="alert">{move || fault.get()}</p>
            <div role="status">{move || found.get().map(|checks| view! { <Found checks /> })}</div>
        </section>
        <Show when=move || found.with(Option::is_some)>
            <section class="card wide" aria-label="What the test found">
                {move || found.get().map(|checks| view! { <Checks checks=checks.checks /> })}
            </section>
        </Show>
    }
}

#[component]
fn Found(checks: RouterChecks) -> impl IntoView {
    let (tone, words) = summary(&checks.checks);
    let round_trip = checks.round_trip_ms.map(|ms| format!("It answers in {ms} ms."));
    view! {
        <p><span class=tone.class()>{words}</span></p>
        <p class="hint">{round_trip}" Tested "<Time at=checks.at exact=true />"."</p>
    }
}
