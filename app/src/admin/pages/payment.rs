//! One payment: how it stands, the money, everything that was ever said about it, and what may be done.

mod actions;
mod history;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use self::{
    actions::Actions,
    history::{Events, Receipts, Refunds},
};
use crate::{
    admin::{
        desk::Desk,
        feed::{Feed, News},
        pager::encoded,
        pages::why::why_page,
        parts::{time::Time, trouble::Trouble},
        reader::Reader,
        routes::HOME,
        words,
    },
    api::{PaymentDetail, PaymentRow},
};

/// The page. Its parts change one by one, so that what is open or has the focus stays when news come in.
#[component]
pub(in crate::admin) fn Payment() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let reader =
        Reader::<PaymentDetail>::new(Memo::new(move |_| format!("/api/admin/payments/{}", encoded(&id.get()))));
    Feed::here().listen(move |news| match news {
        News::Payment(row) => {
            if id.with_untracked(|id| id.parse() == Ok(row.id)) {
                reader.again();
            }
        }
        News::Reset => reader.again(),
        News::Notification(_) | News::Live(_) => {}
    });
    Desk::here().listen(move || reader.again());
    let is_there = Memo::new(move |_| reader.value.with(Option::is_some));
    let fault = move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> });
    let page = move || {
        if is_there.get() {
            return view! { <Page reader /> }.into_any();
        }
        let is_loading = reader.fault.with(Option::is_none);
        is_loading
            .then(|| view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> })
            .into_any()
    };
    view! {
        <p class="back"><a href=HOME>"All payments"</a></p>
        {fault}
        {page}
    }
}

/// A part of what was read; nothing but what it shows makes it change.
fn part<T: PartialEq + Send + Sync + 'static>(
    reader: Reader<PaymentDetail>,
    part: impl Fn(&PaymentDetail) -> T + Send + Sync + 'static,
) -> Memo<Option<T>> {
    Memo::new(move |_| reader.value.with(|detail| detail.as_ref().map(&part)))
}

#[component]
fn Page(reader: Reader<PaymentDetail>) -> impl IntoView {
    let head = part(reader, |detail| detail.payment.clone());
    let facts = part(reader, facts_of);
    let review = part(reader, |detail| detail.review.clone());
    let actions = part(reader, |detail| {
        let payment = &detail.payment;
        (payment.id, about(payment), detail.received_kes, detail.actions.clone())
    });
    let receipts = part(reader, |detail| detail.receipts.clone());
    let refunds = part(reader, |detail| detail.refunds.clone());
    view! {
        {move || head.get().map(|payment| view! { <Head payment /> })}
        {move || review.get().flatten().map(|why| view! { <p class="review">{why}</p> })}
        {move || {
            actions.get().map(|(id, about, received, actions)| view! { <Actions id about received actions /> })
        }}
        <div class="halves">
            <section class="card" aria-labelledby="facts">
                <h2 id="facts">"Payment"</h2>
                <dl class="facts">{move || facts.get().map(facts_view)}</dl>
            </section>
            <section class="card" aria-labelledby="money">
                <h2 id="money">"Money received"</h2>
                {move || receipts.get().map(|receipts| view! { <Receipts receipts /> })}
                {move || refunds.get().map(|refunds| view! { <Refunds refunds /> })}
            </section>
        </div>
        <section class="card" aria-labelledby="events">
            <h2 id="events">"What happened"</h2>
            <Events reader />
        </section>
    }
}

/// What a question is about, such as `KES 50 from 0712 345 678 for 1 day`.
pub(in crate::admin) fn about(payment: &PaymentRow) -> String {
    format!("{} from {} for {}", words::kes(payment.amount_kes.into()), payment.phone, payment.package)
}

#[component]
fn Head(payment: PaymentRow) -> impl IntoView {
    let (tone, status) = words::payment(&payment);
    view! {
        <div class="title">
            <h1>{words::kes(payment.amount_kes.into())}" for "{payment.package.clone()}</h1>
            <p><span class=tone.class()>{status}</span></p>
        </div>
        {(!payment.message.is_empty()).then(|| view! { <p class="lead">{payment.message.clone()}</p> })}
    }
}

#[derive(Clone, PartialEq)]
struct Facts {
    payment: PaymentRow,
    mac: String,
    router: Option<String>,
    received_kes: u32,
}

fn facts_of(detail: &PaymentDetail) -> Facts {
    Facts {
        payment: detail.payment.clone(),
        mac: detail.mac.clone(),
        router: detail.router.clone(),
        received_kes: detail.received_kes,
    }
}

fn facts_view(facts: Facts) -> impl IntoView {
    let Facts { payment, mac, router, received_kes } = facts;
    let delivery = words::delivery(&payment).map_or_else(
        || "Nothing to deliver".into_any(),
        |(tone, words)| view! { <span class=tone.class()>{words}</span> }.into_any(),
    );
    let customer = format!("{HOME}/customers?q={}", encoded(&payment.phone));
    let received = if received_kes == payment.amount_kes {
        words::kes(received_kes.into())
    } else {
        format!("{} of {}", words::kes(received_kes.into()), words::kes(payment.amount_kes.into()))
    };
    view! {
        <dt>"Received"</dt>
        <dd>{received}</dd>
        <dt>"WiFi"</dt>
        <dd>{delivery}" "<a href=why_page(&mac)>"Can’t they get on?"</a></dd>
        <dt>"Phone"</dt>
        <dd><a href=customer>{payment.phone}</a></dd>
        <dt>"Begun"</dt>
        <dd><Time at=payment.created_at exact=true /></dd>
        <dt>"Account"</dt>
        <dd class="code">{payment.account_reference}</dd>
        <dt>"M-Pesa receipt"</dt>
        <dd class="code">{payment.mpesa_receipt.unwrap_or_else(|| "None yet".to_owned())}</dd>
        <dt>"Device"</dt>
        <dd class="code">{mac}</dd>
        <dt>"Router"</dt>
        <dd>{router.unwrap_or_else(|| "None".to_owned())}</dd>
    }
}

/// The address of the page of one payment.
pub(in crate::admin) fn payment_page(id: Uuid) -> String {
    format!("{HOME}/payments/{id}")
}
