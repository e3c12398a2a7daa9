//! Payments, from pressing pay to settled: begin, push, callback, query, and the one function `record`
//! that every piece of evidence goes through.

mod begin;
mod callback;
mod push;
mod query;
mod record;
mod status;

pub use begin::{BeginError, BeginPayment, Begun};
pub use callback::CallbackError;
pub use status::{CustomerStatus, Phase};
