//! The line under the phone field: what to enter, a soft hint, or what is wrong.

use leptos::prelude::*;

use super::Start;

/// The line under the phone field. In the browser it judges the number while it is typed, by the same code
/// as the server, and keeps a wrong number from being sent.
#[island]
pub fn PhoneHint() -> impl IntoView {
    let Start { hint, is_error, .. } = Start::here();
    let line = RwSignal::new((hint, is_error));
    #[cfg(all(feature = "hydrate", not(feature = "ssr")))]
    judge::start(line);
    view! {
        <p id="phone-hint" aria-live="polite" class=move || line.with(|(_, is_error)| class(*is_error))>
            {move || line.with(|(hint, _)| hint.clone())}
        </p>
    }
}

/// An error is told apart by its words and its colour.
const fn class(is_error: bool) -> &'static str {
    if is_error { "hint error" } else { "hint" }
}

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod judge {
    //! What runs in the browser.

    use domain::Msisdn;
    use leptos::prelude::{RwSignal, Set};
    use wasm_bindgen::JsCast;
    use web_sys::HtmlInputElement;

    use super::super::dom;

    /// Listens to the field and to its form.
    pub(super) fn start(line: RwSignal<(String, bool)>) {
        let Some(field) = dom::by_id("phone").and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) else {
            return;
        };
        let typed = field.clone();
        dom::listen(&field, "input", move |_| {
            // Half a number is not an error while somebody types it.
            let hint = match typed.value().parse::<Msisdn>() {
                Ok(phone) if phone.looks_like_safaricom() => format!("We will ask {} to pay.", phone.display()),
                Ok(phone) => format!(
                    "{} does not look like a Safaricom number. You can still try if it has M-Pesa.",
                    phone.display()
                ),
                Err(_) => String::new(),
            };
            set(&typed, line, hint, false);
        });
        let Some(form) = field.form() else { return };
        dom::listen(&form, "submit", move |event| {
            if let Err(error) = field.value().parse::<Msisdn>() {
                event.prevent_default();
                set(&field, line, error.to_string(), true);
                let _ = field.focus();
            }
        });
    }

    fn set(field: &HtmlInputElement, line: RwSignal<(String, bool)>, hint: String, is_error: bool) {
        let _ = field.set_attribute("aria-invalid", if is_error { "true" } else { "false" });
        line.set((hint, is_error));
    }
}
