//! Customers who say that they have paid.

use std::rc::Rc;

use leptos::prelude::*;

use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields, as_told},
        pages::payment::{about as about_payment, payment_page},
        parts::time::Time,
        reader::Reader,
    },
    api::{AcceptClaimRequest, ClaimList, ClaimRow, ReasonRequest},
};

/// The list, oldest first: these customers are waiting.
#[component]
pub(super) fn Claims(claims: Reader<ClaimList>) -> impl IntoView {
    view! {
        <ul class="entries">
            <For
                each=move || claims.value.get().map(|list| list.claims).unwrap_or_default()
                key=ClaimRow::clone
                let:claim
            >
                <Claim claim />
            </For>
        </ul>
    }
}

#[component]
fn Claim(claim: ClaimRow) -> impl IntoView {
    let desk = Desk::here();
    let payment = claim.payment.as_ref().map_or_else(
        || view! { <p>"This device has not tried to pay here before."</p> }.into_any(),
        |payment| {
            view! { <p>"Their payment: "<a href=payment_page(payment.id)>{about_payment(payment)}</a></p> }.into_any()
        },
    );
    let (accept, refuse) = (StoredValue::new_local(accept(&claim)), StoredValue::new_local(refuse(&claim)));
    view! {
        <li class="task">
            <div>
                <p>"M-Pesa code "<b class="code">{claim.receipt.clone()}</b></p>
                {payment}
                {(!claim.message.is_empty()).then(|| view! { <p>{claim.message.clone()}</p> })}
                <p class="hint">
                    <Time at=claim.created_at />
                    {format!(", device {} at {}", claim.mac, claim.router)}
                </p>
            </div>
            <div class="ways" role="group" aria-label=format!("Code {}", claim.receipt)>
                <button on:click=move |_| desk.ask(refuse.get_value())>"Refuse"</button>
                <button class="primary" on:click=move |_| desk.ask(accept.get_value())>"I have seen it"</button>
            </div>
        </li>
    }
}

fn about(claim: &ClaimRow) -> String {
    let payment = claim.payment.as_ref().map(|payment| format!(" {}.", about_payment(payment))).unwrap_or_default();
    format!("M-Pesa code {}.{payment}", claim.receipt)
}

fn accept(claim: &ClaimRow) -> Ask {
    let id = claim.id;
    Ask {
        title: "Have you seen this money?".to_owned(),
        about: about(claim),
        words: "Type the amount that M-Pesa shows for exactly this code. If it covers the price, the customer is connected at once.",
        fields: Fields::Amount,
        reason: Some("Where you have seen it, such as on the statement of today."),
        confirm: "I have seen it",
        is_grave: false,
        said: as_told(),
        call: Rc::new(move |filled| {
            let request = AcceptClaimRequest {
                // The field takes whole numbers only; the server refuses 0.
                amount_kes: filled.text("amount_kes").parse().unwrap_or(0),
                reason: filled.reason(),
            };
            Call::new(format!("/api/admin/claims/{id}/accept"), &request)
        }),
    }
}

fn refuse(claim: &ClaimRow) -> Ask {
    let id = claim.id;
    Ask {
        title: "Refuse this claim?".to_owned(),
        about: about(claim),
        words: "The customer is told that the code was not found and gets nothing for it.",
        fields: Fields::None,
        reason: Some("Where you have looked."),
        confirm: "Refuse",
        is_grave: true,
        said: as_told(),
        call: Rc::new(move |filled| {
            Call::new(format!("/api/admin/claims/{id}/refuse"), &ReasonRequest { reason: filled.reason() })
        }),
    }
}
