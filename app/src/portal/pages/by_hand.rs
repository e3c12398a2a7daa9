//! Paying by hand when no prompt comes, and showing the code of money that was paid already.

use leptos::prelude::*;

use super::device_fields;
use crate::{
    api::PayByHand,
    portal::model::{Device, Recovering},
};

/// Number, account and amount, with the way through the phone's menu.
pub(super) fn pay_by_hand(by_hand: &PayByHand) -> impl IntoView + use<> {
    let (menu, label) = match by_hand.account {
        Some(_) => ("Open M-Pesa on your phone, choose Lipa na M-Pesa, then Pay Bill.", "Business number"),
        None => ("Open M-Pesa on your phone, choose Lipa na M-Pesa, then Buy Goods and Services.", "Till number"),
    };
    let account =
        by_hand.account.clone().map(|account| view! { <div><dt>"Account number"</dt><dd>{account}</dd></div> });
    let after = match by_hand.account {
        Some(_) => "You are connected by itself as soon as M-Pesa tells us; you need not come back here.",
        None => "If you are not connected within a minute, show the M-Pesa code below.",
    };
    view! {
        <section class="by-hand" aria-labelledby="by-hand">
            <h2 id="by-hand">"No message on your phone? Pay by hand"</h2>
            <p class="fine">{menu}</p>
            <dl class="facts">
                <div><dt>{label}</dt><dd>{by_hand.number.clone()}</dd></div>
                {account}
                <div><dt>"Amount"</dt><dd>{format!("KES {}", by_hand.amount_kes)}</dd></div>
            </dl>
            <p class="fine">{after}</p>
        </section>
    }
}

/// "I have paid": the M-Pesa message or its code.
pub(super) fn recover_form(device: &Device, recovering: &Recovering) -> impl IntoView + use<> {
    let is_error = recovering.error.is_some();
    let is_open = is_error || recovering.is_open || recovering.choose.is_some();
    let hint = recovering.error.clone().unwrap_or_else(|| {
        "Paste the whole M-Pesa SMS, or type its code: the first word, such as UKM4T8IYOU.".to_owned()
    });
    let choice = recovering.choose.as_ref().map(|choose| {
        let options = choose
            .packages
            .iter()
            .map(|package| {
                let label = format!("{}, {}", package.terms.name, package.price);
                view! { <option value=package.id.to_string()>{label}</option> }
            })
            .collect_view();
        let phone = choose.phone.clone();
        view! {
            <label for="paid-package">"Package you paid for"</label>
            <select id="paid-package" name="package_id" required>{options}</select>
            <label for="paid-phone">"Number that paid"</label>
            <input id="paid-phone" name="phone" type="tel" inputmode="tel" maxlength="24" required value=phone />
        }
    });
    view! {
        <details class="voucher" open=is_open>
            <summary>"I have paid already"</summary>
            <form method="post" action="/recover">
                {device_fields(device)}
                <label for="text">"M-Pesa message or code"</label>
                <input
                    id="text"
                    name="text"
                    maxlength="1000"
                    required
                    autocomplete="off"
                    autocapitalize="characters"
                    spellcheck="false"
                    value=recovering.text.clone()
                    aria-describedby="text-hint"
                    aria-invalid=if is_error { "true" } else { "false" }
                />
                <p id="text-hint" class=if is_error { "hint error" } else { "hint" }>{hint}</p>
                {choice}
                <button>"Find my payment"</button>
            </form>
        </details>
    }
}
