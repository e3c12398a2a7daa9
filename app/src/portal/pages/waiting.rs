//! A prompt may be open on the customer's phone.

use leptos::prelude::*;

use super::{Live, by_hand::pay_by_hand};
use crate::portal::{
    islands::{Start, live_status::LiveStatus},
    model::Waiting,
};

/// From when on "I have paid already" is offered beside a prompt.
const RECOVER_AFTER_SECS: u64 = 20;

pub(super) fn page(waiting: &Waiting, here: &str) -> impl IntoView + use<> {
    let of = (&waiting.device, Some(waiting.payment));
    let mut live = Live::new("pending", waiting.elapsed_secs, here, of);
    live.retry = waiting.may_start_again.then_some("yes");
    live.said = Some(waiting.message.clone());
    live.review = waiting.is_in_review.then_some("yes");
    live.claim = waiting.is_claimed.then_some("yes");
    provide_context(Start {
        seconds: waiting.elapsed_secs,
        status: "pending".to_owned(),
        is_in_review: waiting.is_in_review,
        is_claimed: waiting.is_claimed,
        ..Start::default()
    });
    // Nothing turns while a person has to do something.
    let needs_nothing = waiting.is_in_review || waiting.is_claimed;
    let pulse = (!needs_nothing).then(|| view! { <div class="pulse" aria-hidden="true"></div> });
    let again = waiting.may_start_again.then(|| {
        view! {
            <p class="fine">
                "Only start again if you did not enter your PIN, or M-Pesa told you that the payment failed."
            </p>
            <a class="button" href=waiting.device.shop_path()>"Start again"</a>
        }
    });
    let received = waiting.received.clone().map(|words| view! { <p class="notice warn" role="status">{words}</p> });
    let by_hand = waiting.pay_by_hand.as_ref().map(pay_by_hand);
    // Not in the first seconds, when the phone is what to look at.
    // A page of its own: this one loads again by itself, and would throw away what is typed.
    let recover = (waiting.elapsed_secs >= RECOVER_AFTER_SECS && !needs_nothing)
        .then(|| view! { <a class="button" href=waiting.device.paid_path()>"I have paid already"</a> });
    view! {
        {pulse}
        {live.around(view! { <LiveStatus /> })}
        {received}
        <dl class="facts">
            <div><dt>"Package"</dt><dd>{waiting.package.clone()}</dd></div>
            <div><dt>"Amount"</dt><dd>{waiting.amount.to_string()}</dd></div>
            <div><dt>"Account"</dt><dd>{waiting.account_reference.to_string()}</dd></div>
            <div><dt>"Asked on"</dt><dd>{waiting.phone.clone()}</dd></div>
        </dl>
        <a class="button" href=here.to_owned()>"Check now"</a>
        {by_hand}
        {again}
        {recover}
    }
}
