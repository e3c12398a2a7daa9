-- The price list. `revision` goes up with every change of terms and names the router's user profile, so a
-- profile is never edited under live sessions.
create table packages (
    id binary(16) not null primary key,
    name varchar(60) not null,
    duration_minutes int unsigned not null,
    price_kes int unsigned not null,
    down_kbps int unsigned null,
    up_kbps int unsigned null,
    data_mb int unsigned null,
    devices tinyint unsigned not null default 1,
    revision int unsigned not null default 1,
    is_active tinyint(1) not null default 1,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    key packages_shown (is_active, price_kes, id)
) default character set utf8mb4;
