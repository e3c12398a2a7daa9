//! The engine on a clock that is moved by hand, M-Pesa, and some routers that share the clock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use billing::{
    Billing, CallbackConfirm, CallbackIps, Deps, Options,
    access::{Timing, pull},
    admins::{Admin, Role},
    clock::ManualClock,
    payments::{BeginPayment, PayLimits},
    routers::NewRouter,
    seal::AppSecret,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock as _, DataSize, Kes, MacAddr, Package, PackageTerms, Rate};
use futures::future::join_all;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use secrecy::SecretString;
use simulators::{
    daraja,
    routeros::{RosVersion, VIRTUAL_START_EPOCH_SECS},
};
use sqlx::MySqlPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    customers::{Counts, Customer},
    site::{Reach, Site},
};

/// The routers. Of those that ask, one computes digests and one does not.
const SITES: [(Reach, RosVersion); 6] = [
    (Reach::Direct, RosVersion::V7_18),
    (Reach::Polling, RosVersion::V7_22),
    (Reach::Direct, RosVersion::V7_18),
    (Reach::Direct, RosVersion::V7_10),
    (Reach::Polling, RosVersion::V7_16),
    (Reach::Direct, RosVersion::V7_22),
];

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
    /// Who wants to buy, where.
    pub(crate) purchases: Vec<(usize, BeginPayment)>,
    /// Customers there ever were.
    pub(crate) born: usize,
    pub(crate) counts: BTreeMap<Reach, Counts>,
    /// Where those are who were blocked.
    pub(crate) blocked: BTreeMap<MacAddr, usize>,
    pub(crate) minutes_alone: u64,
    pub(crate) minutes_together: u64,
    pub(crate) round: u64,
    running: Running,
    /// Where the server is asked, by M-Pesa and by routers.
    url: String,
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
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Router::new()
            .route("/hook/{token}", post(receive))
            .route("/api/router/poll/{slug}", post(answer_poll))
            .with_state(Arc::clone(&running));
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
            purchases: Vec::new(),
            born: 0,
            counts: BTreeMap::new(),
            blocked: BTreeMap::new(),
            minutes_alone: 0,
            minutes_together: 0,
            round: 0,
            running,
            url,
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
            ("3 hours", 180, 30, Some(100), 2),
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
        for (n, (reach, ros)) in SITES.into_iter().enumerate() {
            let sim = Site::sim(ros).await;
            let new = NewRouter {
                name: format!("Site {n}"),
                host: "127.0.0.1".to_owned(),
                port: sim.addr().port(),
                username: "admin".to_owned(),
                password: SecretString::from("bando"),
                tls_pin: None,
            };
            let router = billing.add_router(&new).await.unwrap();
            if reach == Reach::Polling {
                // What the set-up would have written if the router had been connected in this way.
                sqlx::query("update routers set reach = 'pull', host = '', port = 0 where id = ?")
                    .bind(router.id.as_uuid())
                    .execute(&self.pool)
                    .await
                    .unwrap();
                let key = billing.make_pull_key(router.id).await.unwrap();
                Site::install(&sim, &pull::agent_script(&router, &key, &self.url).unwrap()).await;
            }
            self.sites.push(Site { id: router.id, slug: router.slug, sim, reach, is_cut: false, was_restarted: false });
        }
    }

    /// What has happened at routers of the kind of this one.
    pub(crate) fn count(&mut self, site: usize) -> &mut Counts {
        self.counts.entry(self.sites[site].reach).or_default()
    }

    pub(crate) fn lifted(&mut self, mac: MacAddr) {
        let site = self.blocked.remove(&mac).expect("it was blocked");
        self.count(site).lifts += 1;
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
                callback_base: format!("{}/hook", self.url),
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
    pub(crate) async fn advance(&self, secs: u64) {
        self.clock.advance(TimeDelta::seconds(i64::try_from(secs).unwrap()));
        join_all(self.sites.iter().map(|site| site.advance(Duration::from_secs(secs)))).await;
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

/// As the server answers routers that ask.
async fn answer_poll(
    State(running): State<Running>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<String, StatusCode> {
    let billing = running.lock().unwrap().clone().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = shown.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
    billing.answer_poll(&slug, key, &body).await.map_err(|error| match error {
        pull::PollError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        error => panic!("{slug}: {error}"),
    })
}
