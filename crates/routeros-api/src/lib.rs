//! Client for the MikroTik RouterOS API: wire codec, sentences, one persistent connection with tagged
//! concurrent commands, and the hotspot operations that are safe to repeat.
//!
//! The protocol facts come from MikroTik's manual (*API* page) and from captures of real routers. This
//! crate knows nothing of payments or packages.

pub mod sentence;
pub mod wire;
