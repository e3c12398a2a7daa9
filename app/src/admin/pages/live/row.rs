//! One device on the list. Its cells change one by one, so that what has the focus keeps it.

use leptos::prelude::*;

use super::actions::choice;
use crate::{
    admin::{
        desk::Desk,
        pages::{payment::payment_page, why::why_page},
        parts::clock::Clock,
        words::{self, live::GHOST},
    },
    api::LiveRow,
};

/// What stands where there is nothing to say.
fn none() -> AnyView {
    view! { <span class="none">"–"</span> }.into_any()
}

fn small(text: String) -> Option<impl IntoView> {
    (!text.is_empty()).then(|| view! { <small>{text}</small> })
}

/// The row of the device with this id, as it stands in `rows`.
#[component]
pub(super) fn Row(id: String, rows: RwSignal<Vec<LiveRow>>, clock: Clock) -> impl IntoView {
    let row = Memo::new(move |_| rows.with(|rows| rows.iter().find(|row| row.id == id).cloned()));
    let is_ghost = move || row.with(|row| row.as_ref().is_some_and(|row| row.state == GHOST));
    view! {
        <tr role="row" class:ghost=is_ghost>
            <td role="cell" data-name="Device">{cell(row, device, device_view)}</td>
            <td role="cell" data-name="State">{cell(row, state, state_view)}</td>
            <td role="cell" data-name="Time left">{time_left(row, clock)}</td>
            <td role="cell" data-name="Used">{cell(row, |row| (row.used_secs / 60, row.used_bytes), used_view)}</td>
            <td role="cell" data-name="Package">{cell(row, |row| (row.package.clone(), words::live::devices(row)), package_view)}</td>
            <td role="cell" data-name="Router">{cell(row, |row| row.router.clone(), IntoAny::into_any)}</td>
            <td role="cell" data-name="Actions">{actions(row)}</td>
        </tr>
    }
}

/// What is shown of a part of the row; made again only when that part changes.
fn cell<T: Clone + PartialEq + Send + Sync + 'static>(
    row: Memo<Option<LiveRow>>,
    part: fn(&LiveRow) -> T,
    show: fn(T) -> AnyView,
) -> impl IntoView {
    let part = Memo::new(move |_| row.with(|row| row.as_ref().map(part)));
    move || part.get().map(show)
}

type Device = (Option<String>, Option<uuid::Uuid>, String, Option<String>);

fn device(row: &LiveRow) -> Device {
    (row.phone.clone(), row.payment_id, row.mac.clone(), row.ip.clone())
}

fn device_view((phone, payment, mac, ip): Device) -> AnyView {
    let name = phone.unwrap_or_else(|| "No phone number".to_owned());
    let name = match payment {
        Some(id) => view! { <a href=payment_page(id)>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    let address = ip.map(|ip| view! { " "<span class="code">{ip}</span> });
    view! { <b>{name}</b><small><span class="code">{mac}</span>{address}</small> }.into_any()
}

fn state(row: &LiveRow) -> (String, String, String, Option<String>) {
    (row.state.clone(), row.text.clone(), row.mac.clone(), row.phone.clone())
}

fn state_view((state, text, mac, phone): (String, String, String, Option<String>)) -> AnyView {
    let (tone, words) = words::live::state(&state);
    let why = (state != "online").then(|| {
        let who = phone.unwrap_or_else(|| mac.clone());
        view! { <small><a href=why_page(&mac)>"Look into it"<span class="sr-only">": "{who}</span></a></small> }
    });
    // Where all is well, the badge says it all.
    let text = if state == "online" { String::new() } else { text };
    view! { <span class=tone.class()>{words}</span>{small(text)}{why} }.into_any()
}

/// Counts down without asking the server.
fn time_left(row: Memo<Option<LiveRow>>, clock: Clock) -> impl IntoView {
    let time = Memo::new(move |_| {
        let row = row.get()?;
        match (row.ends_at, row.seconds_remaining) {
            (Some(ends_at), _) => Some(match clock.secs_until(ends_at) {
                0 => ("Over".to_owned(), String::new()),
                left => (words::live::span(left), String::new()),
            }),
            (None, Some(left)) => {
                let why = if row.state == "paused" { "stands still" } else { "begins when connected" };
                Some((words::live::span(left), why.to_owned()))
            }
            (None, None) => None,
        }
    });
    let data = Memo::new(move |_| {
        let bytes = row.with(|row| row.as_ref().and_then(|row| row.bytes_remaining));
        bytes.map(|bytes| format!("{} left", words::live::data(bytes))).unwrap_or_default()
    });
    move || match time.get() {
        None => none(),
        Some((time, why)) => view! { <span class="number">{time}</span>{small(why)}{small(data.get())} }.into_any(),
    }
}

fn used_view((minutes, bytes): (u64, u64)) -> AnyView {
    if minutes == 0 && bytes == 0 {
        return none();
    }
    let time = words::live::about_span(minutes.saturating_mul(60));
    view! { <span class="number">{time}</span><small class="number">{words::live::data(bytes)}</small> }.into_any()
}

fn package_view((package, devices): (Option<String>, Option<String>)) -> AnyView {
    match package {
        None => none(),
        Some(package) => view! { {package}{small(devices.unwrap_or_default())} }.into_any(),
    }
}

/// One button, behind which everything stands that may be done.
fn actions(row: Memo<Option<LiveRow>>) -> impl IntoView {
    let desk = Desk::here();
    let who = Memo::new(move |_| {
        let row = row.get()?;
        (!row.actions.is_empty()).then(|| row.phone.unwrap_or(row.mac))
    });
    let offer = move |_| {
        if let Some(row) = row.get_untracked() {
            desk.offer(choice(&row));
        }
    };
    move || {
        who.get().map(|who| {
            view! { <button aria-haspopup="dialog" on:click=offer>"Actions"<span class="sr-only">" for "{who}</span></button> }
        })
    }
}
