//! Limits on pressing pay: nobody may pester a stranger's phone, no address may take everybody's share, and a
//! burst may not fill the memory. What concerns a phone or a device is counted from the payments themselves; what
//! concerns addresses and the whole is counted in memory and read back from the database at the start.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Kes, PaymentState, session::secs_rounded_up};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::BeginError;
use crate::{
    Billing,
    db::{
        payment_events,
        payments::{self, Attempt},
    },
};

/// How fast pay may be pressed, by everybody together and from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayLimits {
    /// Payments a second, over time.
    pub per_sec: u32,
    /// Payments that may come together.
    pub burst: u32,
    /// Unpaid payments in ten minutes from one address. A whole hotspot may be behind one.
    pub per_address: u32,
}

impl Default for PayLimits {
    /// 50 a second, 200 together, 600 unpaid in ten minutes from one address (our decision).
    fn default() -> Self {
        Self { per_sec: 50, burst: 200, per_address: 600 }
    }
}

/// Pushes under way at once.
const MAX_PUSHES: usize = 64;
/// Payments whose push is under way or waiting for its turn.
const MAX_WAITING: usize = 2048;
/// Window of the limits that are counted in it.
const WINDOW_SECS: i64 = 600;
/// Prompts to one phone in the window: an open portal must not be a tool to pester strangers.
const MAX_PER_PHONE: usize = 5;
/// Prompts from one device in the window.
const MAX_PER_DEVICE: i64 = 8;
/// Prompts to one phone in a day that nobody paid.
const MAX_UNPAID_A_DAY: usize = 20;
const DAY_SECS: i64 = 86_400;
/// Between two prompts to a phone whose owner did not answer the first (documented by Safaricom: a minute).
const BETWEEN_PROMPTS_SECS: i64 = 60;
/// After result 17: the same amount to the same number (documented: two minutes).
const SAME_AMOUNT_SECS: i64 = 120;
/// After "subscriber busy".
const LINE_BUSY_SECS: i64 = 90;
/// Addresses that are remembered; more than that and only the limit for everybody holds.
const MAX_ADDRESSES: usize = 10_000;
/// How often addresses whose share is whole again are looked for, while too many are remembered.
const CLEARED_EVERY: Duration = Duration::from_secs(1);
/// How soon the database is asked again how much of an address's share is unpaid.
const RECOUNTED_EVERY: Duration = Duration::from_secs(5);

/// Why a phone has to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CooldownReason {
    /// M-Pesa takes the same amount from the same number only every two minutes.
    SameAmount,
    /// Another M-Pesa request is open on that phone.
    LineBusy,
    /// The last prompt was not answered and is less than a minute old.
    TooSoon,
    /// Too many prompts that nobody paid in a day.
    TooManyUnpaid,
}

/// What is counted in memory.
#[derive(Debug)]
pub(crate) struct Limits {
    limits: PayLimits,
    everybody: Mutex<Bucket>,
    addresses: Mutex<Addresses>,
    waiting: Arc<Semaphore>,
    pushes: Arc<Semaphore>,
}

/// What each address has left.
#[derive(Debug, Default)]
struct Addresses {
    buckets: HashMap<IpAddr, Bucket>,
    cleared_at: Option<Instant>,
}

impl Addresses {
    /// The address's bucket; none when too many others have one.
    fn bucket(&mut self, address: IpAddr, rate: f64, most: u32) -> Option<&mut Bucket> {
        let is_time = self.cleared_at.is_none_or(|at| at.elapsed() >= CLEARED_EVERY);
        if self.buckets.len() >= MAX_ADDRESSES && is_time {
            self.cleared_at = Some(Instant::now());
            // Whose share is whole again is forgotten.
            self.buckets.retain(|_, bucket| {
                bucket.refill(rate, most);
                bucket.level < f64::from(most)
            });
        }
        if self.buckets.len() >= MAX_ADDRESSES && !self.buckets.contains_key(&address) {
            return None;
        }
        Some(self.buckets.entry(address).or_insert_with(|| Bucket::full(most)))
    }
}

/// Whether one more payment may begin.
#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Granted,
    /// Too much from everybody together.
    Everybody {
        retry_after_secs: u64,
    },
    /// The address has used up its share; `recount` when it is time to look how much of that was paid.
    Address {
        retry_after_secs: u64,
        recount: bool,
    },
}

impl Limits {
    pub(crate) fn new(limits: PayLimits) -> Self {
        Self {
            limits,
            everybody: Mutex::new(Bucket::full(limits.burst)),
            addresses: Mutex::default(),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            pushes: Arc::new(Semaphore::new(MAX_PUSHES)),
        }
    }

    fn admit(&self, address: Option<IpAddr>) -> Admission {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let mut everybody = self.everybody.lock().unwrap_or_else(PoisonError::into_inner);
        everybody.refill(f64::from(self.limits.per_sec), self.limits.burst);
        if let Some(retry_after_secs) = everybody.wait_secs(f64::from(self.limits.per_sec)) {
            return Admission::Everybody { retry_after_secs };
        }
        let (rate, most) = (self.address_rate(), self.limits.per_address);
        if let Some(bucket) = address.and_then(|address| addresses.bucket(network(address), rate, most)) {
            bucket.refill(rate, most);
            if let Some(retry_after_secs) = bucket.wait_secs(rate) {
                let recount = bucket.counted_at.is_none_or(|at| at.elapsed() >= RECOUNTED_EVERY);
                if recount {
                    bucket.counted_at = Some(Instant::now());
                }
                return Admission::Address { retry_after_secs, recount };
            }
            bucket.level -= 1.0;
        }
        everybody.level -= 1.0;
        Admission::Granted
    }

    /// What is left of an address's share after so many unpaid payments.
    fn set_unpaid(&self, address: IpAddr, unpaid: u32) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = addresses.bucket(network(address), self.address_rate(), self.limits.per_address) {
            bucket.level = f64::from(self.limits.per_address.saturating_sub(unpaid));
            bucket.refilled_at = Instant::now();
        }
    }

    fn address_rate(&self) -> f64 {
        f64::from(self.limits.per_address) / f64::from(u32::try_from(WINDOW_SECS).unwrap_or(600))
    }

    /// A place for one payment's push; none when too many wait already.
    pub(crate) fn place_for_push(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting).try_acquire_owned().ok()
    }

    /// Waits for the turn of a push.
    pub(crate) async fn turn_of_push(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.pushes).acquire_owned().await.ok()
    }
}

/// IPv6 is handed out by networks, not by addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[derive(Debug)]
struct Bucket {
    level: f64,
    refilled_at: Instant,
    counted_at: Option<Instant>,
}

impl Bucket {
    fn full(level: u32) -> Self {
        Self { level: f64::from(level), refilled_at: Instant::now(), counted_at: None }
    }

    fn refill(&mut self, per_sec: f64, most: u32) {
        let now = Instant::now();
        let gained = (now - self.refilled_at).as_secs_f64() * per_sec;
        self.level = (self.level + gained).min(f64::from(most));
        self.refilled_at = now;
    }

    /// Seconds until one more may come; `None` when it may now.
    fn wait_secs(&self, per_sec: f64) -> Option<u64> {
        if self.level >= 1.0 {
            return None;
        }
        let wait = Duration::try_from_secs_f64((1.0 - self.level) / per_sec.max(0.001)).unwrap_or_default();
        Some(wait.as_secs().saturating_add(1))
    }
}

impl Billing {
    /// Takes one from the shares of everybody and of the address.
    pub(super) async fn admit(&self, address: Option<IpAddr>) -> Result<(), BeginError> {
        let limits = &self.inner.limits;
        let refused = match limits.admit(address) {
            Admission::Granted => return Ok(()),
            Admission::Everybody { retry_after_secs } => BeginError::Busy { retry_after_secs },
            Admission::Address { retry_after_secs, recount: false } => BeginError::TooMany { retry_after_secs },
            Admission::Address { retry_after_secs, recount: true } => {
                let Some(address) = address else { return Ok(()) };
                let since = self.now() - TimeDelta::seconds(WINDOW_SECS);
                let unpaid = payment_events::count_unpaid_of_address(self.pool(), address, since).await?;
                limits.set_unpaid(address, unpaid);
                if limits.admit(Some(address)) == Admission::Granted {
                    return Ok(());
                }
                BeginError::TooMany { retry_after_secs }
            }
        };
        metrics::counter!("bando_pay_limited_total").increment(1);
        Err(refused)
    }

    /// Reads back how much of each address's share was used before this start.
    pub(crate) async fn seed_limits(self) {
        let since = self.now() - TimeDelta::seconds(WINDOW_SECS);
        match payment_events::list_unpaid_by_address(self.pool(), since).await {
            Ok(used) => used.into_iter().for_each(|(address, unpaid)| self.inner.limits.set_unpaid(address, unpaid)),
            Err(error) => tracing::warn!(%error, "what each address has used could not be read back"),
        }
    }
}

/// Limits that are counted from the payments themselves, each by an index.
pub(super) async fn check_phone_and_device(
    connection: &mut sqlx::MySqlConnection,
    (user_id, mac): (domain::UserId, domain::MacAddr),
    amount: Kes,
    now: DateTime<Utc>,
) -> Result<(), BeginError> {
    let since = |secs| crate::random::uuid_floor(now - TimeDelta::seconds(secs));
    let attempts = payments::list_attempts_of_user(connection, user_id, since(DAY_SECS)).await?;
    judge_phone(&attempts, amount, now)?;
    let of_device = payments::count_of_mac_since(connection, mac, since(WINDOW_SECS)).await?;
    if of_device >= MAX_PER_DEVICE {
        return Err(BeginError::TooMany { retry_after_secs: WINDOW_SECS.unsigned_abs() });
    }
    Ok(())
}

/// What a phone's attempts of the last day, newest first, say about one more.
fn judge_phone(attempts: &[Attempt], amount: Kes, now: DateTime<Utc>) -> Result<(), BeginError> {
    let cooldown = |reason, from: DateTime<Utc>, secs| {
        let left = secs_rounded_up(from + TimeDelta::seconds(secs) - now);
        if left == 0 { Ok(()) } else { Err(BeginError::Cooldown { retry_after_secs: left, reason }) }
    };
    let recent = attempts.iter().filter(|attempt| now - attempt.created_at < TimeDelta::seconds(WINDOW_SECS));
    if let Some(oldest) = recent.take(MAX_PER_PHONE).nth(MAX_PER_PHONE - 1) {
        let left = secs_rounded_up(oldest.created_at + TimeDelta::seconds(WINDOW_SECS) - now);
        return Err(BeginError::TooMany { retry_after_secs: left.max(1) });
    }
    if let Some(oldest) = attempts.iter().filter(|attempt| attempt.is_unpaid_prompt()).nth(MAX_UNPAID_A_DAY - 1) {
        cooldown(CooldownReason::TooManyUnpaid, oldest.created_at, DAY_SECS)?;
    }
    for attempt in attempts {
        match attempt.result_code.as_deref() {
            Some("17") if attempt.amount_kes == amount.shillings() => {
                cooldown(CooldownReason::SameAmount, attempt.updated_at, SAME_AMOUNT_SECS)?;
            }
            Some("1001" | "subscriber_busy") => {
                cooldown(CooldownReason::LineBusy, attempt.updated_at, LINE_BUSY_SECS)?;
            }
            _ => {}
        }
    }
    let last = attempts.iter().find_map(|attempt| attempt.submitted_at.map(|at| (attempt, at)));
    match last {
        Some((attempt, at)) if !attempt.was_answered() => cooldown(CooldownReason::TooSoon, at, BETWEEN_PROMPTS_SECS),
        _ => Ok(()),
    }
}

impl Attempt {
    fn is_unpaid_prompt(&self) -> bool {
        self.submitted_at.is_some()
            && !matches!(self.state, PaymentState::Succeeded | PaymentState::Refunded | PaymentState::Rejected)
    }

    /// Whether the prompt is known to be over because the person at the phone paid, cancelled or typed a PIN, or
    /// because there never was one.
    fn was_answered(&self) -> bool {
        matches!(self.state, PaymentState::Succeeded | PaymentState::Refunded | PaymentState::Rejected)
            || matches!(self.result_code.as_deref(), Some("1" | "1031" | "1032" | "2001"))
    }
}

#[cfg(test)]
mod tests;
