//! `GET /api/packages`: what is on sale.

use app::api::{ErrorBody, PackageItem, PackageList};
use axum::{Json, extract::State};
use billing::Billing;
use domain::{DataSize, Package, Rate};

use super::error::ApiError;

/// What is on sale, cheapest first.
#[utoipa::path(get, path = "/api/packages", tag = "customer", responses(
    (status = 200, body = PackageList), (status = 503, body = ErrorBody)
))]
pub(super) async fn list(State(billing): State<Billing>) -> Result<Json<PackageList>, ApiError> {
    let packages = billing.list_packages().await?;
    Ok(Json(PackageList { packages: packages.iter().map(package_item).collect() }))
}

/// A package as the API shows it.
pub(crate) fn package_item(package: &Package) -> PackageItem {
    let terms = &package.terms;
    PackageItem {
        id: package.id.as_uuid(),
        name: terms.name.clone(),
        duration_minutes: terms.duration_minutes,
        price_kes: package.price.shillings(),
        down_kbps: terms.down.map(Rate::kbps),
        up_kbps: terms.up.map(Rate::kbps),
        data_mb: terms.data.map(whole_megabytes),
        devices: terms.devices,
    }
}

fn whole_megabytes(data: DataSize) -> u32 {
    u32::try_from(data.bytes() / DataSize::BYTES_PER_MB).unwrap_or(u32::MAX)
}
