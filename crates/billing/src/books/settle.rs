//! One line of M-Pesa's books becomes evidence, through the same door as all other evidence. Money that fits no
//! payment is kept for a person to place.

use std::net::IpAddr;

use domain::{PaymentId, Receipt, payment::Outcome};
use uuid::Uuid;

use super::{compare::There, lines::whole_shillings};
use crate::{
    Billing,
    admins::{Admin, Role},
    db::{
        StoreError, claims,
        logs::{self, NewLog},
        payment_events::Source,
        receipts::Money,
        statements::{self, LineRecord},
    },
    payments::{
        place::{self, Report},
        record::{Claim, Decider, Testimony},
    },
};

/// Why a line was not settled. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub enum SettleLineError {
    /// Only owners may.
    #[error("Only an owner may settle from a statement.")]
    NotOwner,
    /// No usable reason.
    #[error("Say why, in 3 to 255 characters.")]
    Reason,
    /// No such statement, or no such payment in it.
    #[error("This statement has no payment with this receipt.")]
    UnknownLine,
    /// The amount cannot be entered.
    #[error("This amount cannot be entered, because it has cents or is larger than M-Pesa moves at once.")]
    Amount,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of money from M-Pesa's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It was recorded for this payment.
    Recorded(PaymentId, Outcome),
    /// The ledger has it already.
    Known,
    /// It waits for a person.
    Queued,
    /// It fits no payment, and nobody wants to see it.
    Left,
}

/// What to do with money that fits no payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    Queue,
    Leave,
}

impl Billing {
    /// Settles one payment of a statement: for the payment whose account number was typed, else for the only one
    /// that payer, price and time fit; else it waits under unmatched money. Gives words for the owner.
    ///
    /// # Errors
    /// [`SettleLineError`].
    pub async fn settle_line(
        &self,
        id: Uuid,
        receipt: &Receipt,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<String, SettleLineError> {
        if by.role != Role::Owner {
            return Err(SettleLineError::NotOwner);
        }
        let reason = reason.trim();
        if !(3..=255).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
            return Err(SettleLineError::Reason);
        }
        let mut lines = statements::list_lines_of_receipt(self.pool(), id, receipt).await?;
        lines.retain(|line| line.there.is_payment());
        lines.sort_by_key(|line| (line.there.completed_at, line.there.id));
        let line = lines.first().ok_or(SettleLineError::UnknownLine)?;
        let decider = Decider { actor: by.username.clone(), reason: reason.to_owned() };
        let placed = self.place(line, Source::Statement, Some(&decider), Unfit::Queue, remote_ip).await?;
        let placed = placed.ok_or(SettleLineError::Amount)?;
        let log = NewLog {
            actor: &by.username,
            action: "statement.settled",
            subject: Some(receipt.as_str()),
            detail: Some(reason),
            remote_ip,
            at: self.now(),
        };
        logs::insert_log(self.pool(), &log).await?;
        if let Some(record) = statements::find_statement(self.pool(), id).await? {
            self.report(record, false).await?;
        }
        self.words_for(placed).await.map_err(SettleLineError::Store)
    }

    /// Lets money from M-Pesa's books have its effect. `None` if its amount cannot be entered.
    pub(super) async fn place(
        &self,
        line: &LineRecord,
        source: Source,
        by: Option<&Decider>,
        unfit: Unfit,
        remote_ip: Option<IpAddr>,
    ) -> Result<Option<Placed>, StoreError> {
        let Some(amount) = whole_shillings(&line.there) else { return Ok(None) };
        let there = &line.there;
        let known = statements::find_place(self.pool(), &there.receipt).await?;
        if known.as_ref().is_some_and(|(state, _)| state != "unmatched") {
            return Ok(Some(Placed::Known));
        }
        let money = Money {
            receipt: there.receipt.clone(),
            amount,
            account_reference: line.typed_reference.clone(),
            payer: line.payer.clone(),
            payer_hash: there.payer_hash,
            payer_name: line.payer_name.clone(),
            paid_at: Some(there.completed_at),
        };
        let found = match (source, by) {
            // Nobody looks at it: only the account number the payer typed counts.
            (_, None) => self.payment_typed(there).await?,
            (_, Some(_)) => self.likely_payment(there).await?.map(|found| found.id),
        };
        let Some(id) = found else {
            return self.place_unnamed(money, source, by, unfit, remote_ip).await.map(Some);
        };
        let testimony = Testimony {
            detail: Some("from M-Pesa's own books".to_owned()),
            body: Some(line.details.clone().into_bytes()),
            remote_ip,
            by: by.cloned(),
            ..Testimony::new(source, Claim::ByHand(money))
        };
        let recorded = self.record(id, testimony).await?;
        Ok(Some(recorded.map_or(Placed::Known, |recorded| Placed::Recorded(id, recorded.outcome))))
    }

    /// Money that names no payment: a device that showed this receipt may wait for it; else it is for a person.
    async fn place_unnamed(
        &self,
        money: Money,
        source: Source,
        by: Option<&Decider>,
        unfit: Unfit,
        remote_ip: Option<IpAddr>,
    ) -> Result<Placed, StoreError> {
        let is_awaited = !claims::list_waiting_for(self.pool(), &money.receipt).await?.is_empty();
        if unfit == Unfit::Leave && !is_awaited {
            return Ok(Placed::Left);
        }
        let report = Report { source, body: None, remote_ip, by: by.cloned() };
        Ok(match self.place_money(money, &report).await? {
            place::Placed::On(id, outcome) => Placed::Recorded(id, outcome),
            place::Placed::Known => Placed::Known,
            place::Placed::Unmatched => Placed::Queued,
        })
    }

    async fn payment_typed(&self, there: &There) -> Result<Option<PaymentId>, StoreError> {
        let Some(reference) = &there.account_reference else { return Ok(None) };
        Ok(statements::find_by_reference(self.pool(), reference).await?.map(|found| found.id))
    }

    async fn words_for(&self, placed: Placed) -> Result<String, StoreError> {
        let (id, outcome) = match placed {
            Placed::Known => return Ok("This receipt was known already; nothing changed.".to_owned()),
            Placed::Queued | Placed::Left => {
                return Ok("It fits no payment. It waits under Unmatched money, where you can assign it.".to_owned());
            }
            Placed::Recorded(id, outcome) => (id, outcome),
        };
        let name = self.find_listed_payment(id).await?.map(|listed| listed.account_reference).unwrap_or_default();
        Ok(match outcome {
            Outcome::Settled => format!("Payment {name} is settled, and its customer has what they paid for."),
            Outcome::ReceiptAdded => format!("Payment {name} has its receipt now."),
            Outcome::PartKept => {
                format!("It is less than payment {name} costs, and is held for it until the rest comes.")
            }
            Outcome::CreditKept => {
                format!("Payment {name} was paid already: this money is kept as the customer's credit.")
            }
            Outcome::AlreadyKnown => "This receipt was known already; nothing changed.".to_owned(),
            Outcome::Alerted(_) => format!("Payment {name} was refunded before: look at it and decide."),
            Outcome::Kept | Outcome::ToReview(_) | Outcome::Moved(_) => {
                format!("Payment {name} is in review: the money is held for your decision there.")
            }
        })
    }
}
