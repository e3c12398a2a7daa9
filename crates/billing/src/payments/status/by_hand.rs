//! What a customer is told about money paid by hand, about credit, and about codes that are looked into.

use domain::{AccountReference, PaymentId};

use super::{CustomerStatus, Phase};
use crate::{
    Billing,
    db::{
        StoreError,
        claims::{self, ClaimState},
        credits,
        payments::PaymentRecord,
    },
    payments::recover::shown_since,
    settings::PAY_BY_HAND,
};

/// Where to pay by hand, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayByHand {
    /// The paybill or till number.
    pub number: String,
    /// The account number to type; `None` for a till.
    pub account: Option<AccountReference>,
    /// What is still to be paid, in whole shillings.
    pub amount_kes: u32,
}

/// By then a prompt has normally arrived; from now on paying by hand is offered.
const BY_HAND_AFTER_SECS: u64 = 20;

impl Billing {
    /// Says what was kept as credit, or taken from it, when this payment was settled.
    pub(super) async fn with_credit(
        &self,
        id: PaymentId,
        status: CustomerStatus,
    ) -> Result<CustomerStatus, StoreError> {
        let kept_kes = credits::sum_of_payment(self.pool(), id).await?;
        let words = match kept_kes {
            0 => return Ok(status),
            kept if kept > 0 => format!("KES {kept} is kept as your credit."),
            used => format!("KES {} of your credit was used.", used.unsigned_abs()),
        };
        Ok(CustomerStatus { message: format!("{} {words}", status.message), credit: Some(words), ..status })
    }

    /// Says what has come in by hand, where the rest can be paid, and whether a code is being looked into.
    pub(super) async fn with_money_by_hand(
        &self,
        payment: &PaymentRecord,
        status: CustomerStatus,
    ) -> Result<CustomerStatus, StoreError> {
        let received_kes = u32::try_from(payment.held_kes).unwrap_or(u32::MAX);
        let missing_kes = payment.amount.shillings().saturating_sub(received_kes);
        let is_offered = !payment.state.is_open() || status.pending_secs >= BY_HAND_AFTER_SECS || received_kes > 0;
        let pay_by_hand = if is_offered && missing_kes > 0 && self.is_on(PAY_BY_HAND).await? {
            let config = self.mpesa().config();
            let account = config.till.is_none().then(|| payment.account_reference.clone());
            Some(PayByHand { number: config.party_b().to_owned(), account, amount_kes: missing_kes })
        } else {
            None
        };
        let claim = match payment.state.is_open() {
            // Its own prompt is waited for first.
            true => None,
            false => claims::find_waiting_of_payment(self.pool(), payment.id, shown_since(self.now())).await?,
        };
        let status = CustomerStatus { received_kes, pay_by_hand, ..status };
        if let Some(claim) = claim {
            let message = match claim.state {
                ClaimState::Asked => {
                    "We are asking M-Pesa about your code. You are connected as soon as M-Pesa confirms it."
                }
                _ => {
                    "The people who run this WiFi are looking for your payment. You are connected as soon as they find it."
                }
            };
            return Ok(CustomerStatus {
                phase: Phase::Pending,
                message: message.to_owned(),
                can_retry: true,
                is_claimed: true,
                ..status
            });
        }
        if received_kes > 0 {
            let message = part_words(payment.amount.shillings(), received_kes, status.pay_by_hand.as_ref());
            return Ok(CustomerStatus { message, ..status });
        }
        Ok(status)
    }
}

/// What somebody is told who has paid less than the price.
fn part_words(price_kes: u32, received_kes: u32, by_hand: Option<&PayByHand>) -> String {
    let missing_kes = price_kes.saturating_sub(received_kes);
    let received = format!("We received KES {received_kes} of KES {price_kes}.");
    match by_hand {
        Some(PayByHand { number, account: Some(account), .. }) => {
            format!("{received} Pay KES {missing_kes} more to paybill {number}, account {account}.")
        }
        Some(PayByHand { number, account: None, .. }) => {
            format!("{received} Pay KES {missing_kes} more to till {number}, then show the M-Pesa code here.")
        }
        None => format!("{received} KES {missing_kes} is missing: ask the people who run this WiFi."),
    }
}
