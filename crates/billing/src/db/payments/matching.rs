//! Which payment money could be meant for: the part of `payments` that money paid by hand is matched against.

use domain::{AccountReference, Kes, MacAddr, PackageId, PaymentId, PaymentState, RouterId};
use sqlx::MySqlPool;
use uuid::Uuid;

use super::read_mac;
use crate::db::StoreError;

/// A payment that money could be meant for.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub id: PaymentId,
    pub state: PaymentState,
    pub amount_kes: u32,
    pub router_id: Option<RouterId>,
    pub mac: MacAddr,
    pub package_id: PackageId,
    /// The customer's international number.
    pub msisdn: String,
    pub has_receipt: bool,
    pub checkout_is_known: bool,
}

impl Candidate {
    /// Paid, as a query said, but under which receipt is not known yet.
    pub(crate) const fn lacks_receipt(&self) -> bool {
        matches!(self.state, PaymentState::Succeeded) && !self.has_receipt
    }

    /// Whether money may still settle it.
    pub(crate) const fn is_unsettled(&self) -> bool {
        !matches!(self.state, PaymentState::Succeeded | PaymentState::Review | PaymentState::Refunded)
    }
}

struct CandidateRow {
    id: Uuid,
    state: String,
    amount_kes: u32,
    router_id: Option<Uuid>,
    mac: Vec<u8>,
    package_id: Uuid,
    msisdn: String,
    receipt: Option<String>,
    checkout_request_id: Option<String>,
}

impl TryFrom<CandidateRow> for Candidate {
    type Error = StoreError;

    fn try_from(row: CandidateRow) -> Result<Self, StoreError> {
        let wrong = |column| StoreError::inconsistent("payments", column, row.id);
        Ok(Self {
            id: row.id.into(),
            state: row.state.parse().map_err(|_| wrong("state"))?,
            amount_kes: row.amount_kes,
            router_id: row.router_id.map(RouterId::from),
            mac: read_mac(&row.mac).ok_or_else(|| wrong("mac"))?,
            package_id: row.package_id.into(),
            msisdn: row.msisdn,
            has_receipt: row.receipt.is_some(),
            checkout_is_known: row.checkout_request_id.is_some(),
        })
    }
}

macro_rules! candidates {
    ($condition:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            CandidateRow,
            r#"select p.id as "id: Uuid", p.state, p.amount_kes, p.router_id as "router_id: Uuid", p.mac,
                      p.package_id as "package_id: Uuid", u.msisdn, p.receipt, p.checkout_request_id
               from payments p join users u on u.id = p.user_id where "# + $condition,
            $($argument),+
        )
    };
}

fn read(rows: Vec<CandidateRow>) -> Result<Vec<Candidate>, StoreError> {
    rows.into_iter().map(Candidate::try_from).collect()
}

/// By the reference the customer saw.
pub(crate) async fn find_id_by_reference(
    pool: &MySqlPool,
    reference: &AccountReference,
) -> Result<Option<PaymentId>, StoreError> {
    let id =
        sqlx::query_scalar!(r#"select id as "id: Uuid" from payments where account_reference = ?"#, reference.as_str())
            .fetch_optional(pool)
            .await?;
    Ok(id.map(PaymentId::from))
}

/// What the owner of a number, known by its SHA-256, tried to pay with this amount since `since`, newest first.
pub(crate) async fn list_of_payer(
    pool: &MySqlPool,
    payer_hash: [u8; 32],
    amount: Kes,
    since: Uuid,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = candidates!(
        "u.msisdn_sha256 = ? and p.id > ? and p.amount_kes = ? order by p.id desc limit 50",
        payer_hash.as_slice(),
        since,
        amount.shillings()
    )
    .fetch_all(pool)
    .await?;
    read(rows)
}

/// What a device tried to pay since `since`, newest first.
pub(crate) async fn list_of_device(
    pool: &MySqlPool,
    router_id: RouterId,
    mac: MacAddr,
    since: Uuid,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = candidates!(
        "p.router_id = ? and p.mac = ? and p.id > ? order by p.id desc limit 50",
        router_id.as_uuid(),
        mac.bytes().to_vec(),
        since
    )
    .fetch_all(pool)
    .await?;
    read(rows)
}

/// Paid with this amount since `since`, as a query said, without a receipt being known.
pub(crate) async fn list_lacking_receipt(
    pool: &MySqlPool,
    amount: Kes,
    since: Uuid,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = candidates!(
        "p.status = 'Success' and p.id > ? and p.receipt is null and p.amount_kes = ? order by p.id desc limit 200",
        since,
        amount.shillings()
    )
    .fetch_all(pool)
    .await?;
    read(rows)
}

/// Not paid yet, with this amount, begun between two instants, newest first: what a person may have meant.
pub(crate) async fn list_unpaid_with_amount(
    pool: &MySqlPool,
    amount_kes: u32,
    (since, until): (Uuid, Uuid),
) -> Result<Vec<Candidate>, StoreError> {
    let rows = candidates!(
        "p.status in ('Pending', 'Failed') and p.id > ? and p.id < ? and p.amount_kes = ? order by p.id desc limit 50",
        since,
        until,
        amount_kes
    )
    .fetch_all(pool)
    .await?;
    read(rows)
}

/// Whether this phone and this device paid together before: settled, or in part.
pub(crate) async fn have_paid_together(
    pool: &MySqlPool,
    user_id: domain::UserId,
    mac: MacAddr,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select exists(
               select 1 from payments p
               where p.user_id = ? and p.mac = ?
                 and (p.state in ('succeeded', 'refunded')
                      or exists(select 1 from receipts r where r.payment_id = p.id and r.state = 'part'))
           ) as "found!: bool""#,
        user_id.as_uuid(),
        mac.bytes().to_vec()
    )
    .fetch_one(pool)
    .await?;
    Ok(found)
}

/// Why a payment is in review, as stored.
pub(crate) async fn find_review_reason(pool: &MySqlPool, id: PaymentId) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar!("select review_reason from payments where id = ?", id.as_uuid())
        .fetch_optional(pool)
        .await?;
    Ok(found.flatten())
}
