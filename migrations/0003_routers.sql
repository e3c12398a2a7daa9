-- MikroTik routers. `slug` is the public name in portal links. The password is sealed with a key derived
-- from APP_SECRET. `tls_pin` is the SHA-256 of the router's certificate; null means plain TCP.
-- The lease says which server process talks to the router at the moment.
create table routers (
    id binary(16) not null primary key,
    slug varchar(32) character set ascii collate ascii_general_ci not null,
    name varchar(60) not null,
    host varchar(255) character set ascii collate ascii_general_ci not null,
    port smallint unsigned not null,
    username varchar(64) not null,
    password_sealed varbinary(512) not null,
    tls_pin binary(32) null,
    is_active tinyint(1) not null default 1,
    lease_holder binary(16) null,
    lease_until_at datetime(6) null,
    last_seen_at datetime(6) null,
    last_error varchar(255) null,
    last_error_at datetime(6) null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    unique key routers_slug (slug)
) default character set utf8mb4;
