-- "I have paid": a device shows an M-Pesa code. `status_token_hash` is the secret path of Daraja's answer
-- when the transaction was asked about; without an answer the claim waits for a person.
create table claims (
    id binary(16) not null primary key,
    receipt varchar(12) character set ascii collate ascii_general_ci not null,
    router_id binary(16) not null,
    mac binary(6) not null,
    payment_id binary(16) null,
    state varchar(16) character set ascii collate ascii_general_ci not null,
    amount_kes int unsigned null,
    status_token_hash binary(32) null,
    detail varchar(255) null,
    decided_by varchar(64) null,
    reason varchar(255) null,
    remote_ip varchar(45) character set ascii collate ascii_general_ci null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    unique key claims_status_token (status_token_hash),
    unique key claims_device_receipt (receipt, router_id, mac),
    key claims_state (state, id),
    key claims_device (mac, id),
    key claims_remote (remote_ip, id),
    constraint claims_router_fk foreign key (router_id) references routers (id),
    constraint claims_payment_fk foreign key (payment_id) references payments (id)
) default character set utf8mb4;
