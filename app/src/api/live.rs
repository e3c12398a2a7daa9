//! The JSON of who is on the network now, and what can be done about it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `GET /api/admin/live?state=&router=&q=&after=&limit=`: every device that has paid time, and every device that
/// a router lets through without any.
///
/// Without a body, 204: `POST /api/admin/live/{id of the row}/kick` throws a device off the network, also one without
/// paid time; `POST /api/admin/sessions/{id}/pause` and `/resume` stop and restart paid time.
/// `POST /api/admin/sessions/{id}/end` with a [`ReasonRequest`](super::ReasonRequest) (owner), 204, ends it for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LiveList {
    /// One page.
    pub devices: Vec<LiveRow>,
    /// How many there are of each state, over all pages, for the routers asked for.
    pub counts: LiveCounts,
    /// Paging.
    pub meta: super::PageMeta,
}

/// How many devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LiveCounts {
    /// Paid and on.
    pub online: u32,
    /// Paid, delivered, not there now.
    pub away: u32,
    /// Paid, not delivered yet.
    pub waiting: u32,
    /// Paused.
    pub paused: u32,
    /// On without paid time.
    pub ghost: u32,
}

/// One device. Also the data of a `live` event of `GET /api/events` when something about it changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LiveRow {
    /// Opaque; stable for a device on its router.
    pub id: String,
    /// The session; null for a ghost.
    pub session_id: Option<Uuid>,
    /// The payment, if a payment paid for it.
    pub payment_id: Option<Uuid>,
    /// The router.
    pub router_id: Uuid,
    /// Its name.
    pub router: String,
    /// The device.
    pub mac: String,
    /// Its address, when known.
    pub ip: Option<String>,
    /// `0712 345 678`; null without a payment.
    pub phone: Option<String>,
    /// The package's name as sold; null for a ghost.
    pub package: Option<String>,
    /// `online`, `away`, `waiting`, `paused` or `ghost`; in an event also `gone`: it is on the list no more.
    pub state: String,
    /// Words for the owner, such as why it waits, or how a ghost gets through.
    pub text: String,
    /// When paid time began.
    pub starts_at: Option<DateTime<Utc>>,
    /// When paid time is over; null while it waits or is paused.
    pub ends_at: Option<DateTime<Utc>>,
    /// Paid seconds left.
    pub seconds_remaining: Option<u64>,
    /// Seconds on the network under this session, this device.
    pub used_secs: u64,
    /// Bytes both ways under this session, this device.
    pub used_bytes: u64,
    /// Bytes left of the session; null when unlimited.
    pub bytes_remaining: Option<u64>,
    /// Devices of the session now, and how many it may have.
    pub devices: u8,
    /// How many it may have.
    pub devices_max: u8,
    /// What may be done by the admin who asks: `kick`, `extend`, `pause`, `resume`, `end`, `block`.
    pub actions: Vec<String>,
}

/// `POST /api/admin/sessions/{id}/extend` (owner). 204.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ExtendRequest {
    /// 1 to 44640 (31 days).
    pub minutes: u32,
    /// Why; kept in the log.
    pub reason: String,
}

/// `POST /api/admin/blocks` (owner): keeps a device from the network and from the portal. 201 with [`BlockItem`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BlockRequest {
    /// The device.
    pub mac: String,
    /// Why; kept in the log.
    pub reason: String,
}

/// `GET /api/admin/blocks`, newest first. `POST /api/admin/blocks/{id}/lift` with a reason (owner) ends one; 204.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BlockList {
    /// Devices that are kept out, at most 500.
    pub blocks: Vec<BlockItem>,
}

/// One device that is kept out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BlockItem {
    /// The block.
    pub id: Uuid,
    /// The device.
    pub mac: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}
