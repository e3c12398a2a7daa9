//! What holds whatever is intended and whatever a router has.

use proptest::prelude::*;

use super::*;

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
