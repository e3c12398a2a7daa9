//! A row of `payments` as the database gives it, and the one place where it becomes a domain value.

use chrono::{DateTime, Utc};
use domain::{DataSize, Kes, MacAddr, PackageTerms, Rate, ResultCode, RouterId};
use uuid::Uuid;

use super::PaymentRecord;
use crate::db::StoreError;

pub(super) struct PaymentRow {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) msisdn: String,
    pub(super) router_id: Option<Uuid>,
    pub(super) mac: Vec<u8>,
    pub(super) ip: Option<String>,
    pub(super) amount_kes: u32,
    pub(super) package_id: Uuid,
    pub(super) package_name: String,
    pub(super) package_revision: u32,
    pub(super) duration_minutes: u32,
    pub(super) down_kbps: Option<u32>,
    pub(super) up_kbps: Option<u32>,
    pub(super) data_mb: Option<u32>,
    pub(super) devices: u8,
    pub(super) state: String,
    pub(super) account_reference: String,
    pub(super) checkout_request_id: Option<String>,
    pub(super) merchant_request_id: Option<String>,
    pub(super) receipt: Option<String>,
    pub(super) result_code: Option<String>,
    pub(super) request_hash: Vec<u8>,
    pub(super) request_id: String,
    pub(super) submitted_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) held_kes: u64,
}

impl TryFrom<PaymentRow> for PaymentRecord {
    type Error = StoreError;

    fn try_from(row: PaymentRow) -> Result<Self, StoreError> {
        let wrong = |column| move || StoreError::inconsistent("payments", column, row.id);
        Ok(Self {
            id: row.id.into(),
            user_id: row.user_id.into(),
            msisdn: row.msisdn.parse().map_err(|_| wrong("user_id")())?,
            router_id: row.router_id.map(RouterId::from),
            mac: read_mac(&row.mac).ok_or_else(wrong("mac"))?,
            ip: row.ip.map(|ip| ip.parse()).transpose().map_err(|_| wrong("ip")())?,
            amount: Kes::new(row.amount_kes).map_err(|_| wrong("amount_kes")())?,
            package_id: row.package_id.into(),
            package_revision: row.package_revision,
            terms: PackageTerms {
                name: row.package_name,
                duration_minutes: row.duration_minutes,
                down: row.down_kbps.map(Rate::from_kbps),
                up: row.up_kbps.map(Rate::from_kbps),
                data: row.data_mb.map(DataSize::from_mb),
                devices: row.devices,
            },
            state: row.state.parse().map_err(|_| wrong("state")())?,
            account_reference: row.account_reference.parse().map_err(|_| wrong("account_reference")())?,
            checkout_request_id: optional(row.checkout_request_id.as_deref(), wrong("checkout_request_id"))?,
            merchant_request_id: optional(row.merchant_request_id.as_deref(), wrong("merchant_request_id"))?,
            receipt: optional(row.receipt.as_deref(), wrong("receipt"))?,
            result_code: row.result_code.as_deref().map(ResultCode::new),
            request_hash: row.request_hash,
            request_id: row.request_id,
            submitted_at: row.submitted_at,
            created_at: row.created_at,
            held_kes: row.held_kes,
        })
    }
}

fn optional<T: std::str::FromStr>(
    text: Option<&str>,
    wrong: impl FnOnce() -> StoreError,
) -> Result<Option<T>, StoreError> {
    text.map(str::parse).transpose().map_err(|_| wrong())
}

/// A MAC address from its `BINARY(6)` column.
pub(crate) fn read_mac(bytes: &[u8]) -> Option<MacAddr> {
    MacAddr::from_bytes(bytes.try_into().ok()?).ok()
}
