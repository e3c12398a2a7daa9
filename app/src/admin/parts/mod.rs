//! Pieces that several pages use.

pub(super) mod ask;
pub(super) mod checks;
pub(super) mod choose;
pub(super) mod clock;
pub(super) mod copy;
pub(super) mod list_state;
pub(super) mod owners_only;
pub(super) mod search;
pub(super) mod theme_switch;
pub(super) mod time;
pub(super) mod trouble;
pub(super) mod upload;
