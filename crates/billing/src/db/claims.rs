//! `claims`: "I have paid". A device shows an M-Pesa code; the row remembers what became of it.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{ClaimId, MacAddr, PaymentId, Receipt, RouterId};
use sqlx::{MySqlConnection, MySqlExecutor, MySqlPool};
use uuid::Uuid;

use super::{StoreError, payments::read_mac};

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimState {
    /// It waits for the money to be reported, or for a person.
    Open,
    /// M-Pesa was asked about the code.
    Asked,
    /// The money was found and placed.
    Settled,
    /// It was not this device's, or a named admin refused it.
    Refused,
}

impl ClaimState {
    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Asked => "asked",
            Self::Settled => "settled",
            Self::Refused => "refused",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Open, Self::Asked, Self::Settled, Self::Refused].into_iter().find(|state| state.as_str() == text)
    }

    /// Whether it still waits.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Open | Self::Asked)
    }
}

/// A claim as stored.
#[derive(Debug, Clone)]
pub(crate) struct ClaimRecord {
    pub id: ClaimId,
    pub receipt: Receipt,
    pub router_id: RouterId,
    pub mac: MacAddr,
    pub payment_id: Option<PaymentId>,
    pub state: ClaimState,
    pub detail: Option<String>,
    pub created_at: DateTime<Utc>,
}

struct ClaimRow {
    id: Uuid,
    receipt: String,
    router_id: Uuid,
    mac: Vec<u8>,
    payment_id: Option<Uuid>,
    state: String,
    detail: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<ClaimRow> for ClaimRecord {
    type Error = StoreError;

    fn try_from(row: ClaimRow) -> Result<Self, StoreError> {
        let wrong = |column| StoreError::inconsistent("claims", column, row.id);
        Ok(Self {
            id: row.id.into(),
            receipt: row.receipt.parse().map_err(|_| wrong("receipt"))?,
            router_id: row.router_id.into(),
            mac: read_mac(&row.mac).ok_or_else(|| wrong("mac"))?,
            payment_id: row.payment_id.map(PaymentId::from),
            state: ClaimState::read(&row.state).ok_or_else(|| wrong("state"))?,
            detail: row.detail,
            created_at: row.created_at,
        })
    }
}

macro_rules! claims {
    ($condition:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            ClaimRow,
            r#"select id as "id: Uuid", receipt, router_id as "router_id: Uuid", mac, payment_id as "payment_id: Uuid",
                      state, detail, created_at as "created_at: DateTime<Utc>"
               from claims where "# + $condition,
            $($argument),*
        )
    };
}

/// A device shows a code.
#[derive(Debug)]
pub(crate) struct NewClaim<'a> {
    pub id: ClaimId,
    pub receipt: &'a Receipt,
    pub router_id: RouterId,
    pub mac: MacAddr,
    pub remote_ip: Option<IpAddr>,
    pub now: DateTime<Utc>,
}

/// The claim of a device on a code, if it made it before.
pub(crate) async fn find_claim_of_device(
    pool: &MySqlPool,
    receipt: &Receipt,
    router_id: RouterId,
    mac: MacAddr,
) -> Result<Option<ClaimRecord>, StoreError> {
    claims!("receipt = ? and router_id = ? and mac = ?", receipt.as_str(), router_id.as_uuid(), mac.bytes().to_vec())
        .fetch_optional(pool)
        .await?
        .map(ClaimRecord::try_from)
        .transpose()
}

/// Enters a claim unless the device has made it before.
pub(crate) async fn insert_claim(pool: &MySqlPool, new: &NewClaim<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert ignore into claims (id, receipt, router_id, mac, state, remote_ip, created_at, updated_at)
         values (?, ?, ?, ?, 'open', ?, ?, ?)",
        new.id.as_uuid(),
        new.receipt.as_str(),
        new.router_id.as_uuid(),
        new.mac.bytes().to_vec(),
        new.remote_ip.map(|ip| ip.to_string()),
        new.now,
        new.now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How many claims there were since the instant that `since` (a UUIDv7 floor) stands for: of the device, from the
/// address, of everybody.
pub(crate) async fn count_claims_since(
    pool: &MySqlPool,
    mac: MacAddr,
    remote_ip: Option<IpAddr>,
    since: Uuid,
) -> Result<(i64, i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"select (select count(*) from claims where mac = ? and id > ?) as "of_device!: i64",
                  (select count(*) from claims where remote_ip = ? and id > ?) as "of_address!: i64",
                  (select count(*) from claims where id > ?) as "of_all!: i64""#,
        mac.bytes().to_vec(),
        since,
        remote_ip.map(|ip| ip.to_string()),
        since,
        since
    )
    .fetch_one(pool)
    .await?;
    Ok((row.of_device, row.of_address, row.of_all))
}

/// By key.
pub(crate) async fn find_claim(
    executor: impl MySqlExecutor<'_>,
    id: ClaimId,
) -> Result<Option<ClaimRecord>, StoreError> {
    claims!("id = ?", id.as_uuid()).fetch_optional(executor).await?.map(ClaimRecord::try_from).transpose()
}

/// By the hash of the secret path on which M-Pesa answers.
pub(crate) async fn find_claim_by_token(
    pool: &MySqlPool,
    token_hash: [u8; 32],
) -> Result<Option<ClaimRecord>, StoreError> {
    claims!("status_token_hash = ?", token_hash.as_slice())
        .fetch_optional(pool)
        .await?
        .map(ClaimRecord::try_from)
        .transpose()
}

/// Claims on a code that still wait and have a payment to be placed on, oldest first.
pub(crate) async fn list_waiting_for(pool: &MySqlPool, receipt: &Receipt) -> Result<Vec<ClaimRecord>, StoreError> {
    claims!(
        "receipt = ? and state in ('open', 'asked') and payment_id is not null order by id limit 10",
        receipt.as_str()
    )
    .fetch_all(pool)
    .await?
    .into_iter()
    .map(ClaimRecord::try_from)
    .collect()
}

/// The newest claim that waits for a payment, made since `since`.
pub(crate) async fn find_waiting_of_payment(
    pool: &MySqlPool,
    payment_id: PaymentId,
    since: DateTime<Utc>,
) -> Result<Option<ClaimRecord>, StoreError> {
    claims!(
        "payment_id = ? and state in ('open', 'asked') and created_at > ? order by id desc limit 1",
        payment_id.as_uuid(),
        since
    )
    .fetch_optional(pool)
    .await?
    .map(ClaimRecord::try_from)
    .transpose()
}

/// Claims in a state that have a payment, oldest first, at most 100. `None` for those that still wait.
pub(crate) async fn list_claims(pool: &MySqlPool, state: Option<ClaimState>) -> Result<Vec<ClaimRecord>, StoreError> {
    let (one, other) = state.map_or(("open", "asked"), |state| (state.as_str(), state.as_str()));
    claims!("state in (?, ?) and payment_id is not null order by id limit 100", one, other)
        .fetch_all(pool)
        .await?
        .into_iter()
        .map(ClaimRecord::try_from)
        .collect()
}

/// Says which payment the money would go to.
pub(crate) async fn set_claim_payment(
    pool: &MySqlPool,
    id: ClaimId,
    payment_id: PaymentId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update claims set payment_id = ?, updated_at = ? where id = ? and state in ('open', 'asked', 'refused')",
        payment_id.as_uuid(),
        now,
        id.as_uuid()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Marks a claim as asked about with a new secret path; `false` if it was asked about a moment ago or is over.
pub(crate) async fn mark_asked(
    pool: &MySqlPool,
    id: ClaimId,
    token_hash: [u8; 32],
    asked_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update claims set state = 'asked', status_token_hash = ?, detail = null, updated_at = ?
         where id = ? and (state = 'open' or (state = 'asked' and updated_at < ?))",
        token_hash.as_slice(),
        now,
        id.as_uuid(),
        asked_before
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How a claim moves on.
#[derive(Debug)]
pub(crate) struct ClaimMove<'a> {
    pub to: ClaimState,
    /// One line for the owner.
    pub detail: Option<&'a str>,
    /// The named admin and their reason, when a person decided.
    pub by: Option<(&'a str, &'a str)>,
}

/// Moves a claim that is not settled; `false` if it is, or is there already.
pub(crate) async fn move_claim(
    executor: impl MySqlExecutor<'_>,
    id: ClaimId,
    change: &ClaimMove<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let cut = |text: &str, length| text.chars().take(length).collect::<String>();
    let done = sqlx::query!(
        "update claims set state = ?, detail = ?, decided_by = coalesce(?, decided_by), reason = coalesce(?, reason),
                           updated_at = ?
         where id = ? and state <> 'settled'",
        change.to.as_str(),
        change.detail.map(|detail| cut(detail, 255)),
        change.by.map(|(actor, _)| cut(actor, 64)),
        change.by.map(|(_, reason)| cut(reason, 255)),
        now,
        id.as_uuid()
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes on claims that wait that their money has arrived by another way.
pub(crate) async fn settle_arrived(connection: &mut MySqlConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "update claims c join receipts r on r.receipt = c.receipt and r.payment_id = c.payment_id
         set c.state = 'settled', c.updated_at = ?
         where c.state in ('open', 'asked') and r.state in ('credited', 'part', 'credit')",
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}
