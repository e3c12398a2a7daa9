//! The pages, one file each.

pub(super) mod customers;
pub(super) mod live;
pub(super) mod login;
pub(super) mod new_router;
pub(super) mod notifications;
pub(super) mod payment;
pub(super) mod payments;
pub(super) mod router;
pub(super) mod routers;
pub(super) mod statement;
pub(super) mod statements;
pub(super) mod todo;
pub(super) mod why;
