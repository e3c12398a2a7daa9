//! A MikroTik router on a real socket: the RouterOS API with its tables, the hotspot behind them, and its scripts.
//!
//! [`Sim`] is the running router, [`Control`] moves what a person or the weather would: devices, time, power, faults.
//! [`BEHAVIOURS`] says of each behaviour whether it was observed, is documented, or only modelled; what nobody has
//! confirmed is a named option in [`Unconfirmed`]. It shares nothing with the product's client but the word codec.
//!
//! # Scripts
//!
//! The router runs RouterOS script: pasted into its terminal, from `/system/script`, by `/system/scheduler`, by
//! `/import` and `/execute`, over the API or from another script. Everything goes through the dispatch that answers the
//! API, so it is checked and has real effects.
//!
//! - [`Control::paste`] and [`Control::paste_as`] give a [`Transcript`]: what a technician sees. Each command line is
//!   parsed and run on its own; [`Transcript::error`] is the first error, [`Transcript::output`] what was printed.
//! - [`Control::put_file`] and [`Control::file`] write and read `/file`; [`Control::rows`] reads any menu.
//! - The scheduler follows the clock: [`Control::advance`] fires what is due. A script that asks the network
//!   (`/tool/fetch` really speaks HTTP and HTTPS) is put aside until the answer is there; the clock may move meanwhile.
//!   Who wants it to stand still uses [`Control::advance_through`]; [`Control::scripts_idle`] waits until nothing waits
//!   for the network any more.
//! - `:delay` is over at once on the virtual clock, unless [`Options::script_delays`] is [`ScriptDelays::Wait`]; on the
//!   real clock it takes its time.
//! - [`Control::put_on_internet`] (or [`Options::internet`]) says where a host name really is, [`Control::set_internet`]
//!   cuts the line. Nothing beyond this machine is asked unless [`Options::internet_anywhere`].
//! - [`Control::upgrade`] changes the release, with or without the hotspot package.
//!
//! A missing menu, an unknown command or parameter is an error of *parsing*: the whole script does not run, and
//! `on-error` does not help; `[:parse "…"]` inside `:do {…} on-error={}` does.

mod account;
mod behaviours;
mod canonical;
mod certificates;
mod clock;
mod connection;
mod control;
mod dispatch;
mod facts;
mod fault;
mod fetch;
mod files;
mod garden;
mod hotspot;
mod log;
mod login;
mod options;
mod outbound;
mod preload;
mod provision;
mod query;
mod reboot;
mod reply;
mod router;
mod scheduler;
mod schema;
mod script;
mod sentence;
mod server;
mod special;
mod stored;
mod table;
mod terminal;
mod trap;
mod trust;
mod value;
mod view;

use std::{io, net::SocketAddr, ops::Deref, sync::Arc};

pub use behaviours::{BEHAVIOURS, Behaviour, Evidence};
pub use control::{Control, ControlError, Record};
pub use fault::{Fault, FaultRule};
pub use log::LogEntry;
pub use options::{
    Account, ClockMode, DeviceMode, Group, LoginOnLiveHost, Options, RosVersion, ScriptDelays, ServerProfile,
    Unconfirmed, VIRTUAL_START_EPOCH_SECS,
};
pub use reboot::Reboot;
pub use script::terminal::{Entered, Transcript};
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
