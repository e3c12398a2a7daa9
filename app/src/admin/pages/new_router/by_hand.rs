//! Adding a router that the owner has set up without the line.

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use web_sys::SubmitEvent;

use crate::{
    admin::{client, desk::Filled, pages::routers::router_page, routes::NEW_ROUTER, session::Session},
    api::{AddRouterRequest, RouterItem},
};

/// The form.
#[component]
pub(super) fn ByHand() -> impl IntoView {
    let (session, owner, navigate) = (Session::here(), Owner::new(), use_navigate());
    let is_busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<String>);
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(filled) = Filled::of(&event).filter(|_| !is_busy.get_untracked()) else { return };
        let request = request(&filled);
        is_busy.set(true);
        fault.set(None);
        let navigate = navigate.clone();
        owner.with(|| {
            spawn_local_scoped_with_cancellation(async move {
                match client::post::<RouterItem>("/api/admin/routers", &request).await {
                    Ok(router) => {
                        navigate(
                            &router_page(router.id),
                            NavigateOptions { resolve: false, ..NavigateOptions::default() },
                        );
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
        <section class="card" aria-labelledby="by-hand">
            <h2 id="by-hand">"Set up by hand"</h2>
            <p class="wide-words">
                "The router needs a hotspot whose login page leads to this portal, and a user with the rights api, read, write \
                 and test. When it is added, test it: the test says what is missing."
            </p>
            <form class="form" on:submit=send>
                <Fields />
                <p class="error" role="alert">{move || fault.get()}</p>
                <p><button class="primary" disabled=move || is_busy.get()>"Add the router"</button></p>
            </form>
        </section>
        <p><a href=NEW_ROUTER>"Set it up in one paste instead"</a></p>
    }
}

#[component]
fn Fields() -> impl IntoView {
    view! {
        <label for="name">"What do you call this router?"</label>
        <input id="name" name="name" maxlength="60" required placeholder="Such as Shop, or Block B" />
        <div class="pair">
            <div>
                <label for="host">"Address"</label>
                <input id="host" name="host" maxlength="253" autocapitalize="none" required aria-describedby="host-hint" />
                <p class="hint" id="host-hint">"As this server reaches it, such as 192.168.88.1."</p>
            </div>
            <div>
                <label for="port">"Port"</label>
                <input id="port" name="port" type="number" inputmode="numeric" min="1" max="65535" aria-describedby="port-hint" />
                <p class="hint" id="port-hint">"Leave it empty for the usual one."</p>
            </div>
            <div>
                <label for="username">"User on the router"</label>
                <input id="username" name="username" maxlength="64" autocapitalize="none" autocomplete="off" required />
            </div>
            <div>
                <label for="password">"Password of that user"</label>
                <input id="password" name="password" type="password" maxlength="128" autocomplete="new-password" required />
            </div>
        </div>
        <label for="tls-pin">"Certificate (optional)"</label>
        <input id="tls-pin" name="tls_pin" maxlength="95" autocapitalize="none" autocomplete="off" spellcheck="false" aria-describedby="pin-hint" />
        <p class="hint" id="pin-hint">
            "The SHA-256 fingerprint of the router’s certificate: 64 letters and digits. Without it the line is not encrypted; do \
             that only on a network that nobody else is on."
        </p>
    }
}

fn request(filled: &Filled) -> AddRouterRequest {
    let given = |name: &str| Some(filled.text(name)).filter(|text| !text.is_empty());
    AddRouterRequest {
        name: filled.text("name"),
        host: filled.text("host"),
        port: given("port").and_then(|port| port.parse().ok()),
        username: filled.text("username"),
        password: filled.secret("password").unwrap_or_default(),
        tls_pin: given("tls_pin"),
    }
}
