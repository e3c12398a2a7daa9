//! What owners and cashiers reach under `/api/admin`, after logging in.

pub(super) mod health;
pub(super) mod live;
pub(super) mod login;
pub(super) mod money;
pub(super) mod notifications;
pub(super) mod page;
pub(super) mod payments;
pub(super) mod refunds;
pub(super) mod routers;
pub(super) mod session;
pub(super) mod setups;
pub(super) mod statements;
pub(super) mod users;
