//! The routers: reached, logged in to, and with a hotspot that can let devices on.

use billing::{Billing, routers::RouterRecord};
use routeros_api::{Connection, Credentials, Hotspot, RouterOsError, Security, Settings, Target, TlsFailure};

use super::Check;

/// A check for each router.
pub(super) async fn examine(billing: &Billing) -> Vec<Check> {
    let routers = match billing.list_routers().await {
        Ok(routers) => routers,
        Err(error) => {
            return vec![Check::problem("routers", crate::database::chain(&error), crate::database::advice(&error))];
        }
    };
    if routers.is_empty() {
        let todo = "add one with: bando router add";
        return vec![Check::problem("routers", "there is no router, so nobody can be let on", todo)];
    }
    let mut checks = Vec::with_capacity(routers.len());
    for router in &routers {
        checks.push(test_router(billing, router).await);
    }
    checks
}

/// Logs in to one router and asks it who it is.
pub(crate) async fn test_router(billing: &Billing, router: &RouterRecord) -> Check {
    let subject = format!("router {}", router.slug);
    let password = match billing.router_password(router) {
        Ok(password) => password,
        Err(error) => return Check::problem(subject, error.to_string(), "restore APP_SECRET, or add the router again"),
    };
    let security = match router.tls_pin.as_deref().map(<[u8; 32]>::try_from) {
        None => Security::Plain,
        Some(Ok(pin)) => Security::Pinned(pin),
        Some(Err(_)) => {
            return Check::problem(subject, "the stored fingerprint is damaged", "add the router again with --tls");
        }
    };
    let target = Target { host: router.host.clone(), port: router.port, security };
    let credentials = Credentials { username: router.username.clone(), password };
    match ask(&target, &credentials).await {
        Ok(message) => Check::ok(subject, message),
        Err(error) => {
            let message = format!("{}:{}: {error}", router.host, router.port);
            Check::problem(subject, message, todo(&error))
        }
    }
}

async fn ask(target: &Target, credentials: &Credentials) -> Result<String, RouterOsError> {
    let connection = Connection::open(target, credentials, Settings::default()).await?;
    // Nothing is written, so the mark of our rows does not matter here.
    let hotspot = Hotspot::new(connection, "bando1;");
    let facts = hotspot.facts().await?;
    let (servers, _) = hotspot.servers().await?;
    let hotspots = match servers.len() {
        0 => "; it has no hotspot yet".to_owned(),
        count => format!(", {count} hotspot{}", if count == 1 { "" } else { "s" }),
    };
    Ok(format!("{} ({}, RouterOS {}) lets us in{hotspots}", facts.identity, facts.board, facts.version))
}

fn todo(error: &RouterOsError) -> &'static str {
    match error {
        RouterOsError::AuthFailed => {
            "correct the user name or password of the router; the user needs the rights api, read, write"
        }
        RouterOsError::Tls(TlsFailure::WrongPin { .. }) => {
            "if the router has a new certificate, add it again with the new fingerprint"
        }
        _ => {
            "check that the router runs, that its api service is on (/ip service), and that its firewall lets this machine in"
        }
    }
}
