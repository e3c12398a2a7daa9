//! What waits for a person, in three lists: payments that do not fit, money that is nobody's yet, and customers
//! who say that they have paid.

mod claims;
mod receipts;

use leptos::prelude::*;
use serde::de::DeserializeOwned;

use self::{claims::Claims, receipts::Receipts};
use crate::{
    admin::{
        pages::payment::payment_page,
        parts::{time::Time, trouble::Trouble},
        reader::Reader,
        tasks::Tasks,
        words,
    },
    api::PaymentRow,
};

/// The page. A list with nothing in it is not shown.
#[component]
pub(in crate::admin) fn Todo() -> impl IntoView {
    let tasks = Tasks::here();
    let is_clear = Memo::new(move |_| {
        let is_read = tasks.reviews.value.with(Option::is_some)
            && tasks.receipts.value.with(Option::is_some)
            && tasks.claims.value.with(Option::is_some);
        is_read && tasks.count().0 == 0
    });
    view! {
        <div class="title"><h1>"To do"</h1></div>
        <Show when=move || is_clear.get()>
            <p class="empty" role="status">"Nothing waits for you."</p>
        </Show>
        <Section
            reader=tasks.claims
            id="claims"
            title="Customers who say they have paid"
            words="They typed an M-Pesa code that is not known here. Look for it in your M-Pesa messages or statement."
            count=|list| list.claims.len()
            has_more=|_| false
        >
            <Claims claims=tasks.claims />
        </Section>
        <Section
            reader=tasks.receipts
            id="receipts"
            title="Unmatched money"
            words="It was paid to your number, but fits no payment. Find out whose it is."
            count=|list| list.receipts.len()
            has_more=|list| list.meta.next.is_some()
        >
            <Receipts receipts=tasks.receipts />
        </Section>
        <Section
            reader=tasks.reviews
            id="reviews"
            title="Payments that do not fit"
            words="What M-Pesa says contradicts what was asked for. Open each, look at what happened, and decide."
            count=|list| list.payments.len()
            has_more=|list| list.meta.next.is_some()
        >
            <ul class="entries">
                <For
                    each=move || tasks.reviews.value.get().map(|list| list.payments).unwrap_or_default()
                    key=PaymentRow::clone
                    let:payment
                >
                    <Review payment />
                </For>
            </ul>
        </Section>
    }
}

/// One list with its heading; while it is read and when that fails, it says so.
#[component]
fn Section<T: DeserializeOwned + Clone + PartialEq + Send + Sync + 'static>(
    reader: Reader<T>,
    id: &'static str,
    title: &'static str,
    words: &'static str,
    count: fn(&T) -> usize,
    has_more: fn(&T) -> bool,
    children: ChildrenFn,
) -> impl IntoView {
    let known = Memo::new(move |_| reader.value.with(|list| list.as_ref().map(count)));
    let has_more = Memo::new(move |_| reader.value.with(|list| list.as_ref().is_some_and(has_more)));
    let fault = move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> });
    let is_loading = move || known.get().is_none() && reader.fault.with(Option::is_none);
    let is_shown = move || known.get().is_none_or(|count| count > 0) || reader.fault.with(Option::is_some);
    let children = StoredValue::new(children);
    view! {
        <Show when=is_shown>
            <section class="card" aria-labelledby=id>
                <h2 id=id>
                    {title}
                    {move || known.get().filter(|count| *count > 0).map(|count| view! { " "<span class="count">{count}</span> })}
                </h2>
                <p class="hint">{words}</p>
                {fault}
                <Show when=is_loading>
                    <div class="skeleton small" role="status"><span class="sr-only">"Loading"</span></div>
                </Show>
                {children.with_value(|children| children())}
                <Show when=move || has_more.get()>
                    <p class="hint">"There are more. They appear as you work through these."</p>
                </Show>
            </section>
        </Show>
    }
}

#[component]
fn Review(payment: PaymentRow) -> impl IntoView {
    view! {
        <li class="task">
            <div>
                <p>
                    <b class="number">{words::kes(payment.amount_kes.into())}</b>
                    {format!(" from {} for {}", payment.phone, payment.package)}
                </p>
                <p class="hint">
                    <Time at=payment.created_at />
                    {format!(", account {}", payment.account_reference)}
                </p>
                {(!payment.message.is_empty()).then(|| view! { <p>{payment.message.clone()}</p> })}
            </div>
            <div class="ways">
                <a class="button" href=payment_page(payment.id)>
                    "Look and decide"
                    <span class="sr-only">{format!(": {} from {}", words::kes(payment.amount_kes.into()), payment.phone)}</span>
                </a>
            </div>
        </li>
    }
}
