//! The server's side of the WireGuard tunnels: which router has which address.

use std::net::Ipv4Addr;

use uuid::Uuid;

use super::{owner::SetupError, site::TunnelSite};
use crate::{
    Billing,
    db::{StoreError, router_setups::SetupRow, router_tunnels},
};

/// How often an address is asked for again when somebody else was faster.
const TRIES: usize = 20;

impl Billing {
    /// Allots an address to a set-up. A router that has one keeps it.
    pub(super) async fn allot_tunnel(
        &self,
        setup_id: Uuid,
        router_id: Option<Uuid>,
        tunnel: &TunnelSite,
    ) -> Result<(), SetupError> {
        if let Some(router_id) = router_id
            && router_tunnels::take_over_tunnel(self.pool(), setup_id, router_id).await?
        {
            return Ok(());
        }
        router_tunnels::free_tunnels(self.pool(), self.now()).await?;
        let (first, last) = tunnel.routers();
        for _ in 0..TRIES {
            let free = router_tunnels::next_tunnel_address(self.pool(), first, last).await?;
            let free = free.ok_or(SetupError::TunnelFull)?;
            if router_tunnels::insert_tunnel(self.pool(), free, setup_id, self.now()).await? {
                return Ok(());
            }
        }
        Err(SetupError::TunnelFull)
    }

    /// The router's address in the tunnel.
    pub(super) async fn tunnel_address(&self, setup: &SetupRow) -> Result<Option<Ipv4Addr>, StoreError> {
        let found = router_tunnels::find_tunnel(self.pool(), setup.id).await?;
        Ok(found.map(|(address, _)| Ipv4Addr::from(address)))
    }

    /// What to add to the server's WireGuard configuration, once the router's key is known.
    pub(super) async fn tunnel_config(&self, setup: &SetupRow) -> Result<Option<String>, StoreError> {
        let Some((address, Some(key))) = router_tunnels::find_tunnel(self.pool(), setup.id).await? else {
            return Ok(None);
        };
        let address = Ipv4Addr::from(address);
        // The name is the owner's text: in a comment it must not begin a new line.
        let name: String = setup.name.chars().filter(|c| !c.is_control()).collect();
        Ok(Some(format!("# {name}\n[Peer]\nPublicKey = {key}\nAllowedIPs = {address}/32\n")))
    }
}

/// Whether a text is a WireGuard key as `wg` prints it: 32 bytes in base64.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.len() == 44
        && text.ends_with('=')
        && text.bytes().take(43).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn keys_have_their_form() {
        assert!(is_key("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="));
        for wrong in
            ["", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D\n="]
        {
            assert!(!is_key(wrong), "{wrong}");
        }
    }
}
