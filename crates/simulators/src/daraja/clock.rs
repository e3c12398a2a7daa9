//! The simulator's own time: it runs faster, stands still or is pushed forward, as a test or a person asks.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, FixedOffset, Utc};
use tokio::{sync::Notify, time::Instant};

/// The highest time compression: one real second is then 10,000 simulated ones.
const MAX_SPEED: f64 = 10_000.0;
/// East Africa Time is UTC+3 all year.
const EAT_SECS: i32 = 3 * 3600;

/// Simulated time.
///
/// Two readings come out of it. [`SimClock::elapsed`] counts simulated time since the start; every delay,
/// window and limit of the simulator is measured with it. [`SimClock::wall`] dates what is written into
/// bodies: it keeps to real time however fast the delays run, so that receipts are never dated in the
/// future, and stands still when the speed is 0. [`SimClock::advance`] moves both.
#[derive(Debug, Clone)]
pub struct SimClock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    anchor: Instant,
    elapsed: Duration,
    wall: DateTime<Utc>,
    speed: f64,
}

impl State {
    /// Brings the counted values up to this instant, so that the speed may change.
    fn settle(&mut self) {
        let now = Instant::now();
        let real = now.saturating_duration_since(self.anchor);
        self.elapsed = self.elapsed.saturating_add(real.mul_f64(self.speed));
        self.wall = later(self.wall, real.mul_f64(self.speed.min(1.0)));
        self.anchor = now;
    }
}

fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    chrono::Duration::from_std(by).ok().and_then(|by| at.checked_add_signed(by)).unwrap_or(at)
}

impl SimClock {
    /// A clock that starts at `start_at` (the system's time when `None`) and runs `speed` times real time;
    /// 0 stands still until [`SimClock::advance`].
    #[must_use]
    pub fn new(start_at: Option<DateTime<Utc>>, speed: f64) -> Self {
        let wall = start_at.unwrap_or_else(system_now);
        let state = State { anchor: Instant::now(), elapsed: Duration::ZERO, wall, speed: legal_speed(speed) };
        Self { inner: Arc::new(Inner { state: Mutex::new(state), changed: Notify::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state
    }

    /// Simulated time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    /// The date and time written into bodies, UTC.
    #[must_use]
    pub fn wall(&self) -> DateTime<Utc> {
        self.state().wall
    }

    /// [`SimClock::wall`] in East Africa Time, as Daraja prints it.
    #[must_use]
    pub fn wall_eat(&self) -> DateTime<FixedOffset> {
        let wall = self.wall();
        FixedOffset::east_opt(EAT_SECS).map_or_else(|| wall.fixed_offset(), |eat| wall.with_timezone(&eat))
    }

    /// The current time compression.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.state().speed
    }

    /// Changes the time compression; values outside 0 … 10,000 are brought inside.
    pub fn set_speed(&self, speed: f64) {
        self.state().speed = legal_speed(speed);
        self.inner.changed.notify_waiters();
    }

    /// Pushes simulated time forward.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.elapsed = state.elapsed.saturating_add(by);
        state.wall = later(state.wall, by);
        drop(state);
        self.inner.changed.notify_waiters();
    }

    /// Waits until simulated time reaches `until`, through changes of speed and pushes.
    pub async fn sleep_until(&self, until: Duration) {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            // Registered before the clock is read, so that a push in between is not missed.
            changed.as_mut().enable();
            let (now, speed) = {
                let state = self.state();
                (state.elapsed, state.speed)
            };
            let Some(left) = until.checked_sub(now).filter(|left| !left.is_zero()) else { return };
            if speed > 0.0 {
                let real = Duration::try_from_secs_f64(left.as_secs_f64() / speed).unwrap_or(Duration::MAX);
                // Rounded up to what the timer can tell apart, or the loop would spin.
                let real = real.max(Duration::from_millis(1));
                tokio::select! { () = tokio::time::sleep(real) => {}, () = &mut changed => {} }
            } else {
                changed.await;
            }
        }
    }

    /// Waits for a simulated duration.
    pub async fn sleep(&self, lasting: Duration) {
        self.sleep_until(self.elapsed().saturating_add(lasting)).await;
    }
}

fn legal_speed(speed: f64) -> f64 {
    if speed.is_finite() { speed.clamp(0.0, MAX_SPEED) } else { 1.0 }
}

#[expect(clippy::disallowed_methods, reason = "a simulator plays the outside world, whose time is the real one")]
fn system_now() -> DateTime<Utc> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    later(DateTime::UNIX_EPOCH, since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn speed_compresses_delays_but_not_dates() {
        let start = DateTime::parse_from_rfc3339("2026-11-22T05:30:00Z").unwrap().to_utc();
        let clock = SimClock::new(Some(start), 60.0);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(120));
        assert_eq!(clock.wall(), start + chrono::Duration::seconds(2));
        let before = Instant::now();
        clock.sleep(Duration::from_secs(600)).await;
        assert_eq!(before.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_clock_moves_only_when_pushed() {
        let start = DateTime::parse_from_rfc3339("2026-11-22T05:30:00Z").unwrap().to_utc();
        let clock = SimClock::new(Some(start), 0.0);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.elapsed(), Duration::ZERO);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(Duration::from_secs(30)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(29));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
        assert_eq!(clock.wall_eat().format("%Y%m%d%H%M%S").to_string(), "20261122083030");
    }

    #[test]
    fn impossible_speeds_are_brought_inside() {
        assert_eq!(legal_speed(-1.0), 0.0);
        assert_eq!(legal_speed(f64::NAN), 1.0);
        assert_eq!(legal_speed(1e9), MAX_SPEED);
    }
}
