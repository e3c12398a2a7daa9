//! Reaching a router, logging in, and what its user may do.

use std::{net::IpAddr, time::Duration};

use routeros_api::{CloseReason, RouterOsError};

use super::{Check, line, readings::Readings, unread, words};
use crate::db::routers::RouterRecord;

/// What our user has to be allowed: reading and changing the hotspot, over the API, and logging devices in.
const NEEDED: [&str; 4] = ["read", "write", "api", "test"];
/// What would let somebody who has the password take the router over, or read what is none of our business.
const DANGEROUS: [&str; 7] = ["ftp", "reboot", "policy", "sniff", "sensitive", "romon", "password"];

/// A connection that failed: which line it belongs to, and which are good because of that.
pub(super) fn failed(error: &RouterOsError) -> Vec<Check> {
    let reached = || line::REACH.ok("Something answers at its address.");
    let (found, todo) = split(&words::for_owner(error));
    match error {
        RouterOsError::Connect(_)
        | RouterOsError::UnknownName
        | RouterOsError::Timeout { .. }
        | RouterOsError::CircuitOpen { .. }
        | RouterOsError::Closed(CloseReason::Wire(_)) => vec![line::REACH.wrong(found, todo)],
        RouterOsError::Tls(_) => vec![reached(), line::TLS.wrong(found, todo)],
        _ => vec![reached(), line::LOGIN.wrong(found, todo)],
    }
}

/// What was found, and what to do: the first sentence, and the others.
fn split(text: &str) -> (String, String) {
    match text.split_once(". ") {
        Some((found, todo)) => (format!("{found}."), todo.to_owned()),
        None => (text.to_owned(), "Look at the router.".to_owned()),
    }
}

pub(super) fn succeeded(router: &RouterRecord, took: Duration) -> Vec<Check> {
    let tls = if router.tls_pin.is_some() {
        line::TLS.ok("The connection is encrypted, and the certificate is the one that was saved.")
    } else if is_own_network(&router.host) {
        line::TLS.ok("The connection is not encrypted, and stays inside your own network or tunnel.")
    } else {
        line::TLS.warning(
            "The connection is not encrypted: whoever is in between can read the router's password.",
            "Set the router up again under Routers: it gets a certificate.",
        )
    };
    vec![
        line::REACH.ok(format!("It answers at {}, port {}.", router.host, router.port)),
        tls,
        line::LOGIN.ok(format!("Logged in as {} within {} ms.", router.username, took.as_millis())),
    ]
}

fn is_own_network(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => host == "localhost",
    }
}

pub(super) fn rights(readings: &Readings) -> Vec<Check> {
    let (group, held) = match &readings.policies {
        Ok(Some(found)) => found,
        Ok(None) => {
            return vec![line::RIGHTS.unknown("Our user is not in the router's own list, so its group is not known.")];
        }
        Err(error) => return vec![unread(&line::RIGHTS, error)],
    };
    let has = |policy: &str| held.iter().any(|one| one == policy);
    let missing: Vec<&str> = NEEDED.into_iter().filter(|policy| !has(policy)).collect();
    let more: Vec<&str> = DANGEROUS.into_iter().filter(|policy| has(policy)).collect();
    if !missing.is_empty() {
        let found = format!("Its group {group} lacks {}.", missing.join(", "));
        let policies = held.iter().map(String::as_str).chain(missing).collect::<Vec<_>>().join(",");
        return vec![line::RIGHTS.wrong(found, format!("Run:\n/user group set {group} policy={policies}"))];
    }
    if !more.is_empty() {
        let found = format!("Its group {group} may also do what is never needed: {}.", more.join(", "));
        let todo = "Set the router up again under Routers: it gets a user with few rights. Or make one by hand:\n/user \
                    group add name=bando policy=read,write,api,test";
        return vec![line::RIGHTS.warning(found, todo)];
    }
    vec![line::RIGHTS.ok(format!("Its group {group} may do what is needed, and nothing that is dangerous."))]
}
