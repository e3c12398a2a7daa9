//! Devices that are kept out, of the network and of the portal.

use std::net::IpAddr;

use chrono::SubsecRound as _;
use domain::MacAddr;
use uuid::Uuid;

use super::{LiveError, actions::log, owners_reason};
use crate::{
    Billing,
    admins::Admin,
    db::{
        Repeat, StoreError,
        blocks::{self, BlockRecord, MOST},
        session_devices,
    },
    random,
};

impl Billing {
    /// Keeps a device out. One that is blocked already stays so, with its first reason.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn block_device(
        &self,
        mac: MacAddr,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<BlockRecord, LiveError> {
        let reason = owners_reason(by, reason)?;
        let block = Repeat::run(|| self.block_once(mac, by, &reason, remote_ip)).await?;
        self.wake_all_routers().await?;
        Ok(block)
    }

    async fn block_once(
        &self,
        mac: MacAddr,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<BlockRecord, LiveError> {
        let now = self.now();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        if let Some(block) = blocks::find_block(&mut *tx, mac).await? {
            return Ok(block);
        }
        if blocks::count_blocks(&mut tx).await? >= MOST {
            return Err(LiveError::TooManyBlocks);
        }
        let block = BlockRecord {
            id: random::uuid(now),
            mac,
            reason: reason.to_owned(),
            blocked_by: by.username.clone(),
            created_at: now.trunc_subsecs(6),
        };
        if !blocks::insert_block(&mut tx, &block).await? {
            // Somebody was faster.
            drop(tx);
            return blocks::find_block(self.pool(), mac).await?.ok_or(LiveError::Unknown);
        }
        session_devices::intend_off_blocked(&mut tx, None, now).await?;
        log(&mut tx, by, "device.block", &mac.to_string(), Some(reason), remote_ip, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(block)
    }

    /// Ends a block. A device that still has paid time is let on again.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn lift_block(
        &self,
        id: Uuid,
        by: &Admin,
        reason: &str,
        remote_ip: Option<IpAddr>,
    ) -> Result<(), LiveError> {
        let reason = owners_reason(by, reason)?;
        Repeat::run(|| self.lift_once(id, by, &reason, remote_ip)).await?;
        self.wake_all_routers().await?;
        Ok(())
    }

    async fn lift_once(&self, id: Uuid, by: &Admin, reason: &str, remote_ip: Option<IpAddr>) -> Result<(), LiveError> {
        let now = self.now();
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let lifted = blocks::lift_block(&mut tx, id, &by.username, reason, now).await?;
        let (mac, is_lifted) = lifted.ok_or(LiveError::Unknown)?;
        if is_lifted {
            session_devices::intend_on_lifted(&mut tx, mac, now).await?;
            log(&mut tx, by, "device.lift", &mac.to_string(), Some(reason), remote_ip, now).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Devices that are kept out, newest first, at most 500.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_blocks(&self) -> Result<Vec<BlockRecord>, StoreError> {
        blocks::list_blocks(self.pool(), MOST).await
    }

    /// Whether a device is kept out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_blocked(&self, mac: MacAddr) -> Result<bool, StoreError> {
        Ok(blocks::find_block(self.pool(), mac).await?.is_some())
    }

    async fn wake_all_routers(&self) -> Result<(), StoreError> {
        self.wake_feed();
        for router in self.list_routers().await? {
            self.wake_router(router.id);
        }
        Ok(())
    }
}
