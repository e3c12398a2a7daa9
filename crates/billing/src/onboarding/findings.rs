//! What was found on a router before anything is changed, a line each, with what to do.

use chrono::{DateTime, Utc};

use super::{
    facts::Facts,
    plan::{Plan, can_reap},
    site::{SetupReach, Site},
    words::{duration, or},
};

/// One line of the preflight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable word.
    pub name: &'static str,
    /// The same for people.
    pub title: &'static str,
    /// `ok`, `warning`, `wrong` or `unknown`.
    pub state: &'static str,
    /// What was found.
    pub text: String,
    /// What to do.
    pub todo: Option<String>,
}

impl Finding {
    fn new(name: &'static str, title: &'static str, state: &'static str, text: impl Into<String>) -> Self {
        Self { name, title, state, text: text.into(), todo: None }
    }

    fn todo(self, todo: impl Into<String>) -> Self {
        Self { todo: Some(todo.into()), ..self }
    }

    /// Whether nothing can be set up before this is put right.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.state == "wrong"
    }
}

/// What the owner decides about, and when and how it was learnt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preflight<'a> {
    /// What the router said.
    pub facts: &'a Facts,
    /// What would be done.
    pub plan: &'a Plan,
    /// How it will be reached.
    pub reach: SetupReach,
    /// Where this server is.
    pub site: &'a Site,
    /// The owner's time zone.
    pub zone: &'a str,
    /// When the router's clock was read.
    pub reported_at: DateTime<Utc>,
    /// Whether the router could check the server's certificate.
    pub is_checked: bool,
    /// Another router of the owner that is this one, by its serial number.
    pub connected_as: Option<&'a str>,
}

/// Every line of the preflight.
#[must_use]
pub(super) fn findings(preflight: &Preflight<'_>) -> Vec<Finding> {
    let mut found = vec![version(preflight), package(preflight), device_mode(preflight)];
    found.extend(connected_as(preflight));
    found.push(hotspot(preflight));
    found.extend([license(preflight), clock(preflight), reaper(preflight), fasttrack(preflight), pages(preflight)]);
    found.extend([space(preflight), names(preflight), encryption(preflight)]);
    found.extend(own_ways(preflight));
    found
}

fn version(Preflight { facts, reach, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: String| Finding::new("version", "RouterOS", state, text);
    let text = format!("{} with RouterOS {}.", or(facts.text("board"), "A router"), or(facts.text("version"), "?"));
    match facts.version() {
        (6, minor) if minor >= 49 && *reach == SetupReach::Tunnel => {
            finding("wrong", format!("{text} The tunnel needs RouterOS 7."))
                .todo("Upgrade the router to RouterOS 7, or let it ask the server instead.")
        }
        (6, minor) if minor >= 49 => finding(
            "warning",
            format!("{text} It works, but cannot end paid time by a script of its own."),
        )
        .todo(
            "RouterOS 7 does more. When the board has room for it, upgrade: /system package update set channel=upgrade",
        ),
        (major, _) if major >= 7 => finding("ok", text),
        _ => finding("wrong", format!("{text} It is too old."))
            .todo("Upgrade the router to RouterOS 6.49 or, better, 7: /system package update install"),
    }
}

/// No more than a warning: copies of a virtual router have one number between them.
fn connected_as(Preflight { connected_as, .. }: &Preflight<'_>) -> Option<Finding> {
    let name = (*connected_as)?;
    let text = format!("This router seems to be connected already, as {name}.");
    let todo = format!(
        "To connect it anew, open {name} under Routers and begin the set-up there. Under two names, its customers and \
         its income are counted apart."
    );
    Some(Finding::new("connected-as", "Connected already", "warning", text).todo(todo))
}

fn package(Preflight { facts, .. }: &Preflight<'_>) -> Finding {
    if facts.has_hotspot {
        return Finding::new("package", "Hotspot software", "ok", "The hotspot software is there.");
    }
    let finding =
        Finding::new("package", "Hotspot software", "wrong", "The hotspot software is missing on this router.");
    if facts.text("architecture") == "smips" {
        return finding.todo(
            "On this board it is a package of its own. Download \"hotspot\" for smips from mikrotik.com/download, drag it \
             into Files in WinBox and restart the router. Then paste the line again.",
        );
    }
    finding.todo(
        "Download the extra packages for this release from mikrotik.com/download, drag \"hotspot\" into Files in WinBox \
         and restart the router. Then paste the line again.",
    )
}

fn device_mode(Preflight { facts, reach, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: &str| Finding::new("device-mode", "What the board allows", state, text);
    let press = "\nThe router then waits for a person: within five minutes press its button shortly, or pull its power and \
                 plug it in again. Then paste the line again.";
    if facts.is_on("mode-hotspot") == Some(false) {
        return finding("wrong", "The board was delivered with its hotspot locked (device-mode).")
            .todo(format!("/system device-mode update hotspot=yes scheduler=yes fetch=yes{press}"));
    }
    let is_locked = facts.is_on("mode-scheduler") == Some(false);
    match reach {
        SetupReach::Pull if is_locked => {
            finding("wrong", "The board was delivered with its schedules locked (device-mode).")
                .todo(format!("/system device-mode update scheduler=yes fetch=yes{press}"))
        }
        _ if is_locked => finding(
            "warning",
            "Schedules are locked on this board (device-mode), so it cannot end paid time by a script.",
        )
        .todo(format!("/system device-mode update scheduler=yes{press}")),
        _ => finding("ok", "Nothing that is needed is locked."),
    }
}

fn hotspot(Preflight { facts, plan, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: String| Finding::new("hotspot", "Hotspot", state, text);
    let setup = "/ip hotspot setup\nChoose the interface your customers are on and take what is offered. Then paste the line again.";
    match (&plan.new_hotspot, plan.hotspots.first()) {
        _ if !facts.has_hotspot => {
            finding("unknown", "It cannot be known before the hotspot software is there.".to_owned())
        }
        (Some(new), _) => {
            finding("warning", format!("There is none. One will be made on {}.", new.interface)).todo(format!(
                "If your customers are on another interface than {}, do not approve this but run:\n{setup}",
                new.interface
            ))
        }
        (None, Some(first)) => {
            let count = plan.hotspots.len();
            let more = if count > 1 { format!(", and {} more", count.saturating_sub(1)) } else { String::new() };
            finding("ok", format!("{} is running on {}{more}.", first.server.name, first.server.interface))
        }
        (None, None) if facts.servers.is_empty() => {
            finding("wrong", "There is none, and it is not clear on which interface to make one.".to_owned())
                .todo(setup)
        }
        (None, None) => finding("wrong", "There is one, but it is switched off.".to_owned())
            .todo("/ip hotspot enable [find]\nThen paste the line again."),
    }
}

fn license(Preflight { facts, .. }: &Preflight<'_>) -> Finding {
    let level = facts.get("level").or_else(|| facts.get("nlevel")).unwrap_or_default();
    let finding = |state, text: String| Finding::new("license", "Licence", state, text);
    let users = match level.trim_start_matches(['l', 'L']) {
        "0" | "1" => 1,
        "3" | "4" => 200,
        "5" => 500,
        "6" | "p1" | "p10" | "p-unlimited" | "unlimited" | "perpetual" => {
            return finding("ok", "Any number of customers at once.".to_owned());
        }
        "free" => {
            return finding("warning", "The free licence allows no more than 1 Mbit/s.".to_owned())
                .todo("Buy a licence for this router from MikroTik.");
        }
        _ => return finding("unknown", "It could not be read.".to_owned()),
    };
    let text =
        format!("Level {level}: at most {users} customers at once. On now: {}.", facts.number("active").unwrap_or(0));
    if users == 1 || facts.number("active").is_some_and(|active| active >= users) {
        return finding("warning", text).todo("Buy a higher licence level for this router from MikroTik.");
    }
    finding("ok", text)
}

fn clock(Preflight { facts, zone, reported_at, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: String| Finding::new("clock", "Clock", state, text);
    let Some(clock) = facts.clock() else {
        return finding("unknown", "It could not be read; a time server will be set.".to_owned());
    };
    let off = clock.signed_duration_since(reported_at).num_seconds().abs();
    let own_zone = or(facts.text("zone"), "not set");
    if off > 120 {
        return finding("warning", format!("It is wrong by {}. A time server will be set.", duration(off)));
    }
    if own_zone != *zone {
        return finding("ok", format!("It is right. The time zone is {own_zone} and will become {zone}."));
    }
    finding("ok", "It is right.".to_owned())
}

fn reaper(Preflight { facts, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: &str| Finding::new("reaper", "End of paid time", state, text);
    if can_reap(facts) {
        return finding("ok", "The router will end paid time by itself, also while the server is away.");
    }
    let text = "This release has no script that can end paid time by the clock. The limit on connected time and the server still do.";
    finding("warning", text).todo("RouterOS 7.10 or newer can do it; then paste the line again.")
}

fn fasttrack(Preflight { facts, .. }: &Preflight<'_>) -> Finding {
    let finding = |text: &str| Finding::new("fasttrack", "FastTrack", "ok", text);
    if facts.has("fasttrack") {
        return finding(
            "It is on, and would undo speed limits. Customers will be exempted; it stays on for everybody else.",
        );
    }
    finding("It is off, so speed limits work.")
}

fn pages(Preflight { plan, .. }: &Preflight<'_>) -> Finding {
    let pages = plan.pages().join(", ");
    let text = if pages.is_empty() {
        "Known once there is a hotspot.".to_owned()
    } else {
        format!("It will be written to {pages}.")
    };
    Finding::new("page", "Login page", if pages.is_empty() { "unknown" } else { "ok" }, text)
}

fn space(Preflight { facts, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: String| Finding::new("space", "Free space", state, text);
    let Some(bytes) = facts.text("free-space").trim_end_matches("KiB").trim().parse::<f64>().ok() else {
        return finding("unknown", "It could not be read.".to_owned());
    };
    // Release 6 writes KiB, release 7 bytes on the wire.
    let kib = if facts.text("free-space").ends_with("KiB") { bytes } else { bytes / 1024.0 };
    let text =
        if kib < 1024.0 { format!("{kib:.0} KB are free.") } else { format!("{:.0} MB are free.", kib / 1024.0) };
    let todo = "Remove files that nobody needs: /file print";
    match kib {
        kib if kib < 20.0 => finding("wrong", text).todo(todo),
        kib if kib < 200.0 => finding("warning", text).todo(todo),
        _ => finding("ok", text),
    }
}

fn names(Preflight { facts, plan, site, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: String| Finding::new("dns", "Finding the portal", state, text);
    match plan.portal {
        None => finding("wrong", format!("The router cannot find the address of {}.", site.host))
            .todo("/ip dns set servers=1.1.1.1,8.8.8.8\nThen paste the line again."),
        Some(portal) if portal.is_loopback() => finding(
            "warning",
            format!("The portal is at {portal}, which is this computer only. Customers cannot open it."),
        )
        .todo("Set PUBLIC_URL to an address that customers can reach, then begin again."),
        Some(portal) if facts.text("dns").is_empty() && facts.text("dns-dynamic").is_empty() => {
            finding("warning", format!("The portal is at {portal}, but no name server is set on the router."))
                .todo("/ip dns set servers=1.1.1.1,8.8.8.8")
        }
        Some(portal) => finding("ok", format!("The portal is at {portal}.")),
    }
}

fn encryption(Preflight { facts, reach, site, is_checked, plan, .. }: &Preflight<'_>) -> Finding {
    let finding = |state, text: &str| Finding::new("encryption", "Encryption", state, text);
    let is_private = plan.portal.is_some_and(|portal| portal.is_private() || portal.is_loopback());
    if *reach == SetupReach::Tunnel {
        if site.tunnel.is_none() {
            return finding("wrong", "The server's end of the tunnel is not set up.")
                .todo("Set BANDO_TUNNEL_ENDPOINT, BANDO_TUNNEL_PUBLIC_KEY and BANDO_TUNNEL_NETWORK; see the README.");
        }
        if facts.get("wireguard").is_none() && facts.version().0 >= 7 {
            return finding("wrong", "This router has no WireGuard.")
                .todo("Upgrade it: /system package update install\nThen paste the line again.");
        }
    }
    let is_here = plan.portal.is_some_and(|portal| portal.is_loopback());
    if *reach == SetupReach::Pull && !site.is_https() && !is_here {
        return finding("wrong", "A router may only ask over https, because it shows a secret each time.")
            .todo("Put the server behind https and set PUBLIC_URL to it, then begin again.");
    }
    if !site.is_https() && !is_private {
        return finding(
            "warning",
            "This server is reached without encryption: whoever listens on the way can read what is set up.",
        )
        .todo("Put the server behind https and set PUBLIC_URL to it.");
    }
    if site.is_https() && !is_checked {
        return finding("warning", "The router could not check the server's certificate and went on without.")
            .todo("RouterOS 7.19 and newer bring what is needed: /system package update install");
    }
    match reach {
        SetupReach::Direct => {
            finding("ok", "The server will connect with TLS and accept this router's certificate only.")
        }
        SetupReach::Tunnel => finding("ok", "The server will connect inside a WireGuard tunnel."),
        SetupReach::Pull => finding("ok", "The router asks the server; nothing has to be open on the router."),
    }
}

/// Ways in that the owner has set up and that stay.
fn own_ways(Preflight { plan, .. }: &Preflight<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for hotspot in &plan.hotspots {
        let name = &hotspot.profile.name;
        if hotspot.profile.login_by.iter().any(|way| way == "trial") {
            let text = format!("The profile {name} gives everybody a free trial. That stays as it is.");
            found.push(
                Finding::new("trial", "Free trial", "warning", text)
                    .todo("Take trial out of the profile's login-by if nobody should be on for free."),
            );
        }
        if hotspot.profile.uses_radius {
            let text = format!("The profile {name} also asks a RADIUS server. That stays as it is.");
            found.push(Finding::new("radius", "RADIUS", "warning", text));
        }
    }
    found
}
