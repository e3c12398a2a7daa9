//! Something went wrong, said in words.

use leptos::prelude::*;

use crate::portal::{local_path, model::Failure};

pub(super) fn page(failure: &Failure) -> impl IntoView + use<> {
    let retry = failure.retry.as_deref().map(|path| {
        view! { <a class="button primary" href=local_path(path).to_owned()>"Try again"</a> }
    });
    view! {
        <h1>{failure.title.clone()}</h1>
        <p class="notice warn" role="alert">{failure.message.clone()}</p>
        {retry}
    }
}
