//! The money that came in for a payment, what was given back, and everything that was said about it.

use leptos::prelude::*;

use crate::{
    admin::{parts::time::Time, reader::Reader, words},
    api::{EventRow, PaymentDetail, ReceiptRow, RefundRow},
};

/// Every receipt of the payment.
#[component]
pub(super) fn Receipts(receipts: Vec<ReceiptRow>) -> impl IntoView {
    if receipts.is_empty() {
        return view! { <p class="nothing">"No money has come in for it yet."</p> }.into_any();
    }
    let items = receipts.into_iter().map(|row| {
        let (tone, state) = words::money::receipt(&row);
        view! {
            <li>
                <p class="line-up">
                    <b class="number">{words::kes(row.amount_kes.into())}</b>
                    <span class=tone.class()>{state}</span>
                </p>
                <p><b class="code">{row.receipt.clone()}</b>" "<Time at=row.paid_at /></p>
                {details(&row).map(|words| view! { <p class="hint">{words}</p> })}
            </li>
        }
    });
    view! { <ul class="entries">{items.collect_view()}</ul> }.into_any()
}

/// What M-Pesa says about the payer, and who placed it and why.
pub(in crate::admin) fn details(row: &ReceiptRow) -> Option<String> {
    let by_whom = row.decided_by.as_ref().map(|name| format!("placed by {name}"));
    let reason = row.reason.as_ref().map(|reason| format!("“{reason}”"));
    let parts = [
        Some(words::money::source(&row.source)),
        row.payer_name.clone(),
        row.payer.clone(),
        row.account_reference.as_ref().map(|account| format!("account {account}")),
        by_whom,
        reason,
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// What was or is being given back.
#[component]
pub(super) fn Refunds(refunds: Vec<RefundRow>) -> impl IntoView {
    if refunds.is_empty() {
        return ().into_any();
    }
    let items = refunds.into_iter().map(|row| {
        let (tone, state) = words::money::refund(&row);
        view! {
            <li>
                <p class="line-up">
                    <b class="number">{words::kes(row.amount_kes.into())}</b>
                    <span class=tone.class()>{state}</span>
                </p>
                <p>{row.message}" "<Time at=row.created_at /></p>
                <p class="hint">{format!("By {}: “{}”", row.by, row.reason)}</p>
            </li>
        }
    });
    view! {
        <h3>"Given back"</h3>
        <ul class="entries">{items.collect_view()}</ul>
    }
    .into_any()
}

/// Everything that was said, oldest first. What arrived stands behind a disclosure.
#[component]
pub(super) fn Events(reader: Reader<PaymentDetail>) -> impl IntoView {
    let events = move || {
        let events = reader.value.with(|detail| detail.as_ref().map(|detail| detail.events.clone()));
        events.unwrap_or_default().into_iter().enumerate().collect::<Vec<_>>()
    };
    view! {
        <ol class="events">
            <For each=events key=|(place, event)| (*place, event.at, event.message.clone()) let:item>
                {event_view(item.1)}
            </For>
        </ol>
    }
}

fn event_view(event: EventRow) -> impl IntoView {
    let body = event.body.map(|body| {
        view! {
            <details>
                <summary>"What arrived"</summary>
                <pre tabindex="0">{body}</pre>
            </details>
        }
    });
    view! {
        <li>
            <p class="hint"><Time at=event.at exact=true /></p>
            <p>{event.message}</p>
            {body}
        </li>
    }
}
