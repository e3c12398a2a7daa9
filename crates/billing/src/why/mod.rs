//! "Why can't this customer get on?": from the money to the device, station by station, in sentences.

mod ask;
mod decide;
mod facts;
mod gather;
mod money;
#[cfg(test)]
mod tests;
mod way;

pub use decide::decide;
pub use facts::{
    DeviceFact, Facts, HostShown, Life, Look, Over, PaymentFact, Question, ReceiptFact, RouterFact, SessionFact, Shown,
    UserShown,
};
pub use way::{Step, StepState, Why};
