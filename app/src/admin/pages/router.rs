//! One router: how it stands, a test, what happened to it, when it was away, and changing it.

mod actions;
mod change;
mod outages;
mod test;

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use self::{
    actions::{Restore, remove},
    change::Change,
    outages::Outages,
    test::Test,
};
use crate::{
    admin::{
        desk::Desk,
        feed::{Feed, News},
        pager::encoded,
        parts::{owners_only::OwnersOnly, time::Time, trouble::Trouble},
        reader::Reader,
        routes::{LIVE, NEW_ROUTER, ROUTERS},
        words,
    },
    api::{RouterDetail, RouterEvent, RouterItem},
};

/// How often the page is read again.
const EVERY: Duration = Duration::from_secs(15);

/// The page. Its parts change one by one, so that what is open or has the focus stays.
#[component]
pub(in crate::admin) fn Router() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let reader = Reader::<RouterDetail>::new(Memo::new(move |_| format!("/api/admin/routers/{}", encoded(&id.get()))));
    Feed::here().listen(move |news| match news {
        News::Notification(_) | News::Reset => reader.again(),
        News::Payment(_) | News::Live(_) => {}
    });
    Desk::here().listen(move || reader.again());
    reader.poll(EVERY, || true);
    // One page for one router: what was tested or typed belongs to it alone.
    let shown = Memo::new(move |_| reader.value.with(|detail| detail.as_ref().map(|detail| detail.router.id)));
    let page = move || {
        if shown.get().is_some() {
            return view! { <Page reader /> }.into_any();
        }
        let is_loading = reader.fault.with(Option::is_none);
        is_loading
            .then(|| view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> })
            .into_any()
    };
    view! {
        <p class="back"><a href=ROUTERS>"All routers"</a></p>
        {move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> })}
        {page}
    }
}

/// A part of what was read; nothing but what it shows makes it change.
fn part<T: PartialEq + Send + Sync + 'static>(
    reader: Reader<RouterDetail>,
    part: impl Fn(&RouterDetail) -> T + Send + Sync + 'static,
) -> Memo<Option<T>> {
    Memo::new(move |_| reader.value.with(|detail| detail.as_ref().map(&part)))
}

#[component]
fn Page(reader: Reader<RouterDetail>) -> impl IntoView {
    let head = part(reader, |detail| {
        let router = &detail.router;
        (router.name.clone(), router.state.clone(), router.message.clone())
    });
    let router = part(reader, |detail| detail.router.clone());
    let identity = part(reader, |detail| {
        let router = &detail.router;
        (router.id, router.name.clone(), router.state == "removed")
    });
    let facts = part(reader, |detail| (detail.router.clone(), detail.answered_permille));
    let customers = part(reader, |detail| detail.customers);
    let is_changing = RwSignal::new(false);
    let buttons = move || {
        identity.get().map(|(id, name, is_removed)| {
            if is_removed {
                view! { <Restore id name /> }.into_any()
            } else {
                view! { <Buttons id name customers is_changing /> }.into_any()
            }
        })
    };
    let change = move || {
        let router = is_changing.get().then(|| router.get_untracked()).flatten();
        router.map(|router| view! { <Change router is_changing /> })
    };
    let test = move || identity.get().filter(|(.., is_removed)| !is_removed).map(|(id, ..)| view! { <Test id /> });
    view! {
        {move || head.get().map(head_view)}
        {buttons}
        {change}
        <div class="halves">
            <section class="card" aria-labelledby="facts">
                <h2 id="facts">"Router"</h2>
                <dl class="facts">{move || facts.get().map(facts_view)}</dl>
            </section>
            {test}
        </div>
        <Outages reader />
        <section class="card" aria-labelledby="history">
            <h2 id="history">"What happened"</h2>
            <History reader />
        </section>
    }
}

fn head_view((name, state, message): (String, String, Option<String>)) -> impl IntoView {
    let (tone, words) = words::routers::state(&state);
    view! {
        <div class="title">
            <h1>{name}</h1>
            <p><span class=tone.class()>{words}</span></p>
        </div>
        {message.map(|message| view! { <p class="review">{message}</p> })}
    }
}

/// What the owner can do with a router in use.
#[component]
fn Buttons(id: uuid::Uuid, name: String, customers: Memo<Option<u32>>, is_changing: RwSignal<bool>) -> impl IntoView {
    let desk = Desk::here();
    let anew = format!("{NEW_ROUTER}?router={id}&name={}", encoded(&name));
    let name = StoredValue::new(name);
    let take_out = move |_| {
        let customers = customers.get_untracked().unwrap_or_default();
        desk.ask(name.with_value(|name| remove(id, name, customers)));
    };
    view! {
        <OwnersOnly>
            <div class="actions" role="group" aria-label="What you can do">
                <button
                    aria-expanded=move || if is_changing.get() { "true" } else { "false" }
                    on:click=move |_| is_changing.update(|is_changing| *is_changing = !*is_changing)
                >
                    "Change"
                </button>
                <a class="button" href=anew.clone()>"Set it up again"</a>
                <button on:click=take_out>"Take out of use"</button>
            </div>
        </OwnersOnly>
    }
}

fn facts_view((router, answered): (RouterItem, Option<u32>)) -> impl IntoView {
    let last = router.last_seen_at.map_or_else(|| "Never".into_any(), |at| view! { <Time at /> }.into_any());
    let release = router.version.map(|version| format!("RouterOS {version}"));
    let model = [router.board, release].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let model = if model.is_empty() { "Not known yet".to_owned() } else { model };
    let waiting = (router.waiting_devices > 0).then(|| format!(", {} waiting", router.waiting_devices));
    let address = (router.reach != "pull").then(|| {
        let line = if router.is_pinned { "Encrypted, certificate known" } else { "Not encrypted" };
        view! {
            <dt>"Address"</dt>
            <dd class="code">{format!("{}:{}", router.host, router.port)}</dd>
            <dt>"Logs in as"</dt>
            <dd class="code">{router.username}</dd>
            <dt>"Line"</dt>
            <dd>{line}</dd>
        }
    });
    view! {
        <dt>"Reached"</dt>
        <dd>{words::routers::reach(&router.reach)}</dd>
        {address}
        <dt>"Model"</dt>
        <dd>{model}</dd>
        <dt>"Last heard of"</dt>
        <dd>{last}</dd>
        <dt>"Devices"</dt>
        <dd><a href=format!("{LIVE}?router={}", router.id)>{router.online_devices}" on"{waiting}</a></dd>
        <dt>"Answered"</dt>
        <dd>{answered.map_or_else(|| "Too new to say".to_owned(), |a| format!("{} of the last 30 days", words::routers::permille(a)))}</dd>
    }
}

/// What happened to it, newest first.
#[component]
fn History(reader: Reader<RouterDetail>) -> impl IntoView {
    let events = part(reader, |detail| detail.history.clone());
    let events = move || events.get().unwrap_or_default();
    let is_empty = part(reader, |detail| detail.history.is_empty());
    view! {
        <Show when=move || is_empty.get() == Some(true)>
            <p class="nothing">"Nothing yet."</p>
        </Show>
        <ol class="events">
            <For each=events key=RouterEvent::clone let:event>
                <li class=event_mark(&event.kind)>
                    <p class="hint"><Time at=event.at /></p>
                    <p>{event.text}</p>
                </li>
            </For>
        </ol>
    }
}

fn event_mark(kind: &str) -> &'static str {
    match kind {
        "online" => "good",
        "offline" | "certificate" => "bad",
        _ => "",
    }
}
