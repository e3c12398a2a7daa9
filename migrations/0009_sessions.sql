-- Entitlement, second of the three facts: paid time, with the terms as sold. Exactly one origin: a payment,
-- a voucher, or a named admin's grant with a reason. `starts_at` is when a router first confirmed access.
-- Buying again makes a new session that carries over what was left of the old one (`carried_secs` is
-- part of `duration_secs`), and ends the old one with reason `extended`.
create table sessions (
    id binary(16) not null primary key,
    payment_id binary(16) null,
    voucher_id binary(16) null,
    granted_by binary(16) null,
    grant_reason varchar(255) null,
    user_id binary(16) null,
    router_id binary(16) null,
    mac binary(6) not null,
    package_id binary(16) not null,
    package_name varchar(60) not null,
    package_revision int unsigned not null,
    duration_secs bigint unsigned not null,
    carried_secs bigint unsigned not null default 0,
    down_kbps int unsigned null,
    up_kbps int unsigned null,
    data_bytes bigint unsigned null,
    devices tinyint unsigned not null,
    starts_at datetime(6) null,
    ends_at datetime(6) null,
    ended_at datetime(6) null,
    end_reason varchar(16) character set ascii collate ascii_general_ci null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    unique key sessions_payment (payment_id),
    unique key sessions_voucher (voucher_id),
    key sessions_device (router_id, mac, id),
    key sessions_mac (mac, id),
    key sessions_user (user_id, id),
    key sessions_ends (ended_at, ends_at),
    constraint sessions_payment_fk foreign key (payment_id) references payments (id),
    constraint sessions_voucher_fk foreign key (voucher_id) references vouchers (id),
    constraint sessions_admin_fk foreign key (granted_by) references admin_users (id),
    constraint sessions_user_fk foreign key (user_id) references users (id),
    constraint sessions_router_fk foreign key (router_id) references routers (id),
    constraint sessions_package_fk foreign key (package_id) references packages (id),
    constraint sessions_one_origin check (
        (payment_id is not null) + (voucher_id is not null) + (granted_by is not null and grant_reason is not null) = 1
    )
) default character set utf8mb4;
