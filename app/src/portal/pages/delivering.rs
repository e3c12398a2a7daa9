//! Paid, but no router has confirmed access yet: says so, and never asks to pay again.

use leptos::prelude::*;

use super::Live;
use crate::portal::{
    islands::{Start, live_status::LiveStatus},
    model::Delivering,
};

pub(super) fn page(delivering: &Delivering, here: &str) -> impl IntoView + use<> {
    let live = Live::new("paid", delivering.waiting_secs, here, (&delivering.device, delivering.payment));
    provide_context(Start { seconds: delivering.waiting_secs, status: "paid".to_owned(), ..Start::default() });
    let receipt = delivering.receipt.as_ref().map(|receipt| {
        view! { <div><dt>"M-Pesa receipt"</dt><dd>{receipt.as_str().to_owned()}</dd></div> }
    });
    let credit = delivering.credit.clone().map(|words| view! { <p class="notice good">{words}</p> });
    view! {
        <div class="pulse good" aria-hidden="true"></div>
        {live.around(view! { <LiveStatus /> })}
        {credit}
        <dl class="facts">
            <div><dt>"Package"</dt><dd>{delivering.package.clone()}</dd></div>
            {receipt}
        </dl>
        <a class="button" href=here.to_owned()>"Check now"</a>
    }
}
