//! The owner's routers: how each stands, and what is done for customers after one was away.

mod policy;

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use uuid::Uuid;

use self::policy::Policy;
use crate::{
    admin::{
        desk::Desk,
        feed::{Feed, News},
        parts::{owners_only::OwnersOnly, time::Time, trouble::Trouble},
        reader::Reader,
        routes::{NEW_ROUTER, ROUTERS},
        words,
    },
    api::{RouterItem, RouterList},
};

/// How often the list is read again.
const EVERY: Duration = Duration::from_secs(10);

/// The address of the page of one router.
pub(in crate::admin) fn router_page(id: Uuid) -> String {
    format!("{ROUTERS}/{id}")
}

/// The page; those that were taken out of use stand on a page of their own under the same address.
#[component]
pub(in crate::admin) fn Routers() -> impl IntoView {
    let query = use_query_map();
    let is_removed = Memo::new(move |_| query.with(|query| query.get("removed").is_some()));
    let reader = Reader::<RouterList>::new(Memo::new(move |_| {
        format!("/api/admin/routers{}", if is_removed.get() { "?removed=true" } else { "" })
    }));
    Feed::here().listen(move |news| match news {
        News::Notification(_) | News::Reset => reader.again(),
        News::Payment(_) | News::Live(_) => {}
    });
    Desk::here().listen(move || reader.again());
    reader.poll(EVERY, || true);
    let policy = Memo::new(move |_| reader.value.with(|list| list.as_ref().map(|list| list.outage_policy.clone())));
    let head = move || {
        if is_removed.get() {
            view! {
                <p class="back"><a href=ROUTERS>"All routers"</a></p>
                <div class="title"><h1>"Routers out of use"</h1></div>
            }
            .into_any()
        } else {
            view! {
                <div class="title">
                    <h1>"Routers"</h1>
                    <OwnersOnly><a class="button" href=NEW_ROUTER>"Add a router"</a></OwnersOnly>
                </div>
            }
            .into_any()
        }
    };
    let foot = move || {
        (!is_removed.get()).then(|| {
            view! {
                {move || policy.get().map(|policy| view! { <Policy policy /> })}
                <p><a href=format!("{ROUTERS}?removed=true")>"Routers out of use"</a></p>
            }
        })
    };
    view! {
        {head}
        {move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> })}
        <List reader is_removed />
        {foot}
    }
}

#[component]
fn List(reader: Reader<RouterList>, is_removed: Memo<bool>) -> impl IntoView {
    let known = Memo::new(move |_| reader.value.with(|list| list.as_ref().map(|list| list.routers.len())));
    let note = move || match known.get() {
        None => reader.fault.with(Option::is_none).then(|| {
            view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> }.into_any()
        }),
        Some(0) if is_removed.get() => {
            Some(view! { <p class="empty" role="status">"Every router is in use."</p> }.into_any())
        }
        Some(0) => Some(
            view! {
                <div class="empty" role="status">
                    <p>"No router yet. Add the one that your customers connect to."</p>
                    <OwnersOnly><p><a class="button" href=NEW_ROUTER>"Add your first router"</a></p></OwnersOnly>
                </div>
            }
            .into_any(),
        ),
        Some(_) => None,
    };
    view! {
        {note}
        <div class="scroll below" class:hidden=move || known.get().is_none_or(|count| count == 0)>
            <table class="rows compact machines" role="table">
                <thead role="rowgroup">
                    <tr role="row">
                        {["Router", "State", "Devices", "Model", "Last heard of"]
                            .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
                            .into_iter()
                            .collect_view()}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For
                        each=move || reader.value.get().map(|list| list.routers).unwrap_or_default()
                        key=RouterItem::clone
                        let:router
                    >
                        <Row router />
                    </For>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(router: RouterItem) -> impl IntoView {
    let (tone, state) = words::routers::state(&router.state);
    let is_bad = tone == words::Tone::Bad;
    let message = router.message.map(|message| view! { <small class="message" class:bad=is_bad>{message}</small> });
    let last = router
        .last_seen_at
        .map_or_else(|| view! { <span class="none">"Never"</span> }.into_any(), |at| view! { <Time at /> }.into_any());
    let waiting = (router.waiting_devices > 0).then(|| view! { <small>{router.waiting_devices}" waiting"</small> });
    let model = router.board.unwrap_or_else(|| "Not known yet".to_owned());
    let release = router.version.map(|version| view! { <small>"RouterOS "{version}</small> });
    view! {
        <tr role="row">
            <td role="cell" data-name="Router">
                <a class="whole" href=router_page(router.id)>{router.name}</a>
                <small>{words::routers::reach(&router.reach)}</small>
            </td>
            <td role="cell" data-name="State"><span class=tone.class()>{state}</span>{message}</td>
            <td role="cell" data-name="Devices"><span class="number">{router.online_devices}" on"</span>{waiting}</td>
            <td role="cell" data-name="Model">{model}{release}</td>
            <td role="cell" data-name="Last heard of">{last}</td>
        </tr>
    }
}
