-- One open M-Pesa prompt a phone and a device at a time. The primary key decides the race; a slot whose
-- `until_at` has passed may be taken over.
create table prompt_slots (
    slot varchar(32) character set ascii collate ascii_general_ci not null primary key,
    payment_id binary(16) not null,
    until_at datetime(6) not null
) default character set utf8mb4;
