-- The ledger of receipts holds every shilling that came in, whatever the channel, and where it is:
-- `credited` to a settled payment, `part` of a payment that is not settled yet, kept as the customer's
-- `credit`, `unmatched` until somebody places it, `dismissed` as not meant for us, or `reversed`.
-- What the payer typed and who they are is kept as M-Pesa reports it: plain, masked or hashed.
alter table receipts
    add column state varchar(16) character set ascii collate ascii_general_ci not null default 'credited' after payment_id,
    add column account_reference varchar(64) null,
    add column payer varchar(80) null,
    add column payer_hash binary(32) null,
    add column payer_name varchar(80) null,
    add column decided_by varchar(64) null,
    add column decided_at datetime(6) null,
    add column reason varchar(255) null,
    add key receipts_state (state, created_at, receipt);
