//! A prompt may be open on the customer's phone.

use leptos::prelude::*;

use super::Live;
use crate::portal::{
    islands::{Start, live_status::LiveStatus},
    model::Waiting,
};

pub(super) fn page(waiting: &Waiting, here: &str) -> impl IntoView + use<> {
    let of = (&waiting.device, Some(waiting.payment));
    let mut live = Live::new("pending", waiting.elapsed_secs, here, of);
    live.retry = waiting.may_start_again.then_some("yes");
    live.said = Some(waiting.message.clone());
    live.review = waiting.is_in_review.then_some("yes");
    provide_context(Start {
        seconds: waiting.elapsed_secs,
        status: "pending".to_owned(),
        is_in_review: waiting.is_in_review,
        ..Start::default()
    });
    // Nothing turns while a person has to do something.
    let pulse = (!waiting.is_in_review).then(|| view! { <div class="pulse" aria-hidden="true"></div> });
    let again = waiting.may_start_again.then(|| {
        view! {
            <p class="fine">
                "Only start again if you did not enter your PIN, or M-Pesa told you that the payment failed."
            </p>
            <a class="button" href=waiting.device.shop_path()>"Start again"</a>
        }
    });
    view! {
        {pulse}
        {live.around(view! { <LiveStatus /> })}
        <dl class="facts">
            <div><dt>"Package"</dt><dd>{waiting.package.clone()}</dd></div>
            <div><dt>"Amount"</dt><dd>{waiting.amount.to_string()}</dd></div>
            <div><dt>"Account"</dt><dd>{waiting.account_reference.to_string()}</dd></div>
            <div><dt>"Asked on"</dt><dd>{waiting.phone.clone()}</dd></div>
        </dl>
        <a class="button" href=here.to_owned()>"Check now"</a>
        {again}
    }
}
