-- M-Pesa's own books: the statements as exported, and the movements in them. A movement is stored once,
-- however many files it is in; `line_key` is the SHA-256 of what tells it from others, counted within a file.
-- Amounts are in cents, because charges have them.
create table statements (
    id binary(16) not null primary key,
    name varchar(120) not null,
    kind varchar(8) character set ascii collate ascii_general_ci not null,
    sha256 binary(32) not null,
    file mediumblob null,
    imported_by varchar(64) not null,
    imported_at datetime(6) not null,
    -- The rows that could not be read and the last comparison, both as JSON.
    unreadable mediumtext not null,
    totals text null,
    unique key statements_sha256 (sha256),
    key statements_imported (imported_at, id)
) default character set utf8mb4;
create table statement_lines (
    id bigint unsigned not null auto_increment primary key,
    line_key binary(32) not null,
    receipt varchar(12) character set ascii collate ascii_general_ci not null,
    completed_at datetime(6) not null,
    kind varchar(16) character set ascii collate ascii_general_ci not null,
    is_completed tinyint(1) not null,
    paid_in_cents bigint unsigned not null,
    withdrawn_cents bigint unsigned not null,
    details varchar(300) not null,
    account_reference varchar(64) null,
    payer varchar(80) null,
    payer_hash binary(32) null,
    payer_name varchar(120) null,
    linked_receipt varchar(12) character set ascii collate ascii_general_ci null,
    unique key statement_lines_key (line_key),
    key statement_lines_receipt (receipt)
) default character set utf8mb4;
create table statement_contents (
    statement_id binary(16) not null,
    line_id bigint unsigned not null,
    primary key (statement_id, line_id),
    key statement_contents_line (line_id),
    constraint statement_contents_statement_fk foreign key (statement_id) references statements (id),
    constraint statement_contents_line_fk foreign key (line_id) references statement_lines (id)
) default character set utf8mb4;
