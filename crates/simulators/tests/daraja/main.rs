//! The Daraja simulator through its own boundary: HTTP in, callbacks out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod access;
mod books;
mod business;
mod c2b;
mod client;
mod delivery;
mod phone;
mod plane;
mod push;
mod query;
mod scenarios;
mod support;
