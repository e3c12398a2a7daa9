//! What a device has on a router: its profile and its row, and whose rows are left alone.

use super::*;

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
