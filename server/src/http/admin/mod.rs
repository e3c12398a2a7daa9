//! What owners and cashiers reach under `/api/admin`, after logging in.

pub(super) mod login;
pub(super) mod money;
pub(super) mod notifications;
pub(super) mod page;
pub(super) mod payments;
pub(super) mod session;
pub(super) mod users;
