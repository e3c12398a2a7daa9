-- Several devices under one session, and a session that goes on on another device.
-- A pass belongs to a session and ends with it. Its short code is kept only as a keyed hash; the code itself is
-- derived from APP_SECRET and the session.
create table session_passes (
    session_id binary(16) not null primary key,
    code_hash binary(32) not null,
    created_at datetime(6) not null,
    unique key session_passes_code (code_hash),
    constraint session_passes_session_fk foreign key (session_id) references sessions (id)
) default character set utf8mb4;

-- What customers did with the devices of a session. `is_counted` says that it took one of the moves of its day.
create table session_moves (
    id binary(16) not null primary key,
    session_id binary(16) not null,
    kind varchar(8) character set ascii collate ascii_general_ci not null,
    from_router_id binary(16) null,
    from_mac binary(6) null,
    to_router_id binary(16) null,
    to_mac binary(6) null,
    is_counted tinyint(1) not null,
    at datetime(6) not null,
    key session_moves_session (session_id, at),
    constraint session_moves_session_fk foreign key (session_id) references sessions (id)
) default character set utf8mb4;

-- `carried_from` is the session whose rest went over into this one. `left_bytes` is what devices used that have left
-- the session and whose row now belongs to another.
alter table sessions
    add column carried_from binary(16) null,
    add column left_bytes bigint unsigned not null default 0,
    add key sessions_carried (carried_from),
    add constraint sessions_carried_fk foreign key (carried_from) references sessions (id);

-- `left_at` says since when a device is no part of its session any more: it was removed, or the session went on on
-- another device. The row stays until its router was told, and its use counts for the session. `is_guest` marks a
-- device that the customer added: what its owner buys is not for this session unless the same customer pays.
alter table session_devices
    add column left_at datetime(6) null,
    add column is_guest tinyint(1) not null default 0,
    add column label varchar(40) null;
