//! Places at which a test may end the process as a power cut would: between every two steps that matter.
//!
//! In ordinary builds a point compiles to nothing. With the feature `killpoints` the process ends at once at the
//! point that `BANDO_KILLPOINT` names: `push.submitted`, or `push.submitted:3` for the third time it is reached. Such
//! a build also waits less where waiting is what a killed process leaves to the others: see `secs`.

/// Every point there is, in the order of a customer's visit. Naming another one does not compile, and the test that
/// proves them fails for one without a case.
pub const POINTS: [&str; 25] = [
    // A payment is begun: nothing written, written but not committed, committed and not yet sent.
    "begin.checked",
    "begin.inserted",
    "begin.committed",
    // Its prompt: marked as sent, answered by M-Pesa, the answer stored.
    "push.submitted",
    "push.answered",
    "push.stored",
    // A question to M-Pesa: its turn taken, its answer here and not yet stored.
    "query.claimed",
    "query.answered",
    // Evidence: its transaction begun, its payments locked, everything written, committed, about to be answered.
    "record.begin",
    "record.locked",
    "record.applied",
    "record.committed",
    "record.answered",
    // A device is let on: around each command to the router, around writing down what was found.
    "grant.before_command",
    "grant.after_command",
    "grant.before_writeback",
    "grant.writing",
    "grant.written",
    // A session ends: in the database, around each command to the router, around writing that down.
    "expiry.due",
    "expiry.ending",
    "expiry.ended",
    "expiry.before_command",
    "expiry.after_command",
    "expiry.before_writeback",
    "expiry.written",
];

/// Whether a point is in [`POINTS`]; asked by the compiler.
#[must_use]
pub const fn is_listed(name: &str) -> bool {
    let mut at = 0;
    while at < POINTS.len() {
        if is_same(POINTS[at].as_bytes(), name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Marks a place at which a test may end the process.
macro_rules! killpoint {
    ($name:literal) => {{
        const { assert!($crate::killpoint::is_listed($name), "add the point to killpoint::POINTS") };
        #[cfg(feature = "killpoints")]
        $crate::killpoint::reach($name);
    }};
}
pub(crate) use killpoint;

/// Ends the process if it was told to end here.
#[cfg(feature = "killpoints")]
pub(crate) fn reach(name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };

    static CHOSEN: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(0);
    let chosen = CHOSEN.get_or_init(|| {
        let text = std::env::var("BANDO_KILLPOINT").ok().filter(|text| !text.is_empty())?;
        let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), nth.parse().unwrap_or(1)))
    });
    let Some((point, nth)) = chosen else { return };
    if point == name && REACHED.fetch_add(1, Ordering::SeqCst).wrapping_add(1) == *nth {
        // Without unwinding, destructors or a goodbye to anybody, as SIGKILL ends it.
        std::process::abort();
    }
}

/// Seconds to wait for: `usual`, or in builds with kill points what the environment says under `name`.
#[cfg(feature = "killpoints")]
pub(crate) fn secs(name: &str, usual: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Seconds to wait for: `usual`.
#[cfg(not(feature = "killpoints"))]
pub(crate) const fn secs(_name: &str, usual: i64) -> i64 {
    usual
}

/// How long a lease lasts without renewal; a killed process's work is taken over after that.
pub(crate) fn lease_secs() -> i64 {
    secs("BANDO_LEASE_SECS", 30)
}
