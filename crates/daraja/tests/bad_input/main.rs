//! Bodies and files that nobody should send, at every reader of money: never a panic, never a wrong credit.
//!
//! A body counts as paid only with the result code exactly 0, a receipt of the right form, and an exact whole amount.
//! Whatever else is wrong with it, it is either read the same or not at all.

mod c2b;
mod callback;
mod hostile;
mod result;
mod statement;
