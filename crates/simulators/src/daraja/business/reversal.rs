//! Reversal: money goes back to the customer, whole and once.

use serde_json::json;

use super::{Api, Finding};
use crate::daraja::{
    ledger::{Message, Reversal, shillings},
    oauth::Family,
    wire::{is_amount, is_digits},
};

pub(super) const REVERSAL: Api = Api {
    family: Family::Stk,
    initiator: "Initiator",
    commands: &["TransactionReversal"],
    party: "ReceiverParty",
    codes_are_strings: true,
    keyed: false,
    check: |fields| {
        fields.require("TransactionID", |text| !text.is_empty())?;
        fields.require("Amount", is_amount)?;
        fields.require("ReceiverParty", |text| is_digits(text, 5..=7))?;
        fields.require("RecieverIdentifierType", |text| text == "11")?;
        fields.require("Remarks", |text| (2..=100).contains(&text.chars().count()))?;
        Ok(())
    },
    work: |shared, world, fields| {
        let receipt = fields.text("TransactionID").unwrap_or_default();
        let party = fields.text("ReceiverParty").unwrap_or_default();
        let amount = fields.text("Amount").and_then(|text| text.parse::<u32>().ok());
        let at = world.charges.iter().position(|c| c.receipt == receipt && c.shortcode == party);
        let Some(charge) = at.and_then(|at| world.charges.get(at)).cloned() else {
            return Finding::failed("R000002", "The OriginalTransactionID is invalid.");
        };
        if charge.reversed {
            return Finding::failed("R000001", "The transaction has already been reversed.");
        }
        if amount != Some(charge.amount) {
            return Finding::failed(2, "Declined due to limit rule.");
        }
        if shared.balance_cents(world, &party) < i64::from(charge.amount).saturating_mul(100) {
            return Finding::failed(1, "The balance is insufficient for the transaction.");
        }
        if let Some(charge) = at.and_then(|at| world.charges.get_mut(at)) {
            charge.reversed = true;
        }
        let own = world.ids.receipt(shared.clock.wall_eat());
        let at = shared.clock.wall();
        let merchant = shared.options.merchant(&party).map(|merchant| merchant.name.as_str()).unwrap_or_default();
        let sum = shillings(charge.amount);
        let text = format!("{own} Confirmed. Transaction {receipt} of Ksh{sum} to {merchant} was reversed to you.");
        world.add_message(&charge.msisdn, Message { at, text });
        world.reversals.push(Reversal {
            receipt: own.clone(),
            original_receipt: receipt.clone(),
            msisdn: charge.msisdn.clone(),
            amount: charge.amount,
            shortcode: party.clone(),
            at,
        });
        let balance = shared.balance(world, &party);
        Finding::done(
            own,
            vec![
                ("DebitAccountBalance", Some(json!(format!("Utility Account|KES|{balance}|{balance}|0.00|0.00")))),
                ("Amount", Some(json!(format!("{}.00", charge.amount)))),
                ("OriginalTransactionID", Some(json!(receipt))),
                ("Charge", Some(json!("0.00"))),
                ("CreditPartyPublicName", Some(json!(format!("{} - JANE", charge.msisdn)))),
                ("DebitPartyPublicName", Some(json!(format!("{party} - {merchant}")))),
            ],
        )
    },
};
