//! Money that is nobody's yet, and whose it may become.

use std::rc::Rc;

use leptos::prelude::*;

use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields, Filled, as_told},
        pager::encoded,
        parts::time::Time,
        reader::Reader,
        words,
    },
    api::{AssignRequest, ReasonRequest, ReceiptList, ReceiptRow},
};

/// The list, newest first.
#[component]
pub(super) fn Receipts(receipts: Reader<ReceiptList>) -> impl IntoView {
    view! {
        <ul class="entries">
            <For
                each=move || receipts.value.get().map(|list| list.receipts).unwrap_or_default()
                key=ReceiptRow::clone
                let:row
            >
                <Receipt row />
            </For>
        </ul>
    }
}

#[component]
fn Receipt(row: ReceiptRow) -> impl IntoView {
    let desk = Desk::here();
    let typed = match row.account_reference.as_deref().map(str::trim) {
        Some(account) if !account.is_empty() => format!("Typed as account number: “{account}”."),
        _ => "No account number was typed.".to_owned(),
    };
    let payer = [row.payer_name.clone(), row.payer.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let payer = if payer.is_empty() { "an unknown payer".to_owned() } else { payer };
    let (assign, dismiss) = (StoredValue::new_local(assign(&row)), StoredValue::new_local(dismiss(&row)));
    let which = row.receipt.clone();
    view! {
        <li class="task">
            <div>
                <p>
                    <b class="number">{words::kes(row.amount_kes.into())}</b>
                    " from "
                    {payer}
                </p>
                <p>{typed}</p>
                <p class="hint"><span class="code">{row.receipt.clone()}</span>" "<Time at=row.paid_at /></p>
            </div>
            <div class="ways" role="group" aria-label=format!("Receipt {which}")>
                <button on:click=move |_| desk.ask(dismiss.get_value())>"Not for WiFi"</button>
                <button class="primary" on:click=move |_| desk.ask(assign.get_value())>"Assign"</button>
            </div>
        </li>
    }
}

fn about(row: &ReceiptRow) -> String {
    let payer = row.payer_name.as_ref().or(row.payer.as_ref());
    let from = payer.map(|payer| format!(" from {payer}")).unwrap_or_default();
    format!("{}{from}, receipt {}.", words::kes(row.amount_kes.into()), row.receipt)
}

fn assign(row: &ReceiptRow) -> Ask {
    let receipt = row.receipt.clone();
    Ask {
        title: "Whose money is this?".to_owned(),
        about: about(row),
        words: "If it covers the price of the payment, the customer is connected at once.",
        fields: Fields::Whose {
            account: row.account_reference.clone().unwrap_or_default(),
            // Masked numbers are no numbers.
            phone: row
                .payer
                .clone()
                .filter(|payer| payer.bytes().all(|byte| byte.is_ascii_digit()))
                .unwrap_or_default(),
        },
        reason: Some("How you know whose it is, such as “the customer showed me the message”."),
        confirm: "Assign",
        is_grave: false,
        said: as_told(),
        call: Rc::new(move |filled| {
            let path = format!("/api/admin/receipts/{}/assign", encoded(&receipt));
            Call::new(path, &assignment(filled))
        }),
    }
}

fn assignment(filled: &Filled) -> AssignRequest {
    let is_payment = filled.text("target") == "payment";
    AssignRequest {
        account_reference: is_payment.then(|| filled.text("account_reference")),
        phone: (!is_payment).then(|| filled.text("phone")),
        reason: filled.reason(),
    }
}

fn dismiss(row: &ReceiptRow) -> Ask {
    let receipt = row.receipt.clone();
    Ask {
        title: "Is this money not for WiFi?".to_owned(),
        about: about(row),
        words: "It leaves this list and buys nothing. The record of it stays.",
        fields: Fields::None,
        reason: Some("What it was for instead."),
        confirm: "Not for WiFi",
        is_grave: true,
        said: as_told(),
        call: Rc::new(move |filled| {
            let path = format!("/api/admin/receipts/{}/dismiss", encoded(&receipt));
            Call::new(path, &ReasonRequest { reason: filled.reason() })
        }),
    }
}
