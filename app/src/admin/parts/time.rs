//! Instants, in the owner's zone.

use chrono::{DateTime, SecondsFormat, Utc};
use js_sys::{Date, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

/// An instant as the owner reads it: `22 Nov, 14:35`, or where the order of events matters `22 Nov, 14:35:07`.
#[component]
pub(in crate::admin) fn Time(
    at: DateTime<Utc>,
    /// With seconds.
    #[prop(optional)]
    exact: bool,
) -> impl IntoView {
    let rfc3339 = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let shown = shown(&rfc3339, exact);
    view! { <time datetime=rfc3339>{shown}</time> }
}

fn shown(rfc3339: &str, exact: bool) -> String {
    let options = Object::new();
    let zone = document().document_element().and_then(|html| html.get_attribute("data-zone"));
    let zone = zone.unwrap_or_else(|| "Africa/Nairobi".to_owned());
    for (name, value) in [
        ("day", "numeric"),
        ("month", "short"),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
        ("hourCycle", "h23"),
        ("timeZone", zone.as_str()),
    ] {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    if exact {
        let _ = Reflect::set(&options, &JsValue::from_str("second"), &JsValue::from_str("2-digit"));
    }
    Date::new(&JsValue::from_str(rfc3339)).to_locale_string("en-GB", &options).into()
}
