//! The one wrapper that draws loading, empty and failed lists.

use leptos::prelude::*;

use super::trouble::Trouble;
use crate::admin::pager::{Answer, Load, Pager};

/// Shows `children` (the list) when there is something to show, and says so when there is not.
#[component]
pub(in crate::admin) fn ListState<A: Answer>(
    /// The list.
    pager: Pager<A>,
    /// What to say when nothing is there.
    #[prop(into)]
    empty: Signal<&'static str>,
    children: Children,
) -> impl IntoView {
    let is_empty = Memo::new(move |_| pager.rows.with(Vec::is_empty));
    let note = move || match pager.load.get() {
        Load::First => {
            Some(view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> }.into_any())
        }
        Load::Failed(message) => Some(view! { <Trouble message retry=move || pager.again() /> }.into_any()),
        Load::Ready if is_empty.get() => Some(view! { <p class="empty" role="status">{empty.get()}</p> }.into_any()),
        Load::Ready | Load::More => None,
    };
    let is_loading_more = move || pager.load.with(|load| *load == Load::More);
    view! {
        {note}
        <div class:hidden=move || is_empty.get()>{children()}</div>
        <Show when=move || pager.has_more()>
            <button class="more" disabled=is_loading_more on:click=move |_| pager.more()>
                {move || if is_loading_more() { "Loading…" } else { "Load more" }}
            </button>
        </Show>
    }
}
