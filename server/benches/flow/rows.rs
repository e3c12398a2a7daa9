//! What the database says about when things happened: all instants there are of the server's one clock.

use std::time::Duration;

use sqlx::MySqlPool;

use crate::Outcome;

/// A database with nothing in it: this makes payments, so it must never meet an owner's.
pub(crate) async fn connect(url: &str) -> Outcome<MySqlPool> {
    let pool = billing::db::connect_lazy(url, 2)?;
    let tables: i64 =
        sqlx::query_scalar("select count(*) from information_schema.tables where table_schema = database()")
            .fetch_one(&pool)
            .await?;
    if tables == 0 { Ok(pool) } else { Err("the database of DATABASE_URL must be empty".into()) }
}

/// Version, and whether a commit waits for the disk.
pub(crate) async fn describe(pool: &MySqlPool) -> Outcome<String> {
    let (version, flush): (String, i64) =
        sqlx::query_as("select version(), cast(@@innodb_flush_log_at_trx_commit as signed)").fetch_one(pool).await?;
    Ok(format!("{version}, innodb_flush_log_at_trx_commit={flush}"))
}

/// From settled to granted, for the payments that are.
pub(crate) async fn list_grants(pool: &MySqlPool, payment_ids: &[String]) -> Outcome<Vec<Duration>> {
    let mut grants = Vec::new();
    for id in payment_ids {
        let micros: Option<i64> = sqlx::query_scalar(
            "select timestampdiff(microsecond, p.settled_at, d.applied_at)
             from payments p join sessions s on s.payment_id = p.id join session_devices d on d.session_id = s.id
             where p.id = unhex(replace(?, '-', '')) and d.is_online = 1 and d.applied_generation = d.generation",
        )
        .bind(id)
        .fetch_optional(pool)
        .await?;
        grants.extend(micros.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))));
    }
    Ok(grants)
}
