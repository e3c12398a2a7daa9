//! Placeholder, replaced by the access plan.
