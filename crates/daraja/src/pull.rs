//! Pull Transactions: what was paid to the shortcode in the last 48 hours (documented), whether or not we were told.
//!
//! It must be switched on for the shortcode and registered once. The list is a sweep for lost callbacks; it is read
//! page by page, and a line that cannot be read is handed on as text, never dropped.

mod page;

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{Kes, Msisdn, Receipt};
use serde::Deserialize;
use serde_json::json;
use tracing::Instrument;

use crate::{
    callback_url::CallbackUrl,
    client::Client,
    http::Answer,
    payer::PayerNumber,
    reply::{self, NotAnswered, Refusal, Reply, UnknownCause},
    timestamp,
    wire::{self, Lexeme},
};

const REGISTER_PATH: &str = "/pulltransactions/v1/register";
const QUERY_PATH: &str = "/pulltransactions/v1/query";
/// Done, in this API's own code (documented).
const DONE: &str = "1000";
/// Nothing found, or registered before (documented).
const NOTHING: &str = "1001";

/// What became of registering for Pull Transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRegisterOutcome {
    /// `1000`.
    Registered,
    /// `1001`: it was registered before.
    AlreadyRegistered,
    /// Provably not registered.
    Refused(Refusal),
    /// May have been registered; registering again does no harm.
    Unknown {
        /// What happened to the answer.
        cause: UnknownCause,
    },
}

/// A [`PullRegisterOutcome`] with the raw answer.
pub type PullRegisterReply = Reply<PullRegisterOutcome>;

/// What became of one question for transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullOutcome {
    /// `1000` with lines, or `1001` for none.
    Page(PullPage),
    /// Not answered on purpose.
    Refused(Refusal),
    /// Nothing was learnt; ask again later.
    Unknown {
        /// What happened to the answer.
        cause: UnknownCause,
    },
}

/// A [`PullOutcome`] with the raw answer.
pub type PullReply = Reply<PullOutcome>;

/// One answer's worth of transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullPage {
    /// What could be read.
    pub lines: Vec<PullLine>,
    /// What could not.
    pub unreadable: Vec<UnreadableLine>,
}

impl PullPage {
    /// How many rows Daraja sent: what to add to the offset for the next page. None means that there is no more.
    #[must_use]
    pub fn rows(&self) -> u32 {
        u32::try_from(self.lines.len().saturating_add(self.unreadable.len())).unwrap_or(u32::MAX)
    }
}

/// One transaction of the list.
#[derive(Clone, PartialEq, Eq)]
pub struct PullLine {
    /// `transactionId`: the receipt.
    pub receipt: Receipt,
    /// `trxDate`.
    pub at: DateTime<Utc>,
    /// `msisdn`, when it is there and readable: plain, masked or hashed.
    pub payer: Option<PayerNumber>,
    /// `transactiontype`, such as `c2b-pay-bill-debit`; at most 60 characters.
    pub kind: String,
    /// `billreference`: the account number as typed; at most 40 characters.
    pub account_reference: Option<String>,
    /// `amount`.
    pub amount: Kes,
}

impl fmt::Debug for PullLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PullLine")
            .field("receipt", &self.receipt)
            .field("at", &self.at)
            .field("payer", &self.payer)
            .field("kind", &self.kind)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// A row that is no transaction we can read. `Debug` hides the row: it holds personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct UnreadableLine {
    /// The row as it came, at most 2,000 characters.
    pub raw: String,
    /// The first thing that is wrong with it.
    pub why: &'static str,
}

impl fmt::Debug for UnreadableLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnreadableLine").field("why", &self.why).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Registered {
    #[serde(rename = "ResponseCode", default, deserialize_with = "wire::lexeme")]
    response_code: Option<Lexeme>,
}

impl Client {
    /// Registers the shortcode for Pull Transactions, once. `nominated` is the phone the organisation named for it
    /// (documented). Nothing is repeated but a refused access token, once.
    pub async fn register_pull(&self, nominated: &Msisdn, callback_url: &CallbackUrl) -> PullRegisterReply {
        let body = || {
            json!({
                "ShortCode": self.config().shortcode,
                "RequestType": "Pull",
                "NominatedNumber": nominated.international(),
                "CallBackURL": callback_url.as_str(),
            })
            .to_string()
        };
        let span = tracing::info_span!("daraja.register_pull");
        self.ask(REGISTER_PATH, body, registered, |end| match end {
            NotAnswered::Refused(refusal) => PullRegisterOutcome::Refused(refusal),
            NotAnswered::Unknown(cause) => PullRegisterOutcome::Unknown { cause },
        })
        .instrument(span)
        .await
    }

    /// Asks once for the transactions between two moments, beginning with the row number `offset`, counted from 0.
    /// Daraja keeps 48 hours (documented). Nothing is repeated but a refused access token, once.
    pub async fn pull(&self, from: DateTime<Utc>, to: DateTime<Utc>, offset: u32) -> PullReply {
        let body = || {
            json!({
                "ShortCode": self.config().shortcode,
                "StartDate": timestamp::eat_with_dashes(from),
                "EndDate": timestamp::eat_with_dashes(to),
                "OffSetValue": offset.to_string(),
            })
            .to_string()
        };
        let span = tracing::info_span!("daraja.pull", offset);
        self.ask(QUERY_PATH, body, page::read, |end| match end {
            NotAnswered::Refused(refusal) => PullOutcome::Refused(refusal),
            NotAnswered::Unknown(cause) => PullOutcome::Unknown { cause },
        })
        .instrument(span)
        .await
    }

    async fn ask<O>(
        &self,
        path: &str,
        body: impl Fn() -> String,
        read: impl Fn(&Answer) -> Result<O, UnknownCause>,
        end_as: impl Fn(NotAnswered) -> O,
    ) -> Reply<O> {
        match self.call(path, body).await {
            Ok(answer) => {
                let outcome = match reply::submission_error(&answer) {
                    Some(end) => end_as(end),
                    None if !answer.is_success() => end_as(NotAnswered::Unknown(UnknownCause::Unreadable)),
                    None => read(&answer).unwrap_or_else(|cause| end_as(NotAnswered::Unknown(cause))),
                };
                Reply { outcome, http_status: Some(answer.status), raw: answer.body }
            }
            Err(error) => {
                let (end, http_status, raw) = error.split();
                Reply { outcome: end_as(end), http_status, raw }
            }
        }
    }
}

fn registered(answer: &Answer) -> Result<PullRegisterOutcome, UnknownCause> {
    let body: Registered = wire::parse(&answer.body).ok_or(UnknownCause::Unreadable)?;
    let code = body.response_code.ok_or(UnknownCause::Unreadable)?;
    match code.as_str() {
        DONE => Ok(PullRegisterOutcome::Registered),
        NOTHING => Ok(PullRegisterOutcome::AlreadyRegistered),
        other => Err(UnknownCause::UnexpectedResponseCode(wire::capped(other, 32))),
    }
}
