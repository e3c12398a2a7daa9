//! What this admin may do with a payment now, as the server lists it.

use std::rc::Rc;

use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields, Filled, as_told},
        words,
    },
    api::{DecideRequest, RefundRequest},
};

/// One action of the API.
struct Action {
    /// The word in the API.
    key: &'static str,
    label: &'static str,
    title: &'static str,
    words: &'static str,
    reason: &'static str,
    is_grave: bool,
    /// The last part of the address.
    path: &'static str,
    /// `decision` or `kind`.
    word: &'static str,
}

const ACTIONS: [Action; 4] = [
    Action {
        key: "decide_paid",
        label: "It was paid",
        title: "Was this payment made?",
        words: "The customer gets what they bought, as if M-Pesa had said so.",
        reason: "Where you have seen the money, such as on your statement.",
        is_grave: false,
        path: "decide",
        word: "paid",
    },
    Action {
        key: "decide_not_paid",
        label: "It was not paid",
        title: "Was this payment not made?",
        words: "The payment ends as not paid and the customer gets nothing for it. If M-Pesa confirms it later, it still counts.",
        reason: "What you have compared it with.",
        is_grave: true,
        path: "decide",
        word: "not_paid",
    },
    Action {
        key: "refund_manual",
        label: "Record a refund",
        title: "Have you given the money back?",
        words: "Use this after you have paid the customer back yourself. Their WiFi ends now. No money moves by this.",
        reason: "How you gave it back, such as in cash or by M-Pesa, and why.",
        is_grave: true,
        path: "refund",
        word: "manual",
    },
    Action {
        key: "refund_reversal",
        label: "Ask M-Pesa to give it back",
        title: "Shall M-Pesa give the money back?",
        words: "M-Pesa is asked to send the money back to the customer’s phone. When it has, their WiFi ends.",
        reason: "Why it is given back.",
        is_grave: true,
        path: "refund",
        word: "reversal",
    },
];

/// A button for each; none where there is nothing to do.
#[component]
pub(super) fn Actions(id: Uuid, about: String, received: u32, actions: Vec<String>) -> impl IntoView {
    let desk = Desk::here();
    let known = ACTIONS.iter().filter(|action| actions.iter().any(|listed| listed == action.key));
    let buttons = known
        .map(|action| {
            let ask = ask(action, id, &about, received);
            let ask = StoredValue::new_local(ask);
            let class = if action.key == "decide_paid" { "primary" } else { "" };
            view! { <button class=class on:click=move |_| desk.ask(ask.get_value())>{action.label}</button> }
        })
        .collect_view();
    (!buttons.is_empty())
        .then(|| view! { <div class="actions" role="group" aria-label="What you can do">{buttons}</div> })
}

fn ask(action: &'static Action, id: Uuid, about: &str, received: u32) -> Ask {
    let about = if action.path == "refund" {
        format!("{about}. Received: {}.", words::kes(received.into()))
    } else {
        format!("{about}.")
    };
    Ask {
        title: action.title.to_owned(),
        about,
        words: action.words,
        fields: Fields::None,
        reason: Some(action.reason),
        confirm: action.label,
        is_grave: action.is_grave,
        said: as_told(),
        call: Rc::new(move |filled| call(action, id, filled)),
    }
}

fn call(action: &Action, id: Uuid, filled: &Filled) -> Call {
    let path = format!("/api/admin/payments/{id}/{}", action.path);
    let (word, reason) = (action.word.to_owned(), filled.reason());
    if action.path == "refund" {
        Call::new(path, &RefundRequest { kind: word, reason })
    } else {
        Call::new(path, &DecideRequest { decision: word, reason })
    }
}
