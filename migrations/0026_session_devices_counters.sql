-- What a router's counters said when they were read last: use in logins that had ended and in those that ran. Counters
-- go down when a router loses its power or a row is made anew; `used_secs` and `used_bytes` are the sums that do not.
alter table session_devices
    add column finished_secs bigint unsigned not null default 0,
    add column finished_bytes bigint unsigned not null default 0,
    add column running_secs bigint unsigned not null default 0,
    add column running_bytes bigint unsigned not null default 0;
