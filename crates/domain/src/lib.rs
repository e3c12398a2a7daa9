//! The words and rules of Bando: money, phones, devices, packages, payments, sessions, access.
//!
//! Everything here is pure: no I/O, no async, no clock, no randomness. It compiles to wasm, so the
//! browser and the server judge a phone number or a duration by the same code.

pub mod access;
pub mod clock;
pub mod devices;
pub mod id;
pub mod live;
pub mod mac;
pub mod money;
pub mod mpesa;
pub mod msisdn;
pub mod outage;
pub mod package;
pub mod pass_code;
pub mod payment;
pub mod result_text;
pub mod session;
pub mod sms;
pub mod units;

pub use clock::Clock;
pub use id::{
    AdminId, ClaimId, DeviceId, NotificationId, PackageId, PaymentId, RouterId, SessionId, UserId, VoucherId,
};
pub use mac::MacAddr;
pub use money::Kes;
pub use mpesa::{AccountReference, CheckoutRequestId, MerchantRequestId, Receipt, ResultCode};
pub use msisdn::Msisdn;
pub use package::{Package, PackageTerms};
pub use pass_code::PassCode;
pub use payment::PaymentState;
pub use units::{DataSize, Rate};
