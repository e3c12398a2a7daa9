//! `packages`: the price list.

use chrono::{DateTime, Utc};
use domain::{DataSize, Kes, Package, PackageId, PackageTerms, Rate};
use sqlx::MySqlPool;
use uuid::Uuid;

use super::StoreError;

/// What is on sale, cheapest first; all packages when `with_inactive`.
pub(crate) async fn list_packages(pool: &MySqlPool, with_inactive: bool) -> Result<Vec<Package>, StoreError> {
    let rows = sqlx::query_as!(
        PackageRow,
        r#"select id as "id: Uuid", name, duration_minutes, price_kes, down_kbps, up_kbps, data_mb, devices, revision
           from packages
           where is_active = 1 or ?
           order by price_kes, id
           limit 200"#,
        with_inactive
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Package::try_from).collect()
}

/// A package that is on sale.
pub(crate) async fn find_active_package(pool: &MySqlPool, id: PackageId) -> Result<Option<Package>, StoreError> {
    sqlx::query_as!(
        PackageRow,
        r#"select id as "id: Uuid", name, duration_minutes, price_kes, down_kbps, up_kbps, data_mb, devices, revision
           from packages where id = ? and is_active = 1"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?
    .map(Package::try_from)
    .transpose()
}

/// A package by its key, on sale or not.
pub(crate) async fn find_package(pool: &MySqlPool, id: PackageId) -> Result<Option<Package>, StoreError> {
    sqlx::query_as!(
        PackageRow,
        r#"select id as "id: Uuid", name, duration_minutes, price_kes, down_kbps, up_kbps, data_mb, devices, revision
           from packages where id = ?"#,
        id.as_uuid()
    )
    .fetch_optional(pool)
    .await?
    .map(Package::try_from)
    .transpose()
}

/// Puts a package on sale.
pub(crate) async fn insert_package(pool: &MySqlPool, package: &Package, now: DateTime<Utc>) -> Result<(), StoreError> {
    let terms = &package.terms;
    sqlx::query!(
        "insert into packages (id, name, duration_minutes, price_kes, down_kbps, up_kbps, data_mb, devices, revision,
                               created_at, updated_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        package.id.as_uuid(),
        terms.name,
        terms.duration_minutes,
        package.price.shillings(),
        terms.down.map(Rate::kbps),
        terms.up.map(Rate::kbps),
        terms.data.map(data_mb),
        terms.devices,
        package.revision,
        now,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Megabytes as stored; packages are made from whole megabytes.
pub(crate) fn data_mb(size: DataSize) -> u32 {
    u32::try_from(size.bytes() / DataSize::BYTES_PER_MB).unwrap_or(u32::MAX)
}

struct PackageRow {
    id: Uuid,
    name: String,
    duration_minutes: u32,
    price_kes: u32,
    down_kbps: Option<u32>,
    up_kbps: Option<u32>,
    data_mb: Option<u32>,
    devices: u8,
    revision: u32,
}

impl TryFrom<PackageRow> for Package {
    type Error = StoreError;

    fn try_from(row: PackageRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            revision: row.revision,
            price: Kes::new(row.price_kes).map_err(|_| StoreError::inconsistent("packages", "price_kes", row.id))?,
            terms: PackageTerms {
                name: row.name,
                duration_minutes: row.duration_minutes,
                down: row.down_kbps.map(Rate::from_kbps),
                up: row.up_kbps.map(Rate::from_kbps),
                data: row.data_mb.map(DataSize::from_mb),
                devices: row.devices,
            },
        })
    }
}
