//! Many payments in one statement: the settler records what waits together in one transaction. Rows travel as one
//! JSON document, so that the statement's text does not depend on how many there are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{CheckoutRequestId, MerchantRequestId, PaymentId, PaymentState, Receipt, ResultCode, payment::Conflict};
use serde_json::json;
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::{PaymentRecord, row::PaymentRow};
use crate::db::{StoreError, ensure_rows, hex_id};

/// Which payment of each token; tokens of no payment are left out.
pub(crate) async fn find_ids_by_token(
    connection: &mut MySqlConnection,
    hashes: &[[u8; 32]],
) -> Result<HashMap<[u8; 32], PaymentId>, StoreError> {
    let tokens = json!(hashes.iter().map(hex::encode).collect::<Vec<_>>()).to_string();
    let rows = sqlx::query!(
        r#"select p.id as "id: Uuid", p.callback_token_hash
           from json_table(?, '$[*]' columns (token char(64) path '$')) v
           straight_join payments p force index (payments_callback_token) on p.callback_token_hash = unhex(v.token)"#,
        tokens
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let hash = row.callback_token_hash.as_slice().try_into();
            let hash = hash.map_err(|_| StoreError::inconsistent("payments", "callback_token_hash", row.id))?;
            Ok((hash, row.id.into()))
        })
        .collect()
}

/// Holds payments until the transaction ends, lowest id first so that two transactions do not wait for each other.
pub(crate) async fn lock_payments(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
) -> Result<Vec<PaymentRecord>, StoreError> {
    let mut ids: Vec<String> = ids.iter().map(|id| hex_id(id.as_uuid())).collect();
    ids.sort_unstable();
    ids.dedup();
    // The customer's row is read beside, without holding it: the request that begins a payment holds it too.
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"select p.id as "id: Uuid", p.user_id as "user_id: Uuid",
                  (select u.msisdn from users u where u.id = p.user_id) as "msisdn!: String",
                  p.router_id as "router_id: Uuid",
                  p.mac, p.ip, p.amount_kes, p.package_id as "package_id: Uuid", p.package_name,
                  p.package_revision, p.duration_minutes, p.down_kbps, p.up_kbps, p.data_mb, p.devices, p.state,
                  p.account_reference, p.checkout_request_id, p.merchant_request_id, p.receipt, p.result_code,
                  p.request_hash, p.request_id, p.submitted_at as "submitted_at: DateTime<Utc>",
                  p.created_at as "created_at: DateTime<Utc>",
                  cast((select coalesce(sum(r.amount_kes), 0) from receipts r
                        where r.payment_id = p.id and r.state = 'part') as unsigned) as "held_kes!: u64"
           from json_table(?, '$[*]' columns (id char(32) path '$')) v
           straight_join payments p force index (primary) on p.id = unhex(v.id)
           for update"#,
        json!(ids).to_string()
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(PaymentRecord::try_from).collect()
}

/// Which payment has each CheckoutRequestID already.
pub(crate) async fn find_owners_of_checkouts(
    connection: &mut MySqlConnection,
    checkouts: &[&CheckoutRequestId],
) -> Result<HashMap<CheckoutRequestId, PaymentId>, StoreError> {
    let names = json!(checkouts.iter().map(|checkout| checkout.as_str()).collect::<Vec<_>>()).to_string();
    let rows = sqlx::query!(
        r#"select p.id as "id: Uuid", p.checkout_request_id as "checkout_request_id!"
           from json_table(?, '$[*]' columns (checkout varchar(100) path '$')) v
           straight_join payments p force index (payments_checkout_request) on p.checkout_request_id = convert(v.checkout using ascii)"#,
        names
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let wrong = |_| StoreError::inconsistent("payments", "checkout_request_id", row.id);
            Ok((row.checkout_request_id.parse().map_err(wrong)?, row.id.into()))
        })
        .collect()
}

/// A change of a locked payment. What is `None` stays as it is.
#[derive(Debug)]
pub(crate) struct Move {
    pub id: PaymentId,
    pub from: PaymentState,
    pub to: PaymentState,
    pub receipt: Option<Receipt>,
    pub conflict: Option<Conflict>,
    pub result_code: Option<ResultCode>,
    pub result_desc: Option<String>,
    /// Daraja's ids of the push; ids that are already there stay.
    pub request_ids: Option<(CheckoutRequestId, Option<MerchantRequestId>)>,
    /// Whether the query schedule goes on.
    pub keeps_querying: bool,
}

/// Applies changes; fails if a payment is not in the state it was read in.
pub(crate) async fn update_payments(
    connection: &mut MySqlConnection,
    moves: &[Move],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = moves.iter().map(move_json).collect();
    let done = sqlx::query!(
        "update json_table(?, '$[*]' columns (
             id char(32) path '$.id', state_before varchar(16) path '$.from', state_after varchar(16) path '$.to',
             receipt varchar(12) path '$.receipt', review_reason varchar(32) path '$.conflict',
             result_code varchar(32) path '$.code', result_desc varchar(255) path '$.desc',
             checkout varchar(100) path '$.checkout', merchant varchar(100) path '$.merchant',
             keeps_querying int path '$.keeps')) v
         straight_join payments p force index (primary) on p.id = unhex(v.id)
         set p.receipt = coalesce(v.receipt, p.receipt),
             p.review_reason = coalesce(v.review_reason, p.review_reason),
             p.result_code = coalesce(v.result_code, p.result_code),
             p.result_desc = coalesce(v.result_desc, p.result_desc),
             p.checkout_request_id = coalesce(p.checkout_request_id, v.checkout),
             p.merchant_request_id = coalesce(p.merchant_request_id, v.merchant),
             p.settled_at = if(v.state_after = 'succeeded', coalesce(p.settled_at, ?), p.settled_at),
             p.next_query_at = if(v.keeps_querying = 1, p.next_query_at, null),
             p.updated_at = ?, p.state = v.state_after
         where p.state = v.state_before",
        json!(rows).to_string(),
        now,
        now
    )
    .execute(connection)
    .await?;
    ensure_rows("move payments", done.rows_affected(), u64::try_from(moves.len()).unwrap_or(u64::MAX))
}

fn move_json(change: &Move) -> serde_json::Value {
    let ids = change.request_ids.as_ref();
    json!({
        "id": hex_id(change.id.as_uuid()),
        "from": change.from.as_str(),
        "to": change.to.as_str(),
        "receipt": change.receipt.as_ref().map(Receipt::as_str),
        "conflict": change.conflict.map(Conflict::as_str),
        "code": change.result_code.as_ref().map(ResultCode::as_str),
        "desc": change.result_desc.as_ref().map(|text| text.chars().take(255).collect::<String>()),
        "checkout": ids.map(|(checkout, _)| checkout.as_str()),
        "merchant": ids.and_then(|(_, merchant)| merchant.as_ref()).map(MerchantRequestId::as_str),
        "keeps": i32::from(change.keeps_querying),
    })
}
