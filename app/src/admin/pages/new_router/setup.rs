//! A set-up as it goes on: the line, what was found, what will change, what was done.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;

use super::begin_anew;
use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields, plainly_said},
        pager::encoded,
        pages::routers::router_page,
        parts::{checks::Checks, copy::CopyBox, time::Time, trouble::Trouble},
        reader::Reader,
        words::routers::{self as words, STAGES, is_going_on, stage},
    },
    api::{RouterSetup, SetupStep},
};

/// How often the server is asked while the set-up goes on.
const EVERY: Duration = Duration::from_secs(2);

/// What a router has to be allowed by somebody who stands beside it, from RouterOS 7.17 on.
const DEVICE_MODE: &str = "/system device-mode update fetch=yes hotspot=yes scheduler=yes";

/// Follows the set-up with this id. Its parts change one by one, so that what is open or has the focus stays.
#[component]
pub(super) fn Follow(id: String, made: RwSignal<Option<RouterSetup>>) -> impl IntoView {
    let path = format!("/api/admin/routers/setups/{}", encoded(&id));
    let reader = Reader::<RouterSetup>::new(Memo::new(move |_| path.clone()));
    reader
        .poll(EVERY, move || reader.value.with_untracked(|setup| setup.as_ref().is_none_or(|s| is_going_on(&s.state))));
    Desk::here().listen(move || reader.again());
    let command = Memo::new(move |_| {
        made.with(|made| made.as_ref().filter(|made| made.id.to_string() == id).and_then(|made| made.command.clone()))
    });
    let is_there = Memo::new(move |_| reader.value.with(Option::is_some));
    view! {
        {move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> })}
        <Show
            when=move || is_there.get()
            fallback=move || reader.fault.with(Option::is_none).then(|| {
                view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> }
            })
        >
            <Setup reader command />
        </Show>
    }
}

/// A part of what was read; nothing but what it shows makes it change.
fn part<T: PartialEq + Send + Sync + 'static>(
    reader: Reader<RouterSetup>,
    part: impl Fn(&RouterSetup) -> T + Send + Sync + 'static,
) -> Memo<Option<T>> {
    Memo::new(move |_| reader.value.with(|setup| setup.as_ref().map(&part)))
}

#[component]
fn Setup(reader: Reader<RouterSetup>, command: Memo<Option<String>>) -> impl IntoView {
    let state = part(reader, |setup| setup.state.clone());
    let is = move |word: &'static str| move || state.with(|state| state.as_deref() == Some(word));
    let is_clean = part(reader, |setup| setup.steps.iter().all(|step| step.state == "ok"));
    let banner = move || match (state.get().as_deref(), is_clean.get()) {
        (Some("done"), Some(true)) => "banner good",
        (Some("failed" | "expired"), _) => "banner bad",
        (Some("asking" | "done"), _) => "banner warn",
        _ => "banner busy",
    };
    let message = part(reader, |setup| setup.message.clone());
    let name = part(reader, |setup| setup.name.clone());
    let anew = part(reader, begin_anew);
    let router = part(reader, |setup| setup.router_id.filter(|_| setup.state == "done"));
    view! {
        <p class="about"><b>{move || name.get()}</b></p>
        <Stages state />
        <p class=banner role="status">{move || message.get()}</p>
        <Show when=is("waiting")><Paste reader command /></Show>
        <TunnelPart reader />
        <Steps reader />
        {move || router.get().flatten().map(|id| view! {
            <p class="actions"><a class="button" href=router_page(id)>"Open the router"</a></p>
        })}
        <Show when=move || state.with(|state| matches!(state.as_deref(), Some("failed" | "expired")))>
            <p class="actions"><a class="button" href=move || anew.get()>"Begin again"</a></p>
        </Show>
        <Found reader />
        <Plan reader />
        <Undo reader />
    }
}

/// How far it is.
#[component]
fn Stages(state: Memo<Option<String>>) -> impl IntoView {
    let at = Memo::new(move |_| state.with(|state| state.as_deref().and_then(stage)));
    let stages = STAGES.into_iter().enumerate().map(|(place, name)| {
        let is_done = move || at.get().is_some_and(|at| place < at);
        let current = move || (at.get() == Some(place)).then_some("step");
        view! {
            <li class:done=is_done aria-current=current>
                {name}
                <Show when=is_done><span class="sr-only">", done"</span></Show>
            </li>
        }
    });
    view! { <ol class="stages">{stages.collect_view()}</ol> }
}

/// The line, and where it goes.
#[component]
fn Paste(reader: Reader<RouterSetup>, command: Memo<Option<String>>) -> impl IntoView {
    let expires = part(reader, |setup| setup.expires_at);
    let anew = part(reader, begin_anew);
    let line = move || {
        match command.get() {
        Some(text) => view! {
            <ol class="steps">
                <li>"Open the router in WinBox or WebFig and choose “New Terminal” (in WebFig: “Terminal”)."</li>
                <li>"Paste this line there and press Enter. Leave this page open: it shows how it goes on."</li>
            </ol>
            <CopyBox text label="The line for the router’s terminal" />
            <p class="hint">
                "It works once, for this router only, until "
                {move || expires.get().map(|at| view! { <Time at /> })}
                ". Give it to nobody you would not give the router to."
            </p>
            <details>
                <summary>"The router answers “not allowed by device-mode”"</summary>
                <p>
                    "Paste this line first, then press the router’s button shortly, or take its power away for a moment, \
                     within five minutes. It restarts. Then paste the line above again."
                </p>
                <CopyBox text=DEVICE_MODE label="The line that allows it" />
            </details>
        }
        .into_any(),
        None => view! {
            <p>
                "The line was shown only once, because it is a secret. If you have pasted it, this page goes on by itself. If you \
                 no longer have it, begin again for a new one."
            </p>
            <p><a class="button" href=move || anew.get()>"Begin again"</a></p>
        }
        .into_any(),
    }
    };
    view! {
        <section class="card" aria-labelledby="paste">
            <h2 id="paste">"Paste this into the router"</h2>
            {line}
        </section>
    }
}

/// What this server needs for the tunnel.
#[component]
fn TunnelPart(reader: Reader<RouterSetup>) -> impl IntoView {
    let config = part(reader, |setup| setup.tunnel_config.clone());
    move || {
        config.get().flatten().map(|text| {
            view! {
                <section class="card" aria-labelledby="tunnel">
                    <h2 id="tunnel">"For this server"</h2>
                    <p>"Add this to the WireGuard configuration of the server that Bando runs on, and load it there:"</p>
                    <CopyBox text label="Part of the server’s WireGuard configuration" />
                </section>
            }
        })
    }
}

/// What is there, what would change, and the owner's word.
#[component]
fn Plan(reader: Reader<RouterSetup>) -> impl IntoView {
    let desk = Desk::here();
    let existing = part(reader, |setup| setup.existing.clone());
    let planned = part(reader, |setup| setup.planned.clone());
    let is_asking = part(reader, |setup| setup.state == "asking");
    let asked = part(reader, |setup| (setup.id, setup.name.clone()));
    let is_shown = move || {
        let has_lines = |lines: &Option<Vec<String>>| lines.as_ref().is_some_and(|lines| !lines.is_empty());
        existing.with(has_lines) || planned.with(has_lines)
    };
    let approve_it = move |_| {
        if let Some((id, name)) = asked.get_untracked() {
            desk.ask(approve(&id.to_string(), &name));
        }
    };
    let lines = |lines: Option<Vec<String>>, none: &'static str| match lines.filter(|lines| !lines.is_empty()) {
        None => view! { <p class="nothing">{none}</p> }.into_any(),
        Some(lines) => {
            view! { <ul class="plain">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul> }
                .into_any()
        }
    };
    view! {
        <Show when=is_shown>
            <section class="card" aria-labelledby="plan">
                <h2 id="plan">"What it changes"</h2>
                {move || lines(planned.get(), "Nothing.")}
                <h3>"What was there before and is changed by it"</h3>
                {move || lines(existing.get(), "Nothing that was there is changed.")}
                <Show when=move || is_asking.get() == Some(true)>
                    <p><button class="primary" on:click=approve_it>"Approve"</button></p>
                </Show>
            </section>
        </Show>
    }
}

fn approve(id: &str, name: &str) -> Ask {
    let path = format!("/api/admin/routers/setups/{}/approve", encoded(id));
    Ask {
        title: "Set this router up?".to_owned(),
        about: name.to_owned(),
        words: "What is listed is changed now. Customers who are on this router may lose their connection for a moment. \
                Afterwards you get a line that takes it all back.",
        fields: Fields::None,
        reason: None,
        confirm: "Approve",
        is_grave: false,
        said: plainly_said("Approved. The router fetches it within a few seconds."),
        call: Rc::new(move |_| Call::new(path.clone(), &())),
    }
}

/// What was done, as it is reported.
#[component]
fn Steps(reader: Reader<RouterSetup>) -> impl IntoView {
    let steps = part(reader, |setup| setup.steps.clone());
    let is_shown = Memo::new(move |_| steps.with(|steps| steps.as_ref().is_some_and(|steps| !steps.is_empty())));
    let each = move || steps.get().unwrap_or_default().into_iter().enumerate().collect::<Vec<_>>();
    view! {
        <Show when=move || is_shown.get()>
            <section class="card" aria-labelledby="steps">
                <h2 id="steps">"What was done"</h2>
                <ol class="chain" aria-live="polite">
                    <For each=each key=Clone::clone let:step>{step_view(step.1)}</For>
                </ol>
            </section>
        </Show>
    }
}

fn step_view(step: SetupStep) -> impl IntoView {
    let (tone, state) = words::step(&step.state);
    let mark = match step.state.as_str() {
        "ok" => "good",
        "warning" => "warn",
        "wrong" => "bad",
        _ => "",
    };
    view! {
        <li class=mark>
            <p class="line-up">
                <b>{step.title}</b>
                <span class=tone.class()>{state}</span>
            </p>
            <p>{step.text}</p>
            <p class="hint"><Time at=step.at exact=true /></p>
        </li>
    }
}

/// What the router looked like before.
#[component]
fn Found(reader: Reader<RouterSetup>) -> impl IntoView {
    let checks = part(reader, |setup| setup.checks.clone());
    move || {
        checks.get().filter(|checks| !checks.is_empty()).map(|checks| {
            view! {
                <section class="card" aria-labelledby="found">
                    <h2 id="found">"What was found on the router"</h2>
                    <Checks checks />
                </section>
            }
        })
    }
}

/// The line that takes everything back.
#[component]
fn Undo(reader: Reader<RouterSetup>) -> impl IntoView {
    let undo = part(reader, |setup| setup.undo_command.clone());
    move || {
        undo.get().flatten().map(|text| {
            view! {
                <section class="card" aria-labelledby="undo">
                    <h2 id="undo">"If you want it back as it was"</h2>
                    <p>"Paste this into the router’s terminal. It takes back what the set-up changed, and nothing else."</p>
                    <CopyBox text label="The line that takes the set-up back" />
                </section>
            }
        })
    }
}
