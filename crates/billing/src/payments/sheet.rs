//! What one transaction of the settler will write, collected first and then written one statement a table, always in
//! the same order of tables, so that two transactions rarely wait for each other crosswise.

use chrono::{DateTime, Utc};
use domain::{
    MacAddr, Msisdn, NotificationId, PaymentId, PaymentState, UserId,
    mpesa::ResultMeaning,
    payment::{Conflict, Evidence},
};
use sqlx::MySqlConnection;

use crate::{
    db::{
        StoreError,
        credits::{self, CreditKind, NewCredit},
        notifications::{self, NewNotification, Severity},
        payment_events::{self, NewEvent, Source},
        payments::{self, Move, PaymentRecord},
        prompt_slots,
        receipts::{self, Money, NewReceipt, ReceiptState},
        sessions::Origin,
        users,
    },
    random,
    sessions::{Right, create_sessions, end_refunded},
};

use super::record::{Decider, Testimony};

/// Evidence to append.
pub(super) struct Event<'a> {
    pub testimony: &'a Testimony,
    pub payment_id: PaymentId,
    pub outcome: &'static str,
    pub states: (PaymentState, PaymentState),
}

/// A receipt to enter.
pub(super) struct Placing<'a> {
    pub testimony: &'a Testimony,
    pub money: &'a Money,
    pub payment_id: PaymentId,
    pub state: ReceiptState,
}

/// Money that becomes a customer's credit.
struct Surplus<'a> {
    user_id: UserId,
    amount_kes: u64,
    kind: CreditKind,
    payment_id: PaymentId,
    money: Option<&'a Money>,
}

/// A notification to raise, once a `key`.
struct Alert {
    kind: &'static str,
    severity: Severity,
    message: String,
    subject: Option<String>,
    key: String,
}

/// Everything a transaction will write.
pub(super) struct Sheet<'a> {
    pub now: DateTime<Utc>,
    pub moves: Vec<Move>,
    pub receipts: Vec<Placing<'a>>,
    pub events: Vec<Event<'a>>,
    settled: Vec<PaymentRecord>,
    released: Vec<(PaymentId, Msisdn, MacAddr)>,
    /// Payments whose receipts in one state go into another.
    moved_receipts: Vec<(PaymentId, ReceiptState, ReceiptState)>,
    surplus: Vec<Surplus<'a>>,
    refunded: Vec<PaymentId>,
    doubted: Vec<PaymentId>,
    alerts: Vec<Alert>,
    /// Receipts that a named admin placed, with why.
    decisions: Vec<(&'a Money, &'a Decider)>,
}

impl<'a> Sheet<'a> {
    pub(super) const fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            moves: Vec::new(),
            receipts: Vec::new(),
            events: Vec::new(),
            settled: Vec::new(),
            released: Vec::new(),
            moved_receipts: Vec::new(),
            surplus: Vec::new(),
            refunded: Vec::new(),
            doubted: Vec::new(),
            alerts: Vec::new(),
            decisions: Vec::new(),
        }
    }

    /// The prompt is over: its phone and its device may be prompted again.
    pub(super) fn release(&mut self, payment: &PaymentRecord) {
        self.released.push((payment.id, payment.msisdn, payment.mac));
    }

    /// Who placed a receipt, and why, if a person did.
    pub(super) fn placed(&mut self, money: &'a Money, testimony: &'a Testimony) {
        if let Some(by) = &testimony.by {
            self.decisions.push((money, by));
        }
    }

    /// Evidence that names another push: kept as a hint, and M-Pesa is asked.
    pub(super) fn doubt(&mut self, payment: &PaymentRecord, testimony: &'a Testimony) {
        tracing::warn!(payment.id = %payment.id, "a callback names another push or phone; Daraja will be asked");
        self.doubted.push(payment.id);
        let states = (payment.state, payment.state);
        self.events.push(Event { testimony, payment_id: payment.id, outcome: "doubted", states });
    }

    /// What a success always brings: the session, the customer's totals, a free slot; what is over becomes credit.
    pub(super) fn settle(
        &mut self,
        payment: &PaymentRecord,
        testimony: &'a Testimony,
        evidence: &Evidence,
        held_kes: u64,
    ) {
        let price_kes = u64::from(payment.amount.shillings());
        let brought_kes = match evidence {
            Evidence::Paid { amount, .. } | Evidence::PaidByHand { amount, .. } => u64::from(amount.shillings()),
            Evidence::QuerySucceeded | Evidence::CoveredByCredit => price_kes,
            // A decision brings no money of its own.
            _ => 0,
        };
        let over_kes = held_kes.saturating_add(brought_kes).saturating_sub(price_kes);
        self.keep_credit(payment, over_kes, CreditKind::Overpaid, testimony.claim.money());
        if payment.held_kes > 0 {
            self.moved_receipts.push((payment.id, ReceiptState::Part, ReceiptState::Credited));
        }
        self.release(payment);
        self.settled.push(payment.clone());
    }

    /// The receipt of a payment that succeeded without one. If other money paid for it meanwhile, because a person
    /// decided so, what is over becomes credit now.
    pub(super) fn receipt_added(&mut self, payment: &PaymentRecord, testimony: &'a Testimony, before_kes: u64) {
        let Some(money) = testimony.claim.money() else { return };
        let brought_kes = u64::from(money.amount.shillings());
        let over_kes = before_kes.saturating_add(brought_kes).saturating_sub(u64::from(payment.amount.shillings()));
        // What was over before is credit already.
        self.keep_credit(payment, over_kes.min(brought_kes), CreditKind::Overpaid, Some(money));
    }

    /// Money, if there is any, that becomes the customer's credit.
    fn keep_credit(&mut self, payment: &PaymentRecord, amount_kes: u64, kind: CreditKind, money: Option<&'a Money>) {
        if amount_kes > 0 {
            let (user_id, payment_id) = (payment.user_id, payment.id);
            self.surplus.push(Surplus { user_id, amount_kes, kind, payment_id, money });
        }
    }

    /// What follows a state without a success: money that was held goes where it can be seen.
    pub(super) fn moved(&mut self, payment: &PaymentRecord, change: &Move, held_kes: u64) {
        match change.to {
            PaymentState::Refunded => {
                self.refunded.push(payment.id);
                self.moved_receipts.push((payment.id, ReceiptState::Credited, ReceiptState::Reversed));
                self.moved_receipts.push((payment.id, ReceiptState::Part, ReceiptState::Reversed));
            }
            PaymentState::Failed if payment.state == PaymentState::Review && held_kes > 0 => {
                self.moved_receipts.push((payment.id, ReceiptState::Part, ReceiptState::Unmatched));
            }
            _ => {}
        }
        self.warn_of_setup_fault(change);
    }

    /// Paid once more by hand: kept as the customer's credit.
    pub(super) fn credit_again(&mut self, payment: &PaymentRecord, testimony: &'a Testimony) {
        let Some(money) = testimony.claim.money() else { return };
        self.keep_credit(payment, u64::from(money.amount.shillings()), CreditKind::PaidAgain, Some(money));
        self.alerts.push(Alert {
            kind: "paid_again",
            severity: Severity::Warning,
            message: format!(
                "Payment {} was paid once more by hand: KES {} is kept as the customer's credit. Give it back if they \
                 ask for it.",
                payment.account_reference, money.amount
            ),
            subject: Some(payment.id.to_string()),
            key: format!("paid_again:{}", money.receipt.as_str()),
        });
    }

    /// Tells the owner that evidence conflicts and what to do about it.
    pub(super) fn conflict(&mut self, payment: &PaymentRecord, conflict: Conflict) {
        let what = match conflict {
            Conflict::AmountDiffers => "M-Pesa took another amount than the package costs",
            Conflict::ReceiptUsed => "its M-Pesa receipt already paid for something else",
            Conflict::SecondReceipt => "M-Pesa sent a second receipt for it: the customer may have paid twice",
            Conflict::Unreadable => "M-Pesa reported success without a usable receipt or amount",
            Conflict::Contradictory => "M-Pesa's result code and its words say opposite things",
            Conflict::PaidAfterRefund => "it was paid again after it was refunded",
        };
        self.alerts.push(Alert {
            kind: "payment_conflict",
            severity: Severity::Critical,
            message: format!(
                "Payment {} needs a person: {what}. Compare it with your M-Pesa statement before you give access or \
                 money back.",
                payment.account_reference
            ),
            subject: Some(payment.id.to_string()),
            key: format!("conflict:{}:{}", payment.id, conflict.as_str()),
        });
    }

    /// A result code that means our own set-up is wrong concerns every customer: the owner must act.
    fn warn_of_setup_fault(&mut self, change: &Move) {
        let Some(code) = change.result_code.as_ref().filter(|code| code.meaning() == ResultMeaning::Configuration)
        else {
            return;
        };
        self.alerts.push(Alert {
            kind: "mpesa_setup",
            severity: Severity::Critical,
            message: format!(
                "M-Pesa refuses payments because of the set-up (result {code}). Check MPESA_SHORTCODE, MPESA_TILL and \
                 MPESA_TRANSACTION_TYPE, then run `bando doctor`."
            ),
            subject: None,
            key: format!("mpesa_setup:{code}"),
        });
    }

    /// Writes it.
    pub(super) async fn write(&self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        let now = self.now;
        if !self.released.is_empty() {
            prompt_slots::release_slots(connection, &self.released).await?;
        }
        if !self.moves.is_empty() {
            payments::update_payments(connection, &self.moves, now).await?;
        }
        self.write_receipts(connection).await?;
        if !self.settled.is_empty() {
            create_sessions(connection, &self.rights()?, now).await?;
        }
        for payment_id in &self.refunded {
            end_refunded(connection, *payment_id, now).await?;
        }
        if !self.settled.is_empty() {
            users::add_paid(connection, self.settled.iter().map(|payment| (payment.user_id, payment.amount))).await?;
        }
        self.write_credits(connection).await?;
        for payment_id in &self.doubted {
            payments::query_soon(&mut *connection, *payment_id, now).await?;
        }
        if !self.events.is_empty() {
            payment_events::insert_events(connection, &self.rows_of_events()).await?;
        }
        self.write_alerts(connection).await
    }

    async fn write_receipts(&self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        let mut new: Vec<NewReceipt<'_>> = self
            .receipts
            .iter()
            .map(|placing| NewReceipt {
                money: placing.money,
                payment_id: Some(placing.payment_id),
                state: placing.state,
                source: placing.testimony.source,
            })
            .collect();
        new.sort_unstable_by_key(|new| new.money.receipt.as_str());
        if !new.is_empty() {
            receipts::insert_receipts(connection, &new, self.now).await?;
        }
        for (money, by) in &self.decisions {
            receipts::note_decision(connection, &money.receipt, &by.actor, &by.reason, self.now).await?;
        }
        for (payment_id, from, to) in &self.moved_receipts {
            receipts::update_states_of_payment(connection, *payment_id, *from, *to).await?;
        }
        Ok(())
    }

    fn rights(&self) -> Result<Vec<Right<'_>>, StoreError> {
        self.settled
            .iter()
            .map(|payment| {
                let wrong = || StoreError::inconsistent("payments", "router_id", payment.id);
                Ok(Right {
                    origin: Origin::Payment(payment.id),
                    user_id: Some(payment.user_id),
                    router_id: payment.router_id.ok_or_else(wrong)?,
                    mac: payment.mac,
                    ip: payment.ip,
                    package_id: payment.package_id,
                    package_revision: payment.package_revision,
                    terms: &payment.terms,
                })
            })
            .collect()
    }

    async fn write_credits(&self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        for surplus in &self.surplus {
            let new = NewCredit {
                user_id: surplus.user_id,
                amount_kes: i64::try_from(surplus.amount_kes).unwrap_or(i64::MAX),
                kind: surplus.kind,
                receipt: surplus.money.map(|money| &money.receipt),
                payment_id: Some(surplus.payment_id),
                actor: None,
                reason: None,
            };
            if !credits::change_credit(connection, &new, self.now).await? {
                return Err(StoreError::RowCount { what: "keep credit", expected: 1, actual: 0 });
            }
        }
        Ok(())
    }

    fn rows_of_events(&self) -> Vec<NewEvent<'_>> {
        self.events
            .iter()
            .map(|event| NewEvent {
                payment_id: Some(event.payment_id),
                source: if event.outcome == "doubted" { Source::Hint } else { event.testimony.source },
                outcome: event.outcome,
                states: Some(event.states),
                detail: event.testimony.detail.as_deref(),
                body: event.testimony.body.as_deref(),
                remote_ip: event.testimony.remote_ip,
                received_at: self.now,
            })
            .collect()
    }

    async fn write_alerts(&self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        for alert in &self.alerts {
            let new = NewNotification {
                id: NotificationId::from_uuid(random::uuid(self.now)),
                severity: alert.severity,
                kind: alert.kind,
                message: &alert.message,
                subject: alert.subject.clone(),
                dedupe_key: Some(&alert.key),
                created_at: self.now,
            };
            notifications::insert_notification(&mut *connection, &new).await?;
        }
        Ok(())
    }
}
