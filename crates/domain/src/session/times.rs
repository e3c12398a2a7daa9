//! Changing paid time by hand: pausing, going on, extending, ending. Arithmetic only; whoever calls it holds the
//! session's row.

use chrono::{DateTime, Utc};

use super::{Session, ends_at};

/// How often one session may be paused.
pub const PAUSES_MAX: u8 = 3;
/// The most that is added at once: 31 days.
pub const EXTENSION_MAX_SECS: u64 = 44_640 * 60;

/// The stored times of a session.
///
/// `duration_secs + spent_secs` is always what was bought, carried over and added. While time runs,
/// `ends_at` is `starts_at` plus `duration_secs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Paid time that runs from `starts_at`, or will.
    pub duration_secs: u64,
    /// Paid time that was used before the pauses.
    pub spent_secs: u64,
    /// What was given on top of what was bought.
    pub added_secs: u64,
    /// When a router confirmed access; null before, and after a pause until it does so again.
    pub starts_at: Option<DateTime<Utc>>,
    /// When paid time is over.
    pub ends_at: Option<DateTime<Utc>>,
    /// When the session was ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Since when it is paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// How often it was paused.
    pub pauses: u8,
}

/// Why paid time was not changed. The texts are for people who work with customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimesRefusal {
    /// It is over.
    #[error("This customer's time is over. They have to buy a new package.")]
    Over,
    /// It does not run yet, so there is nothing to stop.
    #[error("This customer's time does not run yet: it starts when the router lets the device on.")]
    NotRunning,
    /// It was paused too often.
    #[error("This time was paused {PAUSES_MAX} times already. It cannot be paused again.")]
    PausesUsed,
    /// Nothing, or more than is added at once.
    #[error("Give 1 to 44640 minutes: at most 31 days at once.")]
    Length,
}

impl Times {
    /// Where the session is in its life. A paused one is waiting.
    #[must_use]
    pub fn session(&self, now: DateTime<Utc>) -> Session {
        Session::at(now, self.duration_secs, self.starts_at, self.ends_at, self.ended_at)
    }

    /// Stops time; what is left is kept. `None` if it is paused already.
    ///
    /// # Errors
    /// When it is over, does not run, or was paused too often.
    pub fn pause(self, now: DateTime<Utc>) -> Result<Option<Self>, TimesRefusal> {
        let left_secs = match self.session(now) {
            Session::Ended { .. } => return Err(TimesRefusal::Over),
            Session::Waiting { .. } if self.paused_at.is_some() => return Ok(None),
            Session::Waiting { .. } => return Err(TimesRefusal::NotRunning),
            running @ Session::Running { .. } => running.remaining_secs(now).min(self.duration_secs),
        };
        if self.pauses >= PAUSES_MAX {
            return Err(TimesRefusal::PausesUsed);
        }
        Ok(Some(Self {
            duration_secs: left_secs,
            spent_secs: self.spent_secs.saturating_add(self.duration_secs.saturating_sub(left_secs)),
            starts_at: None,
            ends_at: None,
            paused_at: Some(now),
            pauses: self.pauses.saturating_add(1),
            ..self
        }))
    }

    /// Lets time go on, from the moment a router confirms access. `None` if it is not paused.
    ///
    /// # Errors
    /// When it is over.
    pub fn resume(self, now: DateTime<Utc>) -> Result<Option<Self>, TimesRefusal> {
        match (self.session(now), self.paused_at) {
            (Session::Ended { .. }, _) => Err(TimesRefusal::Over),
            (_, None) => Ok(None),
            (_, Some(_)) => Ok(Some(Self { paused_at: None, ..self })),
        }
    }

    /// Adds time, whether it runs, waits or is paused.
    ///
    /// # Errors
    /// When it is over, or for 0 seconds or more than [`EXTENSION_MAX_SECS`].
    pub fn extend(self, now: DateTime<Utc>, secs: u64) -> Result<Self, TimesRefusal> {
        if !(1..=EXTENSION_MAX_SECS).contains(&secs) {
            return Err(TimesRefusal::Length);
        }
        if let Session::Ended { .. } = self.session(now) {
            return Err(TimesRefusal::Over);
        }
        Ok(Self {
            duration_secs: self.duration_secs.saturating_add(secs),
            added_secs: self.added_secs.saturating_add(secs),
            ends_at: self.ends_at.map(|at| ends_at(at, secs)),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn instant(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_300_000 + secs, 0).unwrap()
    }

    fn bought(duration_secs: u64) -> Times {
        Times {
            duration_secs,
            spent_secs: 0,
            added_secs: 0,
            starts_at: None,
            ends_at: None,
            ended_at: None,
            paused_at: None,
            pauses: 0,
        }
    }

    fn started(times: Times, at: DateTime<Utc>) -> Times {
        Times { starts_at: Some(at), ends_at: Some(ends_at(at, times.duration_secs)), ..times }
    }

    #[test]
    fn a_pause_keeps_what_is_left_for_as_long_as_it_takes() {
        let running = started(bought(3600), instant(0));
        let paused = running.pause(instant(600)).unwrap().unwrap();
        assert_eq!((paused.duration_secs, paused.spent_secs, paused.ends_at), (3000, 600, None));
        assert_eq!(paused.session(instant(1_000_000)).remaining_secs(instant(1_000_000)), 3000);
        assert_eq!(paused.pause(instant(700)), Ok(None), "again changes nothing");
        let resumed = paused.resume(instant(90_000)).unwrap().unwrap();
        assert_eq!(resumed.resume(instant(90_000)), Ok(None), "again changes nothing");
        assert_eq!(resumed.pause(instant(90_001)), Err(TimesRefusal::NotRunning));
        let again = started(resumed, instant(90_010));
        assert_eq!(again.ends_at, Some(instant(93_010)));
        assert_eq!(again.pauses, 1);
    }

    #[test]
    fn there_is_an_end_to_pauses() {
        let mut times = started(bought(3600), instant(0));
        for turn in 1..=i64::from(PAUSES_MAX) {
            times = times.pause(instant(turn * 10)).unwrap().unwrap().resume(instant(turn * 10)).unwrap().unwrap();
            times = started(times, instant(turn * 10));
        }
        assert_eq!(times.pause(instant(500)), Err(TimesRefusal::PausesUsed));
    }

    #[test]
    fn what_is_over_stays_over() {
        let over = started(bought(60), instant(0));
        assert_eq!(over.pause(instant(60)), Err(TimesRefusal::Over));
        assert_eq!(over.resume(instant(60)), Err(TimesRefusal::Over));
        assert_eq!(over.extend(instant(60), 60), Err(TimesRefusal::Over));
        let ended = Times { ended_at: Some(instant(5)), ..over };
        assert_eq!(ended.extend(instant(10), 60), Err(TimesRefusal::Over));
    }

    #[test]
    fn added_time_moves_the_end_by_itself_and_no_more() {
        let running = started(bought(3600), instant(0));
        let longer = running.extend(instant(10), 600).unwrap();
        assert_eq!((longer.duration_secs, longer.added_secs, longer.ends_at), (4200, 600, Some(instant(4200))));
        assert_eq!(running.extend(instant(10), 0), Err(TimesRefusal::Length));
        assert_eq!(running.extend(instant(10), EXTENSION_MAX_SECS + 1), Err(TimesRefusal::Length));
        assert_eq!(bought(60).extend(instant(0), 60).unwrap().ends_at, None, "before it runs");
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Start,
        Pause,
        Resume,
        Extend(u64),
        Wait(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Start),
            Just(Step::Pause),
            Just(Step::Resume),
            (1_u64..=7200).prop_map(Step::Extend),
            (1_u32..=3_000_000).prop_map(Step::Wait),
        ]
    }

    proptest! {
        /// Whatever is done in whatever order: time that ran, plus time that is left, is what was bought and added,
        /// to the second that each pause rounds up in the customer's favour.
        #[test]
        fn no_second_is_lost_or_made(duration in 60_u64..=100_000, steps in prop::collection::vec(step(), 0..40)) {
            let mut now = instant(0);
            let mut times = bought(duration);
            let mut ran = TimeDelta::zero();
            let mut since: Option<DateTime<Utc>> = None;
            for step in steps {
                if times.session(now).remaining_secs(now) == 0 {
                    break;
                }
                match step {
                    Step::Start if times.starts_at.is_none() && times.paused_at.is_none() => {
                        times = started(times, now);
                        since = Some(now);
                    }
                    Step::Pause => if let Ok(Some(paused)) = times.pause(now) {
                        ran += now - since.take().unwrap();
                        times = paused;
                    },
                    Step::Resume => if let Ok(Some(resumed)) = times.resume(now) { times = resumed; },
                    Step::Extend(secs) => times = times.extend(now, secs).unwrap(),
                    Step::Wait(millis) => {
                        let wait = TimeDelta::milliseconds(i64::from(millis));
                        // Not beyond the end: what happens there is expiry.
                        now = times.ends_at.map_or(now + wait, |end| (now + wait).min(end));
                    }
                    Step::Start => {}
                }
                prop_assert_eq!(times.duration_secs + times.spent_secs, duration + times.added_secs);
                if let (Some(starts_at), Some(end)) = (times.starts_at, times.ends_at) {
                    prop_assert_eq!(ends_at(starts_at, times.duration_secs), end);
                }
            }
            let running = since.map_or(TimeDelta::zero(), |since| now - since);
            let left = match times.session(now) {
                Session::Running { ends_at, .. } => ends_at - now,
                other => TimeDelta::seconds(i64::try_from(other.remaining_secs(now)).unwrap()),
            };
            let all = TimeDelta::seconds(i64::try_from(duration + times.added_secs).unwrap());
            let difference = (ran + running + left) - all;
            prop_assert!(difference >= TimeDelta::zero(), "never less: {}", difference);
            prop_assert!(difference < TimeDelta::seconds(i64::from(times.pauses.max(1))), "never more: {}", difference);
        }
    }
}
