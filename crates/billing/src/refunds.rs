//! Giving money back: recorded after it was given by hand, or asked of M-Pesa. A row is written before M-Pesa is
//! asked, and nothing is ever asked twice by itself: an answer that was lost is looked up by a person, and one
//! that comes late still counts.

mod credit;
mod reversal;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Kes, PaymentId, PaymentState, Receipt,
    payment::{Evidence, Outcome},
};
use uuid::Uuid;

use crate::{
    Billing,
    admins::{Admin, Role},
    db::{
        StoreError,
        logs::{self, NewLog},
        payment_events::Source,
        payments::{self, PaymentRecord},
        refunds::{self, NewRefund, RefundRow},
    },
    payments::record::{Claim, Decider, Testimony},
    random,
};

/// How money is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundKind {
    /// It was given back by other means; this records it.
    Manual,
    /// M-Pesa is asked to give it back.
    Reversal,
}

impl RefundKind {
    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Reversal => "reversal",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Manual, Self::Reversal].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One refund, for the owner.
#[derive(Debug, Clone)]
pub struct RefundRecord {
    /// The key.
    pub id: Uuid,
    /// `manual` or `reversal`.
    pub kind: String,
    /// `asked`, `done`, `refused` or `unknown`.
    pub state: String,
    /// Whole shillings.
    pub amount_kes: u32,
    /// How it stands and what to do.
    pub message: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// Why nothing was given back. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// Only owners may.
    #[error("Only an owner may give money back.")]
    NotOwner,
    /// No usable reason.
    #[error("Say why, in 3 to 255 characters.")]
    Reason,
    /// No such payment.
    #[error("There is no such payment.")]
    UnknownPayment,
    /// It was not paid, or was refunded.
    #[error("{}", wrong_state(*.0))]
    WrongState(PaymentState),
    /// No M-Pesa money is known to have come in for it.
    #[error(
        "No M-Pesa receipt is known for this payment, so nothing shows that money came in. Import the M-Pesa statement \
         of that day first: it brings the receipt."
    )]
    NoReceipt,
    /// A reversal gives back one receipt whole.
    #[error(
        "This payment was made in several parts. Reverse each in the M-Pesa portal, then record it as given back by hand."
    )]
    SeveralReceipts,
    /// What was paid too much was spent since.
    #[error(
        "KES {credit_kes} of this money became the customer's credit and was spent since. Give back the rest by hand and \
         record that."
    )]
    CreditSpent {
        /// What would have to be taken back.
        credit_kes: u32,
    },
    /// One is open.
    #[error("M-Pesa has already been asked to give this back. Wait for its answer.")]
    Open,
    /// There is nobody in whose name to ask.
    #[error("Set MPESA_INITIATOR and MPESA_SECURITY_CREDENTIAL first, or give the money back by hand and record it.")]
    NoInitiator,
    /// The address M-Pesa would have to answer to cannot be used.
    #[error("M-Pesa could not answer: {0}.")]
    Address(daraja::InvalidCallbackUrl),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const fn wrong_state(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Refunded => "This payment has already been given back.",
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown => {
            "This payment is still open: wait until M-Pesa says how it ended."
        }
        _ => "This payment was not paid, so there is nothing to give back.",
    }
}

/// What is to be given back, once it is sure that it may be.
#[derive(Debug)]
struct Due {
    amount_kes: u32,
    /// What of it is the customer's credit.
    credit_kes: u32,
    receipt: Option<Receipt>,
}

/// How long a row may wait for what follows it before it is finished by the sweep.
const FINISH_AFTER: TimeDelta = TimeDelta::seconds(30);
/// How long M-Pesa may take to answer a reversal.
const ANSWER_WITHIN: TimeDelta = TimeDelta::minutes(15);

impl Billing {
    /// Records that the money of a payment was given back by other means: its session ends and its receipts count
    /// no more. Gives words for the owner.
    ///
    /// # Errors
    /// [`RefundError`].
    pub async fn record_refund(
        &self,
        id: PaymentId,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<String, RefundError> {
        let reason = checked(by, reason)?;
        let now = self.now();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let payment = lock(&mut tx, id).await?;
        let due = due(&mut tx, &payment, RefundKind::Manual).await?;
        let message = format!("KES {} given back by hand.", due.amount_kes);
        let refund_id = random::uuid(now);
        let new = NewRefund {
            id: refund_id,
            payment_id: id,
            kind: RefundKind::Manual.as_str(),
            state: "done",
            amount_kes: due.amount_kes,
            credit_kes: 0,
            receipt: due.receipt.as_ref(),
            result_token_hash: None,
            message: &message,
            actor: &by.username,
            reason: &reason,
            now,
        };
        refunds::insert_refund(&mut tx, &new).await?;
        log(&mut tx, by, "refund.recorded", id, &reason, remote_ip, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let row = refunds::find_refund(self.pool(), refund_id).await?;
        let row = row.ok_or_else(|| StoreError::inconsistent("refunds", "id", refund_id))?;
        self.take_effect(&row, Source::Admin, remote_ip).await?;
        Ok(format!("{message} The access of {} has ended.", payment.account_reference))
    }

    /// Every refund of a payment, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_refunds(&self, id: PaymentId) -> Result<Vec<RefundRecord>, StoreError> {
        let rows = refunds::list_of_payment(self.pool(), id).await?;
        Ok(rows
            .into_iter()
            .map(|row| RefundRecord {
                id: row.id,
                kind: row.kind,
                state: row.state,
                amount_kes: row.amount_kes,
                message: row.message,
                reason: row.reason,
                by: row.actor,
                created_at: row.created_at,
            })
            .collect())
    }

    /// How this role may give a payment's money back now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn possible_refunds(&self, id: PaymentId, role: Role) -> Result<Vec<RefundKind>, StoreError> {
        let mut possible = Vec::new();
        if role != Role::Owner {
            return Ok(possible);
        }
        for kind in [RefundKind::Manual, RefundKind::Reversal] {
            if kind == RefundKind::Reversal && self.mpesa().config().initiator.is_none() {
                continue;
            }
            let Some(payment) = payments::find_payment(self.pool(), id).await? else { break };
            let mut connection = self.pool().acquire().await?;
            match due(&mut connection, &payment, kind).await {
                Ok(_) => possible.push(kind),
                Err(RefundError::Store(error)) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(possible)
    }

    /// Lets a refund that was done have its effect. Safe to do twice.
    async fn take_effect(
        &self,
        row: &RefundRow,
        source: Source,
        remote_ip: Option<IpAddr>,
    ) -> Result<Outcome, StoreError> {
        let testimony = Testimony {
            detail: Some(format!("refund {}", row.id)),
            remote_ip,
            by: Some(Decider { actor: row.actor.clone(), reason: row.reason.clone() }),
            ..Testimony::new(source, Claim::Plain(Evidence::Refunded))
        };
        let recorded = self.record(row.payment_id.into(), testimony).await?;
        Ok(recorded.map_or(Outcome::Kept, |recorded| recorded.outcome))
    }

    /// Finishes what an ended process left, and gives up on answers that never came. What was asked is never asked
    /// again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep_refunds(&self) -> Result<(), StoreError> {
        let now = self.now();
        for row in refunds::list_without_effect(self.pool(), now - FINISH_AFTER).await? {
            self.take_effect(&row, Source::Admin, None).await?;
        }
        for row in refunds::list_unanswered(self.pool(), now - ANSWER_WITHIN).await? {
            self.leave_unknown(&row, "M-Pesa has not answered", None, None).await?;
        }
        Ok(())
    }
}

fn checked(by: &Admin, reason: &str) -> Result<String, RefundError> {
    if by.role != Role::Owner {
        return Err(RefundError::NotOwner);
    }
    let reason = reason.trim();
    let is_sound = (3..=255).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
    if is_sound { Ok(reason.to_owned()) } else { Err(RefundError::Reason) }
}

/// Holds the payment, so that only one refund of it is judged at a time.
async fn lock(connection: &mut sqlx::MySqlConnection, id: PaymentId) -> Result<PaymentRecord, RefundError> {
    payments::lock_payments(connection, &[id]).await?.pop().ok_or(RefundError::UnknownPayment)
}

/// What is to be given back, if anything may be.
async fn due(
    connection: &mut sqlx::MySqlConnection,
    payment: &PaymentRecord,
    kind: RefundKind,
) -> Result<Due, RefundError> {
    if !matches!(payment.state, PaymentState::Succeeded | PaymentState::Review) {
        return Err(RefundError::WrongState(payment.state));
    }
    let before = refunds::list_of_payment(&mut *connection, payment.id).await?;
    if before.iter().any(|row| row.state == "asked" || row.state == "done") {
        return Err(RefundError::Open);
    }
    let receipts = refunds::list_receipts(&mut *connection, payment.id).await?;
    let surplus_kes = refunds::surplus_of(connection, payment.id).await?;
    let (Some((receipt, amount_kes)), total_kes) = (receipts.first(), receipts.iter().map(|(_, kes)| kes).sum::<u32>())
    else {
        return Err(RefundError::NoReceipt);
    };
    match kind {
        // What became credit stays the customer's.
        RefundKind::Manual => Ok(Due {
            amount_kes: total_kes.saturating_sub(surplus_kes),
            credit_kes: 0,
            receipt: payment.receipt.clone(),
        }),
        RefundKind::Reversal if receipts.len() > 1 => Err(RefundError::SeveralReceipts),
        // M-Pesa gives a receipt back whole, so what became credit goes back too.
        RefundKind::Reversal => {
            Kes::new(*amount_kes).map_err(|_| StoreError::inconsistent("receipts", "amount_kes", payment.id))?;
            Ok(Due { amount_kes: *amount_kes, credit_kes: surplus_kes, receipt: Some(receipt.clone()) })
        }
    }
}

async fn log(
    connection: &mut sqlx::MySqlConnection,
    by: &Admin,
    action: &str,
    id: PaymentId,
    reason: &str,
    remote_ip: Option<IpAddr>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let id = id.to_string();
    let log = NewLog { actor: &by.username, action, subject: Some(&id), detail: Some(reason), remote_ip, at };
    logs::insert_log(connection, &log).await
}
