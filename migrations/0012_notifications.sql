-- What the owner should know. `dedupe_key` keeps a lasting trouble from filling the list.
create table notifications (
    id binary(16) not null primary key,
    severity varchar(8) character set ascii collate ascii_general_ci not null,
    kind varchar(32) character set ascii collate ascii_general_ci not null,
    message varchar(500) not null,
    subject varchar(64) character set ascii collate ascii_general_ci null,
    dedupe_key varchar(100) character set ascii collate ascii_general_ci null,
    created_at datetime(6) not null,
    read_at datetime(6) null,
    unique key notifications_dedupe (dedupe_key),
    key notifications_unread (read_at, id)
) default character set utf8mb4;
