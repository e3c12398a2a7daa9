//! What the owner should know.

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};

use crate::{
    admin::{
        client,
        feed::{Feed, News},
        parts::{time::Time, trouble::Trouble},
        routes::TODO,
        session::Session,
        words,
    },
    api::{NotificationList, NotificationRow},
};

/// The notifications of the whole app: the list here and the count in the navigation are the same rows.
#[derive(Clone, Copy)]
pub(in crate::admin) struct Inbox {
    rows: RwSignal<Option<Vec<NotificationRow>>>,
    fault: RwSignal<Option<String>>,
    owner: StoredValue<Owner>,
    session: Session,
}

impl Inbox {
    /// Puts the inbox into the context, reads it, and keeps it live.
    pub(in crate::admin) fn provide() {
        let inbox = Self {
            rows: RwSignal::new(None),
            fault: RwSignal::new(None),
            owner: StoredValue::new(Owner::new()),
            session: Session::here(),
        };
        provide_context(inbox);
        Feed::here().listen(move |news| match news {
            News::Notification(row) => inbox.rows.update(|rows| put(rows.get_or_insert_default(), row)),
            News::Reset => inbox.read(),
            News::Payment(_) | News::Live(_) => {}
        });
        inbox.read();
    }

    /// The inbox of this app.
    pub(in crate::admin) fn here() -> Self {
        expect_context()
    }

    /// How many nobody has read, tracked.
    pub(in crate::admin) fn unread(self) -> usize {
        self.rows.with(|rows| rows.iter().flatten().filter(|row| !row.is_read).count())
    }

    fn read(self) {
        self.run(async move {
            match client::get::<NotificationList>("/api/admin/notifications").await {
                Ok(list) => {
                    self.rows.set(Some(list.notifications));
                    self.fault.set(None);
                }
                Err(fault) => self.failed(&fault),
            }
        });
    }

    fn mark_read(self, row: NotificationRow) {
        self.run(async move {
            match client::command(&format!("/api/admin/notifications/{}/read", row.id)).await {
                Ok(()) => {
                    let row = NotificationRow { is_read: true, ..row };
                    self.rows.update(|rows| put(rows.get_or_insert_default(), &row));
                    self.fault.set(None);
                }
                Err(fault) => self.failed(&fault),
            }
        });
    }

    fn failed(self, fault: &client::Fault) {
        self.session.heed(fault);
        self.fault.set(Some(fault.to_string()));
    }

    fn run(self, work: impl Future<Output = ()> + 'static) {
        self.owner.get_value().with(|| spawn_local_scoped_with_cancellation(work));
    }
}

/// Puts a row in place of its older self, or on top.
fn put(rows: &mut Vec<NotificationRow>, row: &NotificationRow) {
    match rows.iter_mut().find(|known| known.id == row.id) {
        Some(known) => known.clone_from(row),
        None => rows.insert(0, row.clone()),
    }
}

/// The list.
#[component]
pub(in crate::admin) fn Notifications() -> impl IntoView {
    let inbox = Inbox::here();
    let list = move || match inbox.rows.get() {
        None => view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> }.into_any(),
        Some(rows) if rows.is_empty() => {
            view! { <p class="empty" role="status">"Nothing needs you. All is well."</p> }.into_any()
        }
        Some(_) => view! {
            <ul class="notes">
                <For
                    each=move || inbox.rows.get().unwrap_or_default()
                    key=|row| (row.id, row.is_read, row.message.clone())
                    let:row
                >
                    <Note row inbox />
                </For>
            </ul>
        }
        .into_any(),
    };
    view! {
        <div class="title"><h1>"Notifications"</h1></div>
        {move || inbox.fault.get().map(|message| view! { <Trouble message retry=move || inbox.read() /> })}
        {list}
    }
}

#[component]
fn Note(row: NotificationRow, inbox: Inbox) -> impl IntoView {
    let (tone, urgency) = words::severity(&row);
    let is_task = matches!(row.kind.as_str(), "claim" | "unmatched_money");
    let marked = row.clone();
    let mark = (!row.is_read).then(|| {
        view! { <button on:click=move |_| inbox.mark_read(marked.clone())>"Mark as read"</button> }
    });
    view! {
        <li class:unread=!row.is_read>
            <p>
                <span class=tone.class()>{urgency}</span>
                " "
                <Time at=row.created_at />
            </p>
            <p>{row.message}</p>
            {is_task.then(|| view! { <p><a href=TODO>"Open the list"</a></p> })}
            {mark}
        </li>
    }
}
