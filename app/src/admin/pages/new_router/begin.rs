//! What is asked before a set-up: the router's name, and how it is reached.

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use uuid::Uuid;
use web_sys::SubmitEvent;

use crate::{
    admin::{
        client,
        desk::Filled,
        routes::NEW_ROUTER,
        session::Session,
        words::routers::{REACHES, Reach},
    },
    api::{RouterSetup, SetupRequest},
};

/// The form.
#[component]
pub(super) fn Begin(
    /// What was begun, with its line.
    made: RwSignal<Option<RouterSetup>>,
    /// A router that is set up anew.
    anew: Memo<Option<String>>,
    /// Its name.
    name: String,
) -> impl IntoView {
    let (session, owner, navigate) = (Session::here(), Owner::new(), use_navigate());
    let is_busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<String>);
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(filled) = Filled::of(&event).filter(|_| !is_busy.get_untracked()) else { return };
        let router_id = anew.get_untracked().and_then(|id| id.parse::<Uuid>().ok());
        let request = SetupRequest { name: filled.text("name"), reach: filled.text("reach"), router_id };
        is_busy.set(true);
        fault.set(None);
        let navigate = navigate.clone();
        owner.with(|| {
            spawn_local_scoped_with_cancellation(async move {
                match client::post::<RouterSetup>("/api/admin/routers/setups", &request).await {
                    Ok(setup) => {
                        let path = format!("{NEW_ROUTER}?setup={}", setup.id);
                        made.set(Some(setup));
                        navigate(&path, NavigateOptions { resolve: false, ..NavigateOptions::default() });
                    }
                    Err(why) => {
                        session.heed(&why);
                        is_busy.set(false);
                        fault.set(Some(why.to_string()));
                    }
                }
            });
        });
    };
    view! {
        <section class="card" aria-labelledby="begin">
            <h2 id="begin">"In one paste"</h2>
            <p class="wide-words">
                "You get one line to paste into the router’s terminal. The router then reports here what is on it. Nothing on it \
                 changes before you have seen what would change and approved it, and there is a line that takes it all back."
            </p>
            <form class="form" on:submit=send>
                <label for="name">"What do you call this router?"</label>
                <input id="name" name="name" maxlength="60" required value=name placeholder="Such as Shop, or Block B" />
                <fieldset class="ways-to">
                    <legend>"How do Bando and the router reach each other?"</legend>
                    {REACHES.iter().enumerate().map(|(place, reach)| way(place, reach)).collect_view()}
                </fieldset>
                <p class="error" role="alert">{move || fault.get()}</p>
                <p>
                    <button class="primary" disabled=move || is_busy.get()>
                        {move || if is_busy.get() { "Please wait…" } else { "Show the line to paste" }}
                    </button>
                </p>
            </form>
        </section>
        <p>
            "Have you set the hotspot up yourself, with a user for Bando? "
            <a href=format!("{NEW_ROUTER}?by=hand")>"Add a router that you set up by hand"</a>
        </p>
    }
}

fn way(place: usize, reach: &'static Reach) -> impl IntoView {
    let hint = format!("reach-{}", reach.key);
    view! {
        <label>
            <input type="radio" name="reach" value=reach.key checked=place == 0 aria-describedby=hint.clone() />
            <span class="way">
                <b>{reach.name}</b>
                <span id=hint>
                    <span>{reach.when}</span>
                    <span class="gain">{reach.gain}</span>
                    <span class="price">{reach.price}</span>
                </span>
            </span>
        </label>
    }
}
