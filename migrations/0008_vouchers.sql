-- Prepaid codes. Only the hash of a code is kept; `hint` is its last four characters, to find it again.
create table vouchers (
    id binary(16) not null primary key,
    code_hash binary(32) not null,
    hint char(4) character set ascii collate ascii_general_ci not null,
    package_id binary(16) not null,
    created_by varchar(64) not null,
    expires_at datetime(6) null,
    redeemed_at datetime(6) null,
    created_at datetime(6) not null,
    unique key vouchers_code (code_hash),
    key vouchers_created (created_at, id),
    constraint vouchers_package_fk foreign key (package_id) references packages (id)
) default character set utf8mb4;
