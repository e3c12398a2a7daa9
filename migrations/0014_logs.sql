-- The audit log: who did what, when, from where. Append-only.
create table logs (
    id bigint unsigned not null auto_increment primary key,
    at datetime(6) not null,
    actor varchar(80) not null,
    action varchar(48) character set ascii collate ascii_general_ci not null,
    subject varchar(80) null,
    detail varchar(500) null,
    remote_ip varchar(45) character set ascii collate ascii_general_ci null,
    key logs_at (at),
    key logs_action (action, subject, at),
    key logs_remote (action, remote_ip, at)
) default character set utf8mb4;
