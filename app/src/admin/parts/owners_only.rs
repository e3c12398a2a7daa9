//! What only the owner sees.

use leptos::prelude::*;

use crate::admin::session::Session;

/// Shows `children` to owners, and a sentence to everybody else.
#[component]
pub(in crate::admin) fn OwnersOnly(
    /// The sentence; nothing when left out.
    #[prop(optional)]
    otherwise: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let session = Session::here();
    let is_owner = Memo::new(move |_| session.is_owner());
    let fallback = move || (!otherwise.is_empty()).then(|| view! { <p class="empty">{otherwise}</p> });
    view! { <Show when=move || is_owner.get() fallback>{children()}</Show> }
}
