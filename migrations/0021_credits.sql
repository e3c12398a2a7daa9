-- What a customer paid beyond a price, in whole shillings: append-only, in (positive) and out (negative).
-- `users.credit_kes` is the sum, kept up to date in the same transaction.
alter table users
    add column credit_kes int unsigned not null default 0,
    add column msisdn_sha256 binary(32) null,
    add key users_msisdn_sha256 (msisdn_sha256);
update users set msisdn_sha256 = unhex(sha2(msisdn, 256));
create table credits (
    id bigint unsigned not null auto_increment primary key,
    user_id binary(16) not null,
    amount_kes int not null,
    kind varchar(16) character set ascii collate ascii_general_ci not null,
    receipt varchar(12) character set ascii collate ascii_general_ci null,
    payment_id binary(16) null,
    actor varchar(64) null,
    reason varchar(255) null,
    created_at datetime(6) not null,
    key credits_user (user_id, id),
    key credits_payment (payment_id),
    constraint credits_user_fk foreign key (user_id) references users (id),
    constraint credits_payment_fk foreign key (payment_id) references payments (id)
) default character set utf8mb4;
