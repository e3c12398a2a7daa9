//! Payments, from pressing pay to settled: begin, push, callback, query, and the one function `record`
//! that every piece of evidence goes through.

mod begin;
mod c2b;
mod callback;
mod claims;
mod detail;
pub(crate) mod limits;
pub(crate) mod place;
mod push;
mod query;
mod queue;
pub(crate) mod record;
mod recover;
pub(crate) mod register;
mod settle;
mod sheet;
mod status;
mod weigh;

pub use begin::{BeginError, BeginPayment, Begun};
pub use callback::CallbackError;
pub use claims::{ClaimDecisionError, ClaimListed};
pub use detail::{PaymentDetail, PaymentEvent};
pub use limits::{CooldownReason, PayLimits};
pub use queue::{AssignTo, DecideError, Decided, ReceiptListed};
pub(crate) use record::Settler;
pub use recover::{Recover, RecoverError, Recovery, RecoveryOutcome};
pub use register::{RegisterError, Registration};
pub use status::{CustomerStatus, PayByHand, Phase};

#[cfg(test)]
mod tests;
