//! The engine on a clock that is moved by hand, M-Pesa, and some routers that share the clock.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use billing::{
    Billing, CallbackConfirm, CallbackIps, Deps, Options,
    access::Timing,
    admins::{Admin, Role},
    clock::ManualClock,
    payments::PayLimits,
    routers::NewRouter,
    seal::AppSecret,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock as _, DataSize, Kes, Package, PackageTerms, Rate};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use secrecy::SecretString;
use simulators::{daraja, routeros::VIRTUAL_START_EPOCH_SECS};
use sqlx::MySqlPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    customers::{Counts, Customer},
    site::Site,
};

const SITES: usize = 6;

/// The engine that is running, where callbacks find it.
type Running = Arc<Mutex<Option<Billing>>>;

pub(crate) struct World {
    pub(crate) pool: MySqlPool,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) mpesa: daraja::Sim,
    pub(crate) sites: Vec<Site>,
    pub(crate) customers: Vec<Customer>,
    pub(crate) packages: Vec<Package>,
    pub(crate) owner: Option<Admin>,
    pub(crate) dice: StdRng,
    pub(crate) counts: Counts,
    pub(crate) round: u64,
    running: Running,
    hook: String,
    stop: CancellationToken,
}

impl World {
    pub(crate) async fn new(pool: MySqlPool, seed: u64) -> Self {
        let start = DateTime::from_timestamp(VIRTUAL_START_EPOCH_SECS, 0).unwrap();
        let options = daraja::Options {
            approve_after: Duration::ZERO,
            settle_after: Duration::ZERO,
            rule_17: false,
            subscriber_lock: false,
            implied_scenarios: false,
            ..daraja::Options::auto()
        };
        let mpesa = daraja::Sim::start(options).await.unwrap();
        let running = Running::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Router::new().route("/hook/{token}", post(receive)).with_state(Arc::clone(&running));
        tokio::spawn(async move { axum::serve(listener, receiver).await });
        let mut world = Self {
            pool,
            clock: Arc::new(ManualClock::new(start)),
            mpesa,
            sites: Vec::new(),
            customers: Vec::new(),
            packages: Vec::new(),
            owner: None,
            dice: StdRng::seed_from_u64(seed),
            counts: Counts::default(),
            round: 0,
            running,
            hook,
            stop: CancellationToken::new(),
        };
        world.start();
        world.open_shop().await;
        world
    }

    /// What is sold, and where.
    async fn open_shop(&mut self) {
        let billing = self.billing();
        let password = || SecretString::from("correct horse battery");
        billing.add_admin("owner", password(), Role::Owner).await.unwrap();
        self.owner = Some(billing.log_in("owner", password(), None).await.unwrap());
        for (name, minutes, price, data_mb, devices) in [
            ("20 minutes", 20, 5, None, 1),
            ("1 hour", 60, 20, None, 3),
            ("3 hours", 180, 30, Some(200), 2),
            ("1 day", 1440, 80, None, 1),
        ] {
            let terms = PackageTerms {
                name: name.to_owned(),
                duration_minutes: minutes,
                down: Some(Rate::from_kbps(5000)),
                up: Some(Rate::from_kbps(2000)),
                data: data_mb.map(DataSize::from_mb),
                devices,
            };
            self.packages.push(billing.add_package(terms, Kes::new(price).unwrap()).await.unwrap());
        }
        for n in 0..SITES {
            let sim = Site::sim().await;
            let new = NewRouter {
                name: format!("Site {n}"),
                host: "127.0.0.1".to_owned(),
                port: sim.addr().port(),
                username: "admin".to_owned(),
                password: SecretString::from("bando"),
                tls_pin: None,
            };
            let router = billing.add_router(&new).await.unwrap();
            self.sites.push(Site { id: router.id, slug: router.slug, sim, is_cut: false, was_restarted: false });
        }
    }

    /// The server is started.
    pub(crate) fn start(&mut self) {
        let mut config = ::daraja::Config::sandbox(SecretString::from("demo"), SecretString::from("demo"));
        config.base_url = Some(self.mpesa.base_url());
        let mpesa = ::daraja::Client::new(config, self.clock.clone()).unwrap();
        let billing = Billing::new(Deps {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            mpesa: Arc::new(mpesa),
            secret: AppSecret::new(&SecretString::from("a secret only for tests, long enough")).unwrap(),
            options: Options {
                callback_base: self.hook.clone(),
                query_delays_secs: vec![3_600, 7_200],
                query_per_minute: 6_000,
                callback_ips: CallbackIps::Off,
                limits: PayLimits { per_sec: 10_000, burst: 10_000, per_address: 10_000 },
                callback_confirm: CallbackConfirm::Suspicious,
                query_grace_secs: domain::payment::QUERY_FAILURE_GRACE_SECS,
                pull: false,
                timing: Timing {
                    poll: Duration::from_millis(50),
                    routers: Duration::from_millis(200),
                    full: Duration::from_millis(400),
                    lease: Duration::from_secs(30),
                },
            },
        });
        self.stop = CancellationToken::new();
        billing.spawn_tasks(&self.stop);
        *self.running.lock().unwrap() = Some(billing);
    }

    /// The server ends, finishing what is in hand.
    pub(crate) async fn halt(&mut self) {
        self.stop.cancel();
        let billing = self.running.lock().unwrap().take().expect("it runs");
        assert!(billing.finish(Duration::from_secs(30)).await, "the server did not end");
    }

    pub(crate) async fn stop(mut self) {
        self.halt().await;
    }

    pub(crate) fn billing(&self) -> Billing {
        self.running.lock().unwrap().clone().expect("it runs")
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Time passes everywhere.
    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(TimeDelta::seconds(i64::try_from(secs).unwrap()));
        for site in &self.sites {
            site.advance(Duration::from_secs(secs));
        }
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.dice.random_range(0..limit)
    }

    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        self.dice.random_range(from..=to)
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_range(0..100) < percent
    }
}

async fn receive(State(running): State<Running>, Path(token): Path<String>, body: Bytes) -> StatusCode {
    let billing = running.lock().unwrap().clone();
    let Some(billing) = billing else { return StatusCode::SERVICE_UNAVAILABLE };
    match billing.receive_callback(&token, &body, Some([127, 0, 0, 1].into())).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
