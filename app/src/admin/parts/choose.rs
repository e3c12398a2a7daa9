//! The dialog that offers several things to do with one thing.

use leptos::{html, prelude::*};

use crate::admin::desk::{Choice, Desk};

/// The place of the dialog, once in the app.
#[component]
pub(in crate::admin) fn ChooseDialog() -> impl IntoView {
    let desk = Desk::here();
    move || desk.choosing().map(|choice| view! { <Dialog choice desk /> })
}

#[component]
fn Dialog(choice: Choice, desk: Desk) -> impl IntoView {
    let Choice { title, about, options } = choice;
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            // Fails only when it is open already.
            let _ = dialog.show_modal();
        }
    });
    // Closing it ourselves gives the focus back to where it was, from where the next dialog gives it back as well.
    let shut = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let options = options.into_iter().enumerate().map(|(place, option)| {
        let (ask, hint) = (StoredValue::new_local(option.ask), format!("option-{place}"));
        let take = move |_| {
            let ask = ask.get_value();
            shut();
            desk.ask(ask);
        };
        view! {
            <li>
                <button aria-describedby=hint.clone() on:click=take>{option.label}</button>
                <p class="hint" id=hint>{option.hint}</p>
            </li>
        }
    });
    view! {
        <dialog class="ask" node_ref=dialog aria-labelledby="choose-title" on:close=move |_| desk.close_choice()>
            <div class="choose">
                <h2 id="choose-title">{title}</h2>
                <p class="about">{about}</p>
                <ul class="options">{options.collect_view()}</ul>
                <div class="ways">
                    <button on:click=move |_| shut()>"Cancel"</button>
                </div>
            </div>
        </dialog>
    }
}
