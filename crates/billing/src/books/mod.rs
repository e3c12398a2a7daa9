//! M-Pesa's own books: statements as exported and transactions as pulled, compared with our ledger.

pub mod compare;
