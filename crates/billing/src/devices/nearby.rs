//! Devices without a keyboard: those that a router sees and has not let on, for a customer to pick their TV from.
//!
//! They may be anybody's. So a customer is shown the address on the hotspot and the end of the hardware address,
//! enough to recognise what stands in front of them, and never devices with paid time. Addresses that phones make up
//! are left out: a phone can open the pass itself.

use std::{sync::Arc, time::Duration};

use domain::{MacAddr, RouterId, access::MARK};
use routeros_api::{Connection, Hotspot, RouterOsError, Settings};

use crate::{
    Billing, access,
    db::{
        StoreError,
        routers::{Reach, RouterRecord},
        session_devices,
    },
    kept::Hosts,
};

/// Most devices shown.
const SHOWN_MAX: usize = 40;
/// Longest a customer waits for the list.
const PATIENCE: Duration = Duration::from_secs(4);

/// A device that is not on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearby {
    /// Names it in a form without giving its address away.
    pub handle: String,
    /// Its address on the hotspot.
    pub ip: String,
    /// The last two bytes of its hardware address, such as `3F:A2`.
    pub tail: String,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum NearbyError {
    /// The router cannot be asked, or others are asking just now.
    #[error("The list cannot be read right now. Type the address of the device instead.")]
    Unavailable,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Billing {
    /// The devices a customer may pick from, by their address on the hotspot.
    ///
    /// # Errors
    /// [`NearbyError`].
    pub async fn list_nearby(&self, router: &RouterRecord) -> Result<Vec<Nearby>, NearbyError> {
        let hosts = self.hosts(router).await?;
        let macs: Vec<MacAddr> = hosts.iter().map(|(mac, _)| *mac).collect();
        let taken = session_devices::list_taken(self.pool(), router.id, &macs, self.now()).await?;
        let free = hosts.iter().filter(|(mac, _)| !taken.contains(mac));
        Ok(free
            .take(SHOWN_MAX)
            .map(|(mac, ip)| Nearby { handle: self.handle(router.id, *mac), ip: ip.clone(), tail: tail(*mac) })
            .collect())
    }

    /// The device that was picked, with its address on the hotspot; `None` when it is not there any more.
    ///
    /// # Errors
    /// [`NearbyError`].
    pub async fn find_nearby(
        &self,
        router: &RouterRecord,
        handle: &str,
    ) -> Result<Option<(MacAddr, String)>, NearbyError> {
        let hosts = self.hosts(router).await?;
        Ok(hosts.iter().find(|(mac, _)| self.handle(router.id, *mac) == handle).cloned())
    }

    /// Whether the router sees a device that is not on the network; `false` also when it cannot be asked.
    pub async fn is_nearby(&self, router: &RouterRecord, mac: MacAddr) -> bool {
        self.hosts(router).await.is_ok_and(|hosts| hosts.iter().any(|(host, _)| *host == mac))
    }

    /// What the router sees, read at most every few seconds whoever asks.
    async fn hosts(&self, router: &RouterRecord) -> Result<Hosts, NearbyError> {
        if let Some(hosts) = self.inner.kept.hosts(router.id) {
            return Ok(hosts);
        }
        if router.reach == Reach::Pull {
            return Err(NearbyError::Unavailable);
        }
        // A crowd that looks at its TVs must not crowd the router.
        let _place = self.inner.nearby.try_acquire().map_err(|_| NearbyError::Unavailable)?;
        let read = tokio::time::timeout(PATIENCE, self.read_hosts(router)).await;
        let hosts = read.map_err(|_| NearbyError::Unavailable)?.map_err(|error| {
            tracing::info!(router = router.slug, %error, "the devices a router sees could not be read");
            NearbyError::Unavailable
        })?;
        self.inner.kept.keep_hosts(router.id, &hosts);
        Ok(hosts)
    }

    async fn read_hosts(&self, router: &RouterRecord) -> Result<Hosts, RouterOsError> {
        let login = access::credentials(router, &self.inner.deps.secret).map_err(|_| RouterOsError::AuthFailed)?;
        let connection = Connection::open(&access::target(router), &login, Settings::default()).await?;
        let hosts = Hotspot::new(connection, MARK).read_hosts().await?;
        let mut waiting: Vec<_> = hosts
            .into_iter()
            .filter(|host| !host.is_authorized && !host.is_bypassed && !host.address.is_empty())
            .filter_map(|host| Some((host.mac?, host.address)))
            .filter(|(mac, _)| !mac.is_locally_administered())
            .collect();
        waiting.sort_unstable_by(|one, other| one.1.cmp(&other.1).then(one.0.cmp(&other.0)));
        waiting.dedup_by_key(|(mac, _)| *mac);
        Ok(Arc::new(waiting))
    }

    fn handle(&self, router_id: RouterId, mac: MacAddr) -> String {
        let router_id = router_id.as_uuid();
        let digest = self.inner.deps.secret.pass_digest("nearby", &[router_id.as_bytes(), &mac.bytes()]);
        hex::encode(&digest[..8])
    }
}

/// The end of a hardware address.
fn tail(mac: MacAddr) -> String {
    let [.., a, b] = mac.bytes();
    format!("{a:02X}:{b:02X}")
}
