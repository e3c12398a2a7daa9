//! The pages, one file each.

pub(super) mod customers;
pub(super) mod login;
pub(super) mod notifications;
pub(super) mod payments;
