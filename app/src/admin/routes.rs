//! The addresses of the admin app, and the login in front of them.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    components::{Outlet, ParentRoute, Redirect, Route, Router, Routes},
    hooks::use_location,
    path,
};
use wasm_bindgen::JsCast;

use super::{
    frame::Frame,
    pager::encoded,
    pages::{
        customers::Customers,
        live::{Live, blocked::Blocked},
        login::Login,
        new_router::NewRouter,
        notifications::Notifications,
        payment::Payment,
        payments::Payments,
        router::Router as RouterPage,
        routers::Routers,
        statement::Statement,
        statements::Statements,
        todo::Todo,
        why::Why,
    },
    parts::trouble::Trouble,
    session::{Session, Who},
};

/// Where the app begins.
pub(super) const HOME: &str = "/admin";
/// Where somebody who is not logged in goes.
pub(super) const LOGIN: &str = "/admin/login";

/// What waits for a person.
pub(super) const TODO: &str = "/admin/todo";
/// Who is on the network.
pub(super) const LIVE: &str = "/admin/live";
/// Devices that are kept out.
pub(super) const BLOCKED: &str = "/admin/live/blocked";
/// The owner's routers.
pub(super) const ROUTERS: &str = "/admin/routers";
/// Adding one.
pub(super) const NEW_ROUTER: &str = "/admin/routers/new";
/// Why a customer cannot get on.
pub(super) const WHY: &str = "/admin/why";
/// The comparison with M-Pesa's books.
pub(super) const STATEMENTS: &str = "/admin/statements";

/// Takes the place of the "opening" text that the server sent.
pub fn mount() {
    // A panic stops the app; the console then says where.
    std::panic::set_hook(Box::new(|panic| leptos::logging::error!("{panic}")));
    let place = document().get_element_by_id("app").and_then(|place| place.dyn_into().ok());
    if let Some(place) = place {
        let place: web_sys::HtmlElement = place;
        place.set_inner_html("");
        leptos::mount::mount_to(place, App).forget();
    }
}

/// Addresses in this app are whole paths, never relative to the page.
pub(super) fn plainly() -> NavigateOptions {
    NavigateOptions { resolve: false, replace: true, ..NavigateOptions::default() }
}

#[component]
fn App() -> impl IntoView {
    Session::provide();
    view! {
        <Router base=HOME>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=Login />
                <ParentRoute path=path!("") view=BehindLogin>
                    <Route path=path!("") view=Payments />
                    <Route path=path!("payments/:id") view=Payment />
                    <Route path=path!("todo") view=Todo />
                    <Route path=path!("live") view=Live />
                    <Route path=path!("live/blocked") view=Blocked />
                    <Route path=path!("customers") view=Customers />
                    <Route path=path!("why") view=Why />
                    <Route path=path!("routers") view=Routers />
                    <Route path=path!("routers/new") view=NewRouter />
                    <Route path=path!("routers/:id") view=RouterPage />
                    <Route path=path!("statements") view=Statements />
                    <Route path=path!("statements/:id") view=Statement />
                    <Route path=path!("notifications") view=Notifications />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// Shows the page only to somebody who is logged in; sends everybody else to the login page, which brings
/// them back to where they were.
#[component]
fn BehindLogin() -> impl IntoView {
    let session = Session::here();
    let is_known = Memo::new(move |_| matches!(session.who(), Who::Somebody(_)));
    move || {
        if is_known.get() {
            return view! { <Frame><Outlet /></Frame> }.into_any();
        }
        match session.who() {
            Who::Unreachable(message) => view! {
                <main class="gate"><Trouble message retry=move || session.ask() /></main>
            }
            .into_any(),
            Who::Nobody => {
                let location = use_location();
                let (page, query) = (location.pathname.get_untracked(), location.search.get_untracked());
                let here = if query.is_empty() { page } else { format!("{page}?{query}") };
                let path = format!("{LOGIN}?next={}", encoded(&here));
                view! { <Redirect path options=plainly() /> }.into_any()
            }
            Who::Unknown | Who::Somebody(_) => view! { <p class="starting" role="status">"Opening…"</p> }.into_any(),
        }
    }
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <main class="gate">
            <h1>"There is no such page"</h1>
            <p><a href=HOME>"Go to the payments"</a></p>
        </main>
    }
}
