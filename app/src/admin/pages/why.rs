//! Why a customer cannot get on: the way from the money to the device, station by station, and where it stops.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    admin::{
        pager::encoded,
        pages::{payment::payment_page, routers::router_page},
        parts::{checks::WhatToDo, search::Search, time::Time, trouble::Trouble},
        reader::Reader,
        routes::WHY,
        words::{self, Tone},
    },
    api::{Deed, Why as Answer, WhyStep},
};

/// The address of the page that answers for a phone number, a device or an M-Pesa code.
pub(in crate::admin) fn why_page(who: &str) -> String {
    format!("{WHY}?q={}", encoded(who))
}

/// The page.
#[component]
pub(in crate::admin) fn Why() -> impl IntoView {
    let query = use_query_map();
    let search = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default().trim().to_owned()));
    let answer = move || {
        let search = search.get();
        if search.is_empty() {
            return view! {
                <p class="empty">
                    "Ask the customer for their phone number, or for the code in their M-Pesa message. Bando looks at every \
                     step between their money and the internet and says where it stops."
                </p>
            }
            .into_any();
        }
        view! { <Looked search /> }.into_any()
    };
    view! {
        <div class="title"><h1>"Why can’t this customer get on?"</h1></div>
        <Search page=WHY>
            <label class="sr-only" for="q">"Phone number, device address or M-Pesa code"</label>
            <input
                id="q"
                name="q"
                type="search"
                maxlength="40"
                required
                placeholder="Phone, device or code"
                prop:value=move || search.get()
            />
            <button class="primary">"Look"</button>
        </Search>
        {answer}
    }
}

/// What came of it.
#[component]
fn Looked(search: String) -> impl IntoView {
    let path = format!("/api/admin/why?q={}", encoded(&search));
    let reader = Reader::<Answer>::new(Memo::new(move |_| path.clone()));
    let is_busy = Memo::new(move |_| reader.value.with(Option::is_none) && reader.fault.with(Option::is_none));
    view! {
        {move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> })}
        <Show when=move || is_busy.get()>
            <div class="skeleton" role="status"><span class="sr-only">"Looking"</span></div>
        </Show>
        {move || reader.value.get().map(|answer| view! { <Verdict answer reader /> })}
    }
}

#[component]
fn Verdict(answer: Answer, reader: Reader<Answer>) -> impl IntoView {
    let banner = match (answer.is_well, answer.kind.as_str()) {
        (true, _) => "banner good",
        (false, "unknown") => "banner",
        (false, _) => "banner warn",
    };
    let todo = answer.todo.map(|todo| {
        view! {
            <section class="card" aria-labelledby="todo">
                <h2 id="todo">"What to do"</h2>
                <WhatToDo todo title="what to do" />
            </section>
        }
    });
    let steps = (!answer.steps.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="way">
                <h2 id="way">"From the money to the internet"</h2>
                <ol class="chain">{answer.steps.into_iter().map(step).collect_view()}</ol>
                <p><button on:click=move |_| reader.again()>"Look again"</button></p>
            </section>
        }
    });
    let done = (!answer.done.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="done">
                <h2 id="done">"What was done by hand"</h2>
                <ol class="events">{answer.done.into_iter().map(deed).collect_view()}</ol>
            </section>
        }
    });
    view! {
        <p class=banner role="status">{answer.verdict}</p>
        {todo}
        {steps}
        {done}
    }
}

fn deed(deed: Deed) -> impl IntoView {
    view! {
        <li>
            <p class="hint"><Time at=deed.at /></p>
            <p>{deed.text}</p>
        </li>
    }
}

fn step(step: WhyStep) -> impl IntoView {
    let (tone, state) = words::routers::station_state(&step.state);
    let mark = match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Busy => "busy",
        Tone::Warn | Tone::Quiet => "",
    };
    let payment = step.payment_id.map(|id| view! { <p><a href=payment_page(id)>"Open the payment"</a></p> });
    // Once is enough.
    let router = step
        .router_id
        .filter(|_| step.station == "router")
        .map(|id| view! { <p><a href=router_page(id)>"Open the router"</a></p> });
    view! {
        <li class=mark>
            <p class="line-up">
                <b>{words::routers::station(&step.station)}</b>
                <span class=tone.class()>{state}</span>
            </p>
            <p>{step.text}</p>
            {payment}
            {router}
        </li>
    }
}
