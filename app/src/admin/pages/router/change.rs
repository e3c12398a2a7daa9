//! Changing what is known about a router: its name, and how it is reached.

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use web_sys::SubmitEvent;

use crate::{
    admin::{
        client,
        desk::{Desk, Filled},
        session::Session,
    },
    api::{ChangeRouterRequest, RouterItem},
};

/// The form. What is left empty stays as it is.
#[component]
pub(super) fn Change(router: RouterItem, is_changing: RwSignal<bool>) -> impl IntoView {
    let (session, desk, owner) = (Session::here(), Desk::here(), Owner::new());
    let is_busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<String>);
    let is_pull = router.reach == "pull";
    let id = router.id;
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(filled) = Filled::of(&event).filter(|_| !is_busy.get_untracked()) else { return };
        let request = request(&filled);
        is_busy.set(true);
        fault.set(None);
        owner.with(|| {
            spawn_local_scoped_with_cancellation(async move {
                let answer = client::post::<RouterItem>(&format!("/api/admin/routers/{id}"), &request).await;
                is_busy.set(false);
                match answer {
                    Ok(router) => {
                        is_changing.set(false);
                        desk.did(format!("{} is changed.", router.name));
                    }
                    Err(why) => {
                        session.heed(&why);
                        fault.set(Some(why.to_string()));
                    }
                }
            });
        });
    };
    view! {
        <section class="card" aria-labelledby="change">
            <h2 id="change">"Change"</h2>
            <form class="form" on:submit=send>
                <label for="name">"Name"</label>
                <input id="name" name="name" maxlength="60" required value=router.name.clone() />
                {(!is_pull).then(|| view! { <Connection router=router.clone() /> })}
                <p class="error" role="alert">{move || fault.get()}</p>
                <div class="ways">
                    <button class="primary" disabled=move || is_busy.get()>"Save"</button>
                    <button type="button" on:click=move |_| is_changing.set(false)>"Cancel"</button>
                </div>
            </form>
        </section>
    }
}

/// Where it is and how Bando logs in.
#[component]
fn Connection(router: RouterItem) -> impl IntoView {
    view! {
        <div class="pair">
            <div>
                <label for="host">"Address"</label>
                <input id="host" name="host" maxlength="253" autocapitalize="none" required value=router.host />
            </div>
            <div>
                <label for="port">"Port"</label>
                <input id="port" name="port" type="number" inputmode="numeric" min="1" max="65535" required value=router.port />
            </div>
            <div>
                <label for="username">"User on the router"</label>
                <input id="username" name="username" maxlength="64" autocapitalize="none" autocomplete="off" required value=router.username />
            </div>
            <div>
                <label for="password">"New password"</label>
                <input id="password" name="password" type="password" maxlength="128" autocomplete="new-password" aria-describedby="password-hint" />
                <p class="hint" id="password-hint">"Leave it empty to keep the one that is known."</p>
            </div>
        </div>
        <label for="tls-pin">"New certificate"</label>
        <input id="tls-pin" name="tls_pin" maxlength="95" autocapitalize="none" autocomplete="off" spellcheck="false" aria-describedby="pin-hint" />
        <p class="hint" id="pin-hint">
            {if router.is_pinned {
                "Its SHA-256 fingerprint: 64 letters and digits. Leave it empty to keep the one that is known."
            } else {
                "Its SHA-256 fingerprint: 64 letters and digits. From then on the line is encrypted."
            }}
        </p>
        {router.is_pinned.then(|| view! {
            <label class="tick">
                <input type="checkbox" name="plain" value="1" />
                <span>"Connect without encryption from now on"</span>
            </label>
        })}
    }
}

fn request(filled: &Filled) -> ChangeRouterRequest {
    let given = |name: &str| Some(filled.text(name)).filter(|text| !text.is_empty());
    ChangeRouterRequest {
        name: given("name"),
        host: given("host"),
        port: given("port").and_then(|port| port.parse().ok()),
        username: given("username"),
        password: filled.secret("password"),
        tls_pin: if filled.text("plain") == "1" { Some(String::new()) } else { given("tls_pin") },
    }
}
