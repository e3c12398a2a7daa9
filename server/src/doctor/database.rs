//! The database: reached, able, supported, durable, up to date, and on our time.

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::Clock;
use sqlx::MySqlPool;

use super::Check;
use crate::database::{advice, chain};

const SUBJECT: &str = "database";
/// A clock that differs more is wrong on one of the two machines.
const DRIFT_MAX_SECS: i64 = 2;

/// Adds its checks; whether the tables can be used.
pub(super) async fn examine(pool: &MySqlPool, clock: &dyn Clock, checks: &mut Vec<Check>) -> bool {
    let version: String = match sqlx::query_scalar("select version()").fetch_one(pool).await {
        Ok(version) => version,
        Err(error) => {
            checks.push(Check::problem(SUBJECT, chain(&error), advice(&error)));
            return false;
        }
    };
    checks.push(judge_version(&version));
    checks.push(rights(pool).await);
    checks.push(durability(pool).await);
    checks.push(drift(pool, clock).await);
    let (is_current, check) = migrations(pool).await;
    checks.push(check);
    is_current
}

/// MariaDB 10.6 and MySQL 8.0 are the oldest with everything the queries need.
fn judge_version(version: &str) -> Check {
    let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
    // Some servers put a made-up 5.5.5- in front of their own number.
    let number = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut parts = number.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let (name, oldest) = if is_mariadb { ("MariaDB", (10, 6)) } else { ("MySQL", (8, 0)) };
    if found >= oldest {
        return Check::ok(SUBJECT, format!("{name} {}.{} answers", found.0, found.1));
    }
    let todo = "use MariaDB 10.6 or newer, or MySQL 8 or newer";
    Check::problem(SUBJECT, format!("{name} {}.{} is too old", found.0, found.1), todo)
}

/// Makes and drops a table, because that is what a migration does.
async fn rights(pool: &MySqlPool) -> Check {
    let table = format!("bando_doctor_{}", std::process::id());
    let made = sqlx::query(&format!("create table {table} (id int not null primary key)")).execute(pool).await;
    let dropped = match &made {
        Ok(_) => sqlx::query(&format!("drop table {table}")).execute(pool).await,
        Err(_) => made,
    };
    match dropped {
        Ok(_) => Check::ok("database rights", "tables can be made and dropped"),
        Err(error) => Check::problem("database rights", chain(&error), advice(&error)),
    }
}

async fn durability(pool: &MySqlPool) -> Check {
    let subject = "durability";
    let value: Result<i64, _> =
        sqlx::query_scalar("select cast(@@innodb_flush_log_at_trx_commit as signed)").fetch_one(pool).await;
    match value {
        Ok(1) => Check::ok(subject, "every payment is on disk before it is answered"),
        Ok(_) => Check::problem(
            subject,
            "a power cut may lose the last payments",
            "set innodb_flush_log_at_trx_commit = 1 in the database's configuration",
        ),
        Err(error) => Check::problem(subject, chain(&error), advice(&error)),
    }
}

async fn drift(pool: &MySqlPool, clock: &dyn Clock) -> Check {
    let subject = "clock";
    let theirs: Result<NaiveDateTime, _> = sqlx::query_scalar("select utc_timestamp(6)").fetch_one(pool).await;
    match theirs.map(|at| DateTime::<Utc>::from_naive_utc_and_offset(at, Utc)) {
        Ok(theirs) => {
            let secs = (clock.now() - theirs).num_seconds();
            if secs.abs() <= DRIFT_MAX_SECS {
                Check::ok(subject, "this machine and the database have the same time")
            } else {
                let message = format!("this machine and the database are {} seconds apart", secs.abs());
                Check::problem(subject, message, "set both by NTP, for example with: timedatectl set-ntp true")
            }
        }
        Err(error) => Check::problem(subject, chain(&error), advice(&error)),
    }
}

async fn migrations(pool: &MySqlPool) -> (bool, Check) {
    let subject = "migrations";
    match billing::db::pending_migrations(pool).await {
        Ok(0) => (true, Check::ok(subject, "the database is up to date")),
        Ok(count) => {
            let message = format!("{count} changes are missing in the database");
            (false, Check::problem(subject, message, "run: bando migrate"))
        }
        Err(error) => (false, Check::problem(subject, chain(&error), advice(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::judge_version;

    #[test]
    fn old_servers_are_refused() {
        for (version, is_problem) in [
            ("10.11.6-MariaDB-0+deb12u1", false),
            ("5.5.5-10.6.12-MariaDB", false),
            ("10.5.23-MariaDB", true),
            ("11.4.2-MariaDB", false),
            ("8.0.36", false),
            ("9.7.4", false),
            ("5.7.44-log", true),
            ("", true),
        ] {
            assert_eq!(judge_version(version).is_problem(), is_problem, "{version}");
        }
    }
}
