//! Limits follow what is paid for and what was used, and cost a new login only where somebody would lose time.

use super::*;

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
