-- Customers, known by their phone number. Totals are kept up to date when a payment settles, so that the
-- customer list never has to add up payments.
create table users (
    id binary(16) not null primary key,
    msisdn char(12) character set ascii collate ascii_general_ci not null,
    payments_count int unsigned not null default 0,
    paid_kes bigint unsigned not null default 0,
    created_at datetime(6) not null,
    last_seen_at datetime(6) not null,
    unique key users_msisdn (msisdn),
    key users_last_seen (last_seen_at, id)
) default character set utf8mb4;
