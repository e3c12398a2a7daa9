//! Everything a test reads, in one go: the router answers a few commands at a time, and one that hangs holds up
//! no other.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::Clock;
use routeros_api::{
    RouterOsError, System,
    system::{
        Clock as RouterClock, DeviceMode, FilterRule, Garden, GardenRule, HotspotServer, License, LoginProfile, Ntp,
        Queue, Resource, Schedule, Script,
    },
};
use tokio::time::Instant;

use crate::{access::REAPER, db::routers::RouterRecord};

type Read<T> = Result<T, RouterOsError>;

/// What was read, each with its own success.
pub(super) struct Readings {
    pub(super) round_trip: Option<Duration>,
    pub(super) identity: Read<String>,
    pub(super) resource: Read<Resource>,
    /// The group's name and its policies; `None` when the account is not in the router's own list.
    pub(super) policies: Read<Option<(String, Vec<String>)>>,
    pub(super) device_mode: Read<Option<DeviceMode>>,
    pub(super) hotspots: Read<Vec<HotspotServer>>,
    pub(super) profiles: Read<Vec<LoginProfile>>,
    pub(super) garden: Read<Vec<GardenRule>>,
    pub(super) garden_ip: Read<Vec<GardenRule>>,
    /// The login page of the first hotspot: its path and text.
    pub(super) page: Read<(String, Option<String>)>,
    pub(super) script: Read<Option<Script>>,
    pub(super) schedule: Read<Option<Schedule>>,
    pub(super) clock: Read<RouterClock>,
    /// The server's own time when the router's clock was read.
    pub(super) clock_at: DateTime<Utc>,
    pub(super) ntp: Read<Ntp>,
    pub(super) forward: Read<Vec<FilterRule>>,
    pub(super) queues: Read<Vec<Queue>>,
    pub(super) license: Read<License>,
    pub(super) users_on: Read<u32>,
}

impl Readings {
    pub(super) async fn take(system: &System, router: &RouterRecord, clock: &dyn Clock) -> Self {
        let begun = Instant::now();
        let identity = system.identity().await;
        let round_trip = identity.is_ok().then(|| begun.elapsed());
        let timed = async { (system.clock().await, clock.now()) };
        let (resource, policies, device_mode, hotspots, profiles, garden, garden_ip, script, schedule) = tokio::join!(
            system.resource(),
            system.policies(&router.username),
            system.device_mode(),
            system.hotspots(),
            system.login_profiles(),
            system.garden(Garden::Http),
            system.garden(Garden::Ip),
            system.script(REAPER),
            system.schedule(REAPER),
        );
        let page = page(system, &hotspots, &profiles);
        let ((clock, clock_at), ntp, forward, queues, license, users_on, page) = tokio::join!(
            timed,
            system.ntp(),
            system.forward_rules(),
            system.queues(),
            system.license(),
            system.count_active(),
            page
        );
        Self {
            round_trip,
            identity,
            resource,
            policies,
            device_mode,
            hotspots,
            profiles,
            garden,
            garden_ip,
            page,
            script,
            schedule,
            clock,
            clock_at,
            ntp,
            forward,
            queues,
            license,
            users_on,
        }
    }

    /// Hotspots that work.
    pub(super) fn running(&self) -> Vec<&HotspotServer> {
        let all = self.hotspots.as_deref().unwrap_or_default();
        all.iter().filter(|server| !server.is_disabled && !server.is_invalid).collect()
    }

    /// The profile of a hotspot.
    pub(super) fn profile(&self, server: &HotspotServer) -> Option<&LoginProfile> {
        self.profiles.as_ref().ok()?.iter().find(|profile| profile.name == server.profile)
    }

    /// Major and minor number of the release, such as 7 and 22.
    pub(super) fn release(&self) -> Option<(u32, u32)> {
        let version = &self.resource.as_ref().ok()?.version;
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
            _ => None,
        }
    }
}

async fn page(
    system: &System,
    hotspots: &Read<Vec<HotspotServer>>,
    profiles: &Read<Vec<LoginProfile>>,
) -> Read<(String, Option<String>)> {
    let running = |server: &&HotspotServer| !server.is_disabled && !server.is_invalid;
    let server = hotspots.as_ref().map_err(Clone::clone)?.iter().find(running);
    let profiles = profiles.as_ref().map_err(Clone::clone)?;
    let profile = server.and_then(|server| profiles.iter().find(|profile| profile.name == server.profile));
    let directory = profile.map_or("hotspot", |profile| profile.html_directory.trim_matches('/'));
    let path = format!("{directory}/login.html");
    let text = system.file(&path).await?;
    Ok((path, text))
}
