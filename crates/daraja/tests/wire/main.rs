//! The client against real sockets. Every body the stand-in sends is written by hand, byte for byte as it was
//! documented or observed; none goes through our own types.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod credentials;
mod daraja_stand_in;
mod lost_answers;
mod pull;
mod push;
mod query;
mod register;
mod request;
