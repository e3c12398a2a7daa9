//! Typed ids. Every key is a UUIDv7: sortable by creation time, and unguessable enough (74 random
//! bits) to stand in a status link. The ids themselves are made in `billing::random`, because a new id
//! needs a clock and randomness.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a valid id")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID read from the database or made by `billing::random`.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside, as stored in `BINARY(16)`.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text.trim()).map(Self).map_err(|_| InvalidId)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    )+};
}

ids! {
    /// `claims.id`: a customer's "I have paid".
    ClaimId,
    /// `users.id`: a customer.
    UserId,
    /// `packages.id`: what is sold.
    PackageId,
    /// `payments.id`: one attempt to pay.
    PaymentId,
    /// `sessions.id`: paid time.
    SessionId,
    /// `session_devices.id`: one device's share of a session on one router.
    DeviceId,
    /// `routers.id`: a MikroTik.
    RouterId,
    /// `vouchers.id`.
    VoucherId,
    /// `admin_users.id`.
    AdminId,
    /// `notifications.id`.
    NotificationId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_refuses() {
        let text = "0192f0c1-2d3e-7f00-8abc-0123456789ab";
        assert_eq!(text.parse::<PaymentId>().unwrap().to_string(), text);
        for bad in ["", "1", "../../etc", "0192f0c1-2d3e-7f00-8abc-0123456789a", "' or 1=1"] {
            assert_eq!(bad.parse::<PaymentId>(), Err(InvalidId), "{bad:?}");
        }
    }
}
