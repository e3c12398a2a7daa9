-- Paid time that people change. A paused session keeps in `duration_secs` what was left; `spent_secs` is what
-- was used before its pauses and `added_secs` what was given on top, so that duration_secs + spent_secs is always
-- what was bought, carried over and given. While `paused_at` is set its devices are intended off and no time runs.
alter table sessions
    add column paused_at datetime(6) null,
    add column pauses tinyint unsigned not null default 0,
    add column spent_secs bigint unsigned not null default 0,
    add column added_secs bigint unsigned not null default 0,
    add key sessions_paused (ended_at, paused_at);
-- `before_*` is what the device used under its session before its pauses: a router counts anew afterwards.
-- With `is_kicked` the router is to log the device out once, before anything else.
alter table session_devices
    add column before_secs bigint unsigned not null default 0,
    add column before_bytes bigint unsigned not null default 0,
    add column is_kicked tinyint(1) not null default 0,
    add key session_devices_live (intended, id),
    add key session_devices_changed (updated_at);
-- Devices that are kept from the network and the portal. `active_mac` is the device for as long as the block
-- stands and null once it is lifted, so that one device is blocked at most once at a time.
create table blocks (
    id binary(16) not null primary key,
    mac binary(6) not null,
    active_mac binary(6) null,
    reason varchar(255) not null,
    blocked_by varchar(64) not null,
    lifted_at datetime(6) null,
    lifted_by varchar(64) null,
    lift_reason varchar(255) null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    unique key blocks_active (active_mac),
    key blocks_changed (updated_at)
) default character set utf8mb4;
-- Who is on without paid time, as each router was read last. `kind`: `over` (a user of ours whose time is over),
-- `user` (another user), `bypassed` (a rule of the owner's lets the device through).
create table router_strangers (
    id binary(16) not null primary key,
    router_id binary(16) not null,
    mac binary(6) not null,
    kind varchar(8) character set ascii collate ascii_general_ci not null,
    user_name varchar(64) not null default '',
    ip varchar(45) character set ascii collate ascii_general_ci null,
    used_secs bigint unsigned not null default 0,
    used_bytes bigint unsigned not null default 0,
    is_kicked tinyint(1) not null default 0,
    since_at datetime(6) not null,
    seen_at datetime(6) not null,
    gone_at datetime(6) null,
    updated_at datetime(6) not null,
    unique key router_strangers_device (router_id, mac),
    key router_strangers_live (gone_at, id),
    key router_strangers_changed (updated_at),
    constraint router_strangers_router_fk foreign key (router_id) references routers (id)
) default character set utf8mb4;
