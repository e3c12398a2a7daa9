//! Everything outside the server: M-Pesa with its phones, what stands before it, the routers with their devices.

use std::time::Duration;

use simulators::{daraja, routeros};

use crate::{
    front::Front,
    gateway::Gateway,
    plan::{Plan, Visit},
    process::{Settings, done},
};

/// How much faster M-Pesa's clock runs than ours.
const SPEED: f64 = 10.0;
/// The password of the owner, who is called `admin`.
pub(crate) const ADMIN_PASSWORD: &str = "correct horse battery";

pub(crate) struct World {
    pub(crate) mpesa: daraja::Sim,
    pub(crate) gateway: Gateway,
    pub(crate) routers: Vec<routeros::Sim>,
    pub(crate) front: Front,
}

impl World {
    pub(crate) async fn start(routers: usize) -> Self {
        let options = daraja::Options {
            speed: SPEED,
            callback_timeout: Duration::from_secs(3),
            settle_after: Duration::from_millis(500),
            pending_style: daraja::PendingStyle::Mixed,
            ..daraja::Options::manual()
        };
        let mpesa = daraja::Sim::start(options).await.unwrap();
        let gateway = Gateway::start(mpesa.base_url()).await;
        let mut sims = Vec::new();
        for number in 0..routers {
            let options = routeros::Options {
                clock: routeros::ClockMode::Real,
                license_level: 6,
                network: std::net::Ipv4Addr::new(10, 5, u8::try_from(50 + number).unwrap_or(u8::MAX), 0),
                ..routeros::Options::default()
            };
            sims.push(routeros::Sim::start(options).await.unwrap());
        }
        Self { mpesa, gateway, routers: sims, front: Front::start().await }
    }

    /// The settings of every server process in this world, which asks M-Pesa at these seconds.
    pub(crate) fn settings(&self, database_url: &str, query_delays: &str) -> Settings {
        let pairs = [
            ("DATABASE_URL", database_url.to_owned()),
            ("APP_SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
            ("PORT", "8080".to_owned()),
            ("PUBLIC_URL", self.front.url.clone()),
            ("ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
            ("MPESA_BASE_URL", self.gateway.url.clone()),
            ("MPESA_CALLBACK_URL", format!("{}/api/pay/hook", self.front.url)),
            ("MPESA_QUERY_DELAYS", query_delays.to_owned()),
            ("MPESA_QUERY_PER_MINUTE", "6000".to_owned()),
            ("MPESA_QUERY_GRACE_SECS", "5".to_owned()),
            // Everybody comes from one address.
            ("PAY_PER_ADDRESS", "1000000".to_owned()),
            ("BANDO_LEASE_SECS", "4".to_owned()),
            ("BANDO_PUSH_LOST_SECS", "25".to_owned()),
            ("LOG_LEVEL", "warn,billing=info".to_owned()),
            ("RUST_BACKTRACE", "1".to_owned()),
        ];
        let is_setting = |name: &str| name.starts_with("BANDO_") || name.starts_with("RUST_") || is_known(name);
        pairs.into_iter().filter(|(name, _)| is_setting(name)).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Enters every router in the server's list.
    pub(crate) async fn add_routers(&self, settings: &Settings) {
        for (number, router) in self.routers.iter().enumerate() {
            let (name, port) = (router_slug(number), router.addr().port().to_string());
            let address = ["--host", "127.0.0.1", "--port", &port, "--password", "bando"];
            done(settings, &[&["router", "add", "--name", &name], &address[..]].concat()).await;
        }
    }

    /// Puts every device of a plan on the air.
    pub(crate) fn bring_devices(&self, plan: &Plan) {
        for Visit { router, mac, .. } in &plan.visits {
            self.routers[*router].join(mac).unwrap();
        }
    }
}

fn is_known(setting: &str) -> bool {
    server::config::table::names().any(|known| known == setting)
}

/// A router's name in portal links.
pub(crate) fn router_slug(number: usize) -> String {
    format!("r{number}")
}

/// The price list: names, minutes, shillings. One is so short that it runs out in a long run.
pub(crate) const PACKAGES: [(&str, &str, &str); 3] =
    [("1 minute", "1", "5"), ("1 hour", "60", "20"), ("1 day", "1440", "80")];

/// Puts the price list on sale. Returns the packages' ids, in its order.
pub(crate) async fn stock(settings: &Settings) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, minutes, price) in PACKAGES {
        let arguments = ["package", "add", "--name", name, "--minutes", minutes, "--price", price, "--json"];
        let made: serde_json::Value = serde_json::from_str(&done(settings, &arguments).await).unwrap();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    ids
}
