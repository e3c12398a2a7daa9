//! Times a router was away, and giving back what customers lost by it.

use std::rc::Rc;

use leptos::prelude::*;
use uuid::Uuid;

use super::part;
use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields},
        parts::{owners_only::OwnersOnly, time::Time},
        reader::Reader,
        words::{self, Tone},
    },
    api::{Outage, OutageCredited, ReasonRequest, RouterDetail},
};

/// The list, newest first.
#[component]
pub(super) fn Outages(reader: Reader<RouterDetail>) -> impl IntoView {
    let outages = part(reader, |detail| (detail.router.id, detail.router.name.clone(), detail.outages.clone()));
    let each = move || {
        let Some((id, name, outages)) = outages.get() else { return Vec::new() };
        outages.into_iter().map(|outage| (id, name.clone(), outage)).collect()
    };
    let is_empty = part(reader, |detail| detail.outages.is_empty());
    let is_new = part(reader, |detail| detail.router.state == "new");
    view! {
        <section class="card" aria-labelledby="outages">
            <h2 id="outages">"Times it was away"</h2>
            <Show when=move || is_empty.get() == Some(true)>
                <p class="nothing">
                    {move || if is_new.get() == Some(true) { "It has never answered yet." } else { "It has not been away." }}
                </p>
            </Show>
            <ul class="entries">
                <For each=each key=Clone::clone let:item>
                    <Item router=item.0 name=item.1 outage=item.2 />
                </For>
            </ul>
        </section>
    }
}

/// `1 customer`, `12 customers`.
fn customers(count: u32) -> String {
    if count == 1 { "1 customer".to_owned() } else { format!("{count} customers") }
}

fn length(outage: &Outage) -> Option<String> {
    let secs = u64::try_from((outage.to? - outage.from).num_seconds()).ok()?;
    Some(words::live::about_span(secs))
}

#[component]
fn Item(router: Uuid, name: String, outage: Outage) -> impl IntoView {
    let desk = Desk::here();
    let until = match (outage.to, length(&outage)) {
        (Some(to), Some(length)) => view! { " until "<Time at=to />", "{length} }.into_any(),
        (Some(to), None) => view! { " until "<Time at=to /> }.into_any(),
        (None, _) => view! { ", and still is" }.into_any(),
    };
    let lost = match outage.sessions {
        0 => "No customer lost time.".to_owned(),
        1 => "1 customer’s paid time ran meanwhile.".to_owned(),
        count => format!("{}’ paid time ran meanwhile.", customers(count)),
    };
    let by = match outage.credited_by.as_deref() {
        Some("automatic") => "by itself".to_owned(),
        Some(name) => format!("by {name}"),
        None => String::new(),
    };
    let reason = outage.credit_reason.clone().filter(|_| outage.credited_by.as_deref() != Some("automatic"));
    let reason = reason.map(|reason| format!(": “{reason}”"));
    let credited = outage.credited_at.map(|at| {
        view! { <p class="hint"><span class=Tone::Good.class()>"Given back"</span>" "{by}", "<Time at />{reason}</p> }
    });
    let can_credit = outage.to.is_some() && outage.sessions > 0 && outage.credited_at.is_none();
    let ask = StoredValue::new_local(credit(router, &name, &outage));
    view! {
        <li class="task">
            <div>
                <p>"From "<Time at=outage.from />{until}</p>
                <p>{lost}</p>
                {credited}
            </div>
            {can_credit.then(|| view! {
                <OwnersOnly>
                    <div class="ways"><button on:click=move |_| desk.ask(ask.get_value())>"Give lost time back"</button></div>
                </OwnersOnly>
            })}
        </li>
    }
}

fn credit(router: Uuid, name: &str, outage: &Outage) -> Ask {
    let id = outage.id;
    let length = length(outage).unwrap_or_default();
    Ask {
        title: "Give the lost time back?".to_owned(),
        about: format!("{name} was away for {length}. {} lost time.", customers(outage.sessions)),
        words: "Everybody whose paid time ran while the router was away gets that time added. It cannot be taken back.",
        fields: Fields::None,
        reason: Some("Such as “power cut in the whole street”."),
        confirm: "Give it back",
        is_grave: false,
        said: Rc::new(|answer| serde_json::from_str(answer).ok().map(|credited| given(&credited))),
        call: Rc::new(move |filled| {
            let path = format!("/api/admin/routers/{router}/outages/{id}/credit");
            Call::new(path, &ReasonRequest { reason: filled.reason() })
        }),
    }
}

fn given(credited: &OutageCredited) -> String {
    match credited.sessions {
        0 => "Nobody had time left to add to.".to_owned(),
        count => format!("{} got {} back in all.", customers(count), words::live::about_span(credited.secs)),
    }
}
