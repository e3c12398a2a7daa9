//! Plans, tried out on a tiny router that does what the commands say.

mod laws;
mod limits;
mod logins;
mod rows;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;

const NOW_EPOCH_SECS: i64 = 1_795_327_200;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW_EPOCH_SECS, 0).unwrap()
}

fn mac(n: u8) -> MacAddr {
    MacAddr::from_bytes([0xA4, 0xCF, 0x12, 0, 0, n]).unwrap()
}

fn session(n: u128) -> SessionId {
    Uuid::from_u128(n).into()
}

fn profile(n: u128) -> Profile {
    Profile {
        package_id: Uuid::from_u128(0x0192_f0c1_2d3e_7f00_8abc_0123_0000_0000 + n).into(),
        revision: 1,
        down: Some(Rate::from_kbps(2000)),
        up: Some(Rate::from_kbps(512)),
    }
}

/// An hour left.
fn hour(n: u8) -> Intended {
    Intended {
        mac: mac(n),
        session_id: session(u128::from(n)),
        profile: profile(3),
        remaining_secs: 3600,
        data_remaining: None,
        ends_at: now() + TimeDelta::seconds(3600),
        was_refused: false,
        is_kicked: false,
    }
}

fn host(n: u8) -> HostRow {
    HostRow {
        id: format!("*H{n}"),
        mac: mac(n),
        address: format!("10.5.50.{n}"),
        is_authorized: false,
        is_bypassed: false,
    }
}

fn no_orphans() -> BTreeMap<MacAddr, DateTime<Utc>> {
    BTreeMap::new()
}

fn planned(intended: &[Intended], off: &[MacAddr], current: &Current) -> Vec<Command> {
    plan(now(), intended, off, current, &no_orphans()).commands
}

/// A tiny router: does what the commands say.
fn apply(current: &mut Current, commands: &[Command]) {
    let row = |spec: &UserSpec, id: String, used: (u64, u64)| UserRow {
        id,
        name: spec.mac.to_string(),
        mac: Some(spec.mac),
        profile: spec.profile.clone(),
        limit_uptime_secs: Some(spec.limit_uptime_secs),
        limit_bytes: spec.limit_bytes,
        used_secs: used.0,
        used_bytes: used.1,
        comment: spec.comment.clone(),
        is_disabled: false,
    };
    for command in commands {
        match command {
            Command::EnsureProfile(profile) => {
                current.profiles.retain(|row| row.name != profile.name());
                current.profiles.push(ProfileRow {
                    name: profile.name(),
                    down: profile.down,
                    up: profile.up,
                    is_otherwise_right: true,
                });
            }
            Command::RemoveUser { mac } => {
                assert!(
                    current.users.iter().all(|user| user.name != mac.to_string() || user.comment.starts_with(MARK))
                );
                current.users.retain(|user| user.name != mac.to_string());
                end_logins(current, *mac);
            }
            Command::AddUser(spec) => {
                assert!(current.users.iter().all(|user| user.name != spec.mac.to_string()), "a duplicate");
                assert!(current.profiles.iter().any(|row| row.name == spec.profile), "profile first");
                current.users.push(row(spec, format!("*{}", spec.mac), (0, 0)));
            }
            Command::UpdateUser { id, spec } => {
                let user = current.users.iter_mut().find(|user| user.id == *id).expect("the row");
                assert!(user.comment.starts_with(MARK));
                *user = row(spec, id.clone(), (user.used_secs, user.used_bytes));
            }
            Command::Kick { login_id, .. } => end_login(current, login_id),
            Command::Login { mac, ip } => {
                let host = current.hosts.iter_mut().find(|host| host.mac == *mac && host.address == *ip);
                host.expect("a host").is_authorized = true;
                let user = current.users.iter().find(|user| user.name == mac.to_string()).expect("a user");
                let time_left_secs = user.limit_uptime_secs.map(|limit| limit.saturating_sub(user.used_secs));
                let others = current.logins.iter().filter(|login| login.user == user.name);
                assert!(others.clone().all(|login| login.address != *ip), "logged in twice at one address");
                assert!(others.count() < 2, "the profile allows two");
                let login = LoginRow { time_left_secs, ..login_at(*mac, ip, 0) };
                current.logins.push(login);
            }
            Command::ClearStuckHost { host_id, .. } => current.hosts.retain(|host| host.id != *host_id),
        }
    }
}

fn login_at(mac: MacAddr, address: &str, uptime_secs: u64) -> LoginRow {
    LoginRow {
        id: format!("*L{address}"),
        user: mac.to_string(),
        mac: Some(mac),
        address: address.into(),
        uptime_secs,
        time_left_secs: None,
        bytes: 0,
    }
}

fn end_logins(current: &mut Current, mac: MacAddr) {
    let ids: Vec<_> =
        current.logins.iter().filter(|login| login.user == mac.to_string()).map(|l| l.id.clone()).collect();
    ids.iter().for_each(|id| end_login(current, id));
}

fn end_login(current: &mut Current, id: &str) {
    for login in current.logins.extract_if(.., |login| login.id == id) {
        if let Some(user) = current.users.iter_mut().find(|user| user.name == login.user) {
            user.used_secs += login.uptime_secs;
            user.used_bytes += login.bytes;
        }
        let host = current.hosts.iter_mut().find(|host| Some(host.mac) == login.mac && host.address == login.address);
        if let Some(host) = host {
            host.is_authorized = false;
        }
    }
}

/// Time goes by for who is logged in.
fn pass(current: &mut Current, secs: u64) {
    for login in &mut current.logins {
        login.uptime_secs += secs;
        login.time_left_secs = login.time_left_secs.map(|left| left.saturating_sub(secs));
    }
}

/// A router with the devices on.
fn after(intended: &[Intended], hosts: Vec<HostRow>) -> Current {
    let mut current = Current { hosts, ..Current::default() };
    let commands = planned(intended, &[], &current);
    apply(&mut current, &commands);
    current
}
