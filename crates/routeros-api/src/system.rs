//! What a router says about itself and its set-up. Only reads: nothing here changes a router.

mod facts;
mod jobs;
mod read;
mod servers;
#[cfg(test)]
mod tests;

pub use facts::{Clock, DeviceMode, License, Ntp, Resource};
pub use jobs::{FilterRule, Queue, Schedule, Script};
pub use servers::{GardenRule, HotspotServer, LoginProfile};

use crate::{
    client::Connection,
    error::RouterOsError,
    sentence::{Attributes, Command},
    trap::TrapKind,
};

/// A router's own menus, over one connection.
#[derive(Debug, Clone)]
pub struct System {
    connection: Connection,
}

/// The kinds of rules of the walled garden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garden {
    /// `/ip/hotspot/walled-garden`: plain HTTP by host name.
    Http,
    /// `/ip/hotspot/walled-garden/ip`: everything else, HTTPS among it.
    Ip,
}

impl System {
    /// Reads over this connection.
    #[must_use]
    pub const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// `/system/identity`: the name its owner gave it.
    ///
    /// # Errors
    /// Every [`RouterOsError`]; the same holds for every other function here.
    pub async fn identity(&self) -> Result<String, RouterOsError> {
        let row = self.one("/system/identity", &["name"]).await?;
        Ok(row.get("name").unwrap_or_default().to_owned())
    }

    /// `/system/resource`.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn resource(&self) -> Result<Resource, RouterOsError> {
        self.one("/system/resource", &Resource::FIELDS).await.map(|row| Resource::from_row(&row))
    }

    /// `/system/clock`.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn clock(&self) -> Result<Clock, RouterOsError> {
        self.one("/system/clock", &Clock::FIELDS).await.map(|row| Clock::from_row(&row))
    }

    /// `/system/ntp/client`; before 7 the menu is missing where the package is.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn ntp(&self) -> Result<Ntp, RouterOsError> {
        self.one("/system/ntp/client", &Ntp::FIELDS).await.map(|row| Ntp::from_row(&row))
    }

    /// `/system/license`.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn license(&self) -> Result<License, RouterOsError> {
        self.one("/system/license", &License::FIELDS).await.map(|row| License::from_row(&row))
    }

    /// `/system/device-mode`; `None` on releases that have none.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn device_mode(&self) -> Result<Option<DeviceMode>, RouterOsError> {
        match self.one("/system/device-mode", &DeviceMode::FIELDS).await {
            Ok(row) => Ok(Some(DeviceMode::from_row(&row))),
            Err(error) if error.trap_kind() == Some(&TrapKind::NoSuchCommand) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The policies that the group of a router account holds, such as `read`; `None` when the account, which
    /// may be one of RADIUS, is not in the router's own list.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn policies(&self, account: &str) -> Result<Option<(String, Vec<String>)>, RouterOsError> {
        let users = self.print("/user", &["name", "group"], Some(("name", account))).await?;
        let Some(group) = users.first().and_then(|row| row.get("group")) else { return Ok(None) };
        let groups = self.print("/user/group", &["name", "policy"], Some(("name", group))).await?;
        let policy = groups.first().and_then(|row| row.get("policy")).unwrap_or_default();
        // Policies that are not held are listed with an exclamation mark.
        let held = policy.split(',').map(str::trim).filter(|word| !word.is_empty() && !word.starts_with('!'));
        Ok(Some((group.to_owned(), held.map(str::to_owned).collect())))
    }

    /// `/ip/hotspot`: where hotspots run.
    ///
    /// # Errors
    /// Every [`RouterOsError`]; [`TrapKind::NoSuchCommand`] when the package is missing.
    pub async fn hotspots(&self) -> Result<Vec<HotspotServer>, RouterOsError> {
        let rows = self.print("/ip/hotspot", &HotspotServer::FIELDS, None).await?;
        Ok(rows.iter().filter_map(HotspotServer::from_row).collect())
    }

    /// `/ip/hotspot/profile`: how devices may log in there.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn login_profiles(&self) -> Result<Vec<LoginProfile>, RouterOsError> {
        let rows = self.print("/ip/hotspot/profile", &LoginProfile::FIELDS, None).await?;
        Ok(rows.iter().filter_map(LoginProfile::from_row).collect())
    }

    /// What devices may reach before they are logged in, in the router's order.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn garden(&self, garden: Garden) -> Result<Vec<GardenRule>, RouterOsError> {
        let (menu, fields) = match garden {
            Garden::Http => ("/ip/hotspot/walled-garden", GardenRule::HTTP_FIELDS),
            Garden::Ip => ("/ip/hotspot/walled-garden/ip", GardenRule::IP_FIELDS),
        };
        Ok(self.print(menu, fields, None).await?.iter().map(GardenRule::from_row).collect())
    }

    /// The text of a file; `None` when there is none of that name, or its text is not shown.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn file(&self, name: &str) -> Result<Option<String>, RouterOsError> {
        let rows = self.print("/file", &["name", "contents"], Some(("name", name))).await?;
        Ok(rows.first().map(|row| row.get("contents").unwrap_or_default().to_owned()))
    }

    /// `/system/script` of that name.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn script(&self, name: &str) -> Result<Option<Script>, RouterOsError> {
        let rows = self.print("/system/script", &Script::FIELDS, Some(("name", name))).await?;
        Ok(rows.first().map(Script::from_row))
    }

    /// `/system/scheduler` of that name.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn schedule(&self, name: &str) -> Result<Option<Schedule>, RouterOsError> {
        let rows = self.print("/system/scheduler", &Schedule::FIELDS, Some(("name", name))).await?;
        Ok(rows.first().map(Schedule::from_row))
    }

    /// `/ip/firewall/filter`, the chain `forward` in its order.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn forward_rules(&self) -> Result<Vec<FilterRule>, RouterOsError> {
        let rows = self.print("/ip/firewall/filter", &FilterRule::FIELDS, Some(("chain", "forward"))).await?;
        Ok(rows.iter().map(FilterRule::from_row).collect())
    }

    /// `/queue/simple`.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn queues(&self) -> Result<Vec<Queue>, RouterOsError> {
        let rows = self.print("/queue/simple", &Queue::FIELDS, None).await?;
        Ok(rows.iter().filter_map(Queue::from_row).collect())
    }

    /// How many devices are logged in to the hotspot.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn count_active(&self) -> Result<u32, RouterOsError> {
        self.count(Command::new("/ip/hotspot/active/print")).await
    }

    /// How many devices the hotspot sees that are not on: those at the login page.
    ///
    /// # Errors
    /// Every [`RouterOsError`].
    pub async fn count_at_portal(&self) -> Result<u32, RouterOsError> {
        let hosts = Command::new("/ip/hotspot/host/print");
        self.count(hosts.equals("authorized", "false").equals("bypassed", "false")).await
    }

    async fn count(&self, command: Command) -> Result<u32, RouterOsError> {
        let command = command.attr("count-only", "");
        let answer = self.connection.run(command).await?;
        match answer.ret.as_deref().map(str::trim).and_then(|text| text.parse().ok()) {
            Some(count) => Ok(count),
            None => Err(RouterOsError::Unexpected("a count that is no number")),
        }
    }

    async fn one(&self, menu: &str, fields: &[&str]) -> Result<Attributes, RouterOsError> {
        Ok(self.print(menu, fields, None).await?.into_iter().next().unwrap_or_default())
    }

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
}
