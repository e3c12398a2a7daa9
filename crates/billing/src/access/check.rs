//! A test of one router, line by line, for the command line and the admin app.

use routeros_api::{Connection, Hotspot, RouterOsError, Settings, TrapKind, hotspot::ServerProfile};
use tokio::time::Instant;

use super::{credentials, target, words};
use crate::{db::routers::RouterRecord, seal::AppSecret};

/// One line of the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, such as `login`.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub is_ok: bool,
    /// What was found; when it is not as it must be, what to do.
    pub text: String,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, is_ok: true, text: text.into() }
    }

    fn wrong(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, is_ok: false, text: text.into() }
    }
}

/// Connects to a router, logs in and looks at everything that access depends on. Changes nothing. Lines
/// after the first that fails are left out when they cannot be known.
pub async fn test_router(router: &RouterRecord, secret: &AppSecret, settings: Settings) -> Vec<Check> {
    let login = match credentials(router, secret) {
        Ok(login) => login,
        Err(_) => {
            let text = "The saved password cannot be opened: APP_SECRET has changed. Enter the password again.";
            return vec![Check::wrong("password", text)];
        }
    };
    let begun = Instant::now();
    let connection = match Connection::open(&target(router), &login, settings).await {
        Ok(connection) => connection,
        Err(error) => return vec![Check::wrong(step_of(&error), words::for_owner(&error))],
    };
    let security = if router.tls_pin.is_some() { "with TLS" } else { "without TLS" };
    let mut checks = vec![Check::ok(
        "login",
        format!("Connected {security} and logged in within {} ms.", begun.elapsed().as_millis()),
    )];
    let hotspot = Hotspot::new(connection, domain::access::MARK);
    checks.push(facts(&hotspot).await);
    checks.extend(hotspots(&hotspot).await);
    checks
}

/// Which line a failed connection belongs to.
fn step_of(error: &RouterOsError) -> &'static str {
    match error {
        RouterOsError::Connect(_) | RouterOsError::UnknownName | RouterOsError::Timeout { .. } => "reach",
        RouterOsError::Tls(_) => "tls",
        _ => "login",
    }
}

async fn facts(hotspot: &Hotspot) -> Check {
    let begun = Instant::now();
    match hotspot.facts().await {
        Ok(facts) => Check::ok(
            "router",
            format!(
                "{} is a {} with RouterOS {}; it answers within {} ms.",
                facts.identity,
                if facts.board.is_empty() { "MikroTik" } else { &facts.board },
                facts.version,
                begun.elapsed().as_millis()
            ),
        ),
        Err(error) => Check::wrong("router", words::for_owner(&error)),
    }
}

async fn hotspots(hotspot: &Hotspot) -> Vec<Check> {
    let (servers, profiles) = match hotspot.servers().await {
        Ok(found) => found,
        Err(error) => {
            let name = if error.trap_kind() == Some(&TrapKind::NoSuchCommand) { "hotspot" } else { "router" };
            return vec![Check::wrong(name, words::for_owner(&error))];
        }
    };
    let running: Vec<_> = servers.iter().filter(|server| !server.is_disabled && !server.is_invalid).collect();
    let Some(first) = running.first() else {
        let text = "No hotspot is running on the router. Set one up: /ip hotspot setup.";
        return vec![Check::wrong("hotspot", text)];
    };
    let mut checks = vec![Check::ok("hotspot", format!("{} is running on {}.", first.name, first.interface))];
    for server in running {
        let profile = profiles.iter().find(|profile| profile.name == server.profile);
        checks.push(profile.map_or_else(
            || Check::wrong("login-by", format!("The profile {} of {} is missing.", server.profile, server.name)),
            login_by,
        ));
    }
    checks
}

fn login_by(profile: &ServerProfile) -> Check {
    let name = &profile.name;
    if !profile.login_by.iter().any(|way| way == "mac") {
        return Check::wrong(
            "login-by",
            format!(
                "Devices cannot log in by themselves. Run: /ip hotspot profile set {name} login-by=mac,http-pap,cookie"
            ),
        );
    }
    if profile.mac_auth_mode == "mac-as-username-and-password" {
        return Check::wrong(
            "login-by",
            format!(
                "The login by device wants a password. Run: /ip hotspot profile set {name} mac-auth-mode=mac-as-username"
            ),
        );
    }
    Check::ok("login-by", format!("{name} lets devices log in by their address."))
}
