//! A form whose fields are the query of the page it is on, so that a reload or a link keeps them.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement, SubmitEvent, UrlSearchParams};

/// Without wasm the browser would do the same by loading the page with the query.
#[component]
pub(in crate::admin) fn Search(
    /// The page, such as `/admin/customers`.
    page: &'static str,
    children: Children,
) -> impl IntoView {
    let navigate = use_navigate();
    let search = move |event: SubmitEvent| {
        if let Some(query) = query_of(&event) {
            event.prevent_default();
            let options = NavigateOptions { resolve: false, scroll: false, ..NavigateOptions::default() };
            navigate(&format!("{page}?{query}"), options);
        }
    };
    view! { <form class="filter" role="search" method="get" action=page on:submit=search>{children()}</form> }
}

/// A filter applies as soon as it is chosen: listener for what changes.
pub(in crate::admin) fn submit(event: web_sys::Event) {
    let field = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let form = field.and_then(|field| field.closest("form").ok().flatten());
    if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        // Fails only when the form is not on the page, and then there is nothing to do.
        let _ = form.request_submit();
    }
}

fn query_of(event: &SubmitEvent) -> Option<String> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let fields = FormData::new_with_form(&form).ok()?;
    Some(UrlSearchParams::new_with_str_sequence_sequence(&fields).ok()?.to_string().into())
}
