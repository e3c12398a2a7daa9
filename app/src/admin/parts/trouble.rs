//! Something failed: says what, and offers to try again.

use leptos::prelude::*;

/// A message with a button.
#[component]
pub(in crate::admin) fn Trouble(#[prop(into)] message: String, retry: impl Fn() + 'static) -> impl IntoView {
    view! {
        <div class="trouble" role="alert">
            <p>{message}</p>
            <button on:click=move |_| retry()>"Try again"</button>
        </div>
    }
}
