//! A claim weighed against what the transaction knows: does it name the right push, whose is the receipt, what is held.

use domain::{
    CheckoutRequestId, MerchantRequestId,
    payment::{Evidence, Ownership},
};

use crate::db::{payment_events::Source, payments::PaymentRecord, receipts::ReceiptState};

use super::{
    record::{Claim, Testimony},
    settle::Standing,
};

/// A callback must name the push and the phone of its payment, as far as they are known.
pub(super) fn fits(payment: &PaymentRecord, testimony: &Testimony) -> bool {
    let (Source::Callback | Source::Hint, Some((checkout, merchant))) = (testimony.source, &testimony.request_ids)
    else {
        return true;
    };
    let is_same_checkout = payment.checkout_request_id.as_ref().is_none_or(|known| known == checkout);
    let is_same_merchant = match (&payment.merchant_request_id, merchant) {
        (Some(known), Some(named)) => known == named,
        (None, _) | (_, None) => true,
    };
    // A hint is only used after M-Pesa itself confirmed the payment: then another payer is nobody's concern.
    let is_same_payer = testimony.source == Source::Hint
        || testimony.payer.as_ref().is_none_or(|payer| payer.could_be(&payment.msisdn));
    is_same_checkout && is_same_merchant && is_same_payer
}

/// A claim with what the ledger knows about it.
pub(super) struct Weighed {
    pub evidence: Evidence,
    pub ownership: Ownership,
    /// Money of other receipts that is held for the payment, in whole shillings.
    pub held_kes: u64,
    /// Ids the payment does not have yet and nobody else has.
    pub adopted: Option<(CheckoutRequestId, Option<MerchantRequestId>)>,
}

/// Looks a claim up in what the transaction knows.
pub(super) fn weigh(standing: &Standing, payment: &PaymentRecord, testimony: &Testimony) -> Weighed {
    let entry = testimony.claim.money().and_then(|money| standing.receipts.get(&money.receipt));
    let ownership = match entry {
        None => Ownership::Free,
        Some(entry) if entry.state.is_free() => Ownership::Free,
        Some(entry) if entry.payment_id == Some(payment.id) => Ownership::Ours,
        Some(_) => Ownership::Elsewhere,
    };
    let own_part_kes = entry
        .filter(|entry| entry.payment_id == Some(payment.id) && entry.state == ReceiptState::Part)
        .map_or(0, |entry| u64::from(entry.amount_kes));
    let held_kes = payment.held_kes.saturating_sub(own_part_kes);
    let evidence = match &testimony.claim {
        Claim::Plain(evidence) => evidence.clone(),
        Claim::Paid(money) => Evidence::Paid {
            receipt: money.receipt.clone(),
            amount: money.amount,
            receipt_used_elsewhere: ownership == Ownership::Elsewhere,
        },
        Claim::ByHand(money) => Evidence::PaidByHand {
            receipt: money.receipt.clone(),
            amount: money.amount,
            received_before_kes: held_kes,
            ownership,
        },
    };
    Weighed { evidence, ownership, held_kes, adopted: adoptable_ids(standing, payment, testimony) }
}

/// Daraja's ids, unless another payment has them: Daraja has been seen to repeat ids, and the first payment keeps them.
fn adoptable_ids(
    standing: &Standing,
    payment: &PaymentRecord,
    testimony: &Testimony,
) -> Option<(CheckoutRequestId, Option<MerchantRequestId>)> {
    let ids = testimony.request_ids.as_ref()?;
    if payment.checkout_request_id.is_some() {
        return None;
    }
    match standing.checkouts.get(&ids.0) {
        Some(owner) if *owner != payment.id => {
            tracing::warn!(payment.id = %payment.id, other = %owner, "Daraja gave one CheckoutRequestID to two payments");
            None
        }
        _ => Some(ids.clone()),
    }
}
