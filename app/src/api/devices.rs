//! Passes: several devices under one paid time, and time that goes on on another device. Whoever asks shows the short
//! code, or is the browser that paid (cookies `pass` and `payer`).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the holder of a pass may know: `GET /api/user/pass`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserPass {
    /// What to type on another device, such as `ABCD-EFGH-JKMN`.
    pub code: String,
    /// The short link that keeps the pass in the browser that opens it.
    pub link: String,
    /// What was bought.
    pub package: String,
    /// Paid seconds left.
    pub seconds_remaining: u64,
    /// How many devices may share it.
    pub places: u8,
    /// Places that nobody has now.
    pub free_places: u32,
    /// How often a used place may still go to another device today.
    pub moves_left: u32,
    /// The devices that have a place.
    pub devices: Vec<UserDevice>,
    /// Why nothing can be done with it at the moment, in words.
    pub refusal: Option<String>,
}

/// A device that shares the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserDevice {
    /// Its id, to move or remove it.
    pub id: Uuid,
    /// What the customer calls it.
    pub label: Option<String>,
    /// Its address on the hotspot, as last heard.
    pub ip: Option<String>,
    /// The last two bytes of its MAC address, such as `3F:A2`.
    pub mac_ends_in: String,
    /// Whether it was on when its router was read last.
    pub is_online: bool,
}

/// `POST /api/user/pass/devices`: lets a device use the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct JoinRequest {
    /// The short code; not needed in the browser that paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// The device's MAC address.
    pub mac: String,
    /// The device's address on the hotspot, if known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip: Option<String>,
    /// The router's public name; the only router when left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub router: Option<String>,
    /// `add` beside the others, or `move` in the place of `from`.
    pub action: String,
    /// The device that stops; not needed when there is only one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// What the customer calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct JoinAnswer {
    /// `added`, `moved`, or `already` when the device had its place.
    pub outcome: String,
}
