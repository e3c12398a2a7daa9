//! The one dialog before anything is done, and the message after it.

use std::rc::Rc;

use leptos::{html, prelude::*, task::spawn_local};
use web_sys::{FocusOptions, SubmitEvent};

use crate::admin::{
    client,
    desk::{Ask, Desk, Fields, Filled},
    session::Session,
};

/// Units of time, in minutes.
const UNITS: [(u32, &str); 3] = [(1, "Minutes"), (60, "Hours"), (1440, "Days")];

/// The place of the dialog, once in the app: a list that changes behind it leaves what was typed alone.
#[component]
pub(in crate::admin) fn AskDialog() -> impl IntoView {
    let desk = Desk::here();
    move || desk.asking().map(|ask| view! { <Dialog ask desk /> })
}

/// What is asked, why, and the two ways out. An error leaves everything as it was typed.
#[component]
fn Dialog(ask: Ask, desk: Desk) -> impl IntoView {
    let Ask { title, about, words, fields, reason, confirm, is_grave, call, said } = ask;
    let session = Session::here();
    let dialog = NodeRef::<html::Dialog>::new();
    let fault = RwSignal::new(None::<String>);
    let is_busy = RwSignal::new(false);
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            // Fails only when it is open already.
            let _ = dialog.show_modal();
        }
    });
    // Closing it ourselves gives the focus back to where it was.
    let shut = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(filled) = Filled::of(&event).filter(|_| !is_busy.get_untracked()) else { return };
        let (call, said) = (call(&filled), Rc::clone(&said));
        is_busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = client::act(&call.path, call.body, |answer| said(answer)).await;
            // The page may have been left meanwhile.
            if is_busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(message) => {
                    shut();
                    desk.did(message);
                }
                Err(why) => {
                    session.heed(&why);
                    fault.set(Some(why.to_string()));
                }
            }
        });
    };
    let cancelled = move |event: web_sys::Event| {
        if is_busy.get_untracked() {
            event.prevent_default();
        }
    };
    let button = if is_grave { "primary grave" } else { "primary" };
    let reason = reason.map(|hint| {
        view! {
            <label for="reason">"Reason"</label>
            <textarea id="reason" name="reason" rows="2" minlength="3" maxlength="200" required aria-describedby="reason-hint"></textarea>
            <p class="hint" id="reason-hint">{hint}" It is kept with your name."</p>
        }
    });
    view! {
        <dialog
            class="ask"
            node_ref=dialog
            aria-labelledby="ask-title"
            aria-describedby="ask-words"
            on:cancel=cancelled
            on:close=move |_| desk.close()
        >
            <form on:submit=send>
                <h2 id="ask-title">{title}</h2>
                <p class="about">{about}</p>
                <p id="ask-words">{words}</p>
                {extra(fields)}
                {reason}
                <p class="error" role="alert">{move || fault.get()}</p>
                <div class="ways">
                    <button type="button" disabled=move || is_busy.get() on:click=move |_| shut()>"Cancel"</button>
                    <button class=button disabled=move || is_busy.get()>
                        {move || if is_busy.get() { "Please wait…" } else { confirm }}
                    </button>
                </div>
            </form>
        </dialog>
    }
}

fn extra(fields: Fields) -> AnyView {
    match fields {
        Fields::None => ().into_any(),
        Fields::Amount => view! {
            <label for="amount">"Amount you have seen, in whole shillings"</label>
            <input id="amount" name="amount_kes" type="number" inputmode="numeric" min="1" max="999999" step="1" required />
        }
        .into_any(),
        Fields::Minutes => view! { <HowLong /> }.into_any(),
        Fields::Mac => view! {
            <label for="mac">"Device address (MAC)"</label>
            <input id="mac" name="mac" autocapitalize="characters" autocomplete="off" maxlength="24" required aria-describedby="mac-hint" />
            <p class="hint" id="mac-hint">"Twelve letters and digits, such as A4:CF:12:0F:00:01."</p>
        }
        .into_any(),
        Fields::Agree { name, number, label } => view! {
            <label class="tick">
                <input type="checkbox" name=name value=number required />
                <span>{label}</span>
            </label>
        }
        .into_any(),
        Fields::Whose { account, phone } => view! { <Whose account phone /> }.into_any(),
    }
}

/// How much time: a number and its unit.
#[component]
fn HowLong() -> impl IntoView {
    let units = UNITS.map(|(minutes, name)| {
        view! {
            <label>
                <input type="radio" name="unit" value=minutes checked=minutes == 1 />
                <span>{name}</span>
            </label>
        }
    });
    view! {
        <label for="amount">"How much time"</label>
        <input id="amount" name="amount" type="number" inputmode="numeric" min="1" max="44640" step="1" required />
        <fieldset class="choice">
            <legend class="sr-only">"Unit"</legend>
            {units.into_iter().collect_view()}
        </fieldset>
    }
}

/// The minutes that [`HowLong`] was filled with; more than the server takes when it is too much.
pub(in crate::admin) fn minutes(filled: &Filled) -> u32 {
    let number = |name: &str| filled.text(name).parse::<u32>().unwrap_or(0);
    number("amount").saturating_mul(number("unit"))
}

/// Whose the money is: a payment's, by its account, or a customer's, by their number.
#[component]
fn Whose(account: String, phone: String) -> impl IntoView {
    let is_payment = RwSignal::new(true);
    view! {
        <fieldset class="choice">
            <legend class="sr-only">"What is it for?"</legend>
            <label>
                <input type="radio" name="target" value="payment" checked on:change=move |_| is_payment.set(true) />
                <span>"A payment"</span>
            </label>
            <label>
                <input type="radio" name="target" value="customer" on:change=move |_| is_payment.set(false) />
                <span>"A customer"</span>
            </label>
        </fieldset>
        <div class:hidden=move || !is_payment.get()>
            <label for="account">"Account number of the payment"</label>
            <input
                id="account"
                name="account_reference"
                autocapitalize="characters"
                autocomplete="off"
                maxlength="20"
                value=account
                required
                disabled=move || !is_payment.get()
                aria-describedby="account-hint"
            />
            <p class="hint" id="account-hint">"It stands beside each payment in the list, such as V4KM2S9Q."</p>
        </div>
        <div class:hidden=move || is_payment.get()>
            <label for="phone">"Phone number of the customer"</label>
            <input
                id="phone"
                name="phone"
                type="tel"
                autocomplete="off"
                maxlength="20"
                value=phone
                required
                disabled=move || is_payment.get()
                aria-describedby="phone-hint"
            />
            <p class="hint" id="phone-hint">"The money counts towards what they buy next."</p>
        </div>
    }
}

/// What the last action came to. It takes the focus, because what was acted on may be gone.
#[component]
pub(in crate::admin) fn Said() -> impl IntoView {
    let desk = Desk::here();
    let place = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if desk.said().is_some()
            && let Some(place) = place.get_untracked()
        {
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            // Fails only for what is not on the page.
            let _ = place.focus_with_options(&options);
        }
    });
    view! {
        <div class="said" role="status" tabindex="-1" node_ref=place class:hidden=move || desk.said().is_none()>
            <p>{move || desk.said()}</p>
            <button on:click=move |_| desk.hush()>"Close"</button>
        </div>
    }
}
