-- Admin logins, in the form the session store of the admin app expects.
create table tower_sessions (
    id char(22) primary key not null,
    data blob not null,
    expiry_date timestamp(6) not null
) default character set utf8mb4;
