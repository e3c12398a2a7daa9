//! What waits for a person: payments in review, money that is nobody's yet, customers who say that they have paid.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    desk::Desk,
    feed::{Feed, News},
    reader::Reader,
};
use crate::api::{ClaimList, PaymentList, ReceiptList};

/// How soon after a notification, which may tell of a new task.
const SOON: Duration = Duration::from_millis(400);
/// How soon after a change of payments, of which there are many.
const LATER: Duration = Duration::from_secs(4);
/// How often in any case.
const EVERY: Duration = Duration::from_secs(60);

/// The tasks, in the context of everything behind the login: the page and the count in the navigation are the same rows.
#[derive(Clone, Copy)]
pub(super) struct Tasks {
    /// Payments in review.
    pub(super) reviews: Reader<PaymentList>,
    /// Money that is nobody's yet.
    pub(super) receipts: Reader<ReceiptList>,
    /// Customers who say that they have paid.
    pub(super) claims: Reader<ClaimList>,
    due: StoredValue<Option<TimeoutHandle>>,
}

impl Tasks {
    /// Puts the tasks into the context, reads them, and keeps them live.
    pub(super) fn provide() {
        let tasks = Self {
            reviews: Reader::of("/api/admin/payments?state=review&limit=200"),
            receipts: Reader::of("/api/admin/receipts?state=unmatched&limit=200"),
            claims: Reader::of("/api/admin/claims?state=open"),
            due: StoredValue::new(None),
        };
        provide_context(tasks);
        Feed::here().listen(move |news| match news {
            News::Payment(_) => tasks.read_in(LATER),
            News::Notification(_) => tasks.read_in(SOON),
            News::Reset => tasks.again(),
            News::Live(_) => {}
        });
        Desk::here().listen(move || tasks.again());
        // A browser that has no timers has no event stream either, and then a reload reads everything.
        let every = set_interval_with_handle(move || tasks.again(), EVERY).ok();
        on_cleanup(move || {
            if let Some(every) = every {
                every.clear();
            }
            if let Some(Some(due)) = tasks.due.try_get_value() {
                due.clear();
            }
        });
    }

    /// The tasks of this app.
    pub(super) fn here() -> Self {
        expect_context()
    }

    /// How many there are and whether there are more than that; tracked.
    pub(super) fn count(self) -> (usize, bool) {
        let (reviews, more_reviews) = self
            .reviews
            .value
            .with(|list| list.as_ref().map_or((0, false), |list| (list.payments.len(), list.meta.next.is_some())));
        let (receipts, more_receipts) = self
            .receipts
            .value
            .with(|list| list.as_ref().map_or((0, false), |list| (list.receipts.len(), list.meta.next.is_some())));
        let claims = self.claims.value.with(|list| list.as_ref().map_or(0, |list| list.claims.len()));
        (reviews + receipts + claims, more_reviews || more_receipts)
    }

    /// Reads everything again.
    pub(super) fn again(self) {
        self.reviews.again();
        self.receipts.again();
        self.claims.again();
    }

    /// Reads everything again after `delay`, once however often it is asked for; the sooner time counts.
    fn read_in(self, delay: Duration) {
        let is_due = self.due.with_value(Option::is_some);
        if is_due && delay == LATER {
            return;
        }
        if let Some(due) = self.due.get_value() {
            due.clear();
        }
        let read = move || {
            self.due.set_value(None);
            self.again();
        };
        self.due.set_value(set_timeout_with_handle(read, delay).ok());
    }
}
