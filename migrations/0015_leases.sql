-- Work that only one server process may do at a time, such as querying Daraja. A lease that was not renewed
-- may be taken over.
create table leases (
    name varchar(64) character set ascii collate ascii_general_ci not null primary key,
    holder binary(16) not null,
    until_at datetime(6) not null
) default character set utf8mb4;
