//! Who is on the network against who has paid: the states of a device, and what people may do about each.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    MacAddr,
    access::{Current, MARK},
    session::PAUSES_MAX,
};

/// How a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LiveState {
    /// Paid and on.
    Online,
    /// Paid, delivered, not there now.
    Away,
    /// Paid, not delivered yet.
    Waiting,
    /// Paid time is stopped.
    Paused,
    /// On without paid time.
    Ghost,
}

impl LiveState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Online, Self::Away, Self::Waiting, Self::Paused, Self::Ghost];

    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Ghost => "ghost",
        }
    }

    /// The state that a word names.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What can be done about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LiveAction {
    /// Log it out; with paid time it comes back.
    Kick,
    /// Add minutes.
    Extend,
    /// Stop paid time.
    Pause,
    /// Let paid time go on.
    Resume,
    /// End paid time for good.
    End,
    /// Keep the device out.
    Block,
}

impl LiveAction {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kick => "kick",
            Self::Extend => "extend",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::End => "end",
            Self::Block => "block",
        }
    }

    /// Whether only an owner may: what gives away or takes away what was paid for.
    #[must_use]
    pub const fn is_for_owners(self) -> bool {
        matches!(self, Self::Extend | Self::End | Self::Block)
    }
}

/// What may be done about a device by an owner or somebody else. `pauses` is how often its session was paused;
/// `is_kickable` is false for a device that no login lets through, so that there is nothing to log out.
#[must_use]
pub fn actions(state: LiveState, pauses: u8, is_kickable: bool, is_owner: bool) -> Vec<LiveAction> {
    use LiveAction::{Block, End, Extend, Kick, Pause, Resume};
    let of_state: &[LiveAction] = match state {
        LiveState::Online | LiveState::Away => &[Kick, Extend, Pause, End, Block],
        LiveState::Waiting => &[Extend, End, Block],
        LiveState::Paused => &[Resume, Extend, End, Block],
        LiveState::Ghost => &[Kick, Block],
    };
    let may = |action: &LiveAction| {
        (is_owner || !action.is_for_owners())
            && (*action != Kick || is_kickable)
            && (*action != Pause || pauses < PAUSES_MAX)
    };
    of_state.iter().copied().filter(may).collect()
}

/// How a device without paid time gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrangerKind {
    /// Logged in as a user of ours whose time is over, or that nobody knows.
    Over,
    /// Logged in as a user that is not ours.
    User,
    /// An ip-binding of the owner's lets it through.
    Bypassed,
}

impl StrangerKind {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::User => "user",
            Self::Bypassed => "bypassed",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Over, Self::User, Self::Bypassed].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A device that a router lets through without paid time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// The device.
    pub mac: MacAddr,
    /// How.
    pub kind: StrangerKind,
    /// The user it is logged in as; empty for a binding.
    pub user: String,
    /// Its address, when known.
    pub ip: Option<String>,
    /// Length of its login.
    pub used_secs: u64,
    /// Bytes of its login, both ways.
    pub used_bytes: u64,
}

/// Finds the devices that are on without being paid for. `paid` are those that should be on; `taken_off` those that
/// were just taken off after `current` was read.
#[must_use]
pub fn strangers(paid: &BTreeSet<MacAddr>, taken_off: &BTreeSet<MacAddr>, current: &Current) -> Vec<Stranger> {
    let is_ours = |name: &str| {
        let mut rows = current.users.iter().filter(|user| user.name == name).peekable();
        // A login may outlive its user. One that is named by a MAC was ours then.
        if rows.peek().is_none() {
            return name.parse::<MacAddr>().is_ok();
        }
        rows.all(|user| user.comment.starts_with(MARK))
    };
    let address = |mac: MacAddr| current.hosts.iter().find(|host| host.mac == mac).map(|host| host.address.clone());
    let mut found: BTreeMap<MacAddr, Stranger> = BTreeMap::new();
    for login in &current.logins {
        let Some(mac) = login.mac.or_else(|| login.user.parse().ok()) else { continue };
        let is_ours = is_ours(&login.user);
        if is_ours && (paid.contains(&mac) || taken_off.contains(&mac)) {
            continue;
        }
        found.insert(
            mac,
            Stranger {
                mac,
                kind: if is_ours { StrangerKind::Over } else { StrangerKind::User },
                user: login.user.clone(),
                ip: address(mac),
                used_secs: login.uptime_secs,
                used_bytes: login.bytes,
            },
        );
    }
    for host in current.hosts.iter().filter(|host| host.is_bypassed && !paid.contains(&host.mac)) {
        found.entry(host.mac).or_insert_with(|| Stranger {
            mac: host.mac,
            kind: StrangerKind::Bypassed,
            user: String::new(),
            ip: Some(host.address.clone()),
            used_secs: 0,
            used_bytes: 0,
        });
    }
    found.into_values().collect()
}

/// How the comment of a binding of ours begins that keeps a device out.
pub const BLOCK_MARK: &str = "bando:block";

/// An ip-binding as read from a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRow {
    /// The router's id.
    pub id: String,
    /// The device, if it is about one.
    pub mac: Option<MacAddr>,
    /// Whether it keeps the device out and is switched on.
    pub is_blocking: bool,
    /// The comment.
    pub comment: String,
}

/// What to change so that exactly the blocked devices are kept out by bindings of ours: devices to add one for, and
/// ids of rows to remove. Rows of others are never named.
#[must_use]
pub fn block_changes(blocked: &BTreeSet<MacAddr>, bindings: &[BindingRow]) -> (Vec<MacAddr>, Vec<String>) {
    let mut kept = BTreeSet::new();
    let mut remove = Vec::new();
    for row in bindings.iter().filter(|row| row.comment.starts_with(BLOCK_MARK)) {
        let wanted = row.mac.filter(|mac| row.is_blocking && blocked.contains(mac));
        if !wanted.is_some_and(|mac| kept.insert(mac)) {
            remove.push(row.id.clone());
        }
    }
    (blocked.difference(&kept).copied().collect(), remove)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{HostRow, LoginRow, UserRow};

    fn mac(last: u8) -> MacAddr {
        MacAddr::from_bytes([0xA4, 0xCF, 0x12, 0, 0, last]).unwrap()
    }

    fn user(name: &str, comment: &str) -> UserRow {
        UserRow {
            id: format!("*{name}"),
            name: name.into(),
            mac: None,
            profile: "default".into(),
            limit_uptime_secs: None,
            limit_bytes: None,
            used_secs: 0,
            used_bytes: 0,
            comment: comment.into(),
            is_disabled: false,
        }
    }

    fn login(name: &str, device: MacAddr) -> LoginRow {
        LoginRow {
            id: "*1".into(),
            user: name.into(),
            mac: Some(device),
            address: "10.5.50.7".into(),
            uptime_secs: 60,
            time_left_secs: None,
            bytes: 1000,
        }
    }

    fn host(device: MacAddr, is_bypassed: bool) -> HostRow {
        HostRow { id: "*1".into(), mac: device, address: "10.5.50.7".into(), is_authorized: !is_bypassed, is_bypassed }
    }

    #[test]
    fn only_owners_give_or_take_what_was_paid_for() {
        for state in LiveState::ALL {
            assert_eq!(LiveState::read(state.as_str()), Some(state));
            let owner = actions(state, 0, true, true);
            let cashier = actions(state, 0, true, false);
            assert!(cashier.iter().all(|action| owner.contains(action) && !action.is_for_owners()), "{state:?}");
            assert!(owner.contains(&LiveAction::Block));
        }
        assert_eq!(actions(LiveState::Online, 0, true, false), [LiveAction::Kick, LiveAction::Pause]);
        assert_eq!(actions(LiveState::Paused, 1, true, false), [LiveAction::Resume]);
        assert_eq!(actions(LiveState::Waiting, 0, true, false), []);
        assert!(!actions(LiveState::Online, PAUSES_MAX, true, true).contains(&LiveAction::Pause));
        assert_eq!(actions(LiveState::Ghost, 0, false, true), [LiveAction::Block], "a binding has no login to end");
    }

    #[test]
    fn paid_devices_are_no_strangers_and_everybody_else_is() {
        let ours = |device: MacAddr| user(&device.to_string(), "bando1;g=0;e=0");
        let current = Current {
            users: vec![ours(mac(1)), ours(mac(2)), user("guest", ""), user(&mac(4).to_string(), "by hand")],
            logins: vec![
                login(&mac(1).to_string(), mac(1)),
                login(&mac(2).to_string(), mac(2)),
                login("guest", mac(3)),
                login(&mac(4).to_string(), mac(4)),
                login(&mac(5).to_string(), mac(5)),
                login("T-A4:CF:12:00:00:06", mac(6)),
            ],
            hosts: vec![host(mac(3), false), host(mac(7), true), host(mac(1), false)],
            profiles: Vec::new(),
        };
        let seen = |paid: &[u8], off: &[u8]| {
            let set = |all: &[u8]| all.iter().map(|last| mac(*last)).collect();
            let found = strangers(&set(paid), &set(off), &current);
            found.into_iter().map(|one| (one.mac.bytes()[5], one.kind)).collect::<Vec<_>>()
        };
        let (over, other, rule) = (StrangerKind::Over, StrangerKind::User, StrangerKind::Bypassed);
        assert_eq!(seen(&[1], &[]), [(2, over), (3, other), (4, other), (5, over), (6, other), (7, rule)]);
        assert_eq!(seen(&[1, 7], &[2, 5]), [(3, other), (4, other), (6, other)], "paid, and just taken off");
        assert_eq!(
            seen(&[1, 2, 3, 4, 5, 6], &[])[0],
            (3, other),
            "a paid device on somebody else's user is a stranger"
        );
        let guest = strangers(&BTreeSet::new(), &BTreeSet::new(), &current).into_iter().find(|one| one.mac == mac(3));
        let guest = guest.unwrap();
        assert_eq!((guest.user.as_str(), guest.ip.as_deref(), guest.used_secs), ("guest", Some("10.5.50.7"), 60));
    }

    #[test]
    fn bindings_of_others_are_never_named() {
        let row = |id: &str, last: u8, is_blocking, comment: &str| BindingRow {
            id: id.into(),
            mac: Some(mac(last)),
            is_blocking,
            comment: comment.into(),
        };
        let rows = [
            row("*1", 1, true, "bando:block"),
            row("*2", 1, true, "bando:block"),
            row("*3", 2, true, "bando:block"),
            row("*4", 3, true, "the neighbour"),
            row("*5", 4, false, "bando:block"),
            row("*6", 5, true, "bando:portal"),
        ];
        let blocked: BTreeSet<MacAddr> = [1, 3, 4, 5].into_iter().map(mac).collect();
        let (add, remove) = block_changes(&blocked, &rows);
        assert_eq!(add, [mac(3), mac(4), mac(5)]);
        assert_eq!(remove, ["*2", "*3", "*5"], "doubled, lifted, switched off");
        assert_eq!(block_changes(&BTreeSet::new(), &rows[3..4]), (vec![], vec![]));
    }
}
