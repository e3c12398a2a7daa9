//! Hotspot operations that may be repeated at any time. Each reads before it writes, takes "already there"
//! and "no such item" for what they are, and never touches a row whose comment does not bear our mark.
//!
//! After an error for which [`RouterOsError::is_outcome_unknown`] holds, call the same operation again on a
//! new connection: it reads what really happened first.

mod access;
mod bindings;
mod rows;

use std::time::Duration;

use domain::MacAddr;

pub use access::{LoginOutcome, Removal};
pub use bindings::Binding;
pub use rows::{Active, Cookie, Host, RouterFacts, Server, ServerProfile, User, UserProfile};

use crate::{
    client::Connection,
    error::RouterOsError,
    sentence::{Attributes, Command},
    trap::TrapKind,
    value::{RateLimit, format_duration},
};

/// What a user profile should be. Change the name whenever the content changes: sessions keep the speed
/// they logged in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSpec {
    /// The name.
    pub name: String,
    /// The customer's speeds; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
}

impl ProfileSpec {
    /// One device may have two sessions for a moment: the one of its old address is still alive when it
    /// comes back with a new one. The MAC lock of the user keeps others out (observed in the field).
    const SHARED_USERS: &'static str = "2";

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("rate-limit", self.rate_limit.map(|limit| limit.to_string()).unwrap_or_default()),
            ("shared-users", Self::SHARED_USERS.to_owned()),
            ("add-mac-cookie", "no".to_owned()),
            ("transparent-proxy", "no".to_owned()),
            ("idle-timeout", "none".to_owned()),
            ("keepalive-timeout", "2m".to_owned()),
            ("session-timeout", "0s".to_owned()),
            ("open-status-page", "http-login".to_owned()),
        ]
    }

    /// Whether a row on the router gives what this asks for.
    #[must_use]
    pub fn is_met_by(&self, row: &UserProfile) -> bool {
        let rate = match row.rate_limit.as_str() {
            "" => None,
            text => match RateLimit::parse(text) {
                Ok(limit) => Some(limit),
                Err(_) => return false,
            },
        };
        let unlimited = RateLimit { upload_bps: 0, download_bps: 0 };
        rate.unwrap_or(unlimited) == self.rate_limit.unwrap_or(unlimited)
            && row.shared_users == Self::SHARED_USERS
            && !row.is_adding_mac_cookie
    }
}

/// What a device's user should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSpec {
    /// The device; also the name.
    pub mac: MacAddr,
    /// The name of the profile.
    pub profile: String,
    /// Lifetime limit of the row: what was used plus what is left. Whole seconds, at least 1.
    pub limit_uptime: Duration,
    /// Lifetime limit of the row, both directions; `None` is unlimited.
    pub limit_bytes_total: Option<u64>,
    /// The comment, with our mark.
    pub comment: String,
}

impl UserSpec {
    /// The attributes that change in a user's life.
    fn attributes(&self) -> [(&'static str, String); 6] {
        [
            ("mac-address", self.mac.to_string()),
            ("profile", self.profile.clone()),
            ("limit-uptime", format_duration(self.limit_uptime)),
            ("limit-bytes-total", self.limit_bytes_total.unwrap_or(0).to_string()),
            ("comment", self.comment.clone()),
            ("disabled", "no".to_owned()),
        ]
    }

    /// Whether a row on the router is what this asks for.
    #[must_use]
    pub fn is_met_by(&self, row: &User) -> bool {
        row.mac == Some(self.mac)
            && row.profile == self.profile
            && row.limit_uptime == Some(self.limit_uptime)
            && row.limit_bytes_total == self.limit_bytes_total
            && row.comment == self.comment
            && !row.is_disabled
    }
}

/// What an ensure-operation found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    /// Everything was as it should be.
    Unchanged,
    /// A row was added.
    Added,
    /// A row was corrected.
    Changed,
}

/// Everything a comparison of one router needs, read in one go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouterState {
    /// All hotspot users.
    pub users: Vec<User>,
    /// All logged-in devices.
    pub active: Vec<Active>,
    /// All devices that the hotspot sees.
    pub hosts: Vec<Host>,
    /// All user profiles.
    pub profiles: Vec<UserProfile>,
}

/// What concerns one device, read in one go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceState {
    /// Hotspot users of its name, normally at most one.
    pub users: Vec<User>,
    /// Its logins.
    pub active: Vec<Active>,
    /// Its entries in the host table.
    pub hosts: Vec<Host>,
}

/// The hotspot of one router, over one connection.
#[derive(Debug, Clone)]
pub struct Hotspot {
    connection: Connection,
    mark: &'static str,
}

impl Hotspot {
    /// `mark` is how the comment of every row of ours begins.
    #[must_use]
    pub const fn new(connection: Connection, mark: &'static str) -> Self {
        Self { connection, mark }
    }

    /// Reads users, logins, hosts and profiles of the whole router.
    ///
    /// # Errors
    /// The first failure of the four commands.
    pub async fn read_state(&self) -> Result<RouterState, RouterOsError> {
        let (users, hosts, profiles) = tokio::try_join!(
            self.print("/ip/hotspot/user", &User::FIELDS, None),
            self.print("/ip/hotspot/host", &Host::FIELDS, None),
            self.print("/ip/hotspot/user/profile", &UserProfile::FIELDS, None),
        )?;
        // After the users: the use of a login that ends in between is then missing once, not counted twice.
        let active = self.print("/ip/hotspot/active", &Active::FIELDS, None).await?;
        Ok(RouterState {
            users: users.iter().filter_map(User::from_row).collect(),
            active: active.iter().filter_map(Active::from_row).collect(),
            hosts: hosts.iter().filter_map(Host::from_row).collect(),
            profiles: profiles.iter().filter_map(UserProfile::from_row).collect(),
        })
    }

    /// Reads what concerns one device, three commands at once.
    ///
    /// # Errors
    /// The first failure of the three commands.
    pub async fn read_device(&self, mac: MacAddr) -> Result<DeviceState, RouterOsError> {
        let name = mac.to_string();
        let (users, active, hosts) = tokio::try_join!(
            self.print("/ip/hotspot/user", &User::FIELDS, Some(("name", &name))),
            self.print("/ip/hotspot/active", &Active::FIELDS, Some(("mac-address", &name))),
            self.print("/ip/hotspot/host", &Host::FIELDS, Some(("mac-address", &name))),
        )?;
        Ok(DeviceState {
            users: users.iter().filter_map(User::from_row).collect(),
            active: active.iter().filter_map(Active::from_row).collect(),
            hosts: hosts.iter().filter_map(Host::from_row).collect(),
        })
    }

    /// Every device the hotspot sees, logged in or not.
    ///
    /// # Errors
    /// The failure of the command.
    pub async fn read_hosts(&self) -> Result<Vec<Host>, RouterOsError> {
        let hosts = self.print("/ip/hotspot/host", &Host::FIELDS, None).await?;
        Ok(hosts.iter().filter_map(Host::from_row).collect())
    }

    /// Which router this is.
    ///
    /// # Errors
    /// The first failure of the two commands.
    pub async fn facts(&self) -> Result<RouterFacts, RouterOsError> {
        let (identity, resource) = tokio::try_join!(
            self.print("/system/identity", &["name"], None),
            self.print("/system/resource", &["version", "board-name", "uptime"], None),
        )?;
        let first = |rows: Vec<Attributes>| rows.into_iter().next().unwrap_or_default();
        Ok(RouterFacts::from_rows(&first(identity), &first(resource)))
    }

    /// The hotspots of the router and how devices may log in there.
    ///
    /// # Errors
    /// The first failure of the two commands; [`TrapKind::NoSuchCommand`] when the package is missing.
    pub async fn servers(&self) -> Result<(Vec<Server>, Vec<ServerProfile>), RouterOsError> {
        let (servers, profiles) = tokio::try_join!(
            self.print("/ip/hotspot", &Server::FIELDS, None),
            self.print("/ip/hotspot/profile", &ServerProfile::FIELDS, None),
        )?;
        Ok((
            servers.iter().filter_map(Server::from_row).collect(),
            profiles.iter().filter_map(ServerProfile::from_row).collect(),
        ))
    }

    /// Makes the profile exist with this content. The name must be ours alone.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn ensure_profile(&self, spec: &ProfileSpec) -> Result<Ensured, RouterOsError> {
        if let Some(row) = self.profile(&spec.name).await? {
            return self.correct_profile(spec, &row).await;
        }
        let add = Command::new("/ip/hotspot/user/profile/add").attr("name", &spec.name);
        let add = spec.attributes().into_iter().fold(add, |command, (name, value)| command.attr(name, value));
        match self.connection.run(add).await {
            Ok(_) => Ok(Ensured::Added),
            // Somebody was faster, or the text means something else: the router's own list decides.
            Err(error) if matches!(error.trap_kind(), Some(TrapKind::Duplicate | TrapKind::Other)) => {
                match self.profile(&spec.name).await? {
                    Some(row) => self.correct_profile(spec, &row).await,
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn profile(&self, name: &str) -> Result<Option<UserProfile>, RouterOsError> {
        let rows = self.print("/ip/hotspot/user/profile", &UserProfile::FIELDS, Some(("name", name))).await?;
        Ok(rows.iter().filter_map(UserProfile::from_row).find(|row| row.name == name))
    }

    async fn correct_profile(&self, spec: &ProfileSpec, row: &UserProfile) -> Result<Ensured, RouterOsError> {
        if spec.is_met_by(row) {
            return Ok(Ensured::Unchanged);
        }
        let set = Command::new("/ip/hotspot/user/profile/set").attr(".id", &row.id);
        let set = spec.attributes().into_iter().fold(set, |command, (name, value)| command.attr(name, value));
        self.connection.run(set).await.map(|_| Ensured::Changed)
    }

    /// Makes the user exist with this content. `known` is what was just read, so that it is not read again.
    ///
    /// # Errors
    /// [`RouterOsError::NotOurs`] when somebody else's row has the name; every other [`RouterOsError`].
    pub async fn ensure_user(&self, spec: &UserSpec, known: Option<&User>) -> Result<Ensured, RouterOsError> {
        if let Some(row) = known {
            match self.correct_user(spec, row).await {
                Err(error) if error.trap_kind() == Some(&TrapKind::NoSuchItem) => {}
                other => return other,
            }
        }
        let add = Command::new("/ip/hotspot/user/add").attr("name", spec.mac.to_string()).attr("password", "");
        let add = spec
            .attributes()
            .into_iter()
            .filter(|(name, _)| {
                *name != "disabled" && (*name != "limit-bytes-total" || spec.limit_bytes_total.is_some())
            })
            .fold(add, |command, (name, value)| command.attr(name, value));
        match self.connection.run(add).await {
            Ok(_) => Ok(Ensured::Added),
            Err(error) if matches!(error.trap_kind(), Some(TrapKind::Duplicate)) => {
                let name = spec.mac.to_string();
                let rows = self.print("/ip/hotspot/user", &User::FIELDS, Some(("name", &name))).await?;
                match rows.iter().filter_map(User::from_row).next() {
                    Some(row) => self.correct_user(spec, &row).await,
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn correct_user(&self, spec: &UserSpec, row: &User) -> Result<Ensured, RouterOsError> {
        if !self.is_ours(row) {
            return Err(RouterOsError::NotOurs { name: row.name.clone() });
        }
        if spec.is_met_by(row) {
            return Ok(Ensured::Unchanged);
        }
        let set = Command::new("/ip/hotspot/user/set").attr(".id", &row.id);
        let set = spec.attributes().into_iter().fold(set, |command, (name, value)| command.attr(name, value));
        self.connection.run(set).await.map(|_| Ensured::Changed)
    }

    /// Whether the row bears our mark.
    #[must_use]
    pub fn is_ours(&self, row: &User) -> bool {
        row.comment.starts_with(self.mark)
    }

    /// Prints a menu with the fields we read, all rows or those where one field has one value.
    async fn print(
        &self,
        menu: &str,
        fields: &[&str],
        equals: Option<(&str, &str)>,
    ) -> Result<Vec<Attributes>, RouterOsError> {
        let command = Command::new(format!("{menu}/print")).proplist(fields);
        let command = match equals {
            Some((name, value)) => command.equals(name, value),
            None => command,
        };
        self.connection.run(command).await.map(|answer| answer.rows)
    }

    /// Removes a row; one that is not there is removed.
    async fn remove(&self, menu: &str, id: &str) -> Result<(), RouterOsError> {
        match self.connection.run(Command::new(format!("{menu}/remove")).attr(".id", id)).await {
            Err(error) if error.trap_kind() != Some(&TrapKind::NoSuchItem) => Err(error),
            _ => Ok(()),
        }
    }
}
