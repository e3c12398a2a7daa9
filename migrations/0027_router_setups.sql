-- Setting a router up in one paste. `token_hash` is the SHA-256 of the secret in the line; `router_key` is what the
-- router calls itself (serial number or licence), bound by the first router that answers. `run` is the paste that
-- counts at the moment; `before_*` names the run that saw the router as it was before anything was changed.
-- `password_sealed` is the password of the API user, until the router's own row has it.
create table router_setups (
    id binary(16) not null primary key,
    name varchar(60) not null,
    slug varchar(32) character set ascii collate ascii_general_ci not null,
    reach varchar(8) character set ascii collate ascii_general_ci not null,
    router_id binary(16) null,
    token_hash binary(32) not null,
    password_sealed varbinary(512) null,
    router_key varchar(64) character set ascii collate ascii_general_ci null,
    run binary(8) null,
    before_setup_id binary(16) null,
    before_run binary(8) null,
    remote_ip varchar(45) character set ascii collate ascii_general_ci null,
    fetched_at datetime(6) null,
    approved_at datetime(6) null,
    done_at datetime(6) null,
    undo_at datetime(6) null,
    undone_at datetime(6) null,
    expires_at datetime(6) not null,
    created_at datetime(6) not null,
    created_by varchar(80) not null,
    unique key router_setups_token (token_hash),
    key router_setups_router (router_key, created_at),
    constraint router_setups_of foreign key (router_id) references routers (id)
) default character set utf8mb4;

-- What a router reported, step by step: one row a step and run. `text` is the router's own.
create table router_setup_steps (
    setup_id binary(16) not null,
    run binary(8) not null,
    name varchar(24) character set ascii collate ascii_general_ci not null,
    is_ok tinyint(1) not null,
    text mediumblob not null,
    at datetime(6) not null,
    primary key (setup_id, run, name),
    constraint router_setup_steps_of foreign key (setup_id) references router_setups (id)
) default character set utf8mb4;

-- Addresses inside the tunnel, one a router. `address` is the IPv4 address as a number.
create table router_tunnels (
    address int unsigned not null primary key,
    setup_id binary(16) not null,
    router_id binary(16) null,
    public_key varchar(64) character set ascii collate ascii_bin null,
    created_at datetime(6) not null,
    unique key router_tunnels_setup (setup_id),
    key router_tunnels_router (router_id),
    constraint router_tunnels_setup_of foreign key (setup_id) references router_setups (id),
    constraint router_tunnels_router_of foreign key (router_id) references routers (id)
) default character set utf8mb4;
