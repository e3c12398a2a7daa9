//! Carrying out a plan: commands of one device in their order, several devices at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use domain::{
    MacAddr, SessionId,
    access::{Command, Current, LoginRow, Profile, Tag, UserRow},
};
use futures::{StreamExt, stream};
use routeros_api::{
    Hotspot, RouterOsError,
    hotspot::{DeviceState, Host, LoginOutcome, RouterState, User},
};

use super::rows;
use crate::{
    db::session_devices::{Usage, WorkRecord},
    killpoint::killpoint,
};

/// Devices worked on at a time over one connection. Small routers have few API workers.
const DEVICES_AT_ONCE: usize = 3;
/// When this many devices one after the other fail for a reason that lies in the router, the others are not tried.
const FAILURES: u32 = 6;

/// What is to be done for one device, with what the router has of it.
#[derive(Debug)]
pub(super) struct Job {
    /// `None` for a row of ours that nobody knows.
    pub device: Option<WorkRecord>,
    /// In order.
    pub commands: Vec<Command>,
    pub users: Vec<User>,
    pub hosts: Vec<Host>,
    /// Before any command.
    pub usage: Usage,
    /// The instant for which the commands were made.
    pub planned_at: DateTime<Utc>,
}

/// Sorts the commands of a plan: the profiles, and what is to be done for each device, in the plan's order.
pub(super) fn sort(commands: Vec<Command>) -> (Vec<Profile>, Vec<(MacAddr, Vec<Command>)>) {
    let mut profiles = Vec::new();
    let mut devices: Vec<(MacAddr, Vec<Command>)> = Vec::new();
    let mut places: BTreeMap<MacAddr, usize> = BTreeMap::new();
    for command in commands {
        let mac = match &command {
            Command::EnsureProfile(profile) => {
                profiles.push(*profile);
                continue;
            }
            Command::AddUser(spec) | Command::UpdateUser { spec, .. } => spec.mac,
            Command::RemoveUser { mac }
            | Command::Kick { mac, .. }
            | Command::Login { mac, .. }
            | Command::ClearStuckHost { mac, .. } => *mac,
        };
        let place = *places.entry(mac).or_insert(devices.len());
        match devices.get_mut(place) {
            Some((_, commands)) => commands.push(command),
            None => devices.push((mac, vec![command])),
        }
    }
    (profiles, devices)
}

/// What the router has of devices, by device.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    users: BTreeMap<MacAddr, Vec<&'a User>>,
    hosts: BTreeMap<MacAddr, Vec<&'a Host>>,
}

impl<'a> Seen<'a> {
    pub(super) fn router(state: &'a RouterState) -> Self {
        Self::new(&state.users, &state.hosts)
    }

    pub(super) fn device(state: &'a DeviceState) -> Self {
        Self::new(&state.users, &state.hosts)
    }

    fn new(users: &'a [User], hosts: &'a [Host]) -> Self {
        let mut seen = Self::default();
        for user in users {
            if let Ok(mac) = user.name.parse() {
                seen.users.entry(mac).or_default().push(user);
            }
        }
        for host in hosts {
            if let Some(mac) = host.mac {
                seen.hosts.entry(mac).or_default().push(host);
            }
        }
        seen
    }

    pub(super) fn users_of(&self, mac: MacAddr) -> Vec<User> {
        self.users.get(&mac).into_iter().flatten().copied().cloned().collect()
    }

    pub(super) fn hosts_of(&self, mac: MacAddr) -> Vec<Host> {
        self.hosts.get(&mac).into_iter().flatten().copied().cloned().collect()
    }
}

/// What is read of devices by the name of their user: rows and running logins.
#[derive(Debug, Default)]
pub(super) struct Uses<'a> {
    rows: BTreeMap<&'a str, (Vec<&'a UserRow>, Vec<&'a LoginRow>)>,
    bypassed: BTreeSet<MacAddr>,
}

impl<'a> Uses<'a> {
    pub(super) fn new(current: &'a Current) -> Self {
        let mut uses = Self::default();
        for user in &current.users {
            uses.rows.entry(&user.name).or_default().0.push(user);
        }
        for login in &current.logins {
            uses.rows.entry(&login.user).or_default().1.push(login);
        }
        uses.bypassed = current.hosts.iter().filter(|host| host.is_bypassed).map(|host| host.mac).collect();
        uses
    }

    /// What a device had used under a session and whether it was on, before any command. A row of an earlier
    /// session counts for nothing.
    pub(super) fn of(&self, mac: MacAddr, session_id: SessionId) -> Usage {
        let name = mac.to_string();
        let is_of_session =
            |user: &&&UserRow| user.comment.parse::<Tag>().is_ok_and(|tag| tag.session_id == session_id);
        let (users, logins) = match self.rows.get(name.as_str()) {
            Some((users, logins)) => (users.as_slice(), logins.as_slice()),
            None => (&[][..], &[][..]),
        };
        let row = users.iter().find(is_of_session);
        Usage {
            is_online: !logins.is_empty() || self.bypassed.contains(&mac),
            counters: row.map(|row| row.counters(logins.iter().copied())),
            is_row_new: false,
        }
    }
}

/// Makes the profiles. The refusal of each is for itself: it concerns the devices of that package only.
///
/// # Errors
/// A fault of the link.
pub(super) async fn ensure_profiles(
    hotspot: &Hotspot,
    profiles: &[Profile],
) -> Result<BTreeMap<String, RouterOsError>, RouterOsError> {
    let mut refused = BTreeMap::new();
    for profile in profiles {
        killpoint!("grant.before_command");
        match hotspot.ensure_profile(&rows::profile_spec(profile)).await {
            Err(error) if error.is_link_fault() => return Err(error),
            Err(error) => drop(refused.insert(profile.name(), error)),
            Ok(_) => {}
        }
        killpoint!("grant.after_command");
    }
    Ok(refused)
}

/// Works on devices, several at a time; what became of each, in their order. When one after the other fails for
/// a reason that lies in the router, such as rights that were taken away, the rest is not tried.
pub(super) async fn carry_out(
    hotspot: &Hotspot,
    jobs: &[Job],
    refused: &BTreeMap<String, RouterOsError>,
) -> Vec<Result<Usage, RouterOsError>> {
    let failing = Mutex::new((0_u32, None::<RouterOsError>));
    let failing = &failing;
    let mut devices = Vec::with_capacity(jobs.len());
    for job in jobs {
        devices.push(async move {
            let profile = job.commands.iter().filter_map(profile_of).find_map(|profile| refused.get(profile));
            let given_up = locked(failing).1.clone();
            let result = match profile.cloned().or(given_up) {
                Some(error) => return Err(error),
                None => device(hotspot, job).await,
            };
            let mut failing = locked(failing);
            match &result {
                Err(error) if error.is_of_router() => {
                    failing.0 += 1;
                    if failing.0 >= FAILURES || error.is_link_fault() {
                        failing.1 = Some(error.clone());
                    }
                }
                _ => failing.0 = 0,
            }
            result
        });
    }
    stream::iter(devices).buffered(DEVICES_AT_ONCE).collect().await
}

/// A poisoned lock holds a count and an error, which are right at any time.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The profile a command refers to.
fn profile_of(command: &Command) -> Option<&str> {
    match command {
        Command::AddUser(spec) | Command::UpdateUser { spec, .. } => Some(&spec.profile),
        _ => None,
    }
}

/// One device, its commands in order. Returns what is known of it afterwards.
async fn device(hotspot: &Hotspot, job: &Job) -> Result<Usage, RouterOsError> {
    let mut usage = job.usage;
    for command in &job.commands {
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
                hotspot.remove_user(*mac, Some(&job.users)).await?;
                usage = Usage { is_online: false, is_row_new: true, ..usage };
            }
            Command::AddUser(spec) => {
                hotspot.ensure_user(&rows::user_spec(spec), None).await?;
                usage.is_row_new = true;
            }
            Command::UpdateUser { id, spec } => {
                let known = job.users.iter().find(|user| user.id == *id);
                hotspot.ensure_user(&rows::user_spec(spec), known).await?;
            }
            Command::Kick { login_id, .. } => {
                hotspot.kick(login_id).await?;
                usage.is_online = false;
            }
            Command::Login { mac, ip } => usage.is_online |= log_in(hotspot, *mac, ip, &job.hosts).await?,
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

async fn log_in(hotspot: &Hotspot, mac: MacAddr, ip: &str, hosts: &[Host]) -> Result<bool, RouterOsError> {
    // Logins from before have been ended by the plan.
    let hosts = hosts.iter().filter(|host| host.address == ip).cloned().collect();
    let state = DeviceState { users: Vec::new(), active: Vec::new(), hosts };
    match hotspot.login_active(mac, &state, false).await? {
        LoginOutcome::Online(_) | LoginOutcome::Bypassed => Ok(true),
        LoginOutcome::ReadyReconnect => Ok(false),
        // Its next packet may let it on. Until that is seen nothing is delivered, and no time runs.
        LoginOutcome::HostCleared { refusal } => {
            tracing::info!(mac = %mac.masked(), %refusal, "the router would not log the device in; its host entry was cleared");
            Err(refusal)
        }
    }
}
