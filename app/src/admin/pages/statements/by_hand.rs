//! Set-up of payments that customers make by hand.

use std::rc::Rc;

use leptos::prelude::*;

use crate::admin::desk::{Ask, Call, Desk, Fields, as_told};

/// A button that tells M-Pesa where to report such payments.
#[component]
pub(super) fn ByHand() -> impl IntoView {
    let desk = Desk::here();
    let register = move |_| {
        desk.ask(Ask {
            title: "Tell M-Pesa where Bando is?".to_owned(),
            about: "Payments by hand.".to_owned(),
            words: "From then on M-Pesa reports every payment to your number to this server, and no longer to a system \
                    that was registered before.",
            fields: Fields::None,
            reason: None,
            confirm: "Tell M-Pesa",
            is_grave: false,
            said: as_told(),
            call: Rc::new(|_| Call::new("/api/admin/mpesa/register-urls".to_owned(), &())),
        });
    };
    view! {
        <section class="card" aria-labelledby="by-hand">
            <h2 id="by-hand">"Payments by hand"</h2>
            <p>
                "When no request reaches their phone, customers can pay to your number themselves. For Bando to hear of it, \
                 M-Pesa must know where Bando is. Do this once, and again when the address of this server has changed."
            </p>
            <p><button on:click=register>"Tell M-Pesa"</button></p>
        </section>
    }
}
