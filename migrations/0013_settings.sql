-- What the owner may change without a restart, such as the business name on the portal.
create table settings (
    name varchar(64) character set ascii collate ascii_general_ci not null primary key,
    value varchar(1000) not null,
    updated_at datetime(6) not null
) default character set utf8mb4;
