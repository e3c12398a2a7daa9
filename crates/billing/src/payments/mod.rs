//! Payments, from pressing pay to settled: begin, push, callback, query, and the one function `record`
//! that every piece of evidence goes through.

mod begin;
mod callback;
pub(crate) mod limits;
mod push;
mod query;
mod record;
mod settle;
mod sheet;
mod status;

pub use begin::{BeginError, BeginPayment, Begun};
pub use callback::CallbackError;
pub use limits::{CooldownReason, PayLimits};
pub(crate) use record::Settler;
pub use status::{CustomerStatus, Phase};

#[cfg(test)]
mod tests;
