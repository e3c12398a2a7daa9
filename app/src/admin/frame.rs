//! What surrounds every page behind the login: navigation, line, theme, logout.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{components::A, hooks::use_location};

use super::{
    client,
    desk::Desk,
    feed::{Feed, Line},
    pages::notifications::Inbox,
    parts::{
        ask::{AskDialog, Said},
        choose::ChooseDialog,
        theme_switch::ThemeSwitch,
    },
    routes::{HOME, LIVE, ROUTERS, STATEMENTS, TODO, WHY},
    session::{Session, Who},
    tasks::Tasks,
};

/// Navigation around a page. Opens the event stream, which lives as long as the login.
#[component]
pub(super) fn Frame(children: Children) -> impl IntoView {
    Feed::provide();
    Inbox::provide();
    Desk::provide();
    Tasks::provide();
    view! {
        <a class="skip" href="#page">"Skip to the page"</a>
        <header class="top">
            <p class="brand">"Bando"</p>
            <LineState />
            <Leave />
            <Pages />
        </header>
        <main id="page" tabindex="-1">{children()}</main>
        <Said />
        <ChooseDialog />
        <AskDialog />
        <footer><ThemeSwitch /></footer>
    }
}

/// The pages. On small screens those that are needed most stand alone, and the rest behind a button.
#[component]
fn Pages() -> impl IntoView {
    let page = use_location().pathname;
    let is_open = RwSignal::new(false);
    Effect::new(move |_| {
        page.track();
        is_open.set(false);
    });
    // The page is among those behind the button.
    let is_behind =
        move || page.with(|page| ![HOME, TODO, LIVE].iter().any(|first| page.trim_end_matches('/') == *first));
    view! {
        <nav aria-label="Pages">
            <A href=HOME exact=true>"Payments"</A>
            <A href=TODO>"To do" <Waiting /></A>
            <A href=LIVE>"On now"</A>
            <button
                class="others"
                class:current=is_behind
                aria-controls="other-pages"
                aria-expanded=move || if is_open.get() { "true" } else { "false" }
                on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
            >
                "More"
                <Unread />
            </button>
            <div id="other-pages" class="other-pages" class:open=move || is_open.get()>
                <A href="/admin/customers">"Customers"</A>
                <A href=WHY>"Help a customer"</A>
                <A href=ROUTERS>"Routers"</A>
                <A href=STATEMENTS>"Check with M-Pesa"</A>
                <A href="/admin/notifications">"Notifications" <Unread /></A>
            </div>
        </nav>
    }
}

/// How many notifications nobody has read.
#[component]
fn Unread() -> impl IntoView {
    let inbox = Inbox::here();
    move || {
        let unread = inbox.unread();
        (unread > 0).then(|| {
            view! { <span class="count">{unread}<span class="sr-only">" unread"</span></span> }
        })
    }
}

/// How much waits for a person.
#[component]
fn Waiting() -> impl IntoView {
    let tasks = Tasks::here();
    let count = Memo::new(move |_| tasks.count());
    move || {
        let (count, has_more) = count.get();
        (count > 0).then(|| {
            view! { <span class="count">{count}{has_more.then_some("+")}<span class="sr-only">" waiting"</span></span> }
        })
    }
}

/// Whether the list on the screen is live.
#[component]
fn LineState() -> impl IntoView {
    let feed = Feed::here();
    let words = move || match feed.line() {
        Line::Connecting => ("line", "Connecting"),
        Line::Live => ("line live", "Live"),
        Line::Reconnecting => ("line down", "Reconnecting"),
    };
    view! { <p class=move || words().0 role="status">{move || words().1}</p> }
}

#[component]
fn Leave() -> impl IntoView {
    let session = Session::here();
    let name = move || match session.who() {
        Who::Somebody(me) => me.username,
        Who::Unknown | Who::Nobody | Who::Unreachable(_) => String::new(),
    };
    let failed = RwSignal::new(false);
    let leave = move |_| {
        failed.set(false);
        spawn_local(async move {
            match client::command("/api/admin/logout").await {
                Ok(()) | Err(client::Fault::SignedOut) => session.signed_out(),
                Err(_) => failed.set(true),
            }
        });
    };
    view! {
        <div class="leave">
            <span class="me">{name}</span>
            <button on:click=leave>{move || if failed.get() { "Try again" } else { "Log out" }}</button>
        </div>
    }
}
