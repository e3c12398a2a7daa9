-- The one ledger of M-Pesa receipts over all channels: a receipt is entered once and credits at most once.
create table receipts (
    receipt varchar(12) character set ascii collate ascii_general_ci not null primary key,
    payment_id binary(16) null,
    source varchar(16) character set ascii collate ascii_general_ci not null,
    amount_kes int unsigned not null,
    paid_at datetime(6) null,
    created_at datetime(6) not null,
    key receipts_payment (payment_id),
    constraint receipts_payment_fk foreign key (payment_id) references payments (id)
) default character set utf8mb4;
