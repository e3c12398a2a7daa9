-- Evidence, append-only: everything M-Pesa or a person ever said about a payment, raw, with what it did.
-- `payment_id` is null when nobody could tell which payment was meant.
create table payment_events (
    id bigint unsigned not null auto_increment primary key,
    payment_id binary(16) null,
    source varchar(16) character set ascii collate ascii_general_ci not null,
    outcome varchar(32) character set ascii collate ascii_general_ci not null,
    state_before varchar(16) character set ascii collate ascii_general_ci null,
    state_after varchar(16) character set ascii collate ascii_general_ci null,
    detail varchar(255) null,
    body mediumblob null,
    remote_ip varchar(45) character set ascii collate ascii_general_ci null,
    received_at datetime(6) not null,
    key payment_events_payment (payment_id, id),
    key payment_events_received (received_at),
    constraint payment_events_payment_fk foreign key (payment_id) references payments (id)
) default character set utf8mb4;
