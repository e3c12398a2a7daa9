//! The `bando` binary: configuration, command line, HTTP, wiring, shutdown. A library so that tests start
//! the real thing.

pub mod application;
pub mod cli;
pub mod config;
pub mod database;
pub mod doctor;
mod http;
mod listener;
mod logins;
mod readiness;
mod startup;
pub mod telemetry;
