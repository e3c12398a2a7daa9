//! The JSON the server answers and the admin app reads: one definition for both sides, and for the
//! generated OpenAPI description.

mod devices;
mod live;
mod money;
mod reconcile;
mod routers;

pub use devices::*;
pub use live::*;
pub use money::*;
pub use reconcile::*;
pub use routers::*;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The one error envelope: `{"error":{"code","message","field"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// Inside of the error envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// A stable word for programs, such as `invalid_phone`.
    pub code: String,
    /// Words for a person: what happened and what to do next.
    pub message: String,
    /// The field of the request that is wrong, if one is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
}

/// `GET /api/packages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PackageList {
    /// What is on sale, cheapest first.
    pub packages: Vec<PackageItem>,
}

/// One package on sale. Absent limits are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PackageItem {
    /// Its id.
    pub id: Uuid,
    /// Such as `1 hour`.
    pub name: String,
    /// Paid time in minutes.
    pub duration_minutes: u32,
    /// Whole shillings.
    pub price_kes: u32,
    /// Download limit in kbit/s.
    pub down_kbps: Option<u32>,
    /// Upload limit in kbit/s.
    pub up_kbps: Option<u32>,
    /// Data allowance in megabytes.
    pub data_mb: Option<u32>,
    /// How many devices may share it.
    pub devices: u8,
}

/// `POST /api/pay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PayRequest {
    /// Which package.
    pub package_id: String,
    /// The M-Pesa number, in any form people type.
    pub phone: String,
    /// The device's MAC address.
    pub mac: String,
    /// The device's address on the hotspot, if known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip: Option<String>,
    /// The router's public name; the only router when left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub router: Option<String>,
}

/// `202` of `POST /api/pay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PayAccepted {
    /// The payment.
    pub payment_id: Uuid,
    /// `Pending`, `Success` or `Failed`.
    pub status: String,
    /// What the customer sees in the prompt and can use to pay by hand.
    pub account_reference: String,
    /// Whole shillings.
    pub amount_kes: u32,
    /// Where to ask how it goes.
    pub status_url: String,
}

/// `GET /api/user/status`. Nothing personal in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserStatus {
    /// `none`, `pending`, `failed`, `paid`, `online` or `expired`.
    pub status: String,
    /// Paid seconds left.
    pub seconds_remaining: Option<u64>,
    /// Data left; null when unlimited.
    pub bytes_remaining: Option<u64>,
    /// When paid time is over; null until a router has confirmed access.
    pub ends_at: Option<DateTime<Utc>>,
    /// Words for the customer.
    pub message: String,
    /// Whether paying again now makes sense.
    pub can_retry: bool,
    /// The payment this is about.
    pub payment_id: Option<Uuid>,
    /// Where what is missing can be paid by hand; null when that is not offered now.
    #[serde(default)]
    pub pay_by_hand: Option<PayByHand>,
}

/// `POST /api/admin/login`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LoginRequest {
    /// The admin's name.
    pub username: String,
    /// The password; never logged.
    pub password: String,
}

/// Who is logged in: answer of `POST /api/admin/login` and `GET /api/admin/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Me {
    /// The admin's name.
    pub username: String,
    /// `owner` or `cashier`.
    pub role: String,
}

/// Paging: pass `next` back as `after`; null at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PageMeta {
    /// Opaque position of the next page.
    pub next: Option<String>,
}

/// `GET /api/admin/payments`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PaymentList {
    /// One page.
    pub payments: Vec<PaymentRow>,
    /// Paging.
    pub meta: PageMeta,
}

/// One payment as the owner sees it; also the data of a `payment` event of `GET /api/events`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PaymentRow {
    /// The payment.
    pub id: Uuid,
    /// When the customer pressed pay.
    pub created_at: DateTime<Utc>,
    /// `0712 345 678`.
    pub phone: String,
    /// The package's name as sold.
    pub package: String,
    /// Whole shillings.
    pub amount_kes: u32,
    /// `Pending`, `Success` or `Failed`.
    pub status: String,
    /// The finer state, such as `review`.
    pub state: String,
    /// Words that explain the state to the owner.
    pub message: String,
    /// The M-Pesa receipt, once known.
    pub mpesa_receipt: Option<String>,
    /// What the customer saw as account.
    pub account_reference: String,
    /// The session it bought.
    pub session_id: Option<Uuid>,
    /// `none`, `waiting`, `paused`, `online`, `offline` or `ended`: how delivery stands.
    pub delivery: String,
}

/// `GET /api/admin/users`, last seen first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserList {
    /// One page.
    pub users: Vec<UserRow>,
    /// Paging.
    pub meta: PageMeta,
}

/// One customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserRow {
    /// The customer.
    pub id: Uuid,
    /// `0712 345 678`.
    pub phone: String,
    /// How many payments succeeded.
    pub payments: u32,
    /// What they add up to.
    pub paid_kes: u64,
    /// First seen.
    pub created_at: DateTime<Utc>,
    /// Last time they pressed pay.
    pub last_seen_at: DateTime<Utc>,
}

/// `GET /api/admin/notifications`: unread first, newest first, at most 50.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NotificationList {
    /// What the owner should know.
    pub notifications: Vec<NotificationRow>,
}

/// One notification; also the data of a `notification` event of `GET /api/events`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NotificationRow {
    /// The notification.
    pub id: Uuid,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// A stable word, such as `router_down`.
    pub kind: String,
    /// Words for the owner: what happened and what to do.
    pub message: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Whether somebody has marked it as read.
    pub is_read: bool,
}
