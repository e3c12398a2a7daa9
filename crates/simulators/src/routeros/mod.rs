//! A MikroTik router on a real socket: the RouterOS API with its tables and the hotspot behind them.

mod options;

use std::{io, net::SocketAddr};

pub use options::{
    Account, ClockMode, DeviceMode, Group, LoginOnLiveHost, Options, RosVersion, ServerProfile, Unconfirmed,
    VIRTUAL_START_EPOCH_SECS,
};
use tokio::net::TcpListener;

/// A running router. It stops when dropped.
#[derive(Debug)]
pub struct Sim {
    addr: SocketAddr,
}

/// The hand on the router's power switch and cables; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {}

impl Sim {
    /// Binds the sockets of `options` and serves in background tasks.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        Ok(Self { addr: TcpListener::bind(options.listen).await?.local_addr()? })
    }

    /// Address of the plain API.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A control handle.
    #[must_use]
    pub fn control(&self) -> Control {
        Control {}
    }
}
