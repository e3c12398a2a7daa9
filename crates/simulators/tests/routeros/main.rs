//! The simulated router, spoken to in raw bytes.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod faults;
mod hotspot;
mod protocol;
mod restart;
mod support;
mod tables;
