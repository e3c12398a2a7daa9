//! Several devices under one session, and a session that goes on on another device.
//!
//! Who may do that holds a **pass**: the browser that paid (a signed cookie), or whoever was given the session's short
//! code. An address on the hotspot proves nothing, because anybody can send one. What may happen is decided by
//! [`domain::devices`]; here it is carried out, one change of a session at a time, each in one transaction.
//!
//! A pass opened at another router of the installation works there too: the old device's router is told to take it
//! off, but the new one does not wait for that, because a router that is away must not lock a customer out.

mod change;
mod nearby;
mod pass;

pub use change::{Join, Joined};
pub use nearby::{Nearby, NearbyError};
pub use pass::{Guesser, OwnDevice, Pass, Shown};

use domain::devices::Refusal;

use crate::db::{AsStoreError, StoreError};

/// Why a pass did not open, or nothing was done with it. The texts are for the customer.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// No such pass, or its time is over: one text for both, so that codes cannot be probed.
    #[error("This pass is not valid, or its time is over. Check it and type it again.")]
    NotValid,
    /// Too many wrong codes.
    #[error("Too many wrong codes. Wait 15 minutes and try again.")]
    TooMany {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// The rules forbid it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This hotspot is not known.
    #[error("This hotspot is not known. Disconnect from the WiFi and join it again.")]
    UnknownRouter,
    /// The database.
    #[error("We cannot look up your pass right now. Try again in a moment; your time is safe.")]
    Store(#[from] StoreError),
}

impl AsStoreError for PassError {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}
