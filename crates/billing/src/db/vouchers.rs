//! `vouchers`: prepaid codes, kept as hashes.

use chrono::{DateTime, Utc};
use domain::{PackageId, VoucherId};
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use super::StoreError;

/// A voucher to make.
#[derive(Debug)]
pub(crate) struct NewVoucher<'a> {
    pub id: VoucherId,
    pub code_hash: [u8; 32],
    pub hint: &'a str,
    pub package_id: PackageId,
    pub created_by: &'a str,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// A voucher found by its code.
pub(crate) struct VoucherRecord {
    pub id: Uuid,
    pub package_id: Uuid,
}

/// Adds a voucher.
pub(crate) async fn insert_voucher(pool: &MySqlPool, new: &NewVoucher<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into vouchers (id, code_hash, hint, package_id, created_by, expires_at, created_at)
         values (?, ?, ?, ?, ?, ?, ?)",
        new.id.as_uuid(),
        new.code_hash.as_slice(),
        new.hint,
        new.package_id.as_uuid(),
        new.created_by,
        new.expires_at,
        new.created_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Finds a voucher by the hash of its code.
pub(crate) async fn find_voucher(pool: &MySqlPool, code_hash: [u8; 32]) -> Result<Option<VoucherRecord>, StoreError> {
    Ok(sqlx::query_as!(
        VoucherRecord,
        r#"select id as "id: Uuid", package_id as "package_id: Uuid" from vouchers where code_hash = ?"#,
        code_hash.as_slice()
    )
    .fetch_optional(pool)
    .await?)
}

/// Takes the voucher; `false` if somebody was faster or it is over.
pub(crate) async fn redeem_voucher(
    connection: &mut MySqlConnection,
    id: VoucherId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update vouchers set redeemed_at = ?
         where id = ? and redeemed_at is null and (expires_at is null or expires_at > ?)",
        now,
        id.as_uuid(),
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
