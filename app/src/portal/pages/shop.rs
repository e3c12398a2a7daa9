//! The packages, the phone field and the voucher field.

use domain::Package;
use leptos::prelude::*;

use super::{
    by_hand::{pay_by_hand, recover_form},
    device_fields, pass,
};
use crate::portal::{
    islands::{Start, phone_hint::PhoneHint},
    model::{Ended, Field, Notice, Shop},
    words,
};

pub(super) fn page(shop: &Shop) -> impl IntoView + use<> {
    let recover = || recover_form(&shop.device, &shop.recovering);
    let is_first = shop.recovering.is_open || shop.recovering.choose.is_some();
    view! {
        <h1>{heading(shop.notice.as_ref())}</h1>
        {shop.notice.as_ref().and_then(notice)}
        {is_first.then(recover)}
        {shop.offer.as_ref().map(|offer| pass::offer(&shop.device, offer, None))}
        {if shop.packages.is_empty() { nothing_on_sale().into_any() } else { pay_form(shop).into_any() }}
        {shop.pay_by_hand.as_ref().map(pay_by_hand)}
        {(!is_first).then(recover)}
        {voucher_form(shop)}
    }
}

const fn heading(notice: Option<&Notice>) -> &'static str {
    match notice {
        Some(Notice::BuyMore { .. }) => "Add more time",
        Some(Notice::Ended(Ended::Data)) => "Your data is used up",
        Some(Notice::Ended(Ended::Time)) => "Your time is over",
        Some(Notice::Ended(Ended::Stopped)) => "Your access was ended",
        Some(Notice::Paused { .. }) => "Your time is paused",
        Some(Notice::PaymentFailed { .. }) => "Let’s try that again",
        Some(Notice::Router { .. } | Notice::Hint { .. }) | None => "Get online",
    }
}

fn notice(notice: &Notice) -> Option<impl IntoView + use<>> {
    let (class, text) = match notice {
        // The heading has said it, and the packages follow.
        Notice::Ended(Ended::Time | Ended::Data) => return None,
        Notice::PaymentFailed { message } => ("notice bad", message.clone()),
        Notice::Ended(Ended::Stopped) => {
            ("notice", "The people who run this WiFi ended your time. Talk to them if you do not know why.".to_owned())
        }
        Notice::BuyMore { seconds_remaining } => (
            "notice good",
            format!("You have {} left. What you buy now is added to it.", words::time_left(*seconds_remaining)),
        ),
        Notice::Paused { seconds_remaining } => (
            "notice warn",
            format!(
                "{} are kept for you. Ask the people who run this WiFi to let your time go on, or buy more: it adds up.",
                words::time_left(*seconds_remaining)
            ),
        ),
        Notice::Router { error } => ("notice warn", words::router_error(error).to_owned()),
        Notice::Hint { message } => ("notice warn", message.clone()),
    };
    Some(view! { <p class=class role="status">{text}</p> })
}

fn nothing_on_sale() -> impl IntoView {
    view! { <p class="notice warn">"Nothing is on sale right now. Please ask the people who run this WiFi."</p> }
}

fn pay_form(shop: &Shop) -> impl IntoView + use<> {
    let chosen = shop.chosen.filter(|id| shop.packages.iter().any(|package| package.id == *id));
    let chosen = chosen.or_else(|| shop.packages.first().map(|package| package.id));
    let cards = shop.packages.iter().map(|package| card(package, chosen == Some(package.id))).collect_view();
    view! {
        <form method="post" action="/pay" class="pay">
            {device_fields(&shop.device)}
            <fieldset>
                <legend>"Choose a package"</legend>
                {error_of(shop, Field::Package).map(|message| view! { <p class="hint error">{message}</p> })}
                <div class="cards">{cards}</div>
            </fieldset>
            {phone_field(shop)}
            <button class="primary">"Pay with M-Pesa"</button>
            <p class="fine">"A message on your phone asks for your M-Pesa PIN. We never see it."</p>
        </form>
    }
}

fn card(package: &Package, is_chosen: bool) -> impl IntoView + use<> {
    let id = package.id.to_string();
    let terms = &package.terms;
    let devices = (terms.devices > 1).then(|| format!("{} devices", terms.devices));
    let limits = [
        terms.data.map(|data| data.to_string()).or_else(|| Some("Unlimited data".to_owned())),
        terms.down.map(|rate| format!("up to {rate}")),
        devices,
    ];
    // A line breaks between limits, never inside one.
    let limits = limits.into_iter().flatten().map(|limit| limit.replace(' ', "\u{a0}"));
    let limits = limits.collect::<Vec<_>>().join(", ");
    view! {
        <label class="card">
            <input type="radio" name="package_id" value=id checked=is_chosen required />
            <span class="what">
                <strong>{terms.name.clone()}</strong>
                <small>{limits}</small>
            </span>
            <b class="price">{package.price.to_string()}</b>
        </label>
    }
}

fn phone_field(shop: &Shop) -> impl IntoView + use<> {
    let error = error_of(shop, Field::Phone);
    let is_error = error.is_some();
    let hint = error.unwrap_or_else(|| "Safaricom number that pays, such as 0712 345 678.".to_owned());
    provide_context(Start { hint, is_error, ..Start::default() });
    view! {
        <label for="phone">"M-Pesa phone number"</label>
        <input
            id="phone"
            name="phone"
            type="tel"
            inputmode="tel"
            autocomplete="tel"
            maxlength="24"
            required
            placeholder="07…"
            value=shop.phone.clone()
            aria-describedby="phone-hint"
            aria-invalid=if is_error { "true" } else { "false" }
        />
        <PhoneHint />
    }
}

fn voucher_form(shop: &Shop) -> impl IntoView + use<> {
    let error = error_of(shop, Field::Voucher);
    let is_error = error.is_some();
    view! {
        <details class="voucher" open=is_error || !shop.voucher.is_empty()>
            <summary>"I have a voucher or a pass"</summary>
            <form method="post" action="/voucher">
                {device_fields(&shop.device)}
                <label for="code">"Voucher or pass"</label>
                <input
                    id="code"
                    name="code"
                    maxlength="32"
                    required
                    autocomplete="off"
                    autocapitalize="characters"
                    spellcheck="false"
                    value=shop.voucher.clone()
                    aria-describedby="code-hint"
                    aria-invalid=if is_error { "true" } else { "false" }
                />
                <p id="code-hint" class=if is_error { "hint error" } else { "hint" }>
                    {error.unwrap_or_else(|| "From your voucher, or from the device that paid. Capital or small letters, both work.".to_owned())}
                </p>
                <button>"Use code"</button>
            </form>
        </details>
    }
}

fn error_of(shop: &Shop, field: Field) -> Option<String> {
    shop.field_error.as_ref().filter(|error| error.field == field).map(|error| error.message.clone())
}
