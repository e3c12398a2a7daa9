//! The access plan: what a router has to be told so that exactly the devices with paid time are on it.
//!
//! Pure: intended devices and what was read from the router go in, commands come out. Applying them and
//! planning again gives nothing, so the plan may be made as often as one likes.
//!
//! Every row of ours on a router is a hotspot user named by the device's MAC whose comment is a [`Tag`].
//! Its counters belong to one session: when a device gets a new session its row is replaced, because
//! RouterOS counts over the whole life of a row.

mod counters;
mod plan;
mod tag;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use crate::{DataSize, MacAddr, PackageId, Rate, SessionId};

pub use counters::{Counters, Used};
pub use plan::{Plan, plan};
pub use tag::{MARK, Tag};

/// The user profile of a package revision: speed. A new revision gets a new profile, because sessions keep
/// the speed they logged in with and a profile is never edited under them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// The package.
    pub package_id: PackageId,
    /// Its revision as sold.
    pub revision: u32,
    /// The customer's download limit; `None` is unlimited.
    pub down: Option<Rate>,
    /// The customer's upload limit; `None` is unlimited.
    pub up: Option<Rate>,
}

impl Profile {
    /// `bando-p<8 hex digits of the package's random part>-v<revision>`.
    ///
    /// The digits are the last of the id: ids begin with the time, so packages made together share the first.
    #[must_use]
    pub fn name(&self) -> String {
        let id = self.package_id.as_uuid().simple().to_string();
        let digits = id.get(24..).unwrap_or_default();
        format!("bando-p{digits}-v{}", self.revision)
    }
}

/// A device that should be on, at the instant of planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intended {
    /// The device.
    pub mac: MacAddr,
    /// Its session.
    pub session_id: SessionId,
    /// Its speed.
    pub profile: Profile,
    /// Paid seconds left. Never 0: a device without time is not intended.
    pub remaining_secs: u64,
    /// Data left of the session, over all its devices; `None` is unlimited.
    pub data_remaining: Option<DataSize>,
    /// When paid time is over, or would be if it began now.
    pub ends_at: DateTime<Utc>,
    /// Whether the router refused to log it in last time, so that its host entry is stuck.
    pub was_refused: bool,
    /// Whether somebody wants it logged out once, so that it logs in anew.
    pub is_kicked: bool,
}

/// A hotspot user as read from the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The router's id.
    pub id: String,
    /// Its name; for our rows the MAC.
    pub name: String,
    /// The device it is locked to.
    pub mac: Option<MacAddr>,
    /// The name of its profile.
    pub profile: String,
    /// Lifetime limit of the row; `None` is unlimited.
    pub limit_uptime_secs: Option<u64>,
    /// Lifetime limit of the row; `None` is unlimited.
    pub limit_bytes: Option<u64>,
    /// Use in finished sessions.
    pub used_secs: u64,
    /// Use in finished sessions, both directions.
    pub used_bytes: u64,
    /// The comment.
    pub comment: String,
    /// Whether it is switched off.
    pub is_disabled: bool,
}

/// A logged-in device as read from the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// The router's id.
    pub id: String,
    /// The user it is logged in as.
    pub user: String,
    /// The device.
    pub mac: Option<MacAddr>,
    /// The device's address.
    pub address: String,
    /// Length of this session.
    pub uptime_secs: u64,
    /// What the router itself will let it go on for; `None` when it has no limit or does not say.
    pub time_left_secs: Option<u64>,
    /// Use in this session, both directions.
    pub bytes: u64,
}

/// A device in the router's host table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    /// The router's id.
    pub id: String,
    /// The device.
    pub mac: MacAddr,
    /// Its address.
    pub address: String,
    /// Logged in.
    pub is_authorized: bool,
    /// Let through by the owner without login.
    pub is_bypassed: bool,
}

/// A user profile as read from the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// The name.
    pub name: String,
    /// The customer's download limit; `None` is unlimited.
    pub down: Option<Rate>,
    /// The customer's upload limit; `None` is unlimited.
    pub up: Option<Rate>,
    /// Whether everything else about it is as we make it.
    pub is_otherwise_right: bool,
}

/// What a router has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Current {
    /// All hotspot users.
    pub users: Vec<UserRow>,
    /// All logins.
    pub logins: Vec<LoginRow>,
    /// All hosts.
    pub hosts: Vec<HostRow>,
    /// All user profiles.
    pub profiles: Vec<ProfileRow>,
}

impl UserRow {
    /// What was used under the row, in finished logins and in those of `logins`, which are its running ones.
    #[must_use]
    pub fn counters<'a>(&self, logins: impl IntoIterator<Item = &'a LoginRow>) -> Counters {
        let finished =
            Counters { finished_secs: self.used_secs, finished_bytes: self.used_bytes, ..Counters::default() };
        logins.into_iter().fold(finished, |counters, login| Counters {
            running_secs: counters.running_secs.saturating_add(login.uptime_secs),
            running_bytes: counters.running_bytes.saturating_add(login.bytes),
            ..counters
        })
    }
}

/// What a device's user should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSpec {
    /// The device; also the name.
    pub mac: MacAddr,
    /// The name of the profile.
    pub profile: String,
    /// Used plus remaining, because RouterOS limits are lifetime totals of the row.
    pub limit_uptime_secs: u64,
    /// Used plus remaining; `None` is unlimited.
    pub limit_bytes: Option<u64>,
    /// The [`Tag`].
    pub comment: String,
}

/// One thing to tell the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a profile exist with this content.
    EnsureProfile(Profile),
    /// Remove the user of a device, then its logins, then its cookies.
    RemoveUser {
        /// The device.
        mac: MacAddr,
    },
    /// Add a user.
    AddUser(UserSpec),
    /// Correct a user of the same session.
    UpdateUser {
        /// The row.
        id: String,
        /// What it should be.
        spec: UserSpec,
    },
    /// End a login, so that the device logs in again under its new limits.
    Kick {
        /// The device.
        mac: MacAddr,
        /// The row.
        login_id: String,
    },
    /// Log a device in that is in the host table.
    Login {
        /// The device.
        mac: MacAddr,
        /// Its address there.
        ip: String,
    },
    /// Forget a host that the router would not log in, so that its next packet starts anew.
    ClearStuckHost {
        /// The device.
        mac: MacAddr,
        /// The row.
        host_id: String,
    },
}
