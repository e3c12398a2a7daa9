//! Customers, and what has happened to them.

use domain::MacAddr;

use crate::site::Reach;

/// A person with one phone.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// Which site they are at.
    pub(crate) site: usize,
    pub(crate) mac: MacAddr,
    pub(crate) msisdn: String,
    pub(crate) is_present: bool,
}

impl Customer {
    pub(crate) fn number(n: usize, site: usize) -> Self {
        let digits = u32::try_from(n).unwrap();
        let [_, a, b, c] = digits.to_be_bytes();
        let mac = format!("A4:CF:12:{a:02X}:{b:02X}:{c:02X}").parse().unwrap();
        Self { site, mac, msisdn: format!("0712{digits:06}"), is_present: false }
    }
}

/// What has happened at the routers that are reached in one way, to see that a soak did not pass by doing nothing.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) joins: u32,
    pub(crate) payments: u32,
    pub(crate) vouchers: u32,
    /// Another device was let use somebody's time.
    pub(crate) shares: u32,
    /// Another device took the place of one.
    pub(crate) moves: u32,
    pub(crate) pauses: u32,
    pub(crate) resumes: u32,
    pub(crate) extensions: u32,
    pub(crate) stops: u32,
    pub(crate) blocks: u32,
    pub(crate) lifts: u32,
    pub(crate) went_away: u32,
    pub(crate) came_back: u32,
    pub(crate) left_for_good: u32,
    pub(crate) data_used: u32,
    pub(crate) reboots: u32,
    pub(crate) power_cuts: u32,
    pub(crate) lines_cut: u32,
    /// Ends of paid time while the server was away.
    pub(crate) ends_alone: u32,
    /// Sessions that are over, as the database has them in the end: by time, by data, and by people.
    pub(crate) ends_by_time: u32,
    pub(crate) ends_by_data: u32,
    pub(crate) ends_otherwise: u32,
}

impl Counts {
    /// What must not be zero, with its least number in so many rounds: about a third of what is usual. What is rare
    /// counts in long runs only.
    fn least(&self, rounds: u32) -> Vec<(&'static str, u32, u32)> {
        let often = [
            ("joins", self.joins, rounds / 4),
            ("payments", self.payments, rounds / 4),
            ("vouchers", self.vouchers, rounds / 20),
            ("went away", self.went_away, rounds / 10),
            ("came back", self.came_back, rounds / 10),
            ("reboots", self.reboots, rounds / 25),
            ("power cuts", self.power_cuts, rounds / 25),
            ("lines cut", self.lines_cut, rounds / 50),
            ("ends alone", self.ends_alone, rounds / 25),
            ("ends by time", self.ends_by_time, rounds / 10),
        ];
        let rare = [
            ("shares", self.shares),
            ("moves", self.moves),
            ("pauses", self.pauses),
            ("resumes", self.resumes),
            ("extensions", self.extensions),
            ("stops", self.stops),
            ("blocks", self.blocks),
            ("lifted blocks", self.lifts),
            ("data used", self.data_used),
            ("ends by data", self.ends_by_data),
            ("ends otherwise", self.ends_otherwise),
        ];
        let rare = rare.into_iter().filter(|_| rounds >= LONG).map(|(what, count)| (what, count, rounds / LONG));
        often.into_iter().chain(rare).collect()
    }

    /// A soak in which next to nothing has happened proves nothing.
    pub(crate) fn must_be_large(&self, reach: Reach, rounds: u64) {
        let rounds = u32::try_from(rounds).unwrap();
        for (what, count, least) in self.least(rounds) {
            assert!(count >= least.max(1), "{reach:?}: {what} {count}, at least {least} were expected: {self:?}");
        }
    }
}

/// Rounds from which on also what happens rarely must have happened.
const LONG: u32 = 200;
