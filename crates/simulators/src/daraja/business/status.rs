//! Transaction Status: what the ledger says about a receipt.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Api, Finding};
use crate::daraja::{
    engine::Shared,
    oauth::Family,
    wire::{Refusal, is_digits},
    world::World,
};

pub(super) const STATUS: Api = Api {
    family: Family::C2b,
    initiator: "Initiator",
    commands: &["TransactionStatusQuery"],
    party: "PartyA",
    codes_are_strings: false,
    keyed: false,
    check: |fields| {
        fields.require("PartyA", |text| is_digits(text, 5..=12))?;
        fields.require("IdentifierType", |text| matches!(text, "1" | "2" | "4"))?;
        if fields.text("TransactionID").or_else(|| fields.text("OriginalConversationID")).is_none() {
            return Err(Refusal::field("TransactionID"));
        }
        Ok(())
    },
    work: |shared, world, fields| {
        let receipt = fields.text("TransactionID").unwrap_or_default();
        match find(shared, world, &receipt) {
            Some(movement) => Finding::done(receipt.clone(), movement.parameters(&receipt)),
            None => Finding::failed(2032, "The transaction does not exist."),
        }
    },
};

/// A movement of money, whichever way it went.
struct Movement {
    from: String,
    to: String,
    amount: u32,
    at: DateTime<Utc>,
    reason: &'static str,
}

/// Payments, payouts and reversals alike are transactions. A payment that was sent back stays `Completed`: MODELLED,
/// the harder case for whoever asks.
fn find(shared: &Shared, world: &World, receipt: &str) -> Option<Movement> {
    let org = |shortcode: &str| {
        let name = shared.options.merchant(shortcode).map(|merchant| merchant.name.as_str()).unwrap_or_default();
        format!("{shortcode} - {name}")
    };
    let person = |msisdn: &str| format!("{msisdn} - JANE");
    if let Some(c) = world.charges.iter().find(|charge| charge.receipt == receipt) {
        let till = shared.options.merchant(&c.shortcode).is_some_and(|merchant| merchant.till.is_some());
        let reason = if till { "Merchant Payment Online" } else { "Pay Bill Online" };
        return Some(Movement { from: person(&c.msisdn), to: org(&c.shortcode), amount: c.amount, at: c.at, reason });
    }
    if let Some(r) = world.reversals.iter().find(|reversal| reversal.receipt == receipt) {
        let reason = "Pay Bill Reversal";
        return Some(Movement { from: org(&r.shortcode), to: person(&r.msisdn), amount: r.amount, at: r.at, reason });
    }
    let p = world.payouts.iter().find(|payout| payout.receipt == receipt)?;
    let reason = "Business Payment to Customer";
    Some(Movement { from: org(&p.shortcode), to: person(&p.msisdn), amount: p.amount, at: p.at, reason })
}

impl Movement {
    /// With a repeated key and entries without a value, as documented.
    fn parameters(&self, receipt: &str) -> Vec<(&'static str, Option<Value>)> {
        let eat = self.at + chrono::Duration::hours(3);
        let at = json!(eat.format("%Y%m%d%H%M%S").to_string().parse::<u64>().ok());
        vec![
            ("DebitPartyName", Some(json!(self.from))),
            ("DebitPartyName", Some(json!(self.from))),
            ("CreditPartyName", Some(json!(self.to))),
            ("OriginatorConversationID", None),
            ("InitiatedTime", Some(at.clone())),
            ("DebitAccountType", Some(json!("MMF Account For Customer"))),
            ("DebitPartyCharges", None),
            ("TransactionReason", None),
            ("ReasonType", Some(json!(self.reason))),
            ("TransactionStatus", Some(json!("Completed"))),
            ("FinalisedTime", Some(at)),
            ("Amount", Some(json!(format!("{}.00", self.amount)))),
            ("ReceiptNo", Some(json!(receipt))),
        ]
    }
}
