//! From what a router said to what would be changed: pure, so that the owner sees exactly what will be done.

use std::net::Ipv4Addr;

use super::{
    facts::{Facts, Profile, Server},
    site::{SetupReach, Site},
};

/// One step that changes something, in the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The API user and its rights.
    User,
    /// The router's certificate and its encrypted API.
    Encryption,
    /// The WireGuard tunnel.
    Tunnel,
    /// The firewall's door for the server.
    Firewall,
    /// The agent that asks the server.
    Pull,
    /// A hotspot where there is none.
    Hotspot,
    /// How devices log in.
    Profile,
    /// The login page.
    Page,
    /// The walled garden.
    Garden,
    /// The script that ends paid time.
    Reaper,
    /// Time server and time zone.
    Clock,
    /// Rules before the fast track.
    Fasttrack,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 12] = [
        Self::User,
        Self::Encryption,
        Self::Tunnel,
        Self::Firewall,
        Self::Pull,
        Self::Hotspot,
        Self::Profile,
        Self::Page,
        Self::Garden,
        Self::Reaper,
        Self::Clock,
        Self::Fasttrack,
    ];

    /// The word in addresses and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Encryption => "encryption",
            Self::Tunnel => "tunnel",
            Self::Firewall => "firewall",
            Self::Pull => "pull",
            Self::Hotspot => "hotspot",
            Self::Profile => "profile",
            Self::Page => "page",
            Self::Garden => "garden",
            Self::Reaper => "reaper",
            Self::Clock => "clock",
            Self::Fasttrack => "fasttrack",
        }
    }

    /// The step a word names.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }

    /// Whether nothing works without it.
    #[must_use]
    pub const fn is_needed(self) -> bool {
        !matches!(self, Self::Firewall | Self::Reaper | Self::Clock | Self::Fasttrack)
    }
}

/// A hotspot as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hotspot {
    /// The server as it is; for one that will be made, as it will be.
    pub server: Server,
    /// Its profile as it is; for one that will be made, as it will be.
    pub profile: Profile,
    /// `html-directory` as it will be.
    pub directory: String,
    /// Where the login page is written.
    pub page: String,
    /// Whether a queue for all customers together is switched off.
    pub drops_queue: bool,
}

/// A hotspot to make, because there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHotspot {
    /// The router's address there.
    pub address: Ipv4Addr,
    /// The interface.
    pub interface: String,
    /// The pool of addresses.
    pub pool: String,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// Every hotspot concerned.
    pub hotspots: Vec<Hotspot>,
    /// The one to make.
    pub new_hotspot: Option<NewHotspot>,
    /// Addresses the server connects from, as RouterOS lists them.
    pub sources: String,
    /// The portal's address, when it is known.
    pub portal: Option<Ipv4Addr>,
    /// Whether the server sits among the customers.
    pub is_server_inside: bool,
}

/// Names of what we make where there is none.
pub const NEW_HOTSPOT: &str = "bando-hotspot";

impl Plan {
    /// What will be done on a router with these facts.
    #[must_use]
    pub fn new(facts: &Facts, reach: SetupReach, site: &Site) -> Self {
        let new_hotspot = new_hotspot(facts);
        let hotspots = hotspots(facts, new_hotspot.as_ref());
        let portal = site.address().or_else(|| facts.text("portal").parse().ok());
        let sources = sources(reach, site, portal);
        let is_server_inside = portal.is_some_and(|portal| {
            let interfaces: Vec<&str> = hotspots.iter().map(|hotspot| hotspot.server.interface.as_str()).collect();
            let beside = |address: &&super::facts::Address| address.is_beside(portal) && address.ip != portal;
            facts.addresses.iter().filter(beside).any(|address| interfaces.contains(&address.interface.as_str()))
        });
        let wanted = |step: &Step| match step {
            Step::User => reach != SetupReach::Pull,
            Step::Encryption => reach == SetupReach::Direct,
            Step::Tunnel => reach == SetupReach::Tunnel,
            Step::Firewall => reach != SetupReach::Pull && facts.has("input-drop"),
            Step::Pull => reach == SetupReach::Pull,
            Step::Hotspot => new_hotspot.is_some(),
            Step::Reaper => can_reap(facts),
            Step::Fasttrack => facts.has("fasttrack"),
            Step::Profile | Step::Page | Step::Garden | Step::Clock => true,
        };
        let steps = Step::ALL.into_iter().filter(wanted).collect();
        Self { steps, hotspots, new_hotspot, sources, portal, is_server_inside }
    }

    /// The login pages, each once.
    #[must_use]
    pub fn pages(&self) -> Vec<&str> {
        let mut pages: Vec<&str> = Vec::new();
        for hotspot in &self.hotspots {
            if !pages.contains(&hotspot.page.as_str()) {
                pages.push(&hotspot.page);
            }
        }
        pages
    }
}

/// Whether the router can end paid time by a script: it knows the time as a number and may run schedules.
#[must_use]
pub fn can_reap(facts: &Facts) -> bool {
    facts.number("epoch").is_some() && facts.is_on("mode-scheduler") != Some(false)
}

fn sources(reach: SetupReach, site: &Site, portal: Option<Ipv4Addr>) -> String {
    match (reach, &site.tunnel) {
        (SetupReach::Tunnel, Some(tunnel)) => format!("{}/32", tunnel.server()),
        _ if !site.sources.is_empty() => site.sources.join(","),
        _ => portal.map(|portal| format!("{portal}/32")).unwrap_or_default(),
    }
}

/// Where a hotspot can be made without asking: there is exactly one network that gives out addresses.
fn new_hotspot(facts: &Facts) -> Option<NewHotspot> {
    if !facts.has_hotspot || !facts.servers.is_empty() {
        return None;
    }
    let mut candidates = facts.dhcp.iter().filter(|dhcp| !dhcp.is_disabled && dhcp.pool != "static-only");
    let (Some(only), None) = (candidates.next(), candidates.next()) else { return None };
    let address = facts.addresses.iter().find(|address| address.interface == only.interface)?;
    Some(NewHotspot { address: address.ip, interface: only.interface.clone(), pool: only.pool.clone() })
}

fn hotspots(facts: &Facts, new: Option<&NewHotspot>) -> Vec<Hotspot> {
    if let Some(new) = new {
        let server = Server {
            name: NEW_HOTSPOT.to_owned(),
            interface: new.interface.clone(),
            profile: NEW_HOTSPOT.to_owned(),
            is_disabled: false,
            addresses_per_mac: "2".to_owned(),
            login_timeout: "none".to_owned(),
        };
        let profile = Profile {
            name: NEW_HOTSPOT.to_owned(),
            login_by: ["mac", "http-pap", "cookie"].map(str::to_owned).to_vec(),
            mac_auth_mode: "mac-as-username".to_owned(),
            directory: directory(facts, "hotspot"),
            uses_radius: false,
        };
        return vec![hotspot(facts, server, profile)];
    }
    let running = facts.servers.iter().filter(|server| !server.is_disabled);
    running.filter_map(|server| Some(hotspot(facts, server.clone(), facts.profile(&server.profile)?.clone()))).collect()
}

fn hotspot(facts: &Facts, server: Server, profile: Profile) -> Hotspot {
    let directory = directory(facts, &profile.directory);
    let instead = facts.text(&format!("override\t{}", profile.name)).trim_matches('/');
    let is_instead = !instead.is_empty() && facts.has(&format!("override-page\t{}", profile.name));
    let page = format!("{}/login.html", if is_instead { instead } else { &directory });
    let drops_queue = facts.is_on(&format!("queue\t{}", profile.name)) == Some(true);
    Hotspot { server, profile, directory, page, drops_queue }
}

/// On boards with a `flash` folder everything outside of it is gone after a restart.
fn directory(facts: &Facts, wanted: &str) -> String {
    let wanted = if wanted.is_empty() { "hotspot" } else { wanted };
    if facts.has("flash") && !wanted.starts_with("flash/") && wanted != "flash" {
        return format!("flash/{wanted}");
    }
    wanted.to_owned()
}

/// What `login-by` becomes: what is there stays, so that nobody's own customers are shut out.
#[must_use]
pub fn login_by(profile: &Profile) -> Vec<String> {
    let mut ways: Vec<String> = ["mac", "http-pap", "cookie"].map(str::to_owned).to_vec();
    ways.extend(profile.login_by.iter().filter(|way| !matches!(way.as_str(), "mac" | "http-pap" | "cookie")).cloned());
    ways
}
