//! Actions: each is asked for in one dialog, most with a reason, and what came of it is said at the foot of the page.

use std::rc::Rc;

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use serde::Serialize;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement, SubmitEvent};

use crate::api::Done;

/// One request to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// Where it goes.
    pub(super) path: String,
    /// JSON.
    pub(super) body: String,
}

impl Call {
    /// A request of the API's types, all of which can be written as JSON.
    pub(super) fn new(path: String, body: &impl Serialize) -> Self {
        Self { path, body: serde_json::to_string(body).unwrap_or_default() }
    }
}

/// What was typed into the dialog.
pub(super) struct Filled(FormData);

impl Filled {
    /// The fields of the form that is being sent.
    pub(super) fn of(event: &SubmitEvent) -> Option<Self> {
        let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
        FormData::new_with_form(&form).ok().map(Self)
    }

    /// A password by its name, exactly as typed; `None` when nothing was.
    pub(super) fn secret(&self, name: &str) -> Option<String> {
        self.0.get(name).as_string().filter(|text| !text.is_empty())
    }

    /// A field by its name, without the blanks around it; empty when there is no such field.
    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).as_string().unwrap_or_default().trim().to_owned()
    }

    /// Why it is done, on one line however it was typed.
    pub(super) fn reason(&self) -> String {
        self.text("reason").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What is asked before something is done.
#[derive(Clone)]
pub(super) struct Ask {
    /// The question.
    pub(super) title: String,
    /// What it is about: who, how much.
    pub(super) about: String,
    /// What will follow.
    pub(super) words: &'static str,
    /// Fields besides the reason.
    pub(super) fields: Fields,
    /// What the reason should say; `None` where none is needed.
    pub(super) reason: Option<&'static str>,
    /// What the button says that does it.
    pub(super) confirm: &'static str,
    /// Whether it takes something away from somebody.
    pub(super) is_grave: bool,
    /// What is sent.
    pub(super) call: Rc<dyn Fn(&Filled) -> Call>,
    /// What is said afterwards, from the answer; `None` when it makes no sense.
    pub(super) said: Saying,
}

/// What is said about something that was done, from the answer; `None` when that makes no sense.
pub(super) type Saying = Rc<dyn Fn(&str) -> Option<String>>;

/// Says what the server says, for answers that are a [`Done`].
pub(super) fn as_told() -> Saying {
    Rc::new(|answer| serde_json::from_str::<Done>(answer).ok().map(|done| done.message))
}

/// Says this, whatever the answer holds.
pub(super) fn plainly_said(words: impl Into<String>) -> Saying {
    let words = words.into();
    Rc::new(move |_| Some(words.clone()))
}

/// Several things that can be done with something, each with what it means.
#[derive(Clone)]
pub(super) struct Choice {
    /// What it is about, such as a phone number.
    pub(super) title: String,
    /// More about it, such as the package.
    pub(super) about: String,
    /// What can be done.
    pub(super) options: Vec<Opt>,
}

/// One thing that can be done.
#[derive(Clone)]
pub(super) struct Opt {
    /// What the button says.
    pub(super) label: &'static str,
    /// What it means, in a sentence.
    pub(super) hint: &'static str,
    /// What is asked before it is done.
    pub(super) ask: Ask,
}

/// Fields besides the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fields {
    /// None.
    None,
    /// `target`: `payment` or `customer`; with it `account_reference` or `phone`, filled with what is already known.
    Whose { account: String, phone: String },
    /// `amount_kes`. Empty at first, so that nobody confirms an amount without having seen it.
    Amount,
    /// `minutes`.
    Minutes,
    /// `mac`.
    Mac,
    /// A number that has to be agreed to before anything is done, in the field `name`: the tick beside `label`.
    Agree { name: &'static str, number: u32, label: String },
}

/// The dialog and the last message, in the context of everything behind the login.
#[derive(Clone, Copy)]
pub(super) struct Desk {
    asking: RwSignal<Option<Ask>, LocalStorage>,
    choosing: RwSignal<Option<Choice>, LocalStorage>,
    said: RwSignal<Option<String>>,
    done: RwSignal<u32>,
}

impl Desk {
    /// Puts the desk into the context. A message goes when the page is left.
    pub(super) fn provide() {
        let desk = Self {
            asking: RwSignal::new_local(None),
            choosing: RwSignal::new_local(None),
            said: RwSignal::new(None),
            done: RwSignal::new(0),
        };
        provide_context(desk);
        let page = use_location().pathname;
        Effect::new(move |before: Option<String>| {
            let now = page.get();
            if before.is_some_and(|before| before != now) {
                desk.said.set(None);
                desk.close();
            }
            now
        });
    }

    /// The desk of this app.
    pub(super) fn here() -> Self {
        expect_context()
    }

    /// Opens the dialog.
    pub(super) fn ask(self, ask: Ask) {
        self.said.set(None);
        self.asking.set(Some(ask));
    }

    /// Opens the dialog that offers several things to do.
    pub(super) fn offer(self, choice: Choice) {
        self.said.set(None);
        self.choosing.set(Some(choice));
    }

    /// What is offered, tracked.
    pub(super) fn choosing(self) -> Option<Choice> {
        self.choosing.get()
    }

    /// What is being asked, tracked.
    pub(super) fn asking(self) -> Option<Ask> {
        self.asking.get()
    }

    /// Nothing is offered any more; what was chosen may be asked already.
    pub(super) fn close_choice(self) {
        self.choosing.set(None);
    }

    /// Nothing is asked or offered any more.
    pub(super) fn close(self) {
        self.asking.set(None);
        self.choosing.set(None);
    }

    /// Something was done: says so and lets everything that listens read again.
    pub(super) fn did(self, message: String) {
        self.asking.set(None);
        self.said.set(Some(message));
        self.done.update(|done| *done += 1);
    }

    /// The last message, tracked.
    pub(super) fn said(self) -> Option<String> {
        self.said.get()
    }

    /// Takes the message away.
    pub(super) fn hush(self) {
        self.said.set(None);
    }

    /// Calls `listener` after everything that is done, until the present owner is gone.
    pub(super) fn listen(self, listener: impl Fn() + 'static) {
        Effect::new(move |before: Option<u32>| {
            let now = self.done.get();
            if before.is_some_and(|before| before != now) {
                listener();
            }
            now
        });
    }
}
