-- How the server and a router come together: `direct` (the server connects to the router's API) or `pull` (the
-- router asks the server over HTTPS, for routers that nothing can reach from outside).
alter table routers
    add column reach varchar(8) character set ascii collate ascii_general_ci not null default 'direct';

-- What the server keeps for a router that polls. The keys are sealed with a key derived from APP_SECRET;
-- `next_key_sealed` waits for the first poll made with it, until then the old one counts too. `ticket` is asked
-- back in the next report, once, so that a report of earlier says nothing. `busy_until_at` lets one poll at a time
-- be worked on. `memory` is what one plan hands to the next, as JSON.
create table router_pulls (
    router_id binary(16) not null primary key,
    key_sealed varbinary(512) not null,
    next_key_sealed varbinary(512) null,
    ticket char(32) character set ascii collate ascii_general_ci null,
    busy_until_at datetime(6) null,
    busy_with binary(16) null,
    polled_at datetime(6) null,
    reported_at datetime(6) null,
    waits_until_at datetime(6) null,
    clock_skew_secs bigint null,
    uptime_secs bigint unsigned null,
    version varchar(40) null,
    board varchar(60) null,
    is_digesting tinyint(1) not null default 0,
    memory mediumtext not null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    constraint router_pulls_router_fk foreign key (router_id) references routers (id)
) default character set utf8mb4;

-- Reports that are longer than one request may be come in parts and are put together when the last is there.
create table router_pull_parts (
    router_id binary(16) not null,
    ticket char(32) character set ascii collate ascii_general_ci not null,
    part smallint unsigned not null,
    body mediumtext not null,
    created_at datetime(6) not null,
    primary key (router_id, ticket, part),
    constraint router_pull_parts_router_fk foreign key (router_id) references routers (id)
) default character set utf8mb4;
