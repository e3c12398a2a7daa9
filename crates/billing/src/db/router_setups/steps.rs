//! `router_setup_steps`: what routers report about the steps of their set-ups.

use chrono::{DateTime, Utc};
use sqlx::{MySqlExecutor, MySqlPool};
use uuid::Uuid;

use crate::db::StoreError;

/// What a router reported about one step.
#[derive(Debug, Clone)]
pub(crate) struct StepRow {
    pub name: String,
    pub is_ok: bool,
    pub text: Vec<u8>,
    pub at: DateTime<Utc>,
}

/// Keeps what was reported about a step; the last word counts.
pub(crate) async fn upsert_step(
    executor: impl MySqlExecutor<'_>,
    setup_id: Uuid,
    run: &[u8],
    step: &StepRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into router_setup_steps (setup_id, run, name, is_ok, text, at) values (?, ?, ?, ?, ?, ?)
         on duplicate key update is_ok = values(is_ok), text = values(text), at = values(at)",
        setup_id,
        run,
        step.name,
        step.is_ok,
        step.text,
        step.at
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// What was reported in one run, in order.
pub(crate) async fn list_steps(pool: &MySqlPool, setup_id: Uuid, run: &[u8]) -> Result<Vec<StepRow>, StoreError> {
    Ok(sqlx::query_as!(
        StepRow,
        r#"select name, is_ok as "is_ok: bool", text, at as "at: DateTime<Utc>"
           from router_setup_steps where setup_id = ? and run = ? order by at, name"#,
        setup_id,
        run
    )
    .fetch_all(pool)
    .await?)
}

/// How many reports a set-up has, over all runs.
pub(crate) async fn count_steps(pool: &MySqlPool, setup_id: Uuid) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!("select count(*) from router_setup_steps where setup_id = ?", setup_id)
        .fetch_one(pool)
        .await?)
}
