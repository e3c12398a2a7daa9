//! Devices that are kept out.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;

use crate::{
    admin::{
        desk::{Ask, Call, Desk, Fields, plainly_said},
        feed::{Feed, News},
        parts::{owners_only::OwnersOnly, time::Time, trouble::Trouble},
        reader::Reader,
        routes::LIVE,
    },
    api::{BlockItem, BlockList, BlockRequest, ReasonRequest},
};

/// How often the list is read again.
const EVERY: Duration = Duration::from_secs(30);

/// The list, newest first.
#[component]
pub(in crate::admin) fn Blocked() -> impl IntoView {
    let desk = Desk::here();
    let reader = Reader::<BlockList>::of("/api/admin/blocks");
    Feed::here().listen(move |news| match news {
        News::Reset => reader.again(),
        News::Live(_) | News::Payment(_) | News::Notification(_) => {}
    });
    desk.listen(move || reader.again());
    reader.poll(EVERY, || true);
    let known = Memo::new(move |_| reader.value.with(|list| list.as_ref().map(|list| list.blocks.len())));
    let note = move || match known.get() {
        None => reader.fault.with(Option::is_none).then(|| {
            view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> }.into_any()
        }),
        Some(0) => Some(view! { <p class="empty" role="status">"No device is blocked."</p> }.into_any()),
        Some(_) => None,
    };
    let fault = move || reader.fault.get().map(|message| view! { <Trouble message retry=move || reader.again() /> });
    view! {
        <p class="back"><a href=LIVE>"All devices"</a></p>
        <div class="title">
            <h1>"Blocked devices"</h1>
            <OwnersOnly><button on:click=move |_| desk.ask(block())>"Block a device"</button></OwnersOnly>
        </div>
        {fault}
        {note}
        <div class:hidden=move || known.get().is_none_or(|count| count == 0)>
            <section class="card" aria-label="Blocked devices">
                <ul class="entries">
                    <For each=move || reader.value.get().map(|list| list.blocks).unwrap_or_default() key=BlockItem::clone let:item>
                        <Item item />
                    </For>
                </ul>
            </section>
        </div>
    }
}

#[component]
fn Item(item: BlockItem) -> impl IntoView {
    let desk = Desk::here();
    let BlockItem { mac, reason, by, created_at, .. } = item.clone();
    let which = mac.clone();
    let ask = StoredValue::new_local(lift(&item));
    view! {
        <li class="task">
            <div>
                <p><b class="code">{mac}</b></p>
                <p>{reason}</p>
                <p class="hint">"By "{by}", "<Time at=created_at /></p>
            </div>
            <OwnersOnly>
                <div class="ways">
                    <button on:click=move |_| desk.ask(ask.get_value())>
                        "Lift the block"
                        <span class="sr-only">{format!(" of {which}")}</span>
                    </button>
                </div>
            </OwnersOnly>
        </li>
    }
}

fn lift(item: &BlockItem) -> Ask {
    let (id, mac) = (item.id, item.mac.clone());
    Ask {
        title: "Lift this block?".to_owned(),
        about: format!("Device {mac}, blocked because: “{}”", item.reason),
        words: "The device can use the WiFi again as soon as it has paid time.",
        fields: Fields::None,
        reason: Some("Why it may come back."),
        confirm: "Lift the block",
        is_grave: false,
        said: plainly_said(format!("{mac} may come back.")),
        call: Rc::new(move |filled| {
            Call::new(format!("/api/admin/blocks/{id}/lift"), &ReasonRequest { reason: filled.reason() })
        }),
    }
}

fn block() -> Ask {
    Ask {
        title: "Which device do you want to keep out?".to_owned(),
        about: String::new(),
        words: "It is put off the WiFi, and can neither get on nor pay here until you lift the block.",
        fields: Fields::Mac,
        reason: Some("Why you block it."),
        confirm: "Block",
        is_grave: true,
        said: plainly_said("The device is blocked."),
        call: Rc::new(|filled| {
            let request = BlockRequest { mac: filled.text("mac"), reason: filled.reason() };
            Call::new("/api/admin/blocks".to_owned(), &request)
        }),
    }
}
