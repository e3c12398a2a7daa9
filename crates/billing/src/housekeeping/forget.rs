//! Old rows that nobody asks for any more. What tells about money is never among them.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::MySqlPool;

use crate::db::{StoreError, router_pulls, router_setups, session_moves, session_passes};

/// Rows of each kind that are forgotten in one turn, which comes every minute.
const AT_ONCE: u32 = 500;
/// A pass says for so long that its time is over.
const PASSES_DAYS: i64 = 60;
/// What customers did with their devices, once their session is over.
const MOVES_DAYS: i64 = 400;
/// Lines for routers that nobody ever let change anything.
const SETUPS_DAYS: i64 = 30;
/// Parts of reports that never became whole.
const PARTS_HOURS: i64 = 24;

/// Forgets a bounded number of old rows.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn forget_old(pool: &MySqlPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    session_passes::forget_passes(pool, now - TimeDelta::days(PASSES_DAYS), AT_ONCE).await?;
    session_moves::forget_moves(pool, now - TimeDelta::days(MOVES_DAYS), AT_ONCE).await?;
    router_setups::forget_setups(pool, now - TimeDelta::days(SETUPS_DAYS), AT_ONCE).await?;
    router_pulls::forget_parts(pool, now - TimeDelta::hours(PARTS_HOURS), AT_ONCE).await?;
    Ok(())
}
