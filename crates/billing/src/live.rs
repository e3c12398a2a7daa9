//! Who is on the network against who has paid: the list of devices, and what people do about them.

mod actions;
mod blocks;
mod list;
mod rows;
mod search;
mod words;

pub use actions::LiveError;
pub use list::{LiveCounts, LiveFilter, LiveRecord};

pub use crate::db::blocks::BlockRecord;

use crate::admins::{Admin, Role};

/// What a device that is kept out is told.
pub const BLOCKED: &str =
    "The people who run this WiFi have blocked this device. Talk to them if you think that this is a mistake.";

/// Shortest and longest reason, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 3..=200;

/// The reason of an owner, trimmed.
pub(crate) fn owners_reason(by: &Admin, reason: &str) -> Result<String, LiveError> {
    if by.role != Role::Owner {
        return Err(LiveError::NotOwner);
    }
    let reason = reason.trim();
    let is_sound = REASON_CHARS.contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
    if is_sound { Ok(reason.to_owned()) } else { Err(LiveError::Reason) }
}
