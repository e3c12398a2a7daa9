-- Money, first of the three facts. A row with its callback token is committed before Daraja is called.
-- The terms are copied from the package at that moment: a later change of the price list changes nothing.
-- `status` is the public word, derived from `state` and nothing else.
create table payments (
    id binary(16) not null primary key,
    user_id binary(16) not null,
    package_id binary(16) not null,
    router_id binary(16) null,
    mac binary(6) not null,
    ip varchar(45) character set ascii collate ascii_general_ci null,
    amount_kes int unsigned not null,
    package_name varchar(60) not null,
    package_revision int unsigned not null,
    duration_minutes int unsigned not null,
    down_kbps int unsigned null,
    up_kbps int unsigned null,
    data_mb int unsigned null,
    devices tinyint unsigned not null,
    state varchar(16) character set ascii collate ascii_general_ci not null,
    status varchar(8) character set ascii collate ascii_general_ci generated always as (
        case
            when state = 'succeeded' then 'Success'
            when state in ('rejected', 'failed', 'expired', 'refunded') then 'Failed'
            else 'Pending'
        end
    ) stored,
    review_reason varchar(32) character set ascii collate ascii_general_ci null,
    account_reference varchar(12) character set ascii collate ascii_general_ci not null,
    callback_token_hash binary(32) not null,
    checkout_request_id varchar(100) character set ascii collate ascii_general_ci null,
    merchant_request_id varchar(100) character set ascii collate ascii_general_ci null,
    receipt varchar(12) character set ascii collate ascii_general_ci null,
    result_code varchar(32) null,
    result_desc varchar(255) null,
    idempotency_hash binary(32) null,
    request_hash binary(32) not null,
    request_id varchar(36) character set ascii collate ascii_general_ci not null,
    submitted_at datetime(6) null,
    settled_at datetime(6) null,
    -- The customer's waiting page was open until about this instant; such payments are queried first.
    watched_at datetime(6) null,
    query_attempts int unsigned not null default 0,
    next_query_at datetime(6) null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    unique key payments_account_reference (account_reference),
    unique key payments_callback_token (callback_token_hash),
    unique key payments_checkout_request (checkout_request_id),
    unique key payments_receipt (receipt),
    unique key payments_idempotency (idempotency_hash),
    key payments_status (status, id),
    key payments_query (next_query_at, id),
    key payments_user (user_id, id),
    key payments_device (router_id, mac, id),
    key payments_mac (mac, id),
    key payments_package (package_id, id),
    constraint payments_user_fk foreign key (user_id) references users (id),
    constraint payments_package_fk foreign key (package_id) references packages (id),
    constraint payments_router_fk foreign key (router_id) references routers (id)
) default character set utf8mb4;
