-- People who may log in to the admin app. `login_epoch` goes up when a password changes, which ends every
-- login made before.
create table admin_users (
    id binary(16) not null primary key,
    username varchar(64) character set ascii collate ascii_general_ci not null,
    password_hash varchar(255) character set ascii collate ascii_general_ci not null,
    role varchar(16) character set ascii collate ascii_general_ci not null,
    login_epoch int unsigned not null default 1,
    disabled_at datetime(6) null,
    created_at datetime(6) not null,
    updated_at datetime(6) not null,
    unique key admin_users_username (username)
) default character set utf8mb4;
