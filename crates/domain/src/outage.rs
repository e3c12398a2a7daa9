//! Time that customers lost while a router was away.
//!
//! A router that the server cannot reach may have served its customers well all along: it works alone. So what
//! was lost is judged by what the router shows when it is back: how long it has been running, and what its
//! customers used meanwhile.

use chrono::{DateTime, TimeDelta, Utc};

use crate::session::{Times, secs_rounded_up};

/// A stretch of time; empty when it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
}

impl Span {
    /// How long it is; never negative.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        (self.to - self.from).max(TimeDelta::zero())
    }

    /// What both have in common.
    #[must_use]
    pub fn overlap(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

/// What a router shows when it is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Seconds since its start, if it told.
    pub uptime_secs: Option<u64>,
    /// Seconds its customers were logged in meanwhile, all together. What a power cut made it forget is missing.
    pub on_secs: u64,
    /// Bytes its customers moved meanwhile.
    pub bytes: u64,
}

/// What is known of the time a router was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has started meanwhile, so it was off before that, for an unknown part of the time.
    Off {
        /// When it started.
        until_at: DateTime<Utc>,
    },
    /// It ran and customers were logged in, but hardly any data flowed: it had no internet.
    Cut,
    /// It ran and customers moved data: only the server could not reach it.
    Served,
    /// It shows neither.
    Unknown,
}

/// Less than this says nothing about whether data flowed.
const ON_SECS_MIN: u64 = 60;
/// Customers who are logged in and move at least so much a second have internet.
const SERVED_BYTES_PER_SEC: u64 = 1024;
/// Devices that only try in vain stay below this.
const CUT_BYTES_PER_SEC: u64 = 200;

impl Verdict {
    /// Judges an outage by what the router shows at its end.
    #[must_use]
    pub fn of(outage: Span, shown: Shown) -> Self {
        let uptime = shown.uptime_secs.and_then(|secs| TimeDelta::try_seconds(i64::try_from(secs).ok()?));
        if let Some(until_at) = uptime.and_then(|uptime| outage.to.checked_sub_signed(uptime))
            && until_at > outage.from
        {
            return Self::Off { until_at: until_at.min(outage.to) };
        }
        if shown.on_secs < ON_SECS_MIN {
            return Self::Unknown;
        }
        match shown.bytes / shown.on_secs {
            rate if rate >= SERVED_BYTES_PER_SEC => Self::Served,
            rate if rate < CUT_BYTES_PER_SEC => Self::Cut,
            _ => Self::Unknown,
        }
    }

    /// Whether it is known well enough to give time back without a person.
    #[must_use]
    pub const fn is_proof_of_loss(self) -> bool {
        matches!(self, Self::Off { .. } | Self::Cut)
    }
}

/// Seconds that one customer lost: at most what paid time and outage have in common, less what the customer is
/// known to have been on. `paid` is when the customer's time ran; `on_secs` is how long the router counted the
/// customer's devices meanwhile. A begun second counts whole.
#[must_use]
pub fn lost_secs(outage: Span, verdict: Verdict, paid: Span, on_secs: u64) -> u64 {
    let common = |span: Span| secs_rounded_up(span.overlap(paid).length());
    match verdict {
        Verdict::Served => 0,
        Verdict::Cut => common(outage),
        Verdict::Unknown => common(outage).saturating_sub(on_secs),
        Verdict::Off { until_at } => {
            let until_at = until_at.min(outage.to);
            // Being on may as well have been after the start; only more than that is taken off.
            let after = common(Span { from: until_at, to: outage.to });
            common(Span { from: outage.from, to: until_at }).saturating_sub(on_secs.saturating_sub(after))
        }
    }
}

/// A session that the clock has ended goes on for `secs`, from the moment a router confirms access. What it had
/// before counts as spent.
#[must_use]
pub const fn revive(times: &Times, secs: u64) -> Times {
    Times {
        duration_secs: secs,
        spent_secs: times.spent_secs.saturating_add(times.duration_secs),
        added_secs: times.added_secs.saturating_add(secs),
        starts_at: None,
        ends_at: None,
        ended_at: None,
        paused_at: None,
        pauses: times.pauses,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_300_000 + secs, 0).unwrap()
    }

    fn span(from: i64, to: i64) -> Span {
        Span { from: at(from), to: at(to) }
    }

    fn shown(uptime_secs: u64, on_secs: u64, bytes: u64) -> Shown {
        Shown { uptime_secs: Some(uptime_secs), on_secs, bytes }
    }

    #[test]
    fn what_the_router_shows_decides() {
        let outage = span(0, 3600);
        assert_eq!(Verdict::of(outage, shown(600, 0, 0)), Verdict::Off { until_at: at(3000) });
        assert_eq!(Verdict::of(outage, shown(600, 3000, 1 << 30)), Verdict::Off { until_at: at(3000) });
        assert_eq!(Verdict::of(outage, shown(9000, 3600, 1 << 30)), Verdict::Served);
        assert_eq!(Verdict::of(outage, shown(9000, 3600, 90_000)), Verdict::Cut);
        assert_eq!(Verdict::of(outage, shown(9000, 3600, 2_000_000)), Verdict::Unknown, "between both");
        assert_eq!(Verdict::of(outage, shown(9000, 0, 0)), Verdict::Unknown, "nobody was there");
        assert_eq!(Verdict::of(outage, Shown::default()), Verdict::Unknown);
        assert_eq!(Verdict::of(outage, shown(3600, 0, 0)), Verdict::Unknown, "it started when it was last heard");
        assert_eq!(Verdict::of(outage, shown(u64::MAX, 0, 0)), Verdict::Unknown);
    }

    #[test]
    fn only_what_was_paid_and_lost_counts() {
        let outage = span(0, 3600);
        let off = Verdict::Off { until_at: at(3000) };
        for (verdict, paid, on_secs, lost) in [
            (off, span(-600, 7200), 0, 3000),
            (off, span(-600, 7200), 600, 3000),
            (off, span(-600, 7200), 900, 2700),
            (off, span(-600, 1000), 0, 1000),
            (off, span(-600, 1000), 400, 600),
            (off, span(-600, -1), 0, 0),
            (Verdict::Cut, span(-600, 1800), 1800, 1800),
            (Verdict::Served, span(-600, 1800), 0, 0),
            (Verdict::Unknown, span(-600, 1800), 0, 1800),
            (Verdict::Unknown, span(-600, 1800), 500, 1300),
            (Verdict::Unknown, span(-600, 1800), 5000, 0),
            (Verdict::Unknown, span(3600, 7200), 0, 0),
        ] {
            assert_eq!(lost_secs(outage, verdict, paid, on_secs), lost, "{verdict:?} {paid:?} {on_secs}");
        }
    }

    fn verdicts() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            (-100_i64..5000).prop_map(|secs| Verdict::Off { until_at: at(secs) }),
            Just(Verdict::Cut),
            Just(Verdict::Served),
            Just(Verdict::Unknown),
        ]
    }

    #[test]
    fn who_goes_on_has_what_was_bought_and_what_was_given() {
        let times = Times {
            duration_secs: 3600,
            spent_secs: 100,
            added_secs: 60,
            starts_at: Some(at(0)),
            ends_at: Some(at(3600)),
            ended_at: Some(at(3601)),
            paused_at: None,
            pauses: 1,
        };
        let revived = revive(&times, 1200);
        assert_eq!(revived.session(at(9000)), crate::session::Session::Waiting { duration_secs: 1200 });
        assert_eq!(revived.duration_secs + revived.spent_secs, times.duration_secs + times.spent_secs + 1200);
        assert_eq!((revived.added_secs, revived.pauses), (1260, 1));
    }

    proptest! {
        #[test]
        fn never_more_than_paid_time_and_outage_have_in_common(
            verdict in verdicts(), from in 0_i64..3000, length in 0_i64..3000, begins in -3000_i64..6000, paid in 0_i64..6000,
            on_secs in 0_u64..10_000,
        ) {
            let (outage, paid) = (span(from, from + length), span(begins, begins + paid));
            let lost = lost_secs(outage, verdict, paid, on_secs);
            prop_assert!(lost <= u64::try_from(outage.overlap(paid).length().num_seconds()).unwrap());
            prop_assert!(lost_secs(outage, verdict, paid, on_secs + 1) <= lost, "being on longer never gains");
        }

        #[test]
        fn outages_one_after_the_other_never_give_more_than_one_over_both(
            cuts in proptest::collection::vec(0_i64..4000, 2..8), begins in -3000_i64..4000, paid in 0_i64..6000,
        ) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let paid = span(begins, begins + paid);
            let parts: u64 = cuts.windows(2).step_by(2).map(|pair| lost_secs(span(pair[0], pair[1]), Verdict::Cut, paid, 0)).sum();
            let whole = lost_secs(span(cuts[0], *cuts.last().unwrap()), Verdict::Cut, paid, 0);
            prop_assert!(parts <= whole);
        }

        #[test]
        fn a_router_is_never_off_beyond_the_outage(from in 0_i64..5000, length in 0_i64..5000, uptime in 0_u64..20_000) {
            let outage = span(from, from + length);
            if let Verdict::Off { until_at } = Verdict::of(outage, shown(uptime, 0, 0)) {
                prop_assert!(outage.from < until_at && until_at <= outage.to);
            }
        }
    }
}
