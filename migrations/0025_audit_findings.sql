-- What the nightly audit found, and for how long. A finding that is gone is resolved; when it comes back,
-- it is a new one.
create table audit_findings (
    id bigint unsigned not null auto_increment primary key,
    rule varchar(48) character set ascii collate ascii_general_ci not null,
    subject varchar(80) not null,
    first_seen_at datetime(6) not null,
    last_seen_at datetime(6) not null,
    resolved_at datetime(6) null,
    is_open tinyint(1) generated always as (if(resolved_at is null, 1, null)) stored,
    unique key audit_findings_open (rule, subject, is_open),
    key audit_findings_resolved (resolved_at, rule)
) default character set utf8mb4;
-- Whether this very trouble was said before is asked by kind and subject.
alter table notifications add key notifications_subject (kind, subject, id);
