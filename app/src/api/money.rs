//! The JSON of money that needs a person: one payment in full, unmatched money, claims, refunds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PageMeta, PaymentRow};

/// `GET /api/admin/payments/{id}`: everything that is known about one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PaymentDetail {
    /// The payment as in the list.
    pub payment: PaymentRow,
    /// The device's MAC address.
    pub mac: String,
    /// The router's name.
    pub router: Option<String>,
    /// Why it is in review, in words.
    pub review: Option<String>,
    /// Money that came in for it, in whole shillings.
    pub received_kes: u32,
    /// Every receipt that belongs to it.
    pub receipts: Vec<ReceiptRow>,
    /// Everything that was ever said about it, oldest first.
    pub events: Vec<EventRow>,
    /// What was or is being given back.
    pub refunds: Vec<RefundRow>,
    /// What this admin may do with it now: of `decide_paid`, `decide_not_paid`, `refund_manual`, `refund_reversal`.
    pub actions: Vec<String>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct EventRow {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// `intake`, `submit`, `callback`, `hint`, `query`, `schedule`, `c2b`, `status`, `statement`, `pull`, `credit` or `admin`.
    pub source: String,
    /// What happened, in words for the owner.
    pub message: String,
    /// What arrived, as text, cut at 4,000 characters; null when nothing did.
    pub body: Option<String>,
}

/// Money in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ReceiptRow {
    /// The M-Pesa receipt.
    pub receipt: String,
    /// Whole shillings.
    pub amount_kes: u32,
    /// `credited`, `part`, `credit`, `unmatched`, `dismissed` or `reversed`.
    pub state: String,
    /// `callback`, `c2b`, `status`, `statement`, `pull` or `admin`; `hint` when it was reported from an address that is
    /// not Safaricom's, so that it must be looked up before it is placed.
    pub source: String,
    /// The account number the payer typed, as typed.
    pub account_reference: Option<String>,
    /// The payer's number as M-Pesa reports it: plain or masked; null when hashed or unknown.
    pub payer: Option<String>,
    /// The payer's name as M-Pesa reports it.
    pub payer_name: Option<String>,
    /// When it was paid, if M-Pesa said, else when we heard of it.
    pub paid_at: DateTime<Utc>,
    /// The payment it belongs to, or that it may belong to.
    pub payment_id: Option<Uuid>,
    /// Who placed it and why.
    pub decided_by: Option<String>,
    /// The reason given.
    pub reason: Option<String>,
}

/// `GET /api/admin/receipts?state=unmatched`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ReceiptList {
    /// One page.
    pub receipts: Vec<ReceiptRow>,
    /// Paging.
    pub meta: PageMeta,
}

/// `POST /api/admin/receipts/{receipt}/assign`: exactly one of `account_reference` and `phone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AssignRequest {
    /// The payment it was meant for, by the reference the customer saw.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_reference: Option<String>,
    /// The customer whose credit it becomes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
    /// Why.
    pub reason: String,
}

/// Any action that only needs a reason: dismissing a receipt, refusing a claim, settling a statement line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ReasonRequest {
    /// Why.
    pub reason: String,
}

/// `POST /api/admin/payments/{id}/decide`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct DecideRequest {
    /// `paid` or `not_paid`.
    pub decision: String,
    /// Why.
    pub reason: String,
}

/// `POST /api/admin/payments/{id}/refund`. Owner only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RefundRequest {
    /// `manual` (the money was given back by other means) or `reversal` (M-Pesa is asked to give it back).
    pub kind: String,
    /// Why.
    pub reason: String,
}

/// One refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RefundRow {
    /// The refund.
    pub id: Uuid,
    /// `manual` or `reversal`.
    pub kind: String,
    /// `asked`, `done`, `refused` or `unknown`.
    pub state: String,
    /// Whole shillings.
    pub amount_kes: u32,
    /// Words for the owner: how it stands and what to do.
    pub message: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// `GET /api/admin/claims?state=open`: customers who say that they have paid, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ClaimList {
    /// At most 100.
    pub claims: Vec<ClaimRow>,
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ClaimRow {
    /// The claim.
    pub id: Uuid,
    /// The M-Pesa code the customer typed.
    pub receipt: String,
    /// The device in front of it.
    pub mac: String,
    /// The router's name.
    pub router: String,
    /// The payment the device tried to make, if there is one.
    pub payment: Option<PaymentRow>,
    /// `open`, `asked` (M-Pesa was asked), `settled` or `refused`.
    pub state: String,
    /// How it stands, in words.
    pub message: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// `POST /api/admin/claims/{id}/accept`: the admin has seen the money on the statement or the phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AcceptClaimRequest {
    /// What was paid under the code, in whole shillings.
    pub amount_kes: u32,
    /// Where the admin has seen it.
    pub reason: String,
}

/// Answer of every action on money: what happened, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Done {
    /// What happened and what follows.
    pub message: String,
}

/// `POST /api/user/recover`: "I have paid".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RecoverRequest {
    /// The M-Pesa message as pasted, or only its code.
    pub text: String,
    /// The device's MAC address.
    pub mac: String,
    /// The device's address on the hotspot, if known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip: Option<String>,
    /// The router's public name; the only router when left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub router: Option<String>,
    /// The package wanted, when the device has not tried to pay here yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub package_id: Option<String>,
    /// The M-Pesa number that paid, when the device has not tried to pay here yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
}

/// Answer of `POST /api/user/recover`. Says nothing about other people's payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Recovered {
    /// `connected`, `asking` (M-Pesa is being asked), `queued` (a person will look), `short` (more money is
    /// needed), `choose` (pick a package and type the phone) or `refused`.
    pub outcome: String,
    /// Words for the customer: what happened and what to do next.
    pub message: String,
    /// The payment it is about, when it is this device's own.
    pub payment_id: Option<Uuid>,
}

/// Where a customer can pay by hand; part of [`super::UserStatus`] and of the waiting page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PayByHand {
    /// `paybill` or `till`.
    pub kind: String,
    /// The paybill or till number.
    pub number: String,
    /// The account number to type; null for a till.
    pub account: Option<String>,
    /// What is still to be paid, in whole shillings.
    pub amount_kes: u32,
}
