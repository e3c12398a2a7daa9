//! The walled garden: what a device may reach before it is logged in.

use std::net::Ipv4Addr;

use super::{router::Router, schema, table::Row, value::address_contains};

/// Marks the rows of the product.
const COMMENT: &str = "bando:portal";

/// Whether the firewall-level walled garden accepts `host`. The HTTP-level one never matches HTTPS since 7.5, so only
/// the former counts.
pub(super) fn allows(router: &Router, host: &str, port: u16) -> bool {
    let address = host.parse::<Ipv4Addr>().ok();
    let fits = |row: &&Row| {
        let (to_host, to_address, to_port) = (row.text("dst-host"), row.text("dst-address"), row.text("dst-port"));
        let host_fits = to_host.is_empty() || matches_glob(&to_host, host);
        let address_fits =
            to_address.is_empty() || address.is_some_and(|address| address_contains(&to_address, address));
        let port_fits = to_port.is_empty() || to_port.split(',').any(|one| one == port.to_string());
        !row.is_true("disabled") && host_fits && address_fits && port_fits
    };
    let first = router.rows("/ip/hotspot/walled-garden/ip").iter().find(fits);
    first.is_some_and(|row| row.text("action") == "accept")
}

/// Adds the rows for `host` that are not there.
pub(super) fn open(router: &mut Router, host: &str) {
    let key = if host.parse::<Ipv4Addr>().is_ok() { "dst-address" } else { "dst-host" };
    for (path, key, action) in
        [("/ip/hotspot/walled-garden/ip", key, "accept"), ("/ip/hotspot/walled-garden", "dst-host", "allow")]
    {
        let Some(menu) = schema::menu(path, router.options.ros) else { continue };
        let there = router.rows(path).iter().any(|row| row.text(key) == host);
        if !there && router.options.hotspot {
            let mut row = Row::default();
            row.set(key, host);
            row.set("action", action);
            row.set("comment", COMMENT);
            router.insert(menu, row);
        }
    }
}

/// Whole-string match with `*` and `?` (documented).
fn matches_glob(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = pattern.get(1..).unwrap_or_default();
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            starts.into_iter().any(|at| matches_glob(rest, text.get(at..).unwrap_or_default()))
        }
        (Some(p), Some(t)) if p == '?' || p.eq_ignore_ascii_case(&t) => {
            matches_glob(pattern.get(p.len_utf8()..).unwrap_or_default(), text.get(t.len_utf8()..).unwrap_or_default())
        }
        _ => false,
    }
}
