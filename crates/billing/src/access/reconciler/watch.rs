//! Who is on a router without paid time: seen and written down, logged out when asked, and kept out when blocked.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{
    MacAddr, RouterId,
    access::{self, Current, Intended},
    live::{self, BLOCK_MARK, BindingRow, Stranger},
};
use routeros_api::{Hotspot, RouterOsError, hotspot::RouterState};
use sqlx::MySqlPool;

use super::Reconciler;
use crate::{
    db::{Repeat, StoreError, blocks, router_strangers, session_devices},
    random,
};

/// What is known of those who are on without paid time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The last change of the blocks that the router was brought to, or is being brought to.
    blocks_at: i64,
    blocked: BTreeSet<MacAddr>,
    /// Strangers that are to be logged out.
    kicked: Vec<MacAddr>,
    /// Whether the router has no rule of ours.
    is_without_rules: bool,
    /// What the last whole look saw, until it is written.
    seen: Option<Vec<Stranger>>,
    /// Whether something of this router is in the database.
    is_noted: bool,
}

impl Watch {
    /// A router that is connected anew may have anything.
    pub(super) fn forget(&mut self) {
        self.is_without_rules = false;
        self.is_noted = true;
    }
}

impl Reconciler {
    /// Whether somebody was blocked, or is to be logged out, since the last whole look.
    pub(super) async fn is_watch_due(&self) -> Result<bool, StoreError> {
        let pool = &self.deps.pool;
        Ok(blocks::changed_micros(pool).await? != self.watch.blocks_at
            || (self.watch.is_noted && !router_strangers::list_kicked(pool, self.router.id).await?.is_empty()))
    }

    /// Reads what a whole look has to know. Devices that were blocked at the moment of their purchase are taken off.
    pub(super) async fn prepare_watch(&mut self) -> Result<(), StoreError> {
        let (pool, router_id, now) = (&self.deps.pool, self.router.id, self.now());
        let blocks_at = blocks::changed_micros(pool).await?;
        let is_changed = blocks_at != self.watch.blocks_at;
        self.watch.blocked = match blocks_at {
            0 => BTreeSet::new(),
            _ => blocks::list_blocks(pool, blocks::MOST).await?.into_iter().map(|block| block.mac).collect(),
        };
        self.watch.is_without_rules &= !is_changed;
        self.watch.blocks_at = blocks_at;
        if !self.watch.blocked.is_empty() {
            let mut connection = pool.acquire().await?;
            session_devices::intend_off_blocked(&mut connection, Some(router_id), now).await?;
        }
        self.watch.kicked = router_strangers::list_kicked(pool, router_id).await?;
        Ok(())
    }

    /// After a whole look: logs strangers out as asked, keeps out who is blocked, and remembers who is on unpaid.
    ///
    /// # Errors
    /// A fault of the link. What the router refuses is logged and tried again at the next look.
    pub(super) async fn watch(
        &mut self,
        hotspot: &Hotspot,
        state: &RouterState,
        current: &Current,
        intended: &[Intended],
        taken_off: BTreeSet<MacAddr>,
    ) -> Result<(), RouterOsError> {
        let paid: BTreeSet<MacAddr> = intended.iter().map(|device| device.mac).collect();
        let mut seen = live::strangers(&paid, &taken_off, current);
        match self.keep_out(hotspot, state, &seen).await {
            Err(error) if error.is_link_fault() => return Err(error),
            Err(error) => {
                tracing::warn!(router = self.router.slug, %error, "the router does not keep out who is blocked");
            }
            Ok(()) => {}
        }
        seen.retain(|one| !self.watch.kicked.contains(&one.mac));
        self.watch.seen = Some(seen);
        Ok(())
    }

    async fn keep_out(
        &mut self,
        hotspot: &Hotspot,
        state: &RouterState,
        seen: &[Stranger],
    ) -> Result<(), RouterOsError> {
        for stranger in seen.iter().filter(|one| self.watch.kicked.contains(&one.mac)) {
            for login in
                state.active.iter().filter(|login| login.user == stranger.user && login.mac == Some(stranger.mac))
            {
                hotspot.kick(&login.id).await?;
            }
        }
        if self.watch.blocked.is_empty() && self.watch.is_without_rules {
            return Ok(());
        }
        let rows: Vec<BindingRow> = hotspot
            .bindings()
            .await?
            .into_iter()
            .map(|row| BindingRow {
                id: row.id,
                mac: row.mac,
                is_blocking: row.kind == "blocked" && !row.is_disabled,
                comment: row.comment,
            })
            .collect();
        let (add, remove) = live::block_changes(&self.watch.blocked, &rows);
        for id in &remove {
            hotspot.remove_binding(id).await?;
        }
        for mac in add {
            hotspot.add_block(mac, BLOCK_MARK).await?;
            // A device that is there already is only judged anew when its entry is gone.
            for host in state.hosts.iter().filter(|host| host.mac == Some(mac)) {
                hotspot.clear_host(&host.id).await?;
            }
        }
        self.watch.is_without_rules = self.watch.blocked.is_empty();
        Ok(())
    }

    /// Writes down what the last whole look saw. `true` if there is something to show.
    pub(super) async fn note_strangers(&mut self) -> Result<bool, StoreError> {
        let Some(seen) = self.watch.seen.take() else { return Ok(false) };
        if seen.is_empty() && !self.watch.is_noted {
            return Ok(false);
        }
        note(&self.deps.pool, self.router.id, &seen, &self.watch.kicked, self.now()).await?;
        self.watch.is_noted = !seen.is_empty();
        self.watch.kicked.clear();
        Ok(true)
    }
}

/// Replaces what is known of who is on a router unpaid. `kicked` were logged out as asked.
pub(in crate::access) async fn note(
    pool: &MySqlPool,
    router_id: RouterId,
    seen: &[Stranger],
    kicked: &[MacAddr],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    Repeat::run(|| note_once(pool, router_id, seen, kicked, now)).await
}

async fn note_once(
    pool: &MySqlPool,
    router_id: RouterId,
    seen: &[Stranger],
    kicked: &[MacAddr],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = seen.iter().map(|one| (random::uuid(now), one)).collect();
    let mut tx = pool.begin().await?;
    router_strangers::replace_strangers(&mut tx, router_id, &rows, now).await?;
    router_strangers::clear_kicked(&mut tx, router_id, kicked).await?;
    tx.commit().await?;
    Ok(())
}

/// The devices that a plan takes off.
pub(in crate::access) fn taken_off(commands: &[access::Command]) -> BTreeSet<MacAddr> {
    let removed = |command: &access::Command| match command {
        access::Command::RemoveUser { mac } => Some(*mac),
        _ => None,
    };
    commands.iter().filter_map(removed).collect()
}
