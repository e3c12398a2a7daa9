//! What is done for customers whose paid time ran while a router was away.

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use web_sys::SubmitEvent;

use crate::{
    admin::{
        client,
        desk::{Desk, Filled},
        session::Session,
    },
    api::OutagePolicy,
};

/// The rule in words, and for the owner the form that changes it.
#[component]
pub(super) fn Policy(policy: OutagePolicy) -> impl IntoView {
    let session = Session::here();
    let is_owner = Memo::new(move |_| session.is_owner());
    let policy = StoredValue::new(policy);
    view! {
        <section class="card" aria-labelledby="policy">
            <h2 id="policy">"When a router was away"</h2>
            <p>
                "Paid time goes on while a router has no power or no line. Bando can give that time back to everybody who \
                 lost it, as soon as the router is there again. It can also be done by hand, on the page of the router."
            </p>
            {move || if is_owner.get() {
                view! { <Form policy=policy.get_value() /> }.into_any()
            } else {
                view! { <p>{in_words(&policy.get_value())}</p> }.into_any()
            }}
        </section>
    }
}

fn in_words(policy: &OutagePolicy) -> String {
    if policy.is_automatic {
        format!("Lost time is given back by itself after {} minutes or more.", policy.min_minutes)
    } else {
        "Lost time is not given back by itself.".to_owned()
    }
}

#[component]
fn Form(policy: OutagePolicy) -> impl IntoView {
    let (session, desk, owner) = (Session::here(), Desk::here(), Owner::new());
    let is_automatic = RwSignal::new(policy.is_automatic);
    let is_busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<String>);
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(fields) = Filled::of(&event).filter(|_| !is_busy.get_untracked()) else { return };
        let request = OutagePolicy {
            is_automatic: is_automatic.get_untracked(),
            min_minutes: fields.text("min_minutes").parse().unwrap_or(policy.min_minutes),
        };
        is_busy.set(true);
        fault.set(None);
        owner.with(|| {
            spawn_local_scoped_with_cancellation(async move {
                let answer = client::post::<OutagePolicy>("/api/admin/routers/outage-policy", &request).await;
                is_busy.set(false);
                match answer {
                    Ok(policy) => desk.did(in_words(&policy)),
                    Err(why) => {
                        session.heed(&why);
                        fault.set(Some(why.to_string()));
                    }
                }
            });
        });
    };
    view! {
        <form class="form" on:submit=send>
            <label class="tick">
                <input
                    type="checkbox"
                    prop:checked=move || is_automatic.get()
                    on:change=move |event| is_automatic.set(event_target_checked(&event))
                />
                <span>"Give lost time back by itself"</span>
            </label>
            <div class="inline" class:hidden=move || !is_automatic.get()>
                <label for="min-minutes">"When the router was away for at least"</label>
                <input
                    id="min-minutes"
                    name="min_minutes"
                    type="number"
                    inputmode="numeric"
                    min="1"
                    max="1440"
                    step="1"
                    required
                    value=policy.min_minutes
                />
                <span>"minutes"</span>
            </div>
            <p class="error" role="alert">{move || fault.get()}</p>
            <p><button disabled=move || is_busy.get()>"Save"</button></p>
        </form>
    }
}
