//! The login page.

use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{components::Redirect, hooks::use_query_map};

use crate::{
    admin::{
        client,
        routes::{HOME, plainly},
        session::{Session, Who},
    },
    api::{LoginRequest, Me},
};

/// Name and password. Somebody who is logged in goes to where they were.
#[component]
pub(in crate::admin) fn Login() -> impl IntoView {
    let session = Session::here();
    let query = use_query_map();
    // Only addresses of this app: a crafted link must not lead elsewhere.
    let next = move || query.with_untracked(|query| query.get("next")).filter(|next| is_own(next));
    view! {
        <main class="gate">
            {move || match session.who() {
                Who::Somebody(_) => {
                    let path = next().unwrap_or_else(|| HOME.to_owned());
                    view! { <Redirect path options=plainly() /> }.into_any()
                }
                Who::Unknown => view! { <p class="starting" role="status">"Opening…"</p> }.into_any(),
                Who::Nobody | Who::Unreachable(_) => view! { <LoginForm session /> }.into_any(),
            }}
        </main>
    }
}

fn is_own(path: &str) -> bool {
    path.strip_prefix(HOME).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[component]
fn LoginForm(session: Session) -> impl IntoView {
    let (name, password) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let fault = RwSignal::new(None::<String>);
    let is_busy = RwSignal::new(false);
    let log_in = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let (Some(name), Some(password)) = (name.get_untracked(), password.get_untracked()) else { return };
        let request = LoginRequest { username: name.value(), password: password.value() };
        is_busy.set(true);
        spawn_local(async move {
            match client::post::<Me>("/api/admin/login", &request).await {
                Ok(me) => session.signed_in(me),
                Err(why) => {
                    is_busy.set(false);
                    fault.set(Some(why.to_string()));
                    password.set_value("");
                    let _ = password.focus();
                }
            }
        });
    };
    view! {
        <form class="login" on:submit=log_in>
            <p class="brand">"Bando"</p>
            <h1>"Log in"</h1>
            <label for="username">"Name"</label>
            <input id="username" name="username" autocomplete="username" autocapitalize="none" required node_ref=name />
            <label for="password">"Password"</label>
            <input
                id="password"
                name="password"
                type="password"
                autocomplete="current-password"
                required
                node_ref=password
            />
            <p class="error" role="alert">{move || fault.get()}</p>
            <button class="primary" disabled=move || is_busy.get()>
                {move || if is_busy.get() { "Logging in…" } else { "Log in" }}
            </button>
        </form>
    }
}
