-- Delivery, third of the three facts: what each router should have for each device, and what it was last
-- brought to. One row a device and router. `generation` goes up with every change of intent; the row is
-- delivered when `applied_generation` equals it.
create table session_devices (
    id binary(16) not null primary key,
    session_id binary(16) not null,
    router_id binary(16) not null,
    mac binary(6) not null,
    ip varchar(45) character set ascii collate ascii_general_ci null,
    intended varchar(8) character set ascii collate ascii_general_ci not null,
    generation int unsigned not null default 1,
    applied_generation int unsigned not null default 0,
    applied varchar(8) character set ascii collate ascii_general_ci not null default 'nothing',
    applied_at datetime(6) null,
    is_online tinyint(1) not null default 0,
    used_secs bigint unsigned not null default 0,
    used_bytes bigint unsigned not null default 0,
    last_error varchar(255) null,
    attempts int unsigned not null default 0,
    next_try_at datetime(6) null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    unique key session_devices_device (router_id, mac),
    key session_devices_session (session_id),
    constraint session_devices_session_fk foreign key (session_id) references sessions (id),
    constraint session_devices_router_fk foreign key (router_id) references routers (id)
) default character set utf8mb4;
