//! A MikroTik router on a real socket: the RouterOS API with its tables and the hotspot behind them.
//!
//! [`Sim`] is the running router, [`Control`] moves what a person or the weather would: devices, time, power, faults.
//! [`BEHAVIOURS`] says of each behaviour whether it was observed, is documented, or only modelled; what nobody has
//! confirmed is a named option in [`Unconfirmed`]. It shares nothing with the product's client but the word codec.

mod account;
mod behaviours;
mod canonical;
mod clock;
mod connection;
mod control;
mod dispatch;
mod facts;
mod fault;
mod garden;
mod hotspot;
mod log;
mod login;
mod options;
mod outbound;
mod preload;
mod query;
mod reboot;
mod reply;
mod router;
mod schema;
mod sentence;
mod server;
mod special;
mod stored;
mod table;
mod tls;
mod trap;
mod value;
mod view;

use std::{io, net::SocketAddr, ops::Deref, sync::Arc};

pub use behaviours::{BEHAVIOURS, Behaviour, Evidence};
pub use control::{Control, ControlError, Record};
pub use fault::{Fault, FaultRule};
pub use log::LogEntry;
pub use options::{
    Account, ClockMode, DeviceMode, Group, LoginOnLiveHost, Options, RosVersion, ServerProfile, Unconfirmed,
    VIRTUAL_START_EPOCH_SECS,
};
pub use reboot::Reboot;
pub(crate) use view::ServletFacts;
pub use view::{Client, ClientState, State};

use server::Shared;

/// A running router. It stops, and its connections break, when it is dropped.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    addr: SocketAddr,
    tls_addr: Option<SocketAddr>,
    control: Control,
}

impl Sim {
    /// Binds the sockets of `options` and serves in background tasks.
    ///
    /// # Errors
    /// When an address cannot be bound or a certificate cannot be made.
    #[expect(clippy::unused_async, reason = "it spawns tasks, so it belongs inside a runtime")]
    pub async fn start(options: Options) -> io::Result<Self> {
        let (shared, addr, tls_addr) = server::start(options)?;
        let control = Control::new(Arc::clone(&shared));
        Ok(Self { shared, addr, tls_addr, control })
    }

    /// Address of the plain API.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Address of the API over TLS, if it was asked for.
    #[must_use]
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_addr
    }

    /// A control handle. The router itself offers the same methods.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Deref for Sim {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
