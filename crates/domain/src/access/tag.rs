//! The comment that marks a row on a router as ours.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

use crate::SessionId;

/// How the comment of every row of ours begins. Rows without it are never touched.
pub const MARK: &str = "bando1;";

/// `bando1;g=<session id>;e=<unix seconds, ten digits>`. The router's own clean-up script finds the end of
/// paid time in it by position, so the digits are always ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// The session (the grant) that the row delivers.
    pub session_id: SessionId,
    /// When paid time is over, unix seconds, rounded up.
    pub ends_at_epoch_secs: u64,
}

/// The comment is not a tag of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tag of ours")]
pub struct InvalidTag;

/// The last instant with ten digits: the year 2286.
const LAST_EPOCH_SECS: u64 = 9_999_999_999;

impl Tag {
    /// A tag for paid time that ends at `ends_at`, rounded up to a whole second.
    #[must_use]
    pub fn new(session_id: SessionId, ends_at: DateTime<Utc>) -> Self {
        let secs = u64::try_from(ends_at.timestamp()).unwrap_or(0);
        let partial = u64::from(ends_at.timestamp_subsec_nanos() > 0);
        Self { session_id, ends_at_epoch_secs: secs.saturating_add(partial).min(LAST_EPOCH_SECS) }
    }

    /// Whether paid time is over at `now`, by the row's own account.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        u64::try_from(now.timestamp()).is_ok_and(|now| now >= self.ends_at_epoch_secs)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}g={};e={:010}", self.session_id, self.ends_at_epoch_secs)
    }
}

impl FromStr for Tag {
    type Err = InvalidTag;

    /// Reads a tag; more fields after the two, as a later version may write, are ignored.
    fn from_str(comment: &str) -> Result<Self, Self::Err> {
        let mut fields = comment.strip_prefix(MARK).ok_or(InvalidTag)?.split(';');
        let session = fields.next().and_then(|field| field.strip_prefix("g=")).ok_or(InvalidTag)?;
        let end = fields.next().and_then(|field| field.strip_prefix("e=")).ok_or(InvalidTag)?;
        if end.len() != 10 || !end.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidTag);
        }
        Ok(Self {
            session_id: session.parse().map_err(|_| InvalidTag)?,
            ends_at_epoch_secs: end.parse().map_err(|_| InvalidTag)?,
        })
    }
}
