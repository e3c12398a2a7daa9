//! `payments`: money, first of the three facts. Every change of state is a conditional update whose row
//! count is checked, inside a transaction that holds the row.

mod attempts;
mod bulk;
mod matching;
mod row;
pub(crate) mod sales;
mod schedule;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{
    AccountReference, CheckoutRequestId, Kes, MacAddr, MerchantRequestId, Msisdn, PackageId, PackageTerms, PaymentId,
    PaymentState, Rate, Receipt, ResultCode, RouterId, UserId,
};
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

pub(crate) use self::attempts::{Attempt, list_attempts_of_user};
pub(crate) use self::bulk::{Move, find_ids_by_token, find_owners_of_checkouts, lock_payments, update_payments};
pub(crate) use self::matching::{
    Candidate, find_id_by_reference, find_review_reason, have_paid_together, list_lacking_receipt, list_of_device,
    list_of_payer, list_unpaid_with_amount,
};
use self::row::PaymentRow;
pub(crate) use self::row::read_mac;
pub(crate) use self::schedule::{DueQuery, claim_query, list_due_queries, query_soon};
use super::{StoreError, packages::data_mb};

/// A payment as the engine needs it.
#[derive(Debug, Clone)]
pub(crate) struct PaymentRecord {
    pub id: PaymentId,
    pub user_id: UserId,
    pub msisdn: Msisdn,
    pub router_id: Option<RouterId>,
    pub mac: MacAddr,
    pub ip: Option<IpAddr>,
    pub amount: Kes,
    pub package_id: PackageId,
    pub package_revision: u32,
    pub terms: PackageTerms,
    pub state: PaymentState,
    pub account_reference: AccountReference,
    pub checkout_request_id: Option<CheckoutRequestId>,
    pub merchant_request_id: Option<MerchantRequestId>,
    pub receipt: Option<Receipt>,
    pub result_code: Option<ResultCode>,
    pub request_hash: Vec<u8>,
    pub request_id: String,
    pub submitted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Whole shillings that came in by hand and are held until the rest comes.
    pub held_kes: u64,
}

/// A payment to insert, in state `created`.
#[derive(Debug)]
pub(crate) struct NewPayment<'a> {
    pub id: PaymentId,
    pub user_id: UserId,
    pub router_id: RouterId,
    pub mac: MacAddr,
    pub ip: Option<IpAddr>,
    pub package: &'a domain::Package,
    pub account_reference: &'a AccountReference,
    pub callback_token_hash: [u8; 32],
    pub idempotency_hash: Option<[u8; 32]>,
    pub request_hash: [u8; 32],
    pub request_id: &'a str,
    pub next_query_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// Inserts a payment. A [`StoreError`] that `is_duplicate` means that the idempotency key or the account
/// reference is taken.
pub(crate) async fn insert_payment(connection: &mut MySqlConnection, new: &NewPayment<'_>) -> Result<(), StoreError> {
    let terms = &new.package.terms;
    sqlx::query!(
        "insert into payments (id, user_id, package_id, router_id, mac, ip, amount_kes, package_name, package_revision,
                               duration_minutes, down_kbps, up_kbps, data_mb, devices, state, account_reference,
                               callback_token_hash, idempotency_hash, request_hash, request_id, watched_at,
                               next_query_at, created_at, updated_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'created', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        new.id.as_uuid(),
        new.user_id.as_uuid(),
        new.package.id.as_uuid(),
        new.router_id.as_uuid(),
        new.mac.bytes().to_vec(),
        new.ip.map(|ip| ip.to_string()),
        new.package.price.shillings(),
        terms.name,
        new.package.revision,
        terms.duration_minutes,
        terms.down.map(Rate::kbps),
        terms.up.map(Rate::kbps),
        terms.data.map(data_mb),
        terms.devices,
        new.account_reference.as_str(),
        new.callback_token_hash.as_slice(),
        new.idempotency_hash.as_ref().map(<[u8; 32]>::as_slice),
        new.request_hash.as_slice(),
        new.request_id,
        new.created_at,
        new.next_query_at,
        new.created_at,
        new.created_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

macro_rules! find_payment {
    ($executor:expr, $condition:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            PaymentRow,
            r#"select p.id as "id: Uuid", p.user_id as "user_id: Uuid", u.msisdn, p.router_id as "router_id: Uuid",
                      p.mac, p.ip, p.amount_kes, p.package_id as "package_id: Uuid", p.package_name,
                      p.package_revision, p.duration_minutes, p.down_kbps, p.up_kbps, p.data_mb, p.devices, p.state,
                      p.account_reference, p.checkout_request_id, p.merchant_request_id, p.receipt, p.result_code,
                      p.request_hash, p.request_id, p.submitted_at as "submitted_at: DateTime<Utc>",
                      p.created_at as "created_at: DateTime<Utc>",
                      cast((select coalesce(sum(r.amount_kes), 0) from receipts r
                            where r.payment_id = p.id and r.state = 'part') as unsigned) as "held_kes!: u64"
               from payments p join users u on u.id = p.user_id where "# + $condition,
            $($argument),+
        )
        .fetch_optional($executor)
        .await?
        .map(PaymentRecord::try_from)
        .transpose()
    };
}

/// By key, without a lock.
pub(crate) async fn find_payment(
    executor: impl MySqlExecutor<'_>,
    id: PaymentId,
) -> Result<Option<PaymentRecord>, StoreError> {
    find_payment!(executor, "p.id = ?", id.as_uuid())
}

/// By the hash of its callback token.
pub(crate) async fn find_id_by_token(pool: &MySqlPool, token_hash: [u8; 32]) -> Result<Option<PaymentId>, StoreError> {
    let id = sqlx::query_scalar!(
        r#"select id as "id: Uuid" from payments where callback_token_hash = ?"#,
        token_hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    Ok(id.map(PaymentId::from))
}

/// By Daraja's id of the push.
pub(crate) async fn find_id_by_checkout(
    executor: impl MySqlExecutor<'_>,
    checkout: &CheckoutRequestId,
) -> Result<Option<PaymentId>, StoreError> {
    let id = sqlx::query_scalar!(
        r#"select id as "id: Uuid" from payments where checkout_request_id = ?"#,
        checkout.as_str()
    )
    .fetch_optional(executor)
    .await?;
    Ok(id.map(PaymentId::from))
}

/// By the idempotency key of its request.
pub(crate) async fn find_by_idempotency(pool: &MySqlPool, hash: [u8; 32]) -> Result<Option<PaymentRecord>, StoreError> {
    find_payment!(pool, "p.idempotency_hash = ?", hash.as_slice())
}

/// The newest payment of a device, on one router or on any.
pub(crate) async fn find_latest_of_device(
    pool: &MySqlPool,
    router_id: Option<RouterId>,
    mac: MacAddr,
) -> Result<Option<PaymentRecord>, StoreError> {
    let router = router_id.map(RouterId::as_uuid);
    find_payment!(
        pool,
        "p.mac = ? and (? is null or p.router_id = ?) order by p.id desc limit 1",
        mac.bytes().to_vec(),
        router,
        router
    )
}

/// How many payments a device began since the instant that `since` (a UUIDv7 floor) stands for.
pub(crate) async fn count_of_mac_since(
    connection: &mut MySqlConnection,
    mac: MacAddr,
    since: Uuid,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!("select count(*) from payments where mac = ? and id > ?", mac.bytes().to_vec(), since)
        .fetch_one(connection)
        .await?)
}

/// Notes when the push was handed to Daraja.
pub(crate) async fn mark_submitted(pool: &MySqlPool, id: PaymentId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update payments set submitted_at = ? where id = ? and submitted_at is null and state = 'created'",
        now,
        id.as_uuid()
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the customer's waiting page is open, unless that was noted since `noted_since`: many pages
/// that ask every few seconds must not cost a commit each.
pub(crate) async fn mark_watched(
    pool: &MySqlPool,
    id: PaymentId,
    noted_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update payments set watched_at = ? where id = ? and (watched_at is null or watched_at < ?)",
        now,
        id.as_uuid(),
        noted_since
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Ids of payments that changed since `since`, oldest change first.
pub(crate) async fn list_changed(
    pool: &MySqlPool,
    since: DateTime<Utc>,
) -> Result<Vec<(PaymentId, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id: Uuid", updated_at as "updated_at: DateTime<Utc>"
           from payments where updated_at >= ? order by updated_at, id limit 1000"#,
        since
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.updated_at)).collect())
}
