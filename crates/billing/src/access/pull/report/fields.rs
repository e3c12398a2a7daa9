//! The fields of a line of each kind; `None` when it cannot be read.

use domain::{MacAddr, live::BindingRow};
use routeros_api::{
    hotspot::{Active, Host, User, UserProfile},
    value::{TimeLimit, parse_bool, parse_duration},
};

use super::{About, Failed};

/// Exactly `N` fields; the last is the rest of the line.
pub(super) fn split<const N: usize>(rest: &str) -> Option<[&str; N]> {
    let fields: Vec<&str> = rest.splitn(N, ';').collect();
    fields.try_into().ok()
}

/// Exactly `N` fields, none of which may contain the separator.
fn plain<const N: usize>(rest: &str) -> Option<[&str; N]> {
    split::<N>(rest).filter(|fields| fields.last().is_none_or(|last| !last.contains(';')))
}

fn id(text: &str) -> Option<String> {
    let digits = text.strip_prefix('*')?;
    let is_id = (1..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_owned())
}

/// Left out by the router when there is none.
fn optional<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

fn count(text: &str) -> Option<u64> {
    optional(text, |text| text.parse().ok()).map(Option::unwrap_or_default)
}

fn flag(text: &str) -> Option<bool> {
    optional(text, |text| parse_bool(text).ok()).map(Option::unwrap_or_default)
}

fn duration(text: &str) -> Option<std::time::Duration> {
    optional(text, |text| parse_duration(text).ok()).map(Option::unwrap_or_default)
}

fn limit(text: &str) -> Option<Option<std::time::Duration>> {
    let limit = optional(text, |text| TimeLimit::parse(text).ok())?;
    Some(limit.and_then(|limit| match limit {
        TimeLimit::After(limit) if !limit.is_zero() => Some(limit),
        _ => None,
    }))
}

pub(super) fn user(rest: &str) -> Option<User> {
    let [row, name, mac, profile, uptime_limit, bytes_limit, uptime, bytes_in, bytes_out, disabled, comment] =
        split::<11>(rest)?;
    Some(User {
        id: id(row)?,
        name: name.to_owned(),
        // A lock on something else is a lock that is wrong, and corrected.
        mac: mac.parse().ok(),
        profile: profile.to_owned(),
        limit_uptime: limit(uptime_limit)?,
        limit_bytes_total: Some(count(bytes_limit)?).filter(|limit| *limit > 0),
        uptime: duration(uptime)?,
        bytes_in: count(bytes_in)?,
        bytes_out: count(bytes_out)?,
        comment: comment.to_owned(),
        is_disabled: flag(disabled)?,
    })
}

pub(super) fn login(rest: &str) -> Option<Active> {
    let [row, mac, address, uptime, bytes_in, bytes_out, user] = split::<7>(rest)?;
    Some(Active {
        id: id(row)?,
        user: user.to_owned(),
        mac: mac.parse().ok(),
        address: address.to_owned(),
        uptime: duration(uptime)?,
        bytes_in: count(bytes_in)?,
        bytes_out: count(bytes_out)?,
        session_time_left: None,
    })
}

/// A host without an address of a device, such as a multicast source, is nobody's.
pub(super) fn host(rest: &str) -> Option<Option<Host>> {
    let [row, mac, address, authorized, bypassed] = plain::<5>(rest)?;
    let (row, is_authorized, is_bypassed) = (id(row)?, flag(authorized)?, flag(bypassed)?);
    let mac: Option<MacAddr> = mac.parse().ok();
    Some(mac.map(|mac| Host {
        id: row,
        mac: Some(mac),
        address: address.to_owned(),
        to_address: String::new(),
        is_authorized,
        is_bypassed,
    }))
}

pub(super) fn profile(rest: &str) -> Option<UserProfile> {
    let [row, name, rate_limit, shared_users, cookie] = plain::<5>(rest)?;
    Some(UserProfile {
        id: id(row)?,
        name: name.to_owned(),
        rate_limit: rate_limit.to_owned(),
        shared_users: shared_users.to_owned(),
        is_adding_mac_cookie: flag(cookie)?,
    })
}

pub(super) fn binding(rest: &str) -> Option<BindingRow> {
    let [row, mac, kind, disabled, comment] = split::<5>(rest)?;
    Some(BindingRow {
        id: id(row)?,
        mac: mac.parse().ok(),
        is_blocking: kind == "blocked" && !flag(disabled)?,
        comment: comment.to_owned(),
    })
}

pub(super) fn failed(rest: &str) -> Option<Failed> {
    let [verb, about] = plain::<2>(rest)?;
    let is_verb = !verb.is_empty() && verb.len() <= 16 && verb.bytes().all(|byte| byte.is_ascii_lowercase());
    is_verb.then(|| Failed { verb: verb.to_owned(), mac: about.parse().ok(), about: about.chars().take(64).collect() })
}

pub(super) fn about(rest: &str) -> Option<About> {
    let [clock, uptime, digest, reaper, version, board, identity] = split::<7>(rest)?;
    let either = |text: &str| match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    };
    Some(About {
        clock_secs: clock.parse().ok(),
        uptime_secs: optional(uptime, |text| parse_duration(text).ok())?.map(|uptime| uptime.as_secs()),
        is_digesting: either(digest)?,
        has_reaper: either(reaper)?,
        version: version.chars().take(40).collect(),
        board: board.chars().take(60).collect(),
        identity: identity.chars().take(60).collect(),
        ..About::default()
    })
}
