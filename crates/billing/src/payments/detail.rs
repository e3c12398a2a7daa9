//! Everything that is known about one payment, in words for owners and cashiers.

use chrono::{DateTime, Utc};
use domain::{PaymentId, PaymentState};

use crate::{
    Billing,
    admins::Role,
    db::{
        StoreError,
        payment_events::{self, EventRecord},
        payments,
        receipts::{self, ReceiptRecord},
        routers,
    },
    lists::PaymentListed,
    refunds::RefundKind,
};

/// One piece of evidence in words.
#[derive(Debug, Clone)]
pub struct PaymentEvent {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// Where it came from.
    pub source: String,
    /// What happened.
    pub message: String,
    /// What arrived, as text.
    pub body: Option<String>,
}

/// Everything that is known about one payment.
#[derive(Debug, Clone)]
pub struct PaymentDetail {
    /// The payment as in the list.
    pub payment: PaymentListed,
    /// The device's address.
    pub mac: domain::MacAddr,
    /// The router's name.
    pub router: Option<String>,
    /// Why it is in review, as stored.
    pub review: Option<String>,
    /// Every receipt that belongs to it.
    pub receipts: Vec<ReceiptRecord>,
    /// Everything that was ever said about it, oldest first.
    pub events: Vec<PaymentEvent>,
    /// What this role may do with it now: of `decide_paid`, `decide_not_paid`, `refund_manual`, `refund_reversal`.
    pub actions: Vec<&'static str>,
}

impl Billing {
    /// Everything that is known about one payment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payment_detail(&self, id: PaymentId, role: Role) -> Result<Option<PaymentDetail>, StoreError> {
        let Some(payment) = self.find_listed_payment(id).await? else { return Ok(None) };
        let Some(record) = payments::find_payment(self.pool(), id).await? else { return Ok(None) };
        let router = match record.router_id {
            Some(router_id) => {
                let all = routers::list_routers(self.pool()).await?;
                all.into_iter().find(|router| router.id == router_id).map(|router| router.name)
            }
            None => None,
        };
        let receipts = receipts::list_of_payment(self.pool(), id).await?;
        let events = payment_events::list_events(self.pool(), id).await?;
        let review = payments::find_review_reason(self.pool(), id).await?;
        Ok(Some(PaymentDetail {
            actions: self.actions(id, payment.state, role).await?,
            mac: record.mac,
            router,
            review: review.filter(|_| payment.state == PaymentState::Review),
            receipts,
            events: events.into_iter().map(event_in_words).collect(),
            payment,
        }))
    }

    async fn actions(&self, id: PaymentId, state: PaymentState, role: Role) -> Result<Vec<&'static str>, StoreError> {
        let mut actions = Vec::new();
        if state == PaymentState::Review {
            actions.extend(["decide_paid", "decide_not_paid"]);
        }
        for kind in self.possible_refunds(id, role).await? {
            actions.push(match kind {
                RefundKind::Manual => "refund_manual",
                RefundKind::Reversal => "refund_reversal",
            });
        }
        Ok(actions)
    }
}

fn event_in_words(event: EventRecord) -> PaymentEvent {
    let body = event.body.map(|body| String::from_utf8_lossy(&body).chars().take(4000).collect());
    let who = match event.source.as_str() {
        "intake" => "The customer pressed pay",
        "submit" => "M-Pesa answered the prompt request",
        "callback" => "M-Pesa reported",
        "hint" => "An unproved report came",
        "query" => "We asked M-Pesa",
        "schedule" => "Our own clock",
        "c2b" => "M-Pesa reported a payment by hand",
        "status" => "M-Pesa answered about a code",
        "statement" => "The statement says",
        "pull" => "M-Pesa's list of transactions says",
        "credit" => "The customer's credit",
        "admin" => "An admin decided",
        _ => "Something was noted",
    };
    let what = match event.outcome.as_str() {
        "created" => "payment begun",
        "pending" => "the prompt was accepted",
        "unknown" => "it is not known whether the prompt was sent",
        "rejected" => "no prompt was sent",
        "failed" => "not paid",
        "expired" => "nothing was heard in time",
        "succeeded" | "settled" => "paid, and the session was made",
        "refunded" => "given back",
        "receipt_added" => "the missing receipt came",
        "part_kept" => "less than the price came; it is held",
        "credit_kept" => "paid once more; kept as credit",
        "already_known" => "known already",
        "kept" => "kept; it changes nothing",
        "doubted" => "it names another prompt; kept and not believed",
        "to_review" => "it does not fit; a person has to look",
        "alerted" => "it does not fit; you were told",
        "refund_asked" => "M-Pesa took the request to give it back",
        "refund_done" => "given back",
        "refund_refused" => "not given back",
        "refund_unknown" => "it may have been given back or not",
        other => other,
    };
    // What only says how the line was is beside it, in the body.
    let detail = event.detail.filter(|detail| !detail.contains("HTTP"));
    let detail = detail.map(|detail| format!(" – {detail}")).unwrap_or_default();
    PaymentEvent { at: event.received_at, source: event.source, message: format!("{who}: {what}{detail}."), body }
}
