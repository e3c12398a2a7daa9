//! The JSON of the owner's routers: the list, setting one up, its health, and why a customer cannot get on.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `GET /api/admin/routers`, by name; with `?removed=true` those that were taken out of use instead.
/// `POST /api/admin/routers/{id}/remove` with a [`RemoveRouterRequest`] and `/restore` with a
/// [`ReasonRequest`](super::ReasonRequest) (owner) take one out of use and back; 204.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RouterList {
    /// Every router in use, or every other.
    pub routers: Vec<RouterItem>,
    /// What happens for customers after an outage.
    pub outage_policy: OutagePolicy,
}

/// One router.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RouterItem {
    /// The router.
    pub id: Uuid,
    /// The public name in portal links.
    pub slug: String,
    /// The owner's name for it.
    pub name: String,
    /// `direct` (the server connects to it) or `pull` (it asks the server).
    pub reach: String,
    /// Host name or address; empty for `pull`.
    pub host: String,
    /// The API port.
    pub port: u16,
    /// The API user. The password is never returned.
    pub username: String,
    /// Whether the connection is encrypted with a certificate that is known.
    pub is_pinned: bool,
    /// `online`, `offline`, `new` (never answered yet) or `removed` (taken out of use).
    pub state: String,
    /// Words for the owner: what is wrong and what to do; null when all is well.
    pub message: Option<String>,
    /// When it last answered.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// RouterOS release, once known.
    pub version: Option<String>,
    /// Model, once known.
    pub board: Option<String>,
    /// Paid devices that are on now.
    pub online_devices: u32,
    /// Paid devices that the router was not brought to yet.
    pub waiting_devices: u32,
}

/// `POST /api/admin/routers` (owner): a router that the owner has set up by hand. Answer: [`RouterItem`], 201.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AddRouterRequest {
    /// The owner's name for it.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// The API port; 8728, or 8729 with TLS, when left out.
    pub port: Option<u16>,
    /// The API user.
    pub username: String,
    /// Its password; never logged, never returned.
    pub password: String,
    /// SHA-256 of the certificate, 64 hexadecimal characters; plain TCP when left out.
    pub tls_pin: Option<String>,
}

/// `POST /api/admin/routers/{id}` (owner): what is left out stays. Answer: [`RouterItem`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ChangeRouterRequest {
    /// The owner's name for it; portal links stay as they are.
    pub name: Option<String>,
    /// Host name or address.
    pub host: Option<String>,
    /// The API port.
    pub port: Option<u16>,
    /// The API user.
    pub username: Option<String>,
    /// A new password.
    pub password: Option<String>,
    /// A new certificate; the empty text switches TLS off.
    pub tls_pin: Option<String>,
}

/// `POST /api/admin/routers/{id}/test`: everything that access depends on, looked at now. Changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RouterChecks {
    /// When.
    pub at: DateTime<Utc>,
    /// Line by line.
    pub checks: Vec<RouterCheck>,
    /// One command there and back, in milliseconds; null when it was not reached.
    pub round_trip_ms: Option<u32>,
}

/// One line of a test or a preflight.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RouterCheck {
    /// A stable word, such as `walled-garden`.
    pub name: String,
    /// The same for people, such as `Our page is open to customers`.
    pub title: String,
    /// `ok`, `warning` (works, but not as well as it could), `wrong` or `unknown`.
    pub state: String,
    /// What was found.
    pub text: String,
    /// What to do, when something is to be done; may contain a RouterOS command on a line of its own.
    pub todo: Option<String>,
}

/// `GET /api/admin/routers/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RouterDetail {
    /// The router.
    pub router: RouterItem,
    /// How much of the last 30 days it answered, in thousandths; null when it is new.
    pub answered_permille: Option<u32>,
    /// Customers with paid time left there, whether they are on or not.
    pub customers: u32,
    /// What happened to it, newest first, at most 100.
    pub history: Vec<RouterEvent>,
    /// Times it was away, newest first, at most 100.
    pub outages: Vec<Outage>,
}

/// `POST /api/admin/routers/{id}/remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RemoveRouterRequest {
    /// Why.
    pub reason: String,
    /// How many customers may lose the paid time that they have there. While more do, the router stays.
    #[serde(default)]
    pub customers: u32,
}

/// Something that happened to a router.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RouterEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// `online`, `offline`, `rebooted`, `upgraded`, `changed`, `certificate`, or `person` for what somebody did.
    pub kind: String,
    /// Words for the owner.
    pub text: String,
}

/// A time a router was away.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Outage {
    /// The outage.
    pub id: Uuid,
    /// When it was last heard of.
    pub from: DateTime<Utc>,
    /// When it was back; null while it is away.
    pub to: Option<DateTime<Utc>>,
    /// Customers whose paid time ran meanwhile.
    pub sessions: u32,
    /// Whether their time was given back, and when.
    pub credited_at: Option<DateTime<Utc>>,
    /// Who gave it back: an admin, or `automatic`.
    pub credited_by: Option<String>,
    /// Why, in the words of whoever gave it back.
    #[serde(default)]
    pub credit_reason: Option<String>,
}

/// What is done for customers whose paid time ran while a router was away.
/// `POST /api/admin/routers/outage-policy` (owner) changes it and answers it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct OutagePolicy {
    /// Whether lost time is given back by itself.
    pub is_automatic: bool,
    /// Only for outages of at least this many minutes; 1 to 1440.
    pub min_minutes: u32,
}

/// `POST /api/admin/routers/{id}/outages/{outage}/credit` with a [`ReasonRequest`](super::ReasonRequest) (owner).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct OutageCredited {
    /// Sessions that were extended.
    pub sessions: u32,
    /// Seconds given back, over all of them.
    pub secs: u64,
}

/// `POST /api/admin/routers/setups` (owner): begins to set a router up in one paste.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SetupRequest {
    /// The owner's name for the router.
    pub name: String,
    /// `direct` (the server reaches it at an address), `tunnel` (WireGuard) or `pull` (it asks the server).
    pub reach: String,
    /// An existing router to set up anew; a new one when left out.
    pub router_id: Option<Uuid>,
}

/// Answer of `POST /api/admin/routers/setups` (201), `GET /api/admin/routers/setups/{id}` and
/// `POST /api/admin/routers/setups/{id}/approve`; the page asks every two seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RouterSetup {
    /// The set-up.
    pub id: Uuid,
    /// The owner's name for the router.
    pub name: String,
    /// As asked for.
    pub reach: String,
    /// The line to paste into the router's terminal. Only in the answer that made it: it is a secret.
    pub command: Option<String>,
    /// When the line stops working.
    pub expires_at: DateTime<Utc>,
    /// `waiting` (nothing pasted yet), `looking` (the router is looked at), `asking` (it is known what would be
    /// changed, and the owner has to approve), `working`, `done`, `failed` or `expired`.
    pub state: String,
    /// Words for the owner about the state, and what to do.
    pub message: String,
    /// What the preflight found.
    pub checks: Vec<RouterCheck>,
    /// What is on the router now and would be changed, a line each, in words.
    pub existing: Vec<String>,
    /// What will be changed, a line each, in words.
    pub planned: Vec<String>,
    /// What was done, in order.
    pub steps: Vec<SetupStep>,
    /// For `tunnel`: what to add to the server's WireGuard configuration.
    pub tunnel_config: Option<String>,
    /// The router, once it is known.
    pub router_id: Option<Uuid>,
    /// The line that takes everything back; once something was changed.
    pub undo_command: Option<String>,
}

/// One step of a set-up, as the router reported it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SetupStep {
    /// When it was reported.
    pub at: DateTime<Utc>,
    /// For people, such as `API user`.
    pub title: String,
    /// `ok`, `warning` or `wrong`.
    pub state: String,
    /// What was done, or what went wrong and what to do.
    pub text: String,
}

/// `GET /api/admin/why?q=`: why a customer cannot get on, by phone number, MAC address or M-Pesa code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Why {
    /// `phone`, `mac`, `receipt` or `unknown`: how the question was read.
    pub kind: String,
    /// The answer in one sentence.
    pub verdict: String,
    /// Whether the customer should be on now.
    pub is_well: bool,
    /// What to do next, if anything.
    pub todo: Option<String>,
    /// The way from the money to the device, a line each.
    pub steps: Vec<WhyStep>,
    /// What people did about the paid time and its devices, newest first, at most 20.
    #[serde(default)]
    pub done: Vec<Deed>,
}

/// Something a person did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Deed {
    /// When.
    pub at: DateTime<Utc>,
    /// A sentence: who, what, and why where a reason was asked for.
    pub text: String,
}

/// One station between the money and the device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct WhyStep {
    /// `payment`, `session`, `router`, `user`, `host` or `active`.
    pub station: String,
    /// `ok`, `wrong`, `waiting` or `unknown`.
    pub state: String,
    /// A sentence.
    pub text: String,
    /// The payment, where this is about one.
    pub payment_id: Option<Uuid>,
    /// The router, where this is about one.
    pub router_id: Option<Uuid>,
}
