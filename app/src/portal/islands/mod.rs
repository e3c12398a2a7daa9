//! The parts of the portal that move once wasm has arrived. Each island reads what it needs from the page
//! (`data-*` attributes and text the server wrote), never from serialised props: no JSON decoder is shipped
//! for them. Without wasm the same elements are complete and simply stand still.

pub mod countdown;
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod dom;
pub mod live_status;
pub mod phone_hint;

/// Where an island starts: on the server what the page gave through the context, in the browser what the
/// server wrote into the page.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Seconds waited so far, or seconds left.
    pub seconds: u64,
    /// Whether the page waits for M-Pesa (`pending`), for the router (`paid`), or is `online`.
    pub status: String,
    /// Whether a person has to look at the payment.
    pub is_in_review: bool,
    /// Whether an M-Pesa code that the customer showed is being looked into.
    pub is_claimed: bool,
    /// The hint under the phone field, and whether it is an error.
    pub hint: String,
    /// See `hint`.
    pub is_error: bool,
}

#[cfg(feature = "ssr")]
impl Start {
    /// What the page provided.
    fn here() -> Self {
        leptos::prelude::use_context().unwrap_or_default()
    }
}

/// Makes the reactive system ready for the islands of this page, for as long as the page lives.
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
pub fn start() {
    // Fails only when it has been started before, which is just as good.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    let owner = leptos::prelude::Owner::new_root(None);
    owner.set();
    std::mem::forget(owner);
}
