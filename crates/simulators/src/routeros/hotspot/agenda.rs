//! When something of the hotspot is due next, without going through all of it whenever somebody asks.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    net::Ipv4Addr,
};

use crate::routeros::{clock::Millis, router::Router};

/// What may be due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The end of the session at an address.
    Session(Ipv4Addr),
    /// A host is forgotten, by its id.
    Host(u32),
    /// A cookie runs out.
    Cookie,
    /// The next packet of a device.
    Packet(String),
}

/// When to look at what. An entry may be too early, because most things are put off more often than they happen: who
/// looks then finds out, and enters the new time. It is never too late: whoever brings something forward enters it.
#[derive(Debug)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<(Millis, Due)>>,
    /// Something has changed that many entries depend on.
    is_stale: bool,
}

impl Default for Agenda {
    fn default() -> Self {
        Self { entries: BinaryHeap::new(), is_stale: true }
    }
}

impl Agenda {
    pub(super) fn enter(&mut self, at_ms: Millis, due: Due) {
        self.entries.push(Reverse((at_ms, due)));
    }

    /// Whatever was entered may be wrong by now.
    pub(crate) fn doubt(&mut self) {
        self.is_stale = true;
    }

    /// Takes out what was to be looked at by now.
    fn take_due(&mut self, now_ms: Millis) -> BTreeSet<Due> {
        let mut due = BTreeSet::new();
        while self.entries.peek().is_some_and(|Reverse((at, _))| *at <= now_ms) {
            due.extend(self.entries.pop().map(|Reverse((_, what))| what));
        }
        due
    }
}

impl Router {
    /// When to look at the hotspot next; nothing happens there before.
    pub(crate) fn next_hotspot_event_ms(&self) -> Option<Millis> {
        if self.hotspot.agenda.is_stale {
            return self.hotspot_deadlines().into_iter().map(|(at, _)| at).min();
        }
        self.hotspot.agenda.entries.peek().map(|Reverse((at, _))| *at)
    }

    /// Enters everything anew where that is necessary.
    pub(crate) fn renew_agenda(&mut self) {
        if self.hotspot.agenda.is_stale {
            let entries = self.hotspot_deadlines().into_iter().map(Reverse).collect();
            self.hotspot.agenda = Agenda { entries, is_stale: false };
        }
    }

    /// Everything that will happen in the hotspot by itself, from the hotspot itself.
    fn hotspot_deadlines(&self) -> Vec<(Millis, Due)> {
        let hotspot = &self.hotspot;
        let timeouts = self.timeouts();
        let sessions =
            hotspot.sessions.iter().filter_map(|one| Some((self.session_ends(one)?.0, Due::Session(one.ip))));
        let hosts = hotspot.hosts.iter().filter_map(|one| Some((self.host_ends_ms(one, timeouts)?, Due::Host(one.id))));
        let cookies = hotspot.cookies.iter().map(|cookie| (cookie.expires_ms, Due::Cookie));
        let packets =
            hotspot.devices.iter().filter_map(|(mac, one)| Some((one.next_packet_ms?, Due::Packet(mac.clone()))));
        sessions.chain(hosts).chain(cookies).chain(packets).collect()
    }

    /// Enters what may have been brought forward at an address: the end of its session, and of its hosts.
    pub(super) fn enter_address(&mut self, ip: Ipv4Addr) {
        if self.hotspot.agenda.is_stale {
            return;
        }
        let end = self.hotspot.session_at(ip).and_then(|session| self.session_ends(session));
        let timeouts = self.timeouts();
        let hosts = self.hotspot.hosts.at(ip);
        let hosts: Vec<(Millis, Due)> =
            hosts.filter_map(|host| Some((self.host_ends_ms(host, timeouts)?, Due::Host(host.id)))).collect();
        let end = end.map(|(at, _)| (at, Due::Session(ip)));
        for (at_ms, due) in hosts.into_iter().chain(end) {
            self.hotspot.agenda.enter(at_ms, due);
        }
    }

    /// Does what is due now: sessions end before hosts go, hosts go before new packets arrive.
    pub(crate) fn hotspot_events(&mut self) {
        self.renew_agenda();
        let now_ms = self.now_ms;
        let due = self.hotspot.agenda.take_due(now_ms);
        for one in &due {
            match one {
                Due::Session(ip) => {
                    let end = self.hotspot.session_at(*ip).and_then(|session| self.session_ends(session));
                    match end {
                        Some((at_ms, cause)) if at_ms <= now_ms => self.end_session(*ip, cause),
                        Some((at_ms, _)) => self.hotspot.agenda.enter(at_ms, one.clone()),
                        None => {}
                    }
                }
                Due::Host(id) => {
                    let host = self.hotspot.hosts.iter().find(|host| host.id == *id);
                    match host.and_then(|host| self.host_ends_ms(host, self.timeouts())) {
                        Some(at_ms) if at_ms <= now_ms => drop(self.remove_host(*id)),
                        Some(at_ms) => self.hotspot.agenda.enter(at_ms, one.clone()),
                        None => {}
                    }
                }
                Due::Cookie => self.expire_cookies(),
                Due::Packet(mac) => match self.hotspot.devices.get(mac).and_then(|device| device.next_packet_ms) {
                    Some(at_ms) if at_ms <= now_ms => self.packet(mac),
                    Some(at_ms) => self.hotspot.agenda.enter(at_ms, one.clone()),
                    None => {}
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::routeros::{Options, Reboot, hotspot::Cause, schema, table::Row};

    /// What may happen to a hotspot with a few devices.
    #[derive(Debug, Clone)]
    enum Event {
        Join(u8),
        Leave(u8),
        LeaveForGood(u8),
        Traffic(u8),
        LogOut(u8),
        Grant(u8, u16),
        Remove(u8),
        Bind(u8, bool),
        Unbind,
        Timeout(u16),
        Restart(bool),
        Wait(u32),
    }

    fn event() -> impl Strategy<Value = Event> {
        let device = 0..4_u8;
        prop_oneof![
            3 => device.clone().prop_map(Event::Join),
            2 => device.clone().prop_map(Event::Leave),
            1 => device.clone().prop_map(Event::LeaveForGood),
            2 => device.clone().prop_map(Event::Traffic),
            1 => device.clone().prop_map(Event::LogOut),
            3 => (device.clone(), 1..900_u16).prop_map(|(n, secs)| Event::Grant(n, secs)),
            1 => device.clone().prop_map(Event::Remove),
            1 => (device, any::<bool>()).prop_map(|(n, blocks)| Event::Bind(n, blocks)),
            1 => Just(Event::Unbind),
            1 => (0..600_u16).prop_map(Event::Timeout),
            1 => any::<bool>().prop_map(Event::Restart),
            6 => (1..400_000_u32).prop_map(Event::Wait),
        ]
    }

    fn insert(router: &mut Router, path: &'static str, values: &[(&'static str, &str)]) {
        let menu = schema::menu(path, router.options.ros).unwrap();
        let mut row = Row::default();
        values.iter().for_each(|(name, value)| row.set(name, *value));
        router.insert(menu, row);
    }

    fn happens(router: &mut Router, event: &Event) {
        let mac = |n: u8| format!("A4:CF:12:00:00:{n:02X}");
        match *event {
            Event::Join(n) => drop(router.join(&mac(n), None)),
            Event::Leave(n) => router.leave(&mac(n)),
            Event::LeaveForGood(n) => router.leave_for_good(&mac(n)),
            Event::Traffic(n) => drop(router.traffic(&mac(n), 10, 10)),
            Event::LogOut(n) => router.end_sessions_of(&mac(n), Cause::AdminReset),
            Event::Grant(n, secs) if router.named("/ip/hotspot/user", &mac(n)).is_none() => {
                let (name, limit) = (mac(n), format!("{secs}s"));
                insert(router, "/ip/hotspot/user", &[("name", &name), ("limit-uptime", &limit)]);
            }
            Event::Remove(n) => {
                if let Some(id) = router.named("/ip/hotspot/user", &mac(n)).map(|row| row.id) {
                    router.delete("/ip/hotspot/user", id);
                }
            }
            Event::Bind(n, blocks) => {
                let kind = if blocks { "blocked" } else { "bypassed" };
                insert(router, "/ip/hotspot/ip-binding", &[("mac-address", &mac(n)), ("type", kind)]);
            }
            Event::Unbind => router.table("/ip/hotspot/ip-binding").rows.clear(),
            Event::Timeout(secs) => {
                router
                    .table("/ip/hotspot")
                    .rows
                    .iter_mut()
                    .for_each(|row| row.set("login-timeout", format!("{secs}s")));
            }
            Event::Restart(is_clean) => router.reboot(if is_clean { Reboot::Clean } else { Reboot::PowerCut }, 15),
            Event::Wait(ms) => router.clock.advance(ms.into()),
            Event::Grant(..) => {}
        }
    }

    proptest! {
        #[test]
        fn whoever_keeps_to_the_agenda_misses_nothing(events in prop::collection::vec(event(), 1..80)) {
            let mut router = Router::new(Options::default());
            for event in &events {
                happens(&mut router, event);
                router.settle();
                let first = |router: &Router| router.hotspot_deadlines().into_iter().map(|(at, _)| at).min();
                let (due, entered) = (first(&router), router.next_hotspot_event_ms());
                prop_assert!(
                    due.is_none_or(|due| entered.is_some_and(|entered| entered <= due)),
                    "after {event:?}: due at {due:?}, entered for {entered:?}"
                );
                prop_assert!(!router.is_up() || due.is_none_or(|due| due > router.now_ms), "after {event:?}: missed");
            }
        }
    }
}
