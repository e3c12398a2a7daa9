//! Light, dark, or as the computer is set: the same cookie as the portal's.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A year.
const KEEP_SECS: u32 = 31_536_000;

/// The switch. The server puts the choice on the document, so the next page starts with it.
#[component]
pub(in crate::admin) fn ThemeSwitch() -> impl IntoView {
    let chosen = document().document_element().and_then(|html| html.get_attribute("data-theme"));
    let theme = RwSignal::new(chosen.unwrap_or_else(|| "system".to_owned()));
    let choices = [("system", "Auto"), ("light", "Light"), ("dark", "Dark")].map(|(value, label)| {
        view! {
            <button
                aria-pressed=move || if theme.with(|theme| theme == value) { "true" } else { "false" }
                on:click=move |_| {
                    choose(value);
                    theme.set(value.to_owned());
                }
            >
                {label}
            </button>
        }
    });
    view! { <div class="theme" role="group" aria-label="Colours">{choices.into_iter().collect_view()}</div> }
}

fn choose(theme: &str) {
    let document = document();
    if let Some(html) = document.document_element() {
        // Fails only for names that are not attribute names.
        let _ = if theme == "system" {
            html.remove_attribute("data-theme")
        } else {
            html.set_attribute("data-theme", theme)
        };
    }
    if let Ok(document) = document.dyn_into::<web_sys::HtmlDocument>() {
        // A browser that refuses cookies keeps the choice until the page is closed.
        let _ = document.set_cookie(&format!("theme={theme}; path=/; max-age={KEEP_SECS}; samesite=lax"));
    }
}
