//! Taking a router out of use, and back.

use std::rc::Rc;

use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields, plainly_said},
        parts::owners_only::OwnersOnly,
    },
    api::{ReasonRequest, RemoveRouterRequest},
};

/// What is asked before a router is taken out of use, on which so many customers have paid time.
pub(super) fn remove(id: Uuid, name: &str, customers: u32) -> Ask {
    let have = if customers == 1 { "1 customer has".to_owned() } else { format!("{customers} customers have") };
    let (about, fields) = match customers {
        0 => (name.to_owned(), Fields::None),
        _ => (
            format!("{name}: {have} paid time left there."),
            Fields::Agree {
                name: "customers",
                number: customers,
                label: format!("I know that {have} paid and may lose it"),
            },
        ),
    };
    Ask {
        title: "Take this router out of use?".to_owned(),
        about,
        words: "Bando no longer connects to it, and nobody can buy time there. Who is on now stays on until the time is over \
                or the router restarts; who is not on does not get on any more. You can take it back into use later.",
        fields,
        reason: Some("Such as “sold” or “the shop has closed”."),
        confirm: "Take out of use",
        is_grave: true,
        said: plainly_said(format!("{name} is out of use.")),
        call: Rc::new(move |filled| {
            let customers = filled.text("customers").parse().unwrap_or(0);
            let request = RemoveRouterRequest { reason: filled.reason(), customers };
            Call::new(format!("/api/admin/routers/{id}/remove"), &request)
        }),
    }
}

fn restore(id: Uuid, name: &str) -> Ask {
    Ask {
        title: "Take this router back into use?".to_owned(),
        about: name.to_owned(),
        words: "Bando connects to it again, and lets everybody on who has paid.",
        fields: Fields::None,
        reason: Some("Such as “repaired”."),
        confirm: "Take back into use",
        is_grave: false,
        said: plainly_said(format!("{name} is in use again.")),
        call: Rc::new(move |filled| {
            Call::new(format!("/api/admin/routers/{id}/restore"), &ReasonRequest { reason: filled.reason() })
        }),
    }
}

/// The button that takes it back into use.
#[component]
pub(super) fn Restore(id: Uuid, name: String) -> impl IntoView {
    let desk = Desk::here();
    let ask = StoredValue::new_local(restore(id, &name));
    view! {
        <OwnersOnly>
            <div class="actions">
                <button class="primary" on:click=move |_| desk.ask(ask.get_value())>"Take back into use"</button>
            </div>
        </OwnersOnly>
    }
}
