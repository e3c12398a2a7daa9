//! A stand-in for Safaricom's M-Pesa API (Daraja) on a real socket, with a virtual phone.
//!
//! Same paths, same odd types and spellings as the real service; a ledger of money really moved to check
//! a merchant's books against; a control plane at `/__sim/*`; a phone at `/phone` on which a person enters
//! the PIN. Nothing but callbacks on this machine goes out, unless [`Options::callback_hosts`] says so.
//!
//! How each behaviour of the real service is known is written in [`BEHAVIOURS`] and, for the ways a payment
//! can go, in [`SCENARIOS`]: observed, documented or modelled. The module [`scenario`] tells how to select one.
//!
//! ```no_run
//! # async fn demo() -> std::io::Result<()> {
//! use simulators::daraja::{Options, Sim};
//! let sim = Sim::start(Options { seed: Some(1), speed: 0.0, ..Options::auto() }).await?;
//! println!("{} {}", sim.base_url(), sim.phone_url());
//! // … push a payment with any client, then let time pass:
//! let _ = sim.control().advance(std::time::Duration::from_secs(6)).await;
//! assert_eq!(sim.control().charges().len(), 1);
//! # Ok(())
//! # }
//! ```

mod behaviour;
mod body;
mod business;
mod c2b;
mod callbacks;
mod clock;
mod control;
mod engine;
mod ids;
mod ledger;
mod oauth;
mod options;
mod outcome;
mod phone;
mod plane;
mod pull;
mod push;
mod qr;
mod query;
pub mod scenario;
mod server;
mod statement;
mod wire;
mod world;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

use self::engine::Shared;
pub use self::{
    behaviour::{BEHAVIOURS, Behaviour, Evidence},
    clock::SimClock,
    control::{Control, ControlError, SettingsChange},
    ledger::{Channel, Charge, Delivery, DeliveryOutcome, Message, Payout, Prompt, RequestRecord, Reversal},
    options::{
        C2bNumbers, CallbackHosts, Merchant, Mode, Options, PendingStyle, Profile, RateLimit, ResultDelivery,
        SANDBOX_PASSKEY, SANDBOX_SHORTCODE, ThrottleStyle,
    },
    outcome::PromptState,
    scenario::{SCENARIOS, ScenarioInfo},
    world::{Outage, Settings},
};

/// A running simulator. It stops when dropped.
#[derive(Debug)]
pub struct Sim {
    control: Control,
    addr: SocketAddr,
    _stop: DropGuard,
}

impl Sim {
    /// Listens and serves in the background.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the HTTP client for callbacks cannot be made.
    pub async fn start(options: Options) -> io::Result<Self> {
        // An error only means that somebody in this process has installed a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(options.callback_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        // No public authority vouches for this machine, and reading their certificates takes a while.
        let http = match options.callback_hosts {
            CallbackHosts::LoopbackOnly => http.tls_certs_only([]),
            CallbackHosts::Any => http,
        };
        let http = http.build().map_err(io::Error::other)?;
        let listener = TcpListener::bind(options.addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options, http));
        let control = Control { shared: Arc::clone(&shared) };
        let app = server::api(Arc::clone(&shared))
            .merge(plane::router(control.clone()))
            .merge(phone::router(control.clone()));
        let stop = shared.stop.clone();
        tokio::spawn(Arc::clone(&shared).run());
        tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "the Daraja simulator stopped serving");
            }
        });
        Ok(Self { control, addr, _stop: shared.stop.clone().drop_guard() })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What to use as Daraja's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The virtual phone's page.
    #[must_use]
    pub fn phone_url(&self) -> String {
        format!("http://{}/phone", self.addr)
    }

    /// The control handle.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }
}
