//! What may be done with a device, as the server lists it.

use std::rc::Rc;

use crate::{
    admin::{
        desk::{Ask, Call, Choice, Fields, Filled, Opt, plainly_said},
        pager::encoded,
        parts::ask::minutes,
        words::{self, live::GHOST},
    },
    api::{BlockRequest, ExtendRequest, LiveRow, ReasonRequest},
};

/// One action of the API.
struct Action {
    /// The word in the API.
    key: &'static str,
    label: &'static str,
    hint: &'static str,
    title: &'static str,
    words: &'static str,
    reason: Option<&'static str>,
    confirm: &'static str,
    /// What is said afterwards, behind who it was.
    said: &'static str,
    is_grave: bool,
}

const ACTIONS: [Action; 6] = [
    Action {
        key: "extend",
        label: "Give more time",
        hint: "Adds to the time that is left, without payment.",
        title: "How much time do you give?",
        words: "It is added to what is left, for all devices of this purchase.",
        reason: Some("Such as “the power was out for an hour”."),
        confirm: "Give time",
        said: "has more time now.",
        is_grave: false,
    },
    Action {
        key: "pause",
        label: "Pause",
        hint: "Paid time stands still, and the device is off the WiFi meanwhile.",
        title: "Stop the time?",
        words: "The device is put off the WiFi, and no paid time is used until you let it go on.",
        reason: None,
        confirm: "Pause",
        said: "is paused. No time is used.",
        is_grave: false,
    },
    Action {
        key: "resume",
        label: "Let it go on",
        hint: "The device may use the WiFi again, with the time that was left.",
        title: "Let the time go on?",
        words: "Time runs again from the moment the router has let the device in.",
        reason: None,
        confirm: "Let it go on",
        said: "is let on again.",
        is_grave: false,
    },
    Action {
        key: "kick",
        label: "Put off the WiFi",
        hint: "Cuts the connection now. A device with paid time can come back.",
        title: "Put this device off the WiFi?",
        words: "The connection is cut now. Nothing is taken away: with paid time the device can get on again.",
        reason: None,
        confirm: "Put off",
        said: "was put off the WiFi.",
        is_grave: false,
    },
    Action {
        key: "end",
        label: "End for good",
        hint: "Takes away the time that is left, for all devices of this purchase.",
        title: "End what this customer has paid for?",
        words: "The time that is left is lost and the devices are off. This cannot be undone. No money is given back by this.",
        reason: Some("Why the customer loses the time."),
        confirm: "End for good",
        said: "is off, and the time is over.",
        is_grave: true,
    },
    Action {
        key: "block",
        label: "Block this device",
        hint: "Keeps it off the WiFi until you lift the block.",
        title: "Block this device?",
        words: "It is put off the WiFi, and can neither get on nor pay here until you lift the block under “Blocked devices”.",
        reason: Some("Why you block it."),
        confirm: "Block",
        said: "is blocked.",
        is_grave: true,
    },
];

/// Everything that may be done with this device.
pub(super) fn choice(row: &LiveRow) -> Choice {
    let known = ACTIONS.iter().filter(|action| row.actions.iter().any(|listed| listed == action.key));
    let options = known.map(|action| Opt { label: action.label, hint: action.hint, ask: ask(action, row) }).collect();
    Choice { title: who(row), about: about(row), options }
}

/// Whose device it is, by the phone that paid for it, else by its address.
fn who(row: &LiveRow) -> String {
    row.phone.clone().unwrap_or_else(|| row.mac.clone())
}

fn about(row: &LiveRow) -> String {
    let what = row.package.clone().unwrap_or_else(|| words::live::state(GHOST).1);
    format!("{what}, on {}. Device {}.", row.router, row.mac)
}

fn ask(action: &'static Action, row: &LiveRow) -> Ask {
    let row = row.clone();
    Ask {
        title: action.title.to_owned(),
        about: format!("{}: {}", who(&row), about(&row)),
        words: action.words,
        fields: if action.key == "extend" { Fields::Minutes } else { Fields::None },
        reason: action.reason,
        confirm: action.confirm,
        is_grave: action.is_grave,
        said: plainly_said(format!("{} {}", who(&row), action.said)),
        call: Rc::new(move |filled| call(action.key, &row, filled)),
    }
}

fn call(key: &str, row: &LiveRow, filled: &Filled) -> Call {
    let reason = filled.reason();
    let session = row.session_id.map(|id| id.to_string()).unwrap_or_default();
    match key {
        "kick" => Call::new(format!("/api/admin/live/{}/kick", encoded(&row.id)), &()),
        "extend" => {
            let request = ExtendRequest { minutes: minutes(filled), reason };
            Call::new(format!("/api/admin/sessions/{session}/extend"), &request)
        }
        "block" => Call::new("/api/admin/blocks".to_owned(), &BlockRequest { mac: row.mac.clone(), reason }),
        key => Call::new(format!("/api/admin/sessions/{session}/{key}"), &ReasonRequest { reason }),
    }
}
