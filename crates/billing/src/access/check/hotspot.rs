//! The hotspot: on, and set so that paid devices get on by themselves and get what they paid for.

use std::time::Duration;

use routeros_api::{
    TrapKind,
    system::{HotspotServer, LoginProfile},
};

use super::{Check, line, line::Line, readings::Readings, unread, words};

/// Phones sleep for longer than this between two packets.
const TIMEOUT_MIN: Duration = Duration::from_secs(60);

pub(super) fn judge(readings: &Readings) -> Vec<Check> {
    let mut checks = vec![is_on(readings)];
    let running = readings.running();
    if running.is_empty() {
        let later = |line: &Line| line.unknown("This is known once the hotspot is on.");
        checks.extend([&line::TIMEOUTS, &line::LOGIN_BY, &line::ADDRESSES, &line::PROFILE].map(later));
        return checks;
    }
    checks.push(worst(&line::TIMEOUTS, running.iter().map(|server| timeouts(server))));
    if let Err(error) = &readings.profiles {
        checks.extend([unread(&line::LOGIN_BY, error), unread(&line::PROFILE, error)]);
    } else {
        checks.push(worst(&line::LOGIN_BY, running.iter().map(|server| login_by(server, readings.profile(server)))));
        let profiles = running.iter().filter_map(|server| readings.profile(server));
        checks.push(worst(&line::PROFILE, profiles.map(profile)));
    }
    checks.push(worst(&line::ADDRESSES, running.iter().map(|server| addresses(server))));
    checks
}

/// The worst of several hotspots speaks for all.
fn worst(line: &Line, checks: impl Iterator<Item = Check>) -> Check {
    use super::CheckState::{Ok, Unknown, Warning, Wrong};
    let rank = |check: &Check| match check.state {
        Ok => 0,
        Unknown => 1,
        Warning => 2,
        Wrong => 3,
    };
    let mut found: Vec<Check> = checks.collect();
    found.sort_by_key(|check| std::cmp::Reverse(rank(check)));
    found.into_iter().next().unwrap_or_else(|| line.unknown("No hotspot is on."))
}

fn is_on(readings: &Readings) -> Check {
    let servers = match &readings.hotspots {
        Ok(servers) => servers,
        Err(error) if error.trap_kind() == Some(&TrapKind::NoSuchCommand) => {
            return line::HOTSPOT.wrong(
                "The router has no hotspot at all: its package is missing.",
                "Small boards need the package hotspot from mikrotik.com for exactly this release: upload it and \
                 restart. After an upgrade it may have to be put back.",
            );
        }
        Err(error) if error.trap_kind() == Some(&TrapKind::DeviceMode) => {
            return line::HOTSPOT.wrong("The board forbids hotspots.", words::for_owner(error));
        }
        Err(error) => return unread(&line::HOTSPOT, error),
    };
    let running = readings.running();
    if let Some(first) = running.first() {
        let more = if running.len() > 1 { format!(", and {} more", running.len() - 1) } else { String::new() };
        return line::HOTSPOT.ok(format!("{} is on at {}{more}.", first.name, first.interface));
    }
    match servers.first() {
        None => line::HOTSPOT
            .wrong("No hotspot is set up.", "Set the router up under Routers, or by hand:\n/ip hotspot setup"),
        Some(server) if server.is_invalid => line::HOTSPOT.wrong(
            format!("{} cannot work: something is wrong with its interface {}.", server.name, server.interface),
            format!(
                "A port inside a bridge cannot have a hotspot: give it to the bridge.\n/ip hotspot set {} \
                 interface=bridge",
                server.name
            ),
        ),
        Some(server) => line::HOTSPOT.wrong(
            format!("{} is switched off.", server.name),
            format!("Switch it on:\n/ip hotspot enable {}", server.name),
        ),
    }
}

fn timeouts(server: &HotspotServer) -> Check {
    let name = &server.name;
    let short = |timeout: Option<Duration>| timeout.is_some_and(|timeout| timeout < TIMEOUT_MIN);
    let short: Vec<&str> =
        [("idle-timeout", short(server.idle_timeout)), ("keepalive-timeout", short(server.keepalive_timeout))]
            .into_iter()
            .filter_map(|(name, is_short)| is_short.then_some(name))
            .collect();
    if short.is_empty() {
        return line::TIMEOUTS.ok(format!("{name} waits long enough for devices that are silent."));
    }
    let settings = short.iter().map(|name| format!("{name}=2m")).collect::<Vec<_>>().join(" ");
    line::TIMEOUTS.warning(
        format!("{name} forgets devices that are silent for less than a minute, so sleeping phones come and go."),
        format!("Run:\n/ip hotspot set {name} {settings}"),
    )
}

fn login_by(server: &HotspotServer, profile: Option<&LoginProfile>) -> Check {
    let Some(profile) = profile else {
        return line::LOGIN_BY.wrong(
            format!("The profile {} of {} is missing.", server.profile, server.name),
            format!("Choose one that is there:\n/ip hotspot set {} profile=default", server.name),
        );
    };
    let name = &profile.name;
    let has = |way: &str| profile.login_by.iter().any(|one| one == way);
    if !has("mac") {
        let found = format!("{name} does not let devices log in by their address, so who has paid is asked again.");
        return line::LOGIN_BY
            .wrong(found, format!("Run:\n/ip hotspot profile set {name} login-by=mac,http-pap,cookie"));
    }
    if profile.mac_auth_mode == "mac-as-username-and-password" {
        let found = format!("{name} wants the address as a password as well, which paid devices do not have.");
        let todo = format!("Run:\n/ip hotspot profile set {name} mac-auth-mode=mac-as-username");
        return line::LOGIN_BY.wrong(found, todo);
    }
    if has("trial") {
        let found = format!("{name} gives everybody a free trial.");
        let todo = format!("If that is not meant, run:\n/ip hotspot profile set {name} login-by=mac,http-pap,cookie");
        return line::LOGIN_BY.warning(found, todo);
    }
    if profile.is_using_radius {
        let found = format!("{name} asks a RADIUS server about devices that are not ours, which makes them wait.");
        let todo = format!("If you do not need it, run:\n/ip hotspot profile set {name} use-radius=no");
        return line::LOGIN_BY.warning(found, todo);
    }
    line::LOGIN_BY.ok(format!("{name} lets devices log in by their address ({}).", profile.login_by.join(", ")))
}

fn addresses(server: &HotspotServer) -> Check {
    match server.addresses_per_mac {
        Some(1) => line::ADDRESSES.warning(
            format!(
                "{} gives a device one address only: a phone that comes back with a new one is kept out.",
                server.name
            ),
            format!("Run:\n/ip hotspot set {} addresses-per-mac=2", server.name),
        ),
        Some(count) => line::ADDRESSES.ok(format!("{} allows {count} addresses a device.", server.name)),
        None => line::ADDRESSES.ok(format!("{} allows any number of addresses a device.", server.name)),
    }
}

fn profile(profile: &LoginProfile) -> Check {
    let name = &profile.name;
    if profile.has_own_queue {
        return line::PROFILE.warning(
            format!("{name} makes a queue of its own in front of the customers', so their speeds may not hold."),
            format!("Run:\n/ip hotspot profile set {name} install-hotspot-queue=no"),
        );
    }
    if !profile.rate_limit.is_empty() {
        return line::PROFILE.warning(
            format!("{name} limits all customers together to {}.", profile.rate_limit),
            format!("If that is not meant, run:\n/ip hotspot profile set {name} rate-limit=\"\""),
        );
    }
    if !profile.http_proxy.is_empty() {
        return line::PROFILE.warning(
            format!("{name} sends plain web pages to the proxy {}.", profile.http_proxy),
            format!("If that is not meant, run:\n/ip hotspot profile set {name} http-proxy=0.0.0.0:0"),
        );
    }
    line::PROFILE.ok(format!("{name} has no limits of its own."))
}
