//! "Use your time here?": time that runs on another device.

use leptos::prelude::*;

use super::device_fields;
use crate::portal::{
    model::{Device, Offer, OwnDevice, PassKept, PassPage, Target},
    words,
};

pub(super) fn page(pass: &PassPage) -> impl IntoView + use<> {
    let (heading, target) = match &pass.target {
        None => ("Use your time here?", None),
        Some(target) => ("Let this device on?", Some(about(target))),
    };
    let back = if pass.target.is_some() { pass.device.devices_path() } else { pass.device.shop_path() };
    view! {
        <h1>{heading}</h1>
        {target}
        {offer(&pass.device, &pass.offer, pass.target.as_ref())}
        <a class="button" href=back>"No, go back"</a>
    }
}

/// Exactly what will be let on.
fn about(target: &Target) -> impl IntoView + use<> {
    let seen = if target.is_seen { "On this WiFi now" } else { "Not seen yet; it comes on when it joins this WiFi" };
    view! {
        <dl class="facts">
            <div><dt>"Name"</dt><dd>{target.label.clone()}</dd></div>
            <div><dt>"Address"</dt><dd>{target.detail.clone()}</dd></div>
            <div><dt>"WiFi"</dt><dd>{seen}</dd></div>
        </dl>
    }
}

/// How much time there is, and the buttons that use it. Pressing one is the confirmation: each says what happens.
pub(super) fn offer(device: &Device, offer: &Offer, target: Option<&Target>) -> impl IntoView + use<> {
    let left = format!("You have {} left of {}.", words::time_left(offer.seconds_remaining), offer.package);
    let refusal = offer.refusal.clone().map(|words| view! { <p class="notice warn" role="status">{words}</p> });
    let is_possible = offer.can_add || offer.can_move;
    let form = (is_possible && offer.refusal.is_none()).then(|| form(device, offer, target));
    view! {
        <p class="notice good" role="status">{left}</p>
        {refusal}
        {form}
    }
}

fn form(device: &Device, offer: &Offer, target: Option<&Target>) -> impl IntoView + use<> {
    let here = target.is_none();
    let hidden = target.map(|target| {
        view! {
            <input type="hidden" name=target.field value=target.value.clone() />
            <input type="hidden" name="label" value=target.label.clone() />
        }
    });
    let code = offer.code.as_ref().map(|code| view! { <input type="hidden" name="code" value=code.to_string() /> });
    let add = offer.can_add.then(|| {
        let label = if here { "Use it on this device too" } else { "Let it on" };
        let others = format!("{} of {} devices in use. The others go on.", offer.devices.len(), offer.places);
        view! {
            <button class="primary" name="do" value="add">{label}</button>
            <p class="fine">{others}</p>
        }
    });
    let moving = offer.can_move.then(|| moving(offer, here));
    view! {
        <form method="post" action="/pass" class="pay">
            {device_fields(device)}
            {code}
            {hidden}
            {add}
            {moving}
        </form>
    }
}

/// The device goes on in the place of another.
fn moving(offer: &Offer, here: bool) -> impl IntoView + use<> {
    let stop = match offer.devices.as_slice() {
        [only] => view! { <input type="hidden" name="from" value=only.id.to_string() /> }.into_any(),
        several => {
            let cards = several.iter().enumerate().map(|(at, own)| choice(own, at == 0)).collect_view();
            view! {
                <fieldset>
                    <legend>"Or stop one of these"</legend>
                    <div class="cards">{cards}</div>
                </fieldset>
            }
            .into_any()
        }
    };
    let label = if here { "Continue on this device" } else { "Move my time to it" };
    let class = if offer.can_add { "" } else { "primary" };
    let old = match offer.devices.as_slice() {
        [only] if only.is_this => "This device stops.".to_owned(),
        [OwnDevice { label: Some(label), .. }] => format!("It stops on {label}."),
        [_] => "It stops on the old device.".to_owned(),
        _ => "It stops on the device you chose.".to_owned(),
    };
    view! {
        {stop}
        <button class=class name="do" value="move">{label}</button>
        <p class="fine">{format!("{old} {}", times_left(offer.moves_left))}</p>
    }
}

/// How often time may still be moved.
pub(super) fn times_left(moves_left: u32) -> String {
    match moves_left {
        0 => "You cannot do this again today.".to_owned(),
        1 => "You can do this once more today.".to_owned(),
        times => format!("You can do this {times} more times today."),
    }
}

fn choice(own: &OwnDevice, is_chosen: bool) -> impl IntoView + use<> {
    view! {
        <label class="card">
            <input type="radio" name="from" value=own.id.to_string() checked=is_chosen />
            {what(own)}
        </label>
    }
}

/// A device in words.
pub(super) fn what(own: &OwnDevice) -> impl IntoView + use<> {
    view! {
        <span class="what">
            <strong>{own.name()}</strong>
            <small>{own.detail()}</small>
        </span>
    }
}

/// The short link was opened in a browser: how to go on from there.
pub(super) fn kept(kept: &PassKept) -> impl IntoView + use<> {
    let left = format!("{} left of {}.", words::time_left(kept.seconds_remaining), kept.package);
    view! {
        <h1>"Your pass is ready"</h1>
        <p class="notice good">{left}</p>
        <ol class="steps">
            <li><span>"Join this WiFi with the device you are holding."</span></li>
            <li>
                <span>
                    "Open any page, such as " <a href="http://neverssl.com/" rel="noreferrer">"neverssl.com"</a>
                    ". The WiFi page comes up and offers you your time."
                </span>
            </li>
            <li><span>"If a sign-in window opens instead, choose “I have a voucher or a pass” there and type:"</span></li>
        </ol>
        <p class="code">{kept.code.to_string()}</p>
    }
}
