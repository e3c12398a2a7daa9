//! The devices that share the time: the list, the code for phones, and the form for what has no browser.

use leptos::prelude::*;

use super::{
    device_fields,
    pass::{times_left, what},
};
use crate::portal::{
    model::{Device, Devices, Nearby, Offer, OwnDevice, Picking, Removing},
    words,
};

pub(super) fn page(devices: &Devices) -> impl IntoView + use<> {
    let device = &devices.device;
    let content = match &devices.offer {
        Some(offer) => shared(devices, offer).into_any(),
        None => without_pass(device).into_any(),
    };
    view! {
        <h1>"Your devices"</h1>
        {content}
        <a class="button" href=device.path()>"Back"</a>
    }
}

fn shared(devices: &Devices, offer: &Offer) -> impl IntoView + use<> {
    let device = &devices.device;
    let left = words::time_left(offer.seconds_remaining);
    let in_use = format!("{left} left. {} of {} in use.", offer.devices.len(), offer.places);
    let can_remove = offer.devices.len() > 1 && offer.refusal.is_none();
    let list = offer.devices.iter().map(|own| row(device, own, can_remove)).collect_view();
    let refusal = offer.refusal.clone().map(|words| view! { <p class="notice warn" role="status">{words}</p> });
    view! {
        <p class="lead">{in_use}</p>
        {refusal}
        <ul class="own">{list}</ul>
        {phone(devices, offer)}
        {screen(devices)}
    }
}

fn row(device: &Device, own: &OwnDevice, can_remove: bool) -> impl IntoView + use<> {
    let remove = can_remove.then(|| {
        view! {
            <form method="post" action="/devices/remove">
                {device_fields(device)}
                <input type="hidden" name="id" value=own.id.to_string() />
                <button aria-label=format!("Remove {}", own.name())>"Remove"</button>
            </form>
        }
    });
    view! { <li>{what(own)}{remove}</li> }
}

/// Whatever has a browser opens the pass itself.
fn phone(devices: &Devices, offer: &Offer) -> impl IntoView + use<> {
    let code = devices.code.as_ref().map(|code| view! { <p class="code">{code.to_string()}</p> });
    let link = devices.link.clone().map(|link| {
        view! { <p class="fine">"Or open " <b>{link}</b> " in its browser."</p> }
    });
    let moves = if offer.can_add {
        "It is then added to your devices.".to_owned()
    } else if offer.can_move {
        format!("All places are taken, so your time moves to it. {}", times_left(offer.moves_left))
    } else {
        "All places are taken, and your time was moved as often as it can be today.".to_owned()
    };
    view! {
        <section class="by-hand" aria-labelledby="phone">
            <h2 id="phone">"Another phone or computer"</h2>
            <p>"Join this WiFi with it, choose “I have a voucher or a pass” on the page that opens, and type:"</p>
            {code}
            {link}
            <p class="fine">{moves}</p>
            <p class="fine">"Whoever has this code can use your time: keep it to yourself."</p>
        </section>
    }
}

/// What has no browser is named here.
fn screen(devices: &Devices) -> impl IntoView + use<> {
    let is_error = devices.error.is_some();
    let hint = devices.error.clone().unwrap_or_else(|| {
        "Such as A4:CF:12:00:00:01. On the TV look under Settings, Network, Status or About; it is called MAC or \
         WiFi address."
            .to_owned()
    });
    view! {
        <section class="by-hand" id="screen" aria-labelledby="screen-title">
            <h2 id="screen-title">"A TV or a game console"</h2>
            <form method="post" action="/devices/add" class="pay">
                {device_fields(&devices.device)}
                <label for="label">"Name"</label>
                <input id="label" name="label" maxlength="40" placeholder="TV" autocomplete="off" value=devices.label.clone() />
                <label for="typed">"Its WiFi (MAC) address"</label>
                <input
                    id="typed"
                    name="typed"
                    maxlength="40"
                    autocomplete="off"
                    autocapitalize="characters"
                    spellcheck="false"
                    value=devices.typed.clone()
                    aria-describedby="typed-hint"
                    aria-invalid=if is_error { "true" } else { "false" }
                />
                <p id="typed-hint" class=if is_error { "hint error" } else { "hint" }>{hint}</p>
                {picking(devices)}
                <button>"Go on"</button>
            </form>
        </section>
    }
}

fn picking(devices: &Devices) -> impl IntoView + use<> {
    match &devices.picking {
        Picking::Closed => {
            let href = format!("{}&near=1#screen", devices.device.devices_path());
            view! { <p class="fine"><a href=href>"Pick it from the devices on this WiFi"</a></p> }.into_any()
        }
        Picking::Unavailable => view! {
            <p class="notice warn" role="status">"The list cannot be read right now. Type the address instead."</p>
        }
        .into_any(),
        Picking::Open(nearby) if nearby.is_empty() => view! {
            <p class="notice" role="status">
                "No other device is waiting on this WiFi. Connect the TV to the WiFi first, then look again."
            </p>
        }
        .into_any(),
        Picking::Open(nearby) => {
            let cards = nearby.iter().map(pick).collect_view();
            view! {
                <fieldset>
                    <legend>"Or pick it: the numbers must be those your device shows"</legend>
                    <div class="cards">{cards}</div>
                </fieldset>
            }
            .into_any()
        }
    }
}

fn pick(nearby: &Nearby) -> impl IntoView + use<> {
    view! {
        <label class="card">
            <input type="radio" name="pick" value=nearby.handle.clone() />
            <span class="what">
                <strong>{nearby.ip.clone()}</strong>
                <small>{format!("Address ends in {}", nearby.tail)}</small>
            </span>
        </label>
    }
}

/// A browser without the pass learns nothing about the devices, only how to get at it.
fn without_pass(device: &Device) -> impl IntoView + use<> {
    view! {
        <p class="lead">
            "Only the browser that paid can add devices or move the time, so that nobody else can take it."
        </p>
        <p>"You paid, but in another window? Show your M-Pesa message and this browser may do it too."</p>
        <a class="button primary" href=device.paid_path()>"I have paid already"</a>
        <p class="fine">"With a pass: choose “I have a voucher or a pass” on the page with the packages."</p>
        <a class="button" href=device.shop_path()>"To the packages"</a>
    }
}

pub(super) fn removing(removing: &Removing) -> impl IntoView + use<> {
    let Removing { device, own, refusal } = removing;
    let what = if own.is_this {
        "This is the device you are using now. It goes off the internet at once.".to_owned()
    } else {
        format!("{} goes off the internet at once. Your time goes on for the others.", own.name())
    };
    let form = match refusal {
        Some(words) => view! { <p class="notice warn" role="alert">{words.clone()}</p> }.into_any(),
        None => view! {
            <p>{what}</p>
            <p class="fine">"Putting another device in its place counts as moving your time."</p>
            <form method="post" action="/devices/remove">
                {device_fields(device)}
                <input type="hidden" name="id" value=own.id.to_string() />
                <input type="hidden" name="confirm" value="yes" />
                <button class="primary">"Remove it"</button>
            </form>
        }
        .into_any(),
    };
    view! {
        <h1>{format!("Remove {}?", own.name())}</h1>
        <p class="lead">{own.detail()}</p>
        {form}
        <a class="button" href=device.devices_path()>"No, go back"</a>
    }
}
