//! The simulated router, spoken to in raw bytes.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod faults;
mod fetch;
mod hotspot;
mod properties;
mod protocol;
mod provisioning;
mod reaper;
mod restart;
mod script;
mod support;
mod tables;
