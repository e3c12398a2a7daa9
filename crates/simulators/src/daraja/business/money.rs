//! Account balance and payouts to customers (B2C).

use serde_json::json;

use super::{Api, Finding};
use crate::daraja::{
    ledger::Payout,
    oauth::Family,
    wire::{is_amount, is_digits, is_msisdn},
};

pub(super) const BALANCE: Api = Api {
    family: Family::Balance,
    initiator: "Initiator",
    commands: &["AccountBalance"],
    party: "PartyA",
    codes_are_strings: false,
    keyed: false,
    check: |fields| {
        fields.require("PartyA", |text| is_digits(text, 5..=7))?;
        fields.require("IdentifierType", |text| text == "4")?;
        Ok(())
    },
    work: |shared, world, fields| {
        let balance = shared.balance(world, &fields.text("PartyA").unwrap_or_default());
        let own = world.ids.receipt(shared.clock.wall_eat());
        let packed =
            format!("Utility Account|KES|{balance}|{balance}|0.00|0.00&Working Account|KES|0.00|0.00|0.00|0.00");
        let mut parameters = vec![("AccountBalance", Some(json!(packed)))];
        if !shared.options.bare_parameter {
            let now = shared.clock.wall_eat().format("%Y%m%d%H%M%S").to_string();
            parameters.push(("BOCompletedTime", Some(json!(now.parse::<u64>().ok()))));
        }
        Finding::done(own, parameters)
    },
};

pub(super) const B2C: Api = Api {
    family: Family::Balance,
    initiator: "InitiatorName",
    commands: &["BusinessPayment", "SalaryPayment", "PromotionPayment"],
    party: "PartyA",
    codes_are_strings: false,
    keyed: true,
    check: |fields| {
        fields.require("OriginatorConversationID", |text| !text.is_empty())?;
        fields.require("Amount", |text| is_amount(text) && text.parse::<u32>().is_ok_and(|amount| amount >= 10))?;
        fields.require("PartyA", |text| is_digits(text, 5..=7))?;
        fields.require("PartyB", is_msisdn)?;
        Ok(())
    },
    work: |shared, world, fields| {
        let receipt = world.ids.receipt(shared.clock.wall_eat());
        let payout = Payout {
            receipt: receipt.clone(),
            msisdn: fields.text("PartyB").unwrap_or_default(),
            amount: fields.text("Amount").and_then(|text| text.parse().ok()).unwrap_or_default(),
            shortcode: fields.text("PartyA").unwrap_or_default(),
            at: shared.clock.wall(),
        };
        world.payouts.push(payout.clone());
        Finding::done(
            receipt.clone(),
            vec![
                ("TransactionAmount", Some(json!(payout.amount))),
                ("TransactionReceipt", Some(json!(receipt))),
                ("ReceiverPartyPublicName", Some(json!(format!("{} - JANE", payout.msisdn)))),
                ("B2CRecipientIsRegisteredCustomer", Some(json!("Y"))),
                (
                    "TransactionCompletedDateTime",
                    Some(json!(shared.clock.wall_eat().format("%d.%m.%Y %H:%M:%S").to_string())),
                ),
            ],
        )
    },
};
