//! The little of the browser that the islands touch.

use leptos::prelude::on_cleanup;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, Element, EventTarget};

use super::Start;

/// The page.
pub(super) fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// The element the server marked with this id.
pub(super) fn by_id(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

/// A `data-*` attribute of the live part of the page; empty when absent.
pub(super) fn data(name: &str) -> String {
    by_id("live").and_then(|live| live.get_attribute(name)).unwrap_or_default()
}

impl Start {
    /// What the server wrote into the page.
    pub(super) fn here() -> Self {
        let hint = by_id("phone-hint");
        Self {
            seconds: data("data-seconds").parse().unwrap_or_default(),
            status: data("data-status"),
            is_in_review: !data("data-review").is_empty(),
            is_claimed: !data("data-claim").is_empty(),
            is_error: hint.as_ref().is_some_and(|hint| hint.class_name().contains("error")),
            hint: hint.and_then(|hint| hint.text_content()).unwrap_or_default(),
        }
    }
}

/// Calls `tick` once a second, for as long as the page lives (islands are never taken down).
pub(super) fn every_second(tick: impl FnMut() + 'static) {
    let tick = Closure::<dyn FnMut()>::new(tick);
    if let Some(window) = web_sys::window()
        && let Ok(id) =
            window.set_interval_with_callback_and_timeout_and_arguments_0(tick.as_ref().unchecked_ref(), 1000)
    {
        on_cleanup(move || window.clear_interval_with_handle(id));
    }
    tick.forget();
}

/// Calls `listener` on every `event` of `target`, for as long as the page lives.
pub(super) fn listen(target: &EventTarget, event: &str, listener: impl FnMut(web_sys::Event) + 'static) {
    let listener = Closure::<dyn FnMut(web_sys::Event)>::new(listener);
    // Only fails when the event name or the options are malformed, which they are not.
    let _ = target.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
    listener.forget();
}

/// The wall clock in milliseconds: unlike timers it goes on while the device sleeps.
pub(super) fn wall_ms() -> f64 {
    js_sys::Date::now()
}

/// Whole seconds from one instant of [`wall_ms`] to a later one; zero when the clock was set back.
#[expect(clippy::as_conversions, reason = "a cast from a float saturates, and std has no other conversion")]
pub(super) const fn secs_between(from_ms: f64, to_ms: f64) -> u64 {
    ((to_ms - from_ms) / 1000.0) as u64
}

/// Seconds as milliseconds of [`wall_ms`].
#[expect(clippy::as_conversions, reason = "a float holds every number of seconds that occurs exactly")]
pub(super) const fn millis(seconds: u64) -> f64 {
    seconds as f64 * 1000.0
}

/// Shows this page anew: the server knows the state, the browser never guesses it.
pub(super) fn show_again() {
    if let Some(window) = web_sys::window() {
        let here = data("data-here");
        let _ = window.location().replace(&here);
    }
}

/// Compares an answer of `/api/user/status` with what the page shows, and shows the page anew when they
/// differ. Returns the paid seconds left, if the answer has them.
pub(super) fn judge(json: &str) -> Option<f64> {
    let answer = js_sys::JSON::parse(json).ok()?;
    let field = |name: &str| js_sys::Reflect::get(&answer, &JsValue::from_str(name)).ok();
    let status = field("status")?.as_string()?;
    let can_retry = field("can_retry").is_some_and(|value| value.is_truthy());
    let shown_retry = !data("data-retry").is_empty();
    let said = data("data-said");
    let says_something_else = !said.is_empty() && field("message").and_then(|text| text.as_string()) != Some(said);
    if status != data("data-status") || (can_retry && !shown_retry) || says_something_else {
        show_again();
    }
    field("seconds_remaining")?.as_f64()
}

/// Asks `/api/user/status` once. `None` when the answer did not come; the caller asks again later.
pub(super) async fn ask() -> Option<String> {
    let window = web_sys::window()?;
    let answer = wasm_bindgen_futures::JsFuture::from(window.fetch_with_str(&data("data-ask"))).await.ok()?;
    let answer: web_sys::Response = answer.dyn_into().ok()?;
    if !answer.ok() {
        return None;
    }
    wasm_bindgen_futures::JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}
