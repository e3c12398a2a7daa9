//! The scripts a router runs, made from the templates in `hotspot/` and what the router said about itself.

use std::net::Ipv4Addr;

use super::{
    facts::{Facts, words},
    plan::{Plan, Step, login_by},
    site::{Site, TunnelSite},
    template::{Form, TemplateError, render},
};

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../../../../hotspot/", $name))
    };
}
pub(super) use template;

/// What the scripts of one run are made of.
#[derive(Debug, Clone, Copy)]
pub struct Kit<'a> {
    /// What the router said.
    pub facts: &'a Facts,
    /// What will be done, or was.
    pub plan: &'a Plan,
    /// Where this server is.
    pub site: &'a Site,
    /// The address of this run, without a slash at its end.
    pub base: &'a str,
    /// Whether the router can check the server's certificate.
    pub is_checked: bool,
    /// The owner's time zone.
    pub zone: &'a str,
    /// The port the server will connect to.
    pub port: u16,
}

/// What the router asked and what is there.
pub const LOOKS: [&str; 3] = ["look", "look-network", "look-hotspot"];
/// The beginning of the names of the looks at login pages; the number of the page follows.
pub const LOOK_PAGE: &str = "look-page-";
/// Time servers for routers that have none.
const TIME_SERVERS: &str = "pool.ntp.org,time.cloudflare.com";
const TIME_SERVER: &str = "pool.ntp.org";
const REAPER: &str = template!("bando-reap.rsc");

/// The script that asks the server what to do.
///
/// # Errors
/// [`TemplateError`].
pub fn agent(intro: &str, base: &str, is_checked: bool) -> Result<String, TemplateError> {
    // The introduction also stands in a comment, so it has to be one line.
    let intro: String = intro.chars().filter(|c| !c.is_control()).collect();
    let values = [("INTRO", intro.as_str()), ("BASE", base), ("CHECK", check(is_checked))];
    render(template!("setup.rsc"), &values, Form::Script)
}

/// A script that says something and stops.
///
/// # Errors
/// [`TemplateError`].
pub fn say(words: &str) -> Result<String, TemplateError> {
    render(template!("say.rsc"), &[("WORDS", words)], Form::Script)
}

pub(super) const fn check(is_checked: bool) -> &'static str {
    if is_checked { "yes-without-crl" } else { "no" }
}

/// A script that only looks.
///
/// # Errors
/// [`TemplateError`].
pub fn look(name: &str, site: &Site, page: Option<&str>) -> Result<Option<String>, TemplateError> {
    match (name, page) {
        ("look", _) => Ok(Some(template!("steps/look.rsc").to_owned())),
        ("look-network", _) => {
            render(template!("steps/look-network.rsc"), &[("HOST", &site.host)], Form::Script).map(Some)
        }
        ("look-hotspot", _) => Ok(Some(template!("steps/look-hotspot.rsc").to_owned())),
        (_, Some(page)) => render(template!("steps/look-page.rsc"), &[("PAGE", page)], Form::Script).map(Some),
        _ => Ok(None),
    }
}

/// The login page for one portal.
///
/// # Errors
/// [`TemplateError`].
pub fn login_page(site: &Site, slug: &str) -> Result<String, TemplateError> {
    render(template!("login.html"), &[("PORTAL", &site.public_url), ("ROUTER", slug)], Form::Plain)
}

/// The script that installs the agent that asks the server.
///
/// # Errors
/// [`TemplateError`].
pub fn pull(source: &str) -> Result<String, TemplateError> {
    render(template!("steps/pull.rsc"), &[("SOURCE", source)], Form::Script)
}

/// What a step needs beside the [`Kit`].
#[derive(Debug, Clone, Copy)]
pub enum Extra<'a> {
    /// Nothing.
    None,
    /// The password of the API user.
    Password(&'a str),
    /// The server's end of the tunnel and the router's address in it.
    Tunnel(&'a TunnelSite, Ipv4Addr),
}

impl Kit<'_> {
    /// The script of one step that changes something. Those for the agent that asks the server are made elsewhere.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn step(&self, step: Step, extra: Extra<'_>) -> Result<String, TemplateError> {
        let mut out = String::new();
        match (step, extra) {
            (Step::User, Extra::Password(password)) => {
                let sources = self.plan.sources.as_str();
                add(&mut out, template!("steps/user.rsc"), &[("PASSWORD", password), ("SOURCES", sources)])?;
            }
            (Step::Encryption, _) => self.encryption(&mut out)?,
            (Step::Tunnel, Extra::Tunnel(tunnel, address)) => self.tunnel(&mut out, tunnel, address)?,
            (Step::Firewall, _) => self.firewall(&mut out)?,
            (Step::Hotspot, _) => self.hotspot(&mut out)?,
            (Step::Profile, _) => self.profiles(&mut out)?,
            (Step::Page, _) => self.pages(&mut out)?,
            (Step::Garden, _) => self.garden(&mut out)?,
            (Step::Reaper, _) => add(&mut out, template!("steps/reaper.rsc"), &[("SOURCE", REAPER)])?,
            (Step::Clock, _) => self.clock(&mut out)?,
            (Step::Fasttrack, _) => {
                for hotspot in &self.plan.hotspots {
                    let interface = hotspot.server.interface.as_str();
                    let rules = render(template!("steps/fasttrack.rsc"), &[("INTERFACE", interface)], Form::Script)?;
                    // A block of its own, because the names inside are used again.
                    out.push_str(&format!(":do {{\n{rules}}}\n"));
                }
            }
            (Step::Pull | Step::User | Step::Tunnel, _) => {}
        }
        Ok(out)
    }

    fn encryption(&self, out: &mut String) -> Result<(), TemplateError> {
        let own = self.own_certificate();
        if own.is_none() {
            add(out, template!("steps/certificate.rsc"), &[])?;
        }
        let address = with_sources(self.facts.text("ssl-address"), &self.plan.sources);
        let values = [("CERTIFICATE", own.unwrap_or("bando-api")), ("ADDRESS", &address)];
        add(out, template!("steps/encryption.rsc"), &values)
    }

    /// A certificate that the owner's encrypted API already has.
    fn own_certificate(&self) -> Option<&str> {
        let is_on = self.facts.is_on("ssl-disabled") == Some(false);
        self.facts
            .get("ssl-certificate")
            .filter(|name| is_on && !name.is_empty() && !matches!(*name, "none" | "*0" | "bando-api"))
    }

    fn tunnel(&self, out: &mut String, tunnel: &TunnelSite, address: Ipv4Addr) -> Result<(), TemplateError> {
        let api_address = with_sources(self.facts.text("api-address"), &self.plan.sources);
        let values = [
            ("PUBLIC_KEY", tunnel.public_key.as_str()),
            ("ENDPOINT_HOST", &tunnel.endpoint_host),
            ("ENDPOINT_PORT", &tunnel.endpoint_port.to_string()),
            ("SERVER", &tunnel.server().to_string()),
            ("ADDRESS", &address.to_string()),
            ("API_ADDRESS", &api_address),
        ];
        add(out, template!("steps/tunnel.rsc"), &values)
    }

    fn firewall(&self, out: &mut String) -> Result<(), TemplateError> {
        add(out, template!("steps/firewall.rsc"), &[])?;
        for source in words(&self.plan.sources) {
            let values = [("PORT", self.port.to_string()), ("SOURCE", source)];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            add(out, template!("steps/firewall-source.rsc"), &values)?;
        }
        add(out, template!("steps/firewall-end.rsc"), &[])
    }

    fn hotspot(&self, out: &mut String) -> Result<(), TemplateError> {
        let (Some(new), Some(hotspot)) = (&self.plan.new_hotspot, self.plan.hotspots.first()) else { return Ok(()) };
        let values = [
            ("ADDRESS", new.address.to_string()),
            ("DIRECTORY", hotspot.directory.clone()),
            ("INTERFACE", new.interface.clone()),
            ("POOL", new.pool.clone()),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        add(out, template!("steps/hotspot.rsc"), &values)
    }

    fn profiles(&self, out: &mut String) -> Result<(), TemplateError> {
        for hotspot in &self.plan.hotspots {
            let profile = hotspot.profile.name.as_str();
            let ways = login_by(&hotspot.profile).join(",");
            let values = [("PROFILE", profile), ("LOGIN_BY", &ways), ("DIRECTORY", &hotspot.directory)];
            add(out, template!("steps/profile.rsc"), &values)?;
            if hotspot.drops_queue {
                add(out, template!("steps/queue.rsc"), &[("PROFILE", profile)])?;
            }
            add(out, template!("steps/server.rsc"), &[("SERVER", &hotspot.server.name)])?;
        }
        Ok(())
    }

    fn pages(&self, out: &mut String) -> Result<(), TemplateError> {
        for page in self.plan.pages() {
            let Some(hotspot) = self.plan.hotspots.iter().find(|hotspot| hotspot.page == page) else { continue };
            let directory = page.strip_suffix("/login.html").unwrap_or(&hotspot.directory);
            let values = [
                ("DIRECTORY_PATTERN", pattern(directory)),
                ("SERVER", hotspot.server.name.clone()),
                ("URL", format!("{}/login.html", self.base)),
                ("CHECK", check(self.is_checked).to_owned()),
                ("PAGE", page.to_owned()),
            ];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            let script = render(template!("steps/page.rsc"), &values, Form::Script)?;
            out.push_str(&format!(":do {{\n{script}}}\n"));
        }
        Ok(())
    }

    fn garden(&self, out: &mut String) -> Result<(), TemplateError> {
        let port = self.site.port.to_string();
        add(out, template!("steps/garden.rsc"), &[("HOST", &self.site.host)])?;
        if let Some(portal) = self.plan.portal {
            let portal = portal.to_string();
            add(out, template!("steps/garden-address.rsc"), &[("PORT", &port), ("ADDRESS", &portal)])?;
            if self.plan.is_server_inside {
                add(out, template!("steps/bypass.rsc"), &[("ADDRESS", &portal)])?;
            }
        }
        // A name may get another address; the router follows it.
        if self.site.address().is_none() {
            add(out, template!("steps/garden-name.rsc"), &[("PORT", &port), ("HOST", &self.site.host)])?;
        }
        add(out, template!("steps/garden-end.rsc"), &[])
    }

    fn clock(&self, out: &mut String) -> Result<(), TemplateError> {
        add(out, template!("steps/zone.rsc"), &[("ZONE", self.zone)])?;
        match ntp(self.facts) {
            Ntp::Set => Ok(()),
            Ntp::Missing => add(out, template!("steps/ntp.rsc"), &[("SERVERS", TIME_SERVERS)]),
            Ntp::MissingOld => {
                add(out, template!("steps/ntp-old.rsc"), &[("SERVERS", TIME_SERVER), ("SERVER", TIME_SERVER)])
            }
        }
    }
}

/// How the router keeps time.
pub(super) enum Ntp {
    /// It asks a time server.
    Set,
    /// It asks none; release 7.
    Missing,
    /// It asks none; release 6.
    MissingOld,
}

pub(super) fn ntp(facts: &Facts) -> Ntp {
    let is_named = |key: &str| facts.get(key).is_some_and(|value| !matches!(value, "" | "0.0.0.0"));
    if facts.is_on("ntp") == Some(true) && ["ntp-servers", "ntp-primary", "ntp-names"].into_iter().any(is_named) {
        return Ntp::Set;
    }
    if facts.get("ntp-servers").is_some() { Ntp::Missing } else { Ntp::MissingOld }
}

pub(super) fn add(out: &mut String, template: &str, values: &[(&str, &str)]) -> Result<(), TemplateError> {
    out.push_str(&render(template, values, Form::Script)?);
    Ok(())
}

pub(super) fn yes_no(value: &str) -> &'static str {
    if matches!(value, "true" | "yes") { "yes" } else { "no" }
}

/// Who may use a service: whoever may now, and the server. A service that was open to all serves the server only.
fn with_sources(existing: &str, sources: &str) -> String {
    let mut all = words(existing);
    for source in words(sources) {
        if !all.contains(&source) {
            all.push(source);
        }
    }
    all.join(",")
}

/// A name as it stands in a regular expression.
fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_alphanumeric() && !matches!(c, '/' | '-' | '_' | ' ') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
