//! Client for the MikroTik RouterOS API: wire codec, sentences, one persistent connection with tagged
//! concurrent commands, and the hotspot operations that are safe to repeat.
//!
//! The protocol facts come from MikroTik's manual (*API* page) and from captures of real routers. This
//! crate knows nothing of payments or packages.

pub mod client;
pub mod error;
pub mod hotspot;
pub mod link;
pub mod sentence;
pub mod system;
pub mod tls;
pub mod trap;
pub mod value;
pub mod wire;

pub use client::{Answer, Connection, Credentials, Security, Settings, Target};
pub use error::{CloseReason, Phase, RouterOsError, TlsFailure};
pub use hotspot::Hotspot;
pub use link::Link;
pub use sentence::{Attributes, Command};
pub use system::System;
pub use trap::{HotspotRefusal, Trap, TrapKind, Traps, classify};
