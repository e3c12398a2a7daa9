//! Rows of ours that a router's own list does not know, and that are paid for all the same: one router was connected
//! twice, under two names. Both have the same rows before them, and neither may take away what the other sold.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    MacAddr, RouterId, SessionId,
    access::{Current, Tag},
};
use sqlx::MySqlPool;

use crate::db::{StoreError, session_devices};

/// Lets the grace of such rows, which `orphans` has since when they were seen, begin anew.
pub(super) async fn spare(
    pool: &MySqlPool,
    router_id: RouterId,
    orphans: &mut BTreeMap<MacAddr, DateTime<Utc>>,
    current: &Current,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // On nearly every router there are none.
    if orphans.is_empty() {
        return Ok(());
    }
    let rows: Vec<(MacAddr, SessionId)> = current
        .users
        .iter()
        .filter_map(|user| Some((user.name.parse().ok()?, user.comment.parse::<Tag>().ok()?.session_id)))
        .filter(|(mac, _)| orphans.contains_key(mac))
        .collect();
    let spared = session_devices::list_on_elsewhere(pool, router_id, &rows, now).await?;
    if !spared.is_empty() {
        tracing::warn!(
            router.id = %router_id, devices = spared.len(),
            "customers of another router are on this one: the same router may be connected twice"
        );
    }
    orphans.retain(|mac, _| !spared.contains(mac));
    Ok(())
}
