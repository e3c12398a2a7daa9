//! What a device has used, from counters that a router may lose.

/// The router's counters of one user row. RouterOS adds a login's use to the row when the login ends, not before,
/// and forgets what a running login used when its power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Use in logins that have ended.
    pub finished_secs: u64,
    /// The same, both directions.
    pub finished_bytes: u64,
    /// Use in the logins that run.
    pub running_secs: u64,
    /// The same, both directions.
    pub running_bytes: u64,
}

/// Use of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Connected seconds.
    pub secs: u64,
    /// Both directions.
    pub bytes: u64,
}

impl Counters {
    /// Over the life of the row: what RouterOS holds its limits against.
    #[must_use]
    pub const fn total(&self) -> Used {
        Used {
            secs: self.finished_secs.saturating_add(self.running_secs),
            bytes: self.finished_bytes.saturating_add(self.running_bytes),
        }
    }

    /// What was used between two readings, `seen` being the earlier. Counters that went down were lost (a power cut)
    /// or are of a row made anew; what was read of them before has been counted and is not counted again.
    ///
    /// `None` when nothing can be said yet: the login has ended, and its use has not arrived at the row. The earlier
    /// reading then stays the one to compare with.
    #[must_use]
    pub const fn since(&self, seen: &Self) -> Option<Used> {
        let (now, before) = (self.total(), seen.total());
        if now.secs >= before.secs && now.bytes >= before.bytes {
            return Some(Used { secs: now.secs - before.secs, bytes: now.bytes - before.bytes });
        }
        let is_same_row = self.finished_secs >= seen.finished_secs && self.finished_bytes >= seen.finished_bytes;
        if !is_same_row {
            return Some(now);
        }
        if self.running_secs == 0 && self.running_bytes == 0 {
            return None;
        }
        Some(Used {
            secs: (self.finished_secs - seen.finished_secs).saturating_add(self.running_secs),
            bytes: (self.finished_bytes - seen.finished_bytes).saturating_add(self.running_bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn read(finished: u64, running: u64) -> Counters {
        Counters {
            finished_secs: finished,
            finished_bytes: finished * 1000,
            running_secs: running,
            running_bytes: running * 1000,
        }
    }

    fn secs(now: Counters, seen: Counters) -> Option<u64> {
        now.since(&seen).map(|used| {
            assert_eq!(used.bytes, used.secs * 1000);
            used.secs
        })
    }

    #[test]
    fn use_grows_across_logins() {
        assert_eq!(secs(read(0, 60), read(0, 0)), Some(60));
        assert_eq!(secs(read(0, 90), read(0, 60)), Some(30));
        assert_eq!(secs(read(100, 0), read(0, 90)), Some(10), "the login ended");
        assert_eq!(secs(read(100, 5), read(0, 90)), Some(15), "and the next began");
    }

    #[test]
    fn a_power_cut_neither_counts_twice_nor_forgets() {
        // 50 were finished, 40 of the running login are lost; the new login has used 7.
        assert_eq!(secs(read(50, 7), read(50, 40)), Some(7));
        assert_eq!(secs(read(50, 9), read(50, 7)), Some(2));
        // The router forgot everything, or the row was made anew.
        assert_eq!(secs(read(0, 7), read(50, 40)), Some(7));
        assert_eq!(secs(read(20, 0), read(50, 40)), Some(20));
    }

    #[test]
    fn a_login_that_ended_between_two_answers_is_waited_for() {
        // Users were printed before it ended, logins after.
        assert_eq!(secs(read(50, 0), read(50, 40)), None);
        assert_eq!(secs(read(95, 0), read(50, 40)), Some(5));
    }

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Use(u32),
        LogOut,
        PowerCut,
        NewRow,
        Read,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => (1_u32..1000).prop_map(Event::Use),
            1 => Just(Event::LogOut),
            1 => Just(Event::PowerCut),
            1 => Just(Event::NewRow),
            3 => Just(Event::Read),
        ]
    }

    proptest! {
        /// Never more than was used, and never less but by what nobody could have read.
        #[test]
        fn the_sum_is_what_was_used(events in prop::collection::vec(event(), 0..60)) {
            let (mut router, mut seen, mut counted, mut used, mut unseen) = (read(0, 0), read(0, 0), 0, 0, 0);
            let mut lost = 0;
            let look = |router: Counters, seen: &mut Counters, counted: &mut u64| {
                if let Some(used) = router.since(seen) {
                    *counted += used.secs;
                    *seen = router;
                }
            };
            for event in events {
                match event {
                    Event::Use(secs) => {
                        router = read(router.finished_secs, router.running_secs + u64::from(secs));
                        used += u64::from(secs);
                        unseen += u64::from(secs);
                    }
                    Event::LogOut => router = read(router.finished_secs + router.running_secs, 0),
                    Event::PowerCut | Event::NewRow => {
                        // What was not read before is lost; and counters that pass the last reading unread hide as
                        // much as was read of them.
                        lost += unseen + seen.total().secs;
                        unseen = 0;
                        router = read(if matches!(event, Event::PowerCut) { router.finished_secs } else { 0 }, 0);
                    }
                    Event::Read => {
                        look(router, &mut seen, &mut counted);
                        unseen = 0;
                    }
                }
                prop_assert!(counted <= used, "counted {counted} of {used}");
            }
            look(router, &mut seen, &mut counted);
            prop_assert!(counted + lost >= used, "counted {counted} of {used}, {lost} could not be known");
        }
    }
}
