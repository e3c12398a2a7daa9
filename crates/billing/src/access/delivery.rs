//! Carrying out a plan: commands of one device in their order, several devices at once.

use std::collections::BTreeMap;

use domain::{
    MacAddr, SessionId,
    access::{Command, Current, Profile, Tag, UserRow},
};
use futures::{StreamExt, stream};
use routeros_api::{
    Hotspot, RouterOsError,
    hotspot::{DeviceState, Host, LoginOutcome, RouterState, User},
};

use super::rows;
use crate::{db::session_devices::Usage, killpoint::killpoint};

/// Devices worked on at a time over one connection. Small routers have few API workers.
const DEVICES_AT_ONCE: usize = 3;
/// Devices worked on in one round, so that a purchase does not wait for a long list.
const DEVICES_PER_ROUND: usize = 60;

/// The part of a plan that concerns profiles, and the parts that concern one device each.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub profiles: Vec<Profile>,
    pub devices: BTreeMap<MacAddr, Vec<Command>>,
}

impl Work {
    /// Sorts the commands of a plan by device, keeping their order.
    pub(super) fn new(commands: Vec<Command>) -> Self {
        let mut work = Self::default();
        for command in commands {
            let mac = match &command {
                Command::EnsureProfile(profile) => {
                    work.profiles.push(*profile);
                    continue;
                }
                Command::AddUser(spec) | Command::UpdateUser { spec, .. } => spec.mac,
                Command::RemoveUser { mac }
                | Command::Kick { mac, .. }
                | Command::Login { mac, .. }
                | Command::ClearStuckHost { mac, .. } => *mac,
            };
            work.devices.entry(mac).or_default().push(command);
        }
        work
    }

    /// Cuts the work to one round; the devices left for the next.
    pub(super) fn cut(&mut self) -> Vec<MacAddr> {
        match self.devices.keys().nth(DEVICES_PER_ROUND).copied() {
            Some(first) => self.devices.split_off(&first).into_keys().collect(),
            None => Vec::new(),
        }
    }
}

/// What the router knows of the devices in hand.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub users: &'a [User],
    pub hosts: &'a [Host],
    pub current: &'a Current,
}

impl<'a> Seen<'a> {
    pub(super) fn router(state: &'a RouterState, current: &'a Current) -> Self {
        Self { users: &state.users, hosts: &state.hosts, current }
    }

    pub(super) fn device(state: &'a DeviceState, current: &'a Current) -> Self {
        Self { users: &state.users, hosts: &state.hosts, current }
    }

    fn users_of(&self, mac: MacAddr) -> Vec<User> {
        let name = mac.to_string();
        self.users.iter().filter(|user| user.name == name).cloned().collect()
    }

    fn hosts_of(&self, mac: MacAddr) -> Vec<Host> {
        self.hosts.iter().filter(|host| host.mac == Some(mac)).cloned().collect()
    }

    /// What a device had used under a session and whether it was on, before any command. A row of an
    /// earlier session counts for nothing.
    pub(super) fn usage(&self, mac: MacAddr, session_id: SessionId) -> Usage {
        let name = mac.to_string();
        let is_of_session = |user: &&UserRow| user.comment.parse::<Tag>().is_ok_and(|tag| tag.session_id == session_id);
        let mut rows = self.current.users.iter().filter(|user| user.name == name).filter(is_of_session);
        let (used_secs, used_bytes) = rows.next().map(|user| self.current.used(user)).unwrap_or_default();
        let is_online = self.current.logins.iter().any(|login| login.user == name)
            || self.current.hosts.iter().any(|host| host.mac == mac && host.is_bypassed);
        Usage { is_online, used_secs, used_bytes }
    }
}

/// Makes the profiles, then works on the devices. The result of each is for itself: a profile that the
/// router refuses concerns the devices of that package only.
///
/// # Errors
/// A fault of the link while the profiles are made.
pub(super) async fn carry_out(
    hotspot: &Hotspot,
    work: &Work,
    seen: &Seen<'_>,
    before: &BTreeMap<MacAddr, Usage>,
) -> Result<BTreeMap<MacAddr, Result<Usage, RouterOsError>>, RouterOsError> {
    let mut refused = BTreeMap::new();
    for profile in &work.profiles {
        killpoint!("grant.before_command");
        match hotspot.ensure_profile(&rows::profile_spec(profile)).await {
            Err(error) if error.is_link_fault() => return Err(error),
            Err(error) => drop(refused.insert(profile.name(), error)),
            Ok(_) => {}
        }
        killpoint!("grant.after_command");
    }
    let refused = &refused;
    let mut devices = Vec::with_capacity(work.devices.len());
    for (mac, commands) in &work.devices {
        devices.push(async move {
            let profiles = commands.iter().filter_map(profile_of);
            let result = match profiles.filter_map(|profile| refused.get(profile)).next() {
                Some(error) => Err(error.clone()),
                None => device(hotspot, commands, seen, before.get(mac).copied().unwrap_or_default()).await,
            };
            (*mac, result)
        });
    }
    Ok(stream::iter(devices).buffer_unordered(DEVICES_AT_ONCE).collect().await)
}

/// The profile a command refers to.
fn profile_of(command: &Command) -> Option<&str> {
    match command {
        Command::AddUser(spec) | Command::UpdateUser { spec, .. } => Some(&spec.profile),
        _ => None,
    }
}

/// One device, its commands in order. Returns what is known of it afterwards.
async fn device(
    hotspot: &Hotspot,
    commands: &[Command],
    seen: &Seen<'_>,
    mut usage: Usage,
) -> Result<Usage, RouterOsError> {
    for command in commands {
        let is_letting_on = lets_on(command);
        if is_letting_on {
            killpoint!("grant.before_command");
        } else {
            killpoint!("expiry.before_command");
        }
        match command {
            Command::EnsureProfile(profile) => {
                hotspot.ensure_profile(&rows::profile_spec(profile)).await?;
            }
            Command::RemoveUser { mac } => {
                let known = seen.users_of(*mac);
                hotspot.remove_user(*mac, Some(&known)).await?;
                // The next row counts from zero.
                usage = Usage::default();
            }
            Command::AddUser(spec) => {
                hotspot.ensure_user(&rows::user_spec(spec), None).await?;
                usage = Usage { is_online: usage.is_online, ..Usage::default() };
            }
            Command::UpdateUser { id, spec } => {
                let known = seen.users.iter().find(|user| user.id == *id);
                hotspot.ensure_user(&rows::user_spec(spec), known).await?;
            }
            Command::Kick { login_id, .. } => {
                hotspot.kick(login_id).await?;
                usage.is_online = false;
            }
            Command::Login { mac, .. } => usage.is_online = log_in(hotspot, *mac, seen).await?,
            Command::ClearStuckHost { host_id, .. } => hotspot.clear_host(host_id).await?,
        }
        if is_letting_on {
            killpoint!("grant.after_command");
        } else {
            killpoint!("expiry.after_command");
        }
    }
    Ok(usage)
}

/// Whether a command brings a device closer to being on; the others take something away.
const fn lets_on(command: &Command) -> bool {
    match command {
        Command::EnsureProfile(_) | Command::AddUser(_) | Command::UpdateUser { .. } | Command::Login { .. } => true,
        Command::RemoveUser { .. } | Command::Kick { .. } | Command::ClearStuckHost { .. } => false,
    }
}

async fn log_in(hotspot: &Hotspot, mac: MacAddr, seen: &Seen<'_>) -> Result<bool, RouterOsError> {
    // Logins from before have been ended by the plan.
    let state = DeviceState { users: Vec::new(), active: Vec::new(), hosts: seen.hosts_of(mac) };
    match hotspot.login_active(mac, &state, false).await? {
        LoginOutcome::Online(_) | LoginOutcome::Bypassed => Ok(true),
        LoginOutcome::ReadyReconnect => Ok(false),
        LoginOutcome::HostCleared { reason } => {
            tracing::info!(mac = %mac.masked(), reason, "the router would not log the device in; its host entry was cleared");
            Ok(false)
        }
    }
}
