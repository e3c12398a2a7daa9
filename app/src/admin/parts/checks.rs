//! What was looked at on a router, line by line, with what to do.

use leptos::prelude::*;

use super::copy::CopyBox;
use crate::{
    admin::words::routers::{self, Piece},
    api::RouterCheck,
};

/// The lines. What is to be done stands first; what is well, and what could not be looked at, can be unfolded.
#[component]
pub(in crate::admin) fn Checks(checks: Vec<RouterCheck>) -> impl IntoView {
    let (well, rest): (Vec<_>, Vec<_>) = checks.into_iter().partition(|check| check.state == "ok");
    let (unknown, wrong): (Vec<_>, Vec<_>) = rest.into_iter().partition(|check| check.state == "unknown");
    view! {
        {list(wrong)}
        {folded(unknown, routers::not_looked_at)}
        {folded(well, routers::all_well)}
    }
}

fn list(checks: Vec<RouterCheck>) -> Option<impl IntoView> {
    (!checks.is_empty()).then(|| view! { <ul class="checks">{checks.into_iter().map(check).collect_view()}</ul> })
}

fn folded(checks: Vec<RouterCheck>, summary: fn(usize) -> String) -> Option<impl IntoView> {
    let count = checks.len();
    list(checks).map(|list| {
        view! {
            <details class="folded">
                <summary>{summary(count)}</summary>
                {list}
            </details>
        }
    })
}

fn check(check: RouterCheck) -> impl IntoView {
    let (tone, state) = routers::check(&check.state);
    let todo = check.todo.map(|todo| view! { <WhatToDo todo title=check.title.clone() /> });
    view! {
        <li>
            <p class="line-up">
                <b>{check.title}</b>
                <span class=tone.class()>{state}</span>
            </p>
            <p>{check.text}</p>
            {todo}
        </li>
    }
}

/// What to do; commands stand in boxes of their own, to be copied.
#[component]
pub(in crate::admin) fn WhatToDo(
    todo: String,
    /// What it is about, for those who cannot see what stands around it.
    #[prop(into)]
    title: String,
) -> impl IntoView {
    let pieces = routers::pieces(&todo).into_iter().map(|piece| match piece {
        Piece::Words(words) => view! { <p>{words}</p> }.into_any(),
        Piece::Command(text) => view! { <CopyBox text label=format!("Command for {title}") /> }.into_any(),
    });
    view! { <div class="todo">{pieces.collect_view()}</div> }
}
