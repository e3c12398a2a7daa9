//! Adding a router: in one paste, or set up by hand.

mod begin;
mod by_hand;
mod setup;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::{begin::Begin, by_hand::ByHand, setup::Follow};
use crate::{
    admin::{
        parts::owners_only::OwnersOnly,
        routes::{NEW_ROUTER, ROUTERS},
    },
    api::RouterSetup,
};

/// The page. Which set-up is followed is in the address, so that a reload goes on with it.
#[component]
pub(in crate::admin) fn NewRouter() -> impl IntoView {
    let query = use_query_map();
    let field = move |name: &'static str| {
        Memo::new(move |_| query.with(|query| query.get(name)).filter(|value| !value.is_empty()))
    };
    let (setup, by, anew, name) = (field("setup"), field("by"), field("router"), field("name"));
    // The line to paste is a secret that comes once; it stays here and nowhere else.
    let made = RwSignal::new(None::<RouterSetup>);
    let step = move || match (setup.get(), by.get()) {
        (Some(id), _) => view! { <Follow id made /> }.into_any(),
        (None, Some(_)) => view! { <ByHand /> }.into_any(),
        (None, None) => view! { <Begin made anew name=name.get_untracked().unwrap_or_default() /> }.into_any(),
    };
    let title = move || if anew.get().is_some() { "Set a router up again" } else { "Add a router" };
    view! {
        <p class="back"><a href=ROUTERS>"All routers"</a></p>
        <div class="title"><h1>{title}</h1></div>
        <OwnersOnly otherwise="Only the owner adds routers.">{step}</OwnersOnly>
    }
}

/// Where a set-up begins anew.
pub(super) fn begin_anew(setup: &RouterSetup) -> String {
    let router = setup.router_id.map(|id| format!("&router={id}")).unwrap_or_default();
    format!("{NEW_ROUTER}?name={}{router}", crate::admin::pager::encoded(&setup.name))
}
