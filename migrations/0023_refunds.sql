-- Money going back, one row a try. Written before M-Pesa is asked, so that nothing is ever asked for twice
-- by itself; `result_token_hash` is the secret path on which M-Pesa answers. One try a payment may be open.
create table refunds (
    id binary(16) not null primary key,
    payment_id binary(16) not null,
    kind varchar(16) character set ascii collate ascii_general_ci not null,
    state varchar(16) character set ascii collate ascii_general_ci not null,
    amount_kes int unsigned not null,
    -- What of it was kept as the customer's credit and goes back too.
    credit_kes int unsigned not null default 0,
    receipt varchar(12) character set ascii collate ascii_general_ci null,
    result_token_hash binary(32) null,
    conversation_id varchar(100) null,
    reversal_receipt varchar(12) character set ascii collate ascii_general_ci null,
    message varchar(500) not null,
    actor varchar(64) not null,
    reason varchar(255) not null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    open_payment_id binary(16) generated always as (if(state = 'asked', payment_id, null)) stored,
    unique key refunds_open (open_payment_id),
    unique key refunds_token (result_token_hash),
    key refunds_payment (payment_id, id),
    key refunds_state (state, updated_at),
    constraint refunds_payment_fk foreign key (payment_id) references payments (id)
) default character set utf8mb4;
