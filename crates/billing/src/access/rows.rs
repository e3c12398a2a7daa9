//! Between the words of the database, of the plan and of RouterOS.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use domain::{
    Rate,
    access::{Current, HostRow, Intended, LoginRow, Profile, ProfileRow, UserRow, UserSpec},
    session,
};
use routeros_api::{
    hotspot::{self, DeviceState, ProfileSpec, RouterState},
    value::RateLimit,
};

use crate::db::session_devices::WorkRecord;

/// The end of a device's paid time: the known one, or the one it has if it begins at `now`.
pub(super) fn ends_at(device: &WorkRecord, now: DateTime<Utc>) -> DateTime<Utc> {
    // The database keeps microseconds; the tag on the router is made from the same instant.
    device.ends_at.unwrap_or_else(|| session::ends_at(now.trunc_subsecs(6), device.duration_secs))
}

/// What a device should have at `now`.
pub(super) fn intended(device: &WorkRecord, now: DateTime<Utc>, was_refused: bool) -> Intended {
    Intended {
        mac: device.mac,
        session_id: device.session_id,
        profile: Profile {
            package_id: device.package_id,
            revision: device.package_revision,
            down: device.down,
            up: device.up,
        },
        remaining_secs: device.session_at(now).remaining_secs(now),
        data_remaining: device.data_left(),
        ends_at: ends_at(device, now),
        was_refused,
        is_kicked: device.is_kicked,
    }
}

/// The router's speeds are written from its own side: what it receives is the customer's upload.
pub(super) fn profile_spec(profile: &Profile) -> ProfileSpec {
    let bps = |rate: Option<Rate>| rate.map_or(0, |rate| u64::from(rate.kbps()) * 1000);
    let is_limited = profile.down.is_some() || profile.up.is_some();
    let limit = RateLimit { upload_bps: bps(profile.up), download_bps: bps(profile.down) };
    ProfileSpec { name: profile.name(), rate_limit: is_limited.then_some(limit) }
}

pub(super) fn user_spec(spec: &UserSpec) -> hotspot::UserSpec {
    hotspot::UserSpec {
        mac: spec.mac,
        profile: spec.profile.clone(),
        limit_uptime: Duration::from_secs(spec.limit_uptime_secs),
        limit_bytes_total: spec.limit_bytes,
        comment: spec.comment.clone(),
    }
}

/// A whole router as the plan sees it.
pub(super) fn current_of_router(state: &RouterState) -> Current {
    Current {
        users: state.users.iter().map(user).collect(),
        logins: state.active.iter().map(login).collect(),
        hosts: state.hosts.iter().filter_map(host).collect(),
        profiles: state.profiles.iter().map(profile).collect(),
    }
}

/// One device as the plan sees it; the profiles of the router are not read.
pub(super) fn current_of_device(state: &DeviceState) -> Current {
    Current {
        users: state.users.iter().map(user).collect(),
        logins: state.active.iter().map(login).collect(),
        hosts: state.hosts.iter().filter_map(host).collect(),
        profiles: Vec::new(),
    }
}

fn user(row: &hotspot::User) -> UserRow {
    UserRow {
        id: row.id.clone(),
        name: row.name.clone(),
        mac: row.mac,
        profile: row.profile.clone(),
        limit_uptime_secs: row.limit_uptime.map(|limit| limit.as_secs()),
        limit_bytes: row.limit_bytes_total,
        used_secs: row.uptime.as_secs(),
        used_bytes: row.bytes_in.saturating_add(row.bytes_out),
        comment: row.comment.clone(),
        is_disabled: row.is_disabled,
    }
}

fn login(row: &hotspot::Active) -> LoginRow {
    LoginRow {
        id: row.id.clone(),
        user: row.user.clone(),
        mac: row.mac,
        address: row.address.clone(),
        uptime_secs: row.uptime.as_secs(),
        time_left_secs: row.session_time_left.map(|left| left.as_secs()),
        bytes: row.bytes_in.saturating_add(row.bytes_out),
    }
}

fn host(row: &hotspot::Host) -> Option<HostRow> {
    Some(HostRow {
        id: row.id.clone(),
        mac: row.mac?,
        address: row.address.clone(),
        is_authorized: row.is_authorized,
        is_bypassed: row.is_bypassed,
    })
}

fn profile(row: &hotspot::UserProfile) -> ProfileRow {
    let rate = |bps: u64| u32::try_from(bps / 1000).ok().filter(|kbps| *kbps > 0).map(Rate::from_kbps);
    let limit = RateLimit::parse(&row.rate_limit).unwrap_or(RateLimit { upload_bps: 0, download_bps: 0 });
    let (down, up) = (rate(limit.download_bps), rate(limit.upload_bps));
    // Whatever the plan does not compare, compared with what we would write for these speeds.
    let is_otherwise_right =
        ProfileSpec { name: row.name.clone(), rate_limit: (down.is_some() || up.is_some()).then_some(limit) }
            .is_met_by(row);
    ProfileRow { name: row.name.clone(), down, up, is_otherwise_right }
}

/// The profile as we make it.
pub(super) fn right_profile(profile: &Profile) -> ProfileRow {
    ProfileRow { name: profile.name(), down: profile.down, up: profile.up, is_otherwise_right: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_and_download_are_not_swapped_on_the_way_out_or_in() {
        let sold = Profile {
            package_id: uuid::Uuid::from_u128(3).into(),
            revision: 1,
            down: Some(Rate::from_kbps(2000)),
            up: Some(Rate::from_kbps(512)),
        };
        let written = profile_spec(&sold).rate_limit.unwrap().to_string();
        assert_eq!(written, "512k/2M", "RouterOS wants rx/tx: the customer's upload first");
        let read = hotspot::UserProfile {
            id: "*3".into(),
            name: sold.name(),
            rate_limit: "512000/2000000".into(),
            shared_users: "2".into(),
            is_adding_mac_cookie: false,
        };
        assert_eq!(profile(&read), right_profile(&sold));
        let unlimited = Profile { down: None, up: None, ..sold };
        assert_eq!(profile_spec(&unlimited).rate_limit, None);
        assert_eq!(profile(&hotspot::UserProfile { rate_limit: String::new(), ..read }), right_profile(&unlimited));
    }
}
