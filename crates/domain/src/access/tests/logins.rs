//! Who is logged in where, and what stands in the way.

use super::*;

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
