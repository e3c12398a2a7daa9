//! What happens at the server, as it happens: one event stream for the whole app.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use super::session::Session;
use crate::api::{LiveRow, NotificationRow, PaymentRow};

/// How long to wait before opening a stream that the server refused.
const REOPEN: Duration = Duration::from_secs(5);

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) enum News {
    /// A payment is new or has changed.
    Payment(PaymentRow),
    /// A notification is new or has changed.
    Notification(NotificationRow),
    /// Something about a device on the network has changed.
    Live(LiveRow),
    /// Something may have been missed: read again.
    Reset,
}

/// Whether news arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Not yet.
    Connecting,
    /// Yes.
    Live,
    /// Not any more; being opened again.
    Reconnecting,
}

type Listener = Rc<dyn Fn(&News)>;
type Heard = Closure<dyn FnMut(Event)>;

/// The event stream, in the context of everything behind the login.
#[derive(Clone, Copy)]
pub(super) struct Feed {
    line: RwSignal<Line>,
    listeners: StoredValue<Vec<(u64, Listener)>, LocalStorage>,
    next_listener: StoredValue<u64>,
    stream: StoredValue<Option<(EventSource, Vec<Heard>)>, LocalStorage>,
    session: Session,
}

impl Feed {
    /// Opens the stream and puts it into the context; it closes with its owner.
    pub(super) fn provide() {
        let feed = Self {
            line: RwSignal::new(Line::Connecting),
            listeners: StoredValue::new_local(Vec::new()),
            next_listener: StoredValue::new(0),
            stream: StoredValue::new_local(None),
            session: Session::here(),
        };
        provide_context(feed);
        feed.open();
        on_cleanup(move || feed.close());
    }

    /// The feed of this app.
    pub(super) fn here() -> Self {
        expect_context()
    }

    /// Whether news arrive, tracked.
    pub(super) fn line(self) -> Line {
        self.line.get()
    }

    /// Calls `listener` with all news until the present owner is gone.
    pub(super) fn listen(self, listener: impl Fn(&News) + 'static) {
        let id = self.next_listener.get_value();
        self.next_listener.set_value(id + 1);
        self.listeners.update_value(|listeners| listeners.push((id, Rc::new(listener))));
        on_cleanup(move || {
            // The feed may have gone first.
            let _ = self.listeners.try_update_value(|listeners| listeners.retain(|(known, _)| *known != id));
        });
    }

    fn tell(self, news: &News) {
        let listeners = self.listeners.try_with_value(Clone::clone).unwrap_or_default();
        for (_, listener) in listeners {
            listener(news);
        }
    }

    fn open(self) {
        let Ok(stream) = EventSource::new("/api/events") else {
            self.line.set(Line::Reconnecting);
            return;
        };
        let heard = vec![
            on(&stream, "open", move |_| {
                self.line.set(Line::Live);
                // Whatever happened before the line was up was missed.
                self.tell(&News::Reset);
            }),
            on(&stream, "error", move |_| self.broke()),
            on(&stream, "payment", move |event| self.read(&event, News::Payment)),
            on(&stream, "notification", move |event| self.read(&event, News::Notification)),
            on(&stream, "live", move |event| self.read(&event, News::Live)),
            on(&stream, "reset", move |_| self.tell(&News::Reset)),
        ];
        self.stream.set_value(Some((stream, heard)));
    }

    /// An event that cannot be read is treated like one that was missed.
    fn read<T: DeserializeOwned>(self, event: &Event, news: impl FnOnce(T) -> News) {
        let text = event.dyn_ref::<MessageEvent>().and_then(|message| message.data().as_string());
        let read = text.and_then(|text| serde_json::from_str(&text).ok());
        self.tell(&read.map_or(News::Reset, news));
    }

    /// The browser reconnects by itself unless the server refused; then the login may be over.
    fn broke(self) {
        let state = self.stream.try_with_value(|stream| stream.as_ref().map(|(stream, _)| stream.ready_state()));
        self.line.set(Line::Reconnecting);
        if state.flatten() == Some(EventSource::CLOSED) {
            self.session.check();
            set_timeout(
                move || {
                    let is_closed = self.stream.try_with_value(|stream| {
                        stream.as_ref().is_some_and(|(stream, _)| stream.ready_state() == EventSource::CLOSED)
                    });
                    if is_closed == Some(true) {
                        self.open();
                    }
                },
                REOPEN,
            );
        }
    }

    fn close(self) {
        let _ = self.stream.try_update_value(|stream| {
            if let Some((stream, _)) = stream.take() {
                stream.close();
            }
        });
    }
}

fn on(stream: &EventSource, event: &str, listener: impl FnMut(Event) + 'static) -> Heard {
    let listener = Closure::<dyn FnMut(Event)>::new(listener);
    // Only fails when the event name or the options are malformed, which they are not.
    let _ = stream.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
    listener
}
