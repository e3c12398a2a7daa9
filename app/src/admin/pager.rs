//! A list read page by page.

use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use serde::de::DeserializeOwned;

use super::{
    client::{self, Fault},
    session::Session,
};
use crate::api::{
    LiveCounts, LiveList, LiveRow, PageMeta, PaymentList, PaymentRow, StatementLine, StatementLines, UserList, UserRow,
};

/// Rows of one page.
const PAGE_ROWS: usize = 50;
/// The most rows asked for at once, when a list that has grown is read again.
const MOST_ROWS: usize = 200;

/// What a list says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Load {
    /// Nothing to show yet.
    First,
    /// Reading the next page.
    More,
    /// All that was asked for is there.
    Ready,
    /// The last request failed; what was there before is still shown.
    Failed(String),
}

/// One page of a list as the API answers it.
pub(super) trait Answer: DeserializeOwned + 'static {
    /// What the list is of.
    type Row: Clone + Send + Sync + 'static;
    /// What is said beside the rows about all of them.
    type Beside: Clone + Send + Sync + 'static;
    /// Rows, position of the next page, and what is said beside.
    fn open(self) -> (Vec<Self::Row>, PageMeta, Self::Beside);
}

impl Answer for PaymentList {
    type Row = PaymentRow;
    type Beside = ();
    fn open(self) -> (Vec<PaymentRow>, PageMeta, ()) {
        (self.payments, self.meta, ())
    }
}

impl Answer for StatementLines {
    type Row = StatementLine;
    type Beside = ();
    fn open(self) -> (Vec<StatementLine>, PageMeta, ()) {
        (self.lines, self.meta, ())
    }
}

impl Answer for UserList {
    type Row = UserRow;
    type Beside = ();
    fn open(self) -> (Vec<UserRow>, PageMeta, ()) {
        (self.users, self.meta, ())
    }
}

impl Answer for LiveList {
    type Row = LiveRow;
    type Beside = LiveCounts;
    fn open(self) -> (Vec<LiveRow>, PageMeta, LiveCounts) {
        (self.devices, self.meta, self.counts)
    }
}

/// A list read page by page from one address.
pub(super) struct Pager<A: Answer> {
    /// What has been read, newest first.
    pub(super) rows: RwSignal<Vec<A::Row>>,
    /// How reading goes.
    pub(super) load: RwSignal<Load>,
    /// What was last said beside the rows.
    pub(super) beside: RwSignal<Option<A::Beside>>,
    next: RwSignal<Option<String>>,
    path: Memo<String>,
    owner: StoredValue<Owner>,
    session: Session,
    /// Goes up with every request that starts the list anew, so that a late answer to an older one is dropped.
    turn: StoredValue<u32>,
}

impl<A: Answer> Clone for Pager<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Answer> Copy for Pager<A> {}

impl<A: Answer> Pager<A> {
    /// Reads `path` (with its query, `?` included), and again whenever it changes.
    pub(super) fn new(path: Memo<String>) -> Self {
        let pager = Self {
            rows: RwSignal::new(Vec::new()),
            load: RwSignal::new(Load::First),
            beside: RwSignal::new(None),
            next: RwSignal::new(None),
            path,
            owner: StoredValue::new(Owner::new()),
            session: Session::here(),
            turn: StoredValue::new(0),
        };
        Effect::new(move |_| {
            path.track();
            pager.rows.set(Vec::new());
            pager.load.set(Load::First);
            pager.read(None);
        });
        pager
    }

    /// Whether there is a further page, tracked.
    pub(super) fn has_more(self) -> bool {
        self.next.with(Option::is_some)
    }

    /// Reads the next page.
    pub(super) fn more(self) {
        if let Some(after) = self.next.get_untracked() {
            self.load.set(Load::More);
            self.read(Some(after));
        }
    }

    /// Reads everything on the screen again, leaving it there meanwhile.
    pub(super) fn again(self) {
        if self.rows.with_untracked(Vec::is_empty) {
            self.load.set(Load::First);
        }
        self.read(None);
    }

    fn read(self, after: Option<String>) {
        let turn = self.turn.get_value() + 1;
        self.turn.set_value(turn);
        let shown = self.rows.with_untracked(Vec::len);
        let limit = if after.is_some() { PAGE_ROWS } else { shown.clamp(PAGE_ROWS, MOST_ROWS) };
        let mut path = format!("{}&limit={limit}", self.path.get_untracked());
        if let Some(after) = &after {
            path.push_str("&after=");
            path.push_str(&encoded(after));
        }
        self.owner.get_value().with(|| {
            spawn_local_scoped_with_cancellation(async move {
                let answer = client::get::<A>(&path).await;
                if self.turn.try_get_value() == Some(turn) {
                    self.show(answer, after.is_some());
                }
            });
        });
    }

    fn show(self, answer: Result<A, Fault>, is_more: bool) {
        match answer.map(A::open) {
            Ok((rows, meta, beside)) => {
                self.beside.set(Some(beside));
                self.rows.update(|shown| if is_more { shown.extend(rows) } else { *shown = rows });
                self.next.set(meta.next);
                self.load.set(Load::Ready);
            }
            Err(fault) => {
                self.session.heed(&fault);
                self.load.set(Load::Failed(fault.to_string()));
            }
        }
    }
}

/// Text as part of a query.
pub(super) fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}
