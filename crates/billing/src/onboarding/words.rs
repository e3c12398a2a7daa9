//! What the owner reads about a plan: what is there, what would be changed, what was done.

use super::{
    facts::Facts,
    findings::Preflight,
    plan::{Plan, Step, login_by},
};

/// What is on the router now and is concerned. `lost` are the login pages that could not be kept.
#[must_use]
pub(super) fn existing(facts: &Facts, plan: &Plan, lost: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for server in &facts.servers {
        let profile = facts.profile(&server.profile);
        let ways = profile.map(|profile| profile.login_by.join(", ")).unwrap_or_default();
        let directory = profile.map(|profile| profile.directory.clone()).unwrap_or_default();
        let off = if server.is_disabled { " (switched off)" } else { "" };
        let (name, interface, profile) = (&server.name, &server.interface, &server.profile);
        lines.push(format!(
            "Hotspot {name} on {interface}{off}: profile {profile}, login by {ways}, pages in {directory}."
        ));
    }
    let own = facts.number("users").unwrap_or(0).saturating_sub(facts.number("users-ours").unwrap_or(0));
    if own > 0 {
        lines.push(format!("Hotspot users that are not Bando's: {own}. They stay as they are."));
    }
    if let Some(bindings) = facts.number("bindings").filter(|count| *count > 0) {
        lines.push(format!("Address bindings: {bindings}. They stay as they are."));
    }
    if facts.has("user") {
        lines.push("A user bando. It gets a new password.".to_owned());
    }
    for (key, name) in [("api", "The API"), ("ssl", "The encrypted API")] {
        let is_on = facts.is_on(&format!("{key}-disabled")) == Some(false);
        let port = or(facts.text(&format!("{key}-port")), "?");
        let address = facts.text(&format!("{key}-address"));
        let whom = if address.is_empty() { "everybody".to_owned() } else { address.to_owned() };
        lines.push(if is_on { format!("{name} answers {whom} on port {port}.") } else { format!("{name} is off.") });
    }
    let ntp = if facts.is_on("ntp") == Some(true) { "a time server is set" } else { "no time server is set" };
    lines.push(format!("The time zone is {}, and {ntp}.", or(facts.text("zone"), "not set")));
    for page in plan.pages() {
        lines.push(if lost.iter().any(|lost| lost == page) {
            format!(
                "The login page {page}. It is too large to be kept and is replaced: copy it from Files to your computer \
                 first, if you may want it back."
            )
        } else {
            format!("The login page {page}, if there is one. It is kept, so that it can be put back.")
        });
    }
    lines
}

/// What became of taking back, when these login pages could not be kept.
#[must_use]
pub(super) fn undone(lost: &[String]) -> String {
    if lost.is_empty() {
        return "Everything was taken back. The router is as it was before.".to_owned();
    }
    format!(
        "Everything was taken back, except for the login page {}: it was too large to be kept. Put your own copy in its \
         place under Files.",
        lost.join(", ")
    )
}

/// What will be changed.
#[must_use]
pub(super) fn planned(preflight: &Preflight<'_>) -> Vec<String> {
    preflight.plan.steps.iter().flat_map(|step| planned_step(*step, preflight)).collect()
}

fn planned_step(step: Step, Preflight { facts, plan, site, zone, .. }: &Preflight<'_>) -> Vec<String> {
    let line = match step {
        Step::User => format!(
            "Make the user bando with few rights and a password of its own; it can only come from {}.",
            or(&plan.sources, "everywhere")
        ),
        Step::Encryption => {
            let narrows = if narrows(facts, "ssl") { " It answered everybody until now." } else { "" };
            format!(
                "Switch on the encrypted API for {}, with a certificate made on the router.{narrows}",
                or(&plan.sources, "everybody")
            )
        }
        Step::Tunnel => {
            let narrows = if narrows(facts, "api") {
                " The API answered everybody until now and will answer the server only."
            } else {
                ""
            };
            format!(
                "Make a WireGuard tunnel named bando to the server, and answer the server's API calls inside it only.{narrows}"
            )
        }
        Step::Firewall => "Add a firewall rule that lets the server in, before the rules that drop.".to_owned(),
        Step::Pull => "Add a script that asks the server every few seconds what is to be done.".to_owned(),
        Step::Hotspot => {
            let interface = plan.new_hotspot.as_ref().map(|new| new.interface.clone()).unwrap_or_default();
            format!("Make a hotspot on {interface}. Whoever is on {interface} then has to pay or use a code to get on.")
        }
        Step::Profile => {
            return plan
                .hotspots
                .iter()
                .map(|hotspot| {
                    let ways = login_by(&hotspot.profile).join(", ");
                    format!("Profile {}: login by {ways}; pages in {}.", hotspot.profile.name, hotspot.directory)
                })
                .collect();
        }
        Step::Page => format!("Write the login page that leads to {} to {}.", site.public_url, plan.pages().join(", ")),
        Step::Garden => {
            let inside =
                if plan.is_server_inside { " The server is among the customers and will not have to pay." } else { "" };
            format!("Open {}, and nothing else, to those who have not paid.{inside}", site.host)
        }
        Step::Reaper => "Add a script that ends paid time every minute.".to_owned(),
        Step::Clock => format!("Set the time zone {zone}, and a time server if there is none."),
        Step::Fasttrack => "Add firewall rules before FastTrack for customers, so that speed limits work.".to_owned(),
    };
    vec![line]
}

/// Whether a service that answers everybody will answer the server only.
fn narrows(facts: &Facts, key: &str) -> bool {
    facts.is_on(&format!("{key}-disabled")) == Some(false) && facts.text(&format!("{key}-address")).is_empty()
}

/// Title of a step, and what to do when it fails.
#[must_use]
pub(super) const fn of_step(step: Step) -> (&'static str, &'static str) {
    match step {
        Step::User => ("API user", "Log in to the router as a user of the group full and paste the line again."),
        Step::Encryption => (
            "Encrypted API",
            "Wait a minute and paste the line again; small boards need long to make a certificate. If it stays, set the router up through the tunnel.",
        ),
        Step::Tunnel => (
            "Tunnel to the server",
            "Paste the line again. If it stays, upgrade the router: /system package update install",
        ),
        Step::Firewall => ("Firewall", "Add a rule by hand that lets the server in: /ip firewall filter"),
        Step::Pull => {
            ("Asking the server", "Log in to the router as a user of the group full and paste the line again.")
        }
        Step::Hotspot => ("Hotspot", "Make one by hand and paste the line again: /ip hotspot setup"),
        Step::Profile => {
            ("Hotspot profile", "Paste the line again. If it stays, compare with: /ip hotspot profile print")
        }
        Step::Page => ("Login page", "Check that the router has free space, and paste the line again."),
        Step::Garden => {
            ("Open portal", "Paste the line again. If it stays, compare with: /ip hotspot walled-garden ip print")
        }
        Step::Reaper => (
            "End of paid time",
            "It works without; the server and the limit on connected time end it. Paste the line again after an upgrade.",
        ),
        Step::Clock => ("Clock", "Set it by hand: /system clock and /system ntp client"),
        Step::Fasttrack => (
            "FastTrack",
            "Switch FastTrack off, or speed limits will not work: /ip firewall filter disable [find action=fasttrack-connection]",
        ),
    }
}

/// What was done, when a step went well.
#[must_use]
pub(super) fn done(step: Step, preflight: &Preflight<'_>) -> String {
    match step {
        Step::User => "The user bando is there.".to_owned(),
        Step::Encryption => "The encrypted API is on, and its certificate is remembered.".to_owned(),
        Step::Tunnel => "The router's end of the tunnel is there.".to_owned(),
        Step::Firewall => "The server is let in.".to_owned(),
        Step::Pull => "The router asks the server from now on.".to_owned(),
        Step::Hotspot => "The hotspot is there.".to_owned(),
        Step::Profile => "Devices that have paid are let in by their address.".to_owned(),
        Step::Page => format!("Customers are led to {}.", preflight.site.public_url),
        Step::Garden => "The portal is open to everybody at the hotspot.".to_owned(),
        Step::Reaper => "The script runs every minute.".to_owned(),
        Step::Clock => format!("The time zone is {}.", preflight.zone),
        Step::Fasttrack => "Customers are exempted from FastTrack.".to_owned(),
    }
}

pub(super) fn or<'a>(text: &'a str, instead: &'a str) -> &'a str {
    if text.is_empty() { instead } else { text }
}

pub(super) fn duration(secs: i64) -> String {
    match secs {
        secs if secs < 7200 => format!("{} minutes", secs / 60),
        secs if secs < 172_800 => format!("{} hours", secs / 3600),
        secs => format!("{} days", secs / 86_400),
    }
}
