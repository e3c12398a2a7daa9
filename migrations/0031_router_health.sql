-- What is known of each router beside how to reach it, as it was read last.
-- `clock_skew_secs` is the router's clock less the server's; `users_max` is what the licence allows at once.
-- `troubles` are those the owner was told of and that last, as words with commas.
create table router_facts (
    router_id binary(16) not null primary key,
    identity varchar(64) not null,
    version varchar(40) not null,
    board varchar(60) not null,
    uptime_secs bigint unsigned not null,
    clock_skew_secs bigint null,
    license varchar(16) null,
    users_on int unsigned null,
    users_max int unsigned null,
    has_reaper tinyint(1) null,
    troubles varchar(100) character set ascii collate ascii_general_ci not null default '',
    read_at datetime(6) not null,
    constraint router_facts_router_fk foreign key (router_id) references routers (id) on delete cascade
) default character set utf8mb4;

-- What happened to a router, for its owner: `online`, `offline`, `rebooted`, `upgraded`, `changed`, `certificate`.
create table router_events (
    id binary(16) not null primary key,
    router_id binary(16) not null,
    at datetime(6) not null,
    kind varchar(16) character set ascii collate ascii_general_ci not null,
    text varchar(255) not null,
    key router_events_router (router_id, id),
    key router_events_at (at),
    constraint router_events_router_fk foreign key (router_id) references routers (id) on delete cascade
) default character set utf8mb4;

-- Times a router was away. `from_at` is when it was last heard of. `open_router_id` is the router while it is away,
-- so that there is at most one of these a router. `verdict` says what is known of the time in between: `off` (the
-- router was without power until `off_until_at`), `cut` (it ran, but no data flowed), `served` (customers were on and
-- data flowed: only the server could not reach it), `unknown`.
create table outages (
    id binary(16) not null primary key,
    router_id binary(16) not null,
    open_router_id binary(16) null,
    from_at datetime(6) not null,
    to_at datetime(6) null,
    verdict varchar(8) character set ascii collate ascii_general_ci not null default 'unknown',
    off_until_at datetime(6) null,
    credited_at datetime(6) null,
    credited_by varchar(80) null,
    credit_reason varchar(255) null,
    unique key outages_open (open_router_id),
    key outages_router (router_id, from_at),
    key outages_to (to_at),
    constraint outages_router_fk foreign key (router_id) references routers (id)
) default character set utf8mb4;

-- Sessions whose paid time ran while the router was away. `before_*` is what their devices had used when the outage
-- was noticed. `lost_secs` is known once it is over; `given_secs` once it was given back, to `given_to` (the session
-- itself, or the one that its device has now). `revived_at` says when a session that had ended went on.
create table outage_sessions (
    outage_id binary(16) not null,
    session_id binary(16) not null,
    before_secs bigint unsigned not null,
    before_bytes bigint unsigned not null,
    lost_secs bigint unsigned null,
    given_secs bigint unsigned null,
    given_to binary(16) null,
    revived_at datetime(6) null,
    primary key (outage_id, session_id),
    key outage_sessions_session (session_id),
    key outage_sessions_given (given_to, revived_at),
    constraint outage_sessions_outage_fk foreign key (outage_id) references outages (id),
    constraint outage_sessions_session_fk foreign key (session_id) references sessions (id),
    constraint outage_sessions_given_fk foreign key (given_to) references sessions (id)
) default character set utf8mb4;
