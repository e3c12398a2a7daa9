//! Where routers find this server, and where it comes from when it connects to them.

use std::net::Ipv4Addr;

/// How a router is reached. The words are those of the API and the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupReach {
    /// The server connects to the router's address, encrypted.
    Direct,
    /// Through a WireGuard tunnel that the router opens.
    Tunnel,
    /// The router asks the server.
    Pull,
}

impl SetupReach {
    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Tunnel => "tunnel",
            Self::Pull => "pull",
        }
    }

    /// The way that a word names.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Direct, Self::Tunnel, Self::Pull].into_iter().find(|reach| reach.as_str() == text)
    }
}

/// The server's end of the WireGuard tunnels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelSite {
    /// Host name or address routers send to.
    pub endpoint_host: String,
    /// UDP port.
    pub endpoint_port: u16,
    /// The server's WireGuard key, as `wg` prints it.
    pub public_key: String,
    /// First address of the network; the server itself has the one after it.
    pub network: Ipv4Addr,
    /// How many leading bits name the network, 8 to 29.
    pub prefix: u8,
}

impl TunnelSite {
    /// The server's own address in the tunnel.
    #[must_use]
    pub fn server(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network).saturating_add(1))
    }

    /// First and last address that a router may get.
    #[must_use]
    pub fn routers(&self) -> (u32, u32) {
        let size = 1_u32.checked_shl(32_u32.saturating_sub(u32::from(self.prefix))).unwrap_or(u32::MAX);
        let first = u32::from(self.network);
        (first.saturating_add(2), first.saturating_add(size).saturating_sub(2))
    }
}

/// Where routers find this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// `PUBLIC_URL` without a slash at its end.
    pub public_url: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `BANDO_ROUTER_SOURCES`: addresses or networks from which this server connects to routers; when empty, the
    /// address of `PUBLIC_URL`.
    pub sources: Vec<String>,
    /// `BANDO_TUNNEL_*`, when set.
    pub tunnel: Option<TunnelSite>,
}

impl Site {
    /// Whether routers reach this server with encryption.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The host, when it is an address and not a name.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.host.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tunnel_has_room_for_routers() {
        let tunnel = TunnelSite {
            endpoint_host: "wifi.example.co.ke".into(),
            endpoint_port: 51820,
            public_key: String::new(),
            network: Ipv4Addr::new(10, 66, 0, 0),
            prefix: 16,
        };
        assert_eq!(tunnel.server(), Ipv4Addr::new(10, 66, 0, 1));
        let (first, last) = tunnel.routers();
        assert_eq!(Ipv4Addr::from(first), Ipv4Addr::new(10, 66, 0, 2));
        assert_eq!(Ipv4Addr::from(last), Ipv4Addr::new(10, 66, 255, 254));
    }
}
