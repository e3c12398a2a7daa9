//! The hotspot gateway a customer's device meets, and the control plane of the simulated router, on one HTTP port.
//!
//! `/` shows virtual devices. Connecting one makes it join the router; a device the router does not let through gets
//! the router's own `login.html`, filled in as the router fills it in, which sends the browser to the portal. JSON
//! routes beside it move devices, time, power and faults.

mod browse;
mod page;
mod plane;
mod servlet;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{Router, extract::DefaultBodyLimit};
use tokio_util::sync::CancellationToken;

use crate::routeros::Control;

/// The login page every router of the product serves, with places for the portal's address and the router's name.
pub const LOGIN_PAGE: &str = include_str!("../../../../hotspot/login.html");

/// Largest request anybody needs to send here.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A device on the page.
#[derive(Debug, Clone)]
pub struct VirtualDevice {
    /// What its owner calls it.
    pub name: String,
    /// Its hardware address, `AA:BB:CC:DD:EE:FF`.
    pub mac: String,
    /// The address it always gets.
    pub ip: Ipv4Addr,
}

/// How the gateway is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address of the portal, without a trailing slash: `http://127.0.0.1:8080`.
    pub portal: String,
    /// Public name of the router in portal addresses.
    pub router_slug: String,
    /// Devices on the page.
    pub devices: Vec<VirtualDevice>,
}

impl Default for Options {
    fn default() -> Self {
        let device = |name: &str, mac: &str, last: u8| VirtualDevice {
            name: name.to_owned(),
            mac: mac.to_owned(),
            ip: Ipv4Addr::new(10, 5, 50, last),
        };
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            portal: "http://127.0.0.1:8080".to_owned(),
            router_slug: "main".to_owned(),
            devices: vec![
                device("Wanjiru's phone", "A4:CF:12:00:00:01", 101),
                device("Otieno's laptop", "3C:22:FB:00:00:02", 102),
                // A phone that makes up its own address, as phones do.
                device("Achieng's phone", "DA:A1:19:00:00:03", 103),
                device("Cafe TV", "00:1E:C0:00:00:04", 104),
            ],
        }
    }
}

/// The login page for one router: `portal` without a trailing slash.
#[must_use]
pub fn login_page(portal: &str, router_slug: &str) -> String {
    LOGIN_PAGE.replace("{{PORTAL}}", portal.trim_end_matches('/')).replace("{{ROUTER}}", router_slug)
}

/// What every route of the gateway needs.
#[derive(Debug, Clone)]
struct Site {
    control: Control,
    options: Arc<Options>,
    base_url: Arc<str>,
}

/// A running gateway. It stops when dropped.
#[derive(Debug)]
pub struct Gateway {
    addr: SocketAddr,
    stop: CancellationToken,
}

impl Gateway {
    /// Puts the product's login page on the router, opens its walled garden for the portal as the set-up of a real
    /// router does, and serves pages and control plane in a background task.
    ///
    /// # Errors
    /// When the address cannot be bound, or the portal's is not an address.
    pub async fn start(options: Options, router: Control) -> io::Result<Self> {
        let portal = url::Url::parse(&options.portal).map_err(io::Error::other)?;
        let host = portal.host_str().ok_or_else(|| io::Error::other("the portal's address has no host"))?;
        router.open_walled_garden(host);
        router.put_file("hotspot/login.html", &login_page(&options.portal, &options.router_slug));
        let listener = tokio::net::TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let site = Site { control: router, options: Arc::new(options), base_url: format!("http://{addr}").into() };
        let routes = routes(site);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let serving = axum::serve(listener, routes).with_graceful_shutdown(stopped.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::error!(%error, "the gateway stopped");
            }
        });
        Ok(Self { addr, stop })
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

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn routes(site: Site) -> Router {
    Router::new()
        .merge(page::routes())
        .merge(browse::routes())
        .merge(plane::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(site)
}
