use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
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

fn foreign(n: u8) -> UserRow {
    UserRow {
        id: format!("*F{n}"),
        name: mac(n).to_string(),
        mac: None,
        profile: "default".into(),
        limit_uptime_secs: None,
        limit_bytes: None,
        used_secs: 0,
        used_bytes: 0,
        comment: "the owner's phone".into(),
        is_disabled: false,
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

#[test]
fn a_new_device_gets_profile_user_and_login_in_this_order() {
    let current = Current { hosts: vec![host(1)], ..Current::default() };
    let comment = "bando1;g=00000000-0000-0000-0000-000000000001;e=1795330800".to_owned();
    assert_eq!(
        planned(&[hour(1)], &[], &current),
        [
            Command::EnsureProfile(profile(3)),
            Command::AddUser(UserSpec {
                mac: mac(1),
                profile: "bando-p00000003-v1".into(),
                limit_uptime_secs: 3600,
                limit_bytes: None,
                comment,
            }),
            Command::Login { mac: mac(1), ip: "10.5.50.1".into() },
        ]
    );
}

#[test]
fn a_device_that_is_away_gets_its_user_and_one_that_is_bypassed_no_login() {
    let commands = planned(&[hour(1)], &[], &Current::default());
    assert!(matches!(commands[..], [Command::EnsureProfile(_), Command::AddUser(_)]));
    let bypassed = HostRow { is_bypassed: true, ..host(1) };
    let commands = planned(&[hour(1)], &[], &Current { hosts: vec![bypassed], ..Current::default() });
    assert!(matches!(commands[..], [Command::EnsureProfile(_), Command::AddUser(_)]));
}

#[test]
fn several_devices_share_one_profile_command() {
    let commands = planned(&[hour(1), hour(2)], &[], &Current::default());
    assert_eq!(commands.iter().filter(|command| matches!(command, Command::EnsureProfile(_))).count(), 1);
}

#[test]
fn swapped_speeds_are_a_difference() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    let row = &mut current.profiles[0];
    assert_eq!((row.down, row.up), (Some(Rate::from_kbps(2000)), Some(Rate::from_kbps(512))));
    std::mem::swap(&mut row.down, &mut row.up);
    assert_eq!(planned(&[hour(1)], &[], &current), [Command::EnsureProfile(profile(3))]);
}

#[test]
fn time_that_passes_online_changes_nothing() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    pass(&mut current, 1800);
    let later = Intended { remaining_secs: 1800, ..hour(1) };
    assert_eq!(planned(&[later], &[], &current), []);
    // One second of rounding either way is no difference.
    for remaining_secs in [1799, 1801] {
        assert_eq!(planned(&[Intended { remaining_secs, ..hour(1) }], &[], &current), []);
    }
}

#[test]
fn time_that_passes_away_lowers_the_limit_only_when_it_is_much() {
    let current = after(&[hour(1)], vec![]);
    assert_eq!(planned(&[Intended { remaining_secs: 3000, ..hour(1) }], &[], &current), []);
    let commands = planned(&[Intended { remaining_secs: 600, ..hour(1) }], &[], &current);
    let [Command::UpdateUser { spec, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(spec.limit_uptime_secs, 600);
}

#[test]
fn a_limit_that_would_cut_somebody_off_early_is_raised_and_the_device_logged_in_again() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    current.users[0].used_secs = 100;
    current.users[0].limit_uptime_secs = Some(600);
    current.logins[0].uptime_secs = 50;
    current.logins[0].time_left_secs = Some(450);
    let commands = planned(&[hour(1)], &[], &current);
    let [Command::UpdateUser { spec, .. }, Command::Kick { .. }, Command::Login { .. }] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(spec.limit_uptime_secs, 3750, "used 100 + 50, remaining 3600");
}

#[test]
fn counters_lost_in_a_power_cut_do_not_give_time_back() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    // 50 minutes were used, the router forgot them.
    current.logins[0].uptime_secs = 0;
    let commands = planned(&[Intended { remaining_secs: 600, ..hour(1) }], &[], &current);
    let [Command::UpdateUser { spec, .. }, Command::Kick { .. }, Command::Login { .. }] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(spec.limit_uptime_secs, 600);
}

#[test]
fn a_new_session_replaces_the_row_so_that_counters_start_again() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    current.logins[0].uptime_secs = 1800;
    let renewed = Intended { session_id: session(99), remaining_secs: 5400, ..hour(1) };
    let commands = planned(std::slice::from_ref(&renewed), &[], &current);
    let [Command::RemoveUser { .. }, Command::AddUser(spec), Command::Login { .. }] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(spec.limit_uptime_secs, 5400);
    apply(&mut current, &commands);
    assert_eq!(planned(&[renewed], &[], &current), []);
}

#[test]
fn data_limits_add_what_was_used() {
    let limited = Intended { data_remaining: Some(DataSize::from_mb(300)), ..hour(1) };
    let mut current = after(std::slice::from_ref(&limited), vec![host(1)]);
    assert_eq!(current.users[0].limit_bytes, Some(300_000_000));
    current.logins[0].bytes = 100_000_000;
    let later = Intended { data_remaining: Some(DataSize::from_mb(200)), ..hour(1) };
    assert_eq!(planned(&[later], &[], &current), []);
    // Another device of the session used 150 MB.
    let shared = Intended { data_remaining: Some(DataSize::from_mb(50)), ..hour(1) };
    let commands = planned(&[shared], &[], &current);
    let [Command::UpdateUser { spec, .. }, Command::Kick { .. }, Command::Login { .. }] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(spec.limit_bytes, Some(150_000_000));
    let unlimited = planned(&[hour(1)], &[], &current);
    assert!(matches!(&unlimited[0], Command::UpdateUser { spec, .. } if spec.limit_bytes.is_none()));
}

#[test]
fn a_switched_off_row_is_switched_on_and_a_changed_end_needs_no_new_login() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    let later = Intended { ends_at: now() + TimeDelta::seconds(3602), remaining_secs: 3602, ..hour(1) };
    let commands = planned(&[later], &[], &current);
    assert!(matches!(commands[..], [Command::UpdateUser { .. }]), "{commands:?}");
    current.users[0].is_disabled = true;
    assert!(matches!(planned(&[hour(1)], &[], &current)[..], [Command::UpdateUser { .. }]));
    end_logins(&mut current, mac(1));
    assert!(matches!(planned(&[hour(1)], &[], &current)[..], [Command::UpdateUser { .. }, Command::Login { .. }]));
}

#[test]
fn a_login_that_outlived_its_user_is_ended() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    current.users.clear();
    assert_eq!(planned(&[], &[mac(1)], &current), [Command::RemoveUser { mac: mac(1) }]);
    assert!(matches!(
        planned(&[hour(1)], &[], &current)[..],
        [Command::Kick { .. }, Command::AddUser(_), Command::Login { .. }]
    ));
}

#[test]
fn a_stuck_host_is_cleared_after_a_refusal() {
    let mut current = after(&[hour(1)], vec![]);
    current.hosts = vec![host(1)];
    let refused = Intended { was_refused: true, ..hour(1) };
    assert_eq!(planned(&[refused], &[], &current), [Command::ClearStuckHost { mac: mac(1), host_id: "*H1".into() }]);
    assert_eq!(planned(&[hour(1)], &[], &current), [Command::Login { mac: mac(1), ip: "10.5.50.1".into() }]);
}

#[test]
fn who_is_kicked_logs_in_anew_with_the_same_row() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    let kicked = Intended { is_kicked: true, ..hour(1) };
    let rows = current.users.clone();
    let commands = planned(std::slice::from_ref(&kicked), &[], &current);
    let login_id = current.logins[0].id.clone();
    let login = Command::Login { mac: mac(1), ip: "10.5.50.1".into() };
    assert_eq!(commands, [Command::Kick { mac: mac(1), login_id }, login]);
    apply(&mut current, &commands);
    assert_eq!((current.users.clone(), current.logins.len()), (rows, 1));
    // At the login page and not getting on: its host entry is what is stuck.
    current.logins.clear();
    assert_eq!(planned(&[kicked], &[], &current), [Command::ClearStuckHost { mac: mac(1), host_id: "*H1".into() }]);
}

#[test]
fn of_two_hosts_of_a_device_the_new_one_is_logged_in() {
    let mut current = after(&[hour(1)], vec![]);
    let new = HostRow { id: "*H2".into(), address: "10.5.50.2".into(), ..host(1) };
    current.hosts = vec![HostRow { is_authorized: true, ..host(1) }, new];
    assert_eq!(planned(&[hour(1)], &[], &current), [Command::Login { mac: mac(1), ip: "10.5.50.2".into() }]);
}

#[test]
fn somebody_elses_rows_are_never_touched() {
    let current =
        Current { users: vec![foreign(1), foreign(2), foreign(3)], hosts: vec![host(1)], ..Current::default() };
    let plan = plan(now(), &[hour(1)], &[mac(2)], &current, &no_orphans());
    assert_eq!(plan.conflicts, [mac(1)]);
    assert_eq!(plan.commands, [Command::EnsureProfile(profile(3))]);
    assert!(plan.orphans.is_empty());
}

#[test]
fn an_expired_device_is_removed_at_once_and_only_it() {
    let current = after(&[hour(1), hour(2)], vec![host(1), host(2)]);
    assert_eq!(planned(&[hour(2)], &[mac(1)], &current), [Command::RemoveUser { mac: mac(1) }]);
}

#[test]
fn a_row_of_ours_that_nobody_knows_has_fifteen_minutes() {
    let current = after(&[hour(1)], vec![host(1)]);
    let at = |minutes, orphans: &_| plan(now() + TimeDelta::minutes(minutes), &[], &[], &current, orphans);
    let first = at(0, &no_orphans());
    assert_eq!((first.commands.len(), first.orphans.get(&mac(1))), (0, Some(&now())));
    let second = at(14, &first.orphans);
    assert_eq!((second.commands.len(), &second.orphans), (0, &first.orphans));
    assert_eq!(at(15, &second.orphans).commands, [Command::RemoveUser { mac: mac(1) }]);
    // Over by its own account: at once.
    assert_eq!(at(60, &no_orphans()).commands, [Command::RemoveUser { mac: mac(1) }]);
    // Known again: forgotten.
    assert!(plan(now(), &[hour(1)], &[], &current, &first.orphans).orphans.is_empty());
}

#[test]
fn names_and_tags_have_their_form() {
    assert_eq!(profile(0xabc).name(), "bando-p00000abc-v1");
    let tag = Tag::new(session(7), now() + TimeDelta::milliseconds(1));
    assert_eq!(tag.to_string(), "bando1;g=00000000-0000-0000-0000-000000000007;e=1795327201");
    assert!(!tag.is_over(now()) && tag.is_over(now() + TimeDelta::seconds(1)));
    assert_eq!(Tag::new(session(7), DateTime::<Utc>::MAX_UTC).to_string().len(), tag.to_string().len());
    assert_eq!(Tag::new(session(7), DateTime::<Utc>::UNIX_EPOCH).to_string().len(), tag.to_string().len());
    for comment in [
        "",
        "bando1;",
        "bando1;g=x;e=1795327201",
        "by hand",
        "bando1;g=00000000-0000-0000-0000-000000000007;e=17953272010",
        " bando1;g=00000000-0000-0000-0000-000000000007;e=1795327201",
    ] {
        assert_eq!(comment.parse::<Tag>(), Err(tag::InvalidTag), "{comment}");
    }
    assert_eq!(format!("{tag};x=1").parse(), Ok(tag));
}

fn any_intended() -> impl Strategy<Value = Intended> {
    (1_u8..6, 1_u128..4, 0_u128..3, 1_u64..100_000, prop::option::of(0_u64..1 << 33), any::<bool>()).prop_map(
        |(n, session_n, package, remaining_secs, data, was_refused)| Intended {
            mac: mac(n),
            session_id: session(session_n),
            profile: profile(package),
            remaining_secs,
            data_remaining: data.map(DataSize::from_bytes),
            ends_at: now() + TimeDelta::seconds(i64::try_from(remaining_secs).unwrap()),
            was_refused,
            is_kicked: false,
        },
    )
}

fn any_current() -> impl Strategy<Value = Current> {
    let user = (1_u8..8, 1_u128..4, any::<[bool; 3]>(), 0_u64..100_000, 0_u64..1 << 33, 0_u128..3).prop_map(
        |(n, session_n, [is_foreign, has_limits, is_disabled], secs, bytes, package)| {
            let tag = Tag::new(session(session_n), now() + TimeDelta::seconds(i64::from(n) * 100));
            UserRow {
                id: format!("*U{n}{session_n}{secs}"),
                name: mac(n).to_string(),
                mac: Some(mac(n)),
                profile: profile(package).name(),
                limit_uptime_secs: has_limits.then_some(secs + 1),
                limit_bytes: has_limits.then_some(bytes + 1),
                used_secs: secs / 2,
                used_bytes: bytes / 2,
                comment: if is_foreign { "mine".to_owned() } else { tag.to_string() },
                is_disabled,
            }
        },
    );
    let login = (1_u8..8, 1_u8..4, 0_u64..5000, 0_u64..1 << 30, prop::option::of(0_u64..100_000)).prop_map(
        |(n, m, uptime_secs, bytes, time_left_secs)| LoginRow {
            bytes,
            time_left_secs,
            ..login_at(mac(n), &format!("10.5.{m}.{n}"), uptime_secs)
        },
    );
    let host = (1_u8..8, 1_u8..4, any::<[bool; 2]>()).prop_map(|(n, m, [is_authorized, is_bypassed])| HostRow {
        id: format!("*H{n}{m}"),
        mac: mac(n),
        address: format!("10.5.{m}.{n}"),
        is_authorized,
        is_bypassed,
    });
    (prop::collection::vec(user, 0..8), prop::collection::vec(login, 0..4), prop::collection::vec(host, 0..6)).prop_map(
        |(mut users, mut logins, mut hosts)| {
            users.sort_by(|a, b| a.id.cmp(&b.id));
            users.dedup_by(|a, b| a.id == b.id);
            logins.sort_by(|a, b| a.id.cmp(&b.id));
            logins.dedup_by(|a, b| a.id == b.id);
            hosts.sort_by(|a, b| a.id.cmp(&b.id));
            hosts.dedup_by(|a, b| a.id == b.id);
            for host in &mut hosts {
                host.is_authorized = !host.is_bypassed && logins.iter().any(|login| login.address == host.address);
            }
            Current { users, logins, hosts, profiles: Vec::new() }
        },
    )
}

const FRESH: u64 = 400;

fn rows_of_ours(current: &Current, mac: MacAddr) -> usize {
    let name = mac.to_string();
    let is_foreign = |user: &UserRow| user.name == name && !user.comment.starts_with(MARK);
    if current.users.iter().any(is_foreign) {
        return 0;
    }
    current.users.iter().filter(|user| user.name == name).count()
        + current.logins.iter().filter(|login| login.user == name).count()
}

proptest! {
    #[test]
    fn applying_a_plan_leaves_nothing_to_do(
        mut intended in prop::collection::vec(any_intended(), 0..6),
        off in prop::collection::btree_set(1_u8..8, 0..4),
        mut current in any_current(),
    ) {
        intended.sort_by_key(|device| device.mac);
        intended.dedup_by_key(|device| device.mac);
        let off: Vec<_> = off.into_iter().map(mac).filter(|mac| intended.iter().all(|device| device.mac != *mac)).collect();
        let theirs: Vec<_> = current.users.iter().filter(|user| !user.comment.starts_with(MARK)).cloned().collect();

        let first = plan(now(), &intended, &off, &current, &no_orphans());
        apply(&mut current, &first.commands);
        let second = plan(now(), &intended, &off, &current, &first.orphans);

        // A host that was cleared is gone, and its device is to come again; with the flag it would be cleared again.
        prop_assert_eq!(second.commands, vec![]);
        let left: Vec<_> = current.users.iter().filter(|user| !user.comment.starts_with(MARK)).cloned().collect();
        prop_assert_eq!(left.clone(), theirs);
        for device in intended.iter().filter(|device| !first.conflicts.contains(&device.mac)) {
            let row = current.users.iter().find(|user| user.name == device.mac.to_string()).expect("a user");
            let used = row.counters(current.logins.iter().filter(|login| login.user == row.name)).total();
            prop_assert!(row.limit_uptime_secs.unwrap() + 2 >= used.secs + device.remaining_secs);
        }
        for mac in &off {
            let is_ours = |user: &&UserRow| user.name == mac.to_string() && user.comment.starts_with(MARK);
            prop_assert!(second.conflicts.contains(mac) || current.users.iter().find(is_ours).is_none_or(|_| left.iter().any(|user| user.name == mac.to_string())));
        }
    }

    /// The connection may be lost after any command: what was done until then and a new plan come to the same.
    #[test]
    fn a_plan_that_was_cut_short_is_finished_by_the_next(
        mut intended in prop::collection::vec(any_intended(), 1..5),
        off in prop::collection::btree_set(1_u8..8, 0..4),
        mut current in any_current(),
        cut in 0_usize..30,
    ) {
        intended.sort_by_key(|device| device.mac);
        intended.dedup_by_key(|device| device.mac);
        intended.iter_mut().for_each(|device| device.was_refused = false);
        let off: Vec<_> = off.into_iter().map(mac).filter(|mac| intended.iter().all(|device| device.mac != *mac)).collect();
        // Whoever is on under a right row is on under its limits, or the router says otherwise.
        pass(&mut current, FRESH);
        let mut first = planned(&intended, &off, &current);
        first.truncate(cut);
        apply(&mut current, &first);
        pass(&mut current, FRESH);
        let rest = plan(now(), &intended, &off, &current, &no_orphans());
        apply(&mut current, &rest.commands);

        prop_assert_eq!(planned(&intended, &off, &current), vec![]);
        for device in intended.iter().filter(|device| !rest.conflicts.contains(&device.mac)) {
            for login in current.logins.iter().filter(|login| login.user == device.mac.to_string()) {
                if let Some(left) = login.time_left_secs {
                    prop_assert!(left + 2 >= device.remaining_secs, "cut off early: {left} of {}", device.remaining_secs);
                }
            }
            let is_bypassed = current.hosts.iter().any(|host| host.mac == device.mac && host.is_bypassed);
            let mut hosts = current.hosts.iter().filter(|host| host.mac == device.mac).peekable();
            prop_assert!(is_bypassed || hosts.peek().is_none() || hosts.any(|host| host.is_authorized), "left at the portal");
        }
        for mac in off {
            prop_assert!(rest.conflicts.contains(&mac) || rows_of_ours(&current, mac) == 0);
        }
    }

    #[test]
    fn tags_read_back(id: u128, secs in 0_i64..9_999_999_999) {
        let tag = Tag::new(session(id), DateTime::from_timestamp(secs, 0).unwrap());
        prop_assert_eq!(tag.to_string().parse(), Ok(tag));
    }

    #[test]
    fn no_comment_panics(comment in "\\PC{0,60}", rest in "[a-f0-9;=ge-]{0,60}") {
        let _ = (comment.parse::<Tag>(), format!("bando1;{rest}").parse::<Tag>());
    }
}

#[test]
fn a_new_address_is_logged_in_beside_the_old_login() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    pass(&mut current, 100);
    let left = Intended { remaining_secs: 3500, ..hour(1) };
    let at = |address: &str| HostRow { id: format!("*H{address}"), address: address.into(), ..host(1) };
    current.hosts.push(at("10.5.50.2"));
    let login = |ip: &str| Command::Login { mac: mac(1), ip: ip.into() };
    let commands = planned(std::slice::from_ref(&left), &[], &current);
    assert_eq!(commands, [login("10.5.50.2")], "the old login is left to end by itself");
    apply(&mut current, &commands);
    assert_eq!(planned(std::slice::from_ref(&left), &[], &current), []);
    // A third address within the two minutes: the oldest login makes room.
    pass(&mut current, 10);
    current.hosts.push(at("10.5.50.3"));
    let left = Intended { remaining_secs: 3490, ..hour(1) };
    let commands = planned(std::slice::from_ref(&left), &[], &current);
    let kick = Command::Kick { mac: mac(1), login_id: "*L10.5.50.1".into() };
    let update = matches!(&commands[0], Command::UpdateUser { .. });
    assert_eq!(commands[usize::from(update)..], [kick, login("10.5.50.3")], "{commands:?}");
}

#[test]
fn two_devices_with_one_address_on_the_air_do_not_end_each_others_logins() {
    let second = HostRow { id: "*H2".into(), address: "10.5.50.2".into(), ..host(1) };
    let mut current = after(&[hour(1)], vec![host(1), second]);
    assert_eq!(current.logins.len(), 2);
    for minute in 1..30 {
        pass(&mut current, 60);
        let left = Intended { remaining_secs: 3600 - minute * 60, ..hour(1) };
        let commands = planned(&[left], &[], &current);
        assert!(!commands.iter().any(|command| matches!(command, Command::Kick { .. })), "{commands:?}");
        apply(&mut current, &commands);
    }
}

#[test]
fn a_login_that_missed_a_correction_is_made_anew() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    pass(&mut current, 1800);
    // An hour more, of which the row knows and the login does not: the connection was lost in between.
    let extended = Intended { ends_at: now() + TimeDelta::seconds(5400), remaining_secs: 5400, ..hour(1) };
    let commands = planned(std::slice::from_ref(&extended), &[], &current);
    assert!(matches!(commands[..], [Command::UpdateUser { .. }, Command::Kick { .. }, Command::Login { .. }]));
    apply(&mut current, &commands[..1]);
    let commands = planned(std::slice::from_ref(&extended), &[], &current);
    assert!(matches!(commands[..], [Command::Kick { .. }, Command::Login { .. }]), "{commands:?}");
    // A router that goes on saying so is not asked again at once.
    apply(&mut current, &commands);
    current.logins[0].time_left_secs = Some(60);
    assert_eq!(planned(&[extended], &[], &current), []);
}

#[test]
fn another_speed_within_a_session_is_another_row_and_login() {
    let mut current = after(&[hour(1)], vec![host(1)]);
    pass(&mut current, 600);
    let faster = Intended { profile: profile(4), remaining_secs: 3000, ..hour(1) };
    let commands = planned(std::slice::from_ref(&faster), &[], &current);
    let [Command::EnsureProfile(_), Command::RemoveUser { .. }, Command::AddUser(spec), Command::Login { .. }] =
        &commands[..]
    else {
        panic!("{commands:?}")
    };
    assert_eq!((spec.profile.as_str(), spec.limit_uptime_secs), ("bando-p00000004-v1", 3000));
    apply(&mut current, &commands);
    assert_eq!(planned(&[faster], &[], &current), []);
}
