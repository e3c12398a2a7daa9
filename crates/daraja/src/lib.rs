//! Client for Safaricom's Daraja M-Pesa API: STK push and query, their callbacks, C2B payments, Transaction Status,
//! reversals, Pull Transactions, and the statement that the organisation portal exports.
//!
//! Daraja is not trusted to keep its types, its wording or its promises: values are read by their lexeme, an
//! answer that is lost or makes no sense is *unknown* and never *failed*, and nothing that could charge a
//! customer twice is repeated. Every call brings back the raw answer beside its meaning, so that the evidence can
//! be stored first.
//!
//! Facts carry the strength of their source: *documented* by Safaricom, *observed* on the wire and published by
//! somebody, *community* for plausible claims without a recording, *our decision* for the rest.
//!
//! The program must install a rustls crypto provider before it makes a [`Client`].

mod auth;
pub mod c2b;
pub mod callback;
mod callback_url;
mod client;
mod config;
mod http;
mod initiator;
mod party;
mod payer;
pub mod pull;
mod push;
mod query;
mod reply;
mod request;
pub mod result;
pub mod statement;
mod sync_error;
mod timestamp;
mod transaction_desc;
mod wire;

pub use auth::CredentialsError;
pub use callback_url::{CallbackUrl, InvalidCallbackUrl};
pub use client::Client;
pub use config::{
    Config, ConfigError, Environment, SANDBOX_PASSKEY, SANDBOX_SHORTCODE, SecretName, Timing, TransactionType,
};
pub use domain::result_text::RefusalClass;
pub use initiator::Initiator;
pub use party::Party;
pub use payer::PayerNumber;
pub use push::{PushOutcome, PushReply, PushRequest};
pub use query::{NoInformation, QueryOutcome, QueryReply};
pub use reply::{Refusal, Reply, UnknownCause};
pub use request::{RequestOutcome, RequestReply, ReversalRequest, StatusRequest};
pub use transaction_desc::TransactionDesc;
