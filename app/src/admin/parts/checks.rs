//! What was looked at on a router, line by line, with what to do.

use leptos::prelude::*;

use super::copy::CopyBox;
use crate::{
    admin::words::routers::{self, Piece},
    api::RouterCheck,
};

/// The lines.
#[component]
pub(in crate::admin) fn Checks(checks: Vec<RouterCheck>) -> impl IntoView {
    view! { <ul class="checks">{checks.into_iter().map(check).collect_view()}</ul> }
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
