//! A whole world for one test: the engine on its own database, the Daraja simulator, and the receiver of
//! its callbacks.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use billing::{
    Billing, CallbackConfirm, CallbackIps, Deps, Options,
    clock::SystemClock,
    payments::{BeginPayment, CallbackError, PayLimits},
    routers::NewRouter,
    seal::AppSecret,
};
use domain::{Kes, MacAddr, Package, PackageTerms, PaymentId, PaymentState};
use secrecy::SecretString;
use simulators::daraja;
use sqlx::MySqlPool;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) struct World {
    pub(crate) billing: Billing,
    pub(crate) daraja: daraja::Sim,
    pub(crate) package: Package,
    pub(crate) callbacks: SocketAddr,
    _stop: DropGuard,
}

/// How a test differs from the usual.
pub(crate) struct Setup {
    pub(crate) daraja: daraja::Options,
    pub(crate) query_delays_secs: Vec<u64>,
    pub(crate) callback_ips: CallbackIps,
    /// Whether M-Pesa can be asked about receipts and for reversals.
    pub(crate) has_initiator: bool,
    pub(crate) callback_confirm: CallbackConfirm,
    /// Whether callbacks reach the engine at all.
    pub(crate) callbacks_arrive: bool,
    pub(crate) tasks: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let daraja = daraja::Options {
            approve_after: Duration::ZERO,
            settle_after: Duration::ZERO,
            rule_17: false,
            subscriber_lock: false,
            ..daraja::Options::auto()
        };
        Self {
            daraja,
            query_delays_secs: vec![3600],
            callback_ips: CallbackIps::Off,
            has_initiator: true,
            callback_confirm: CallbackConfirm::Suspicious,
            callbacks_arrive: true,
            tasks: true,
        }
    }
}

impl World {
    pub(crate) async fn new(pool: MySqlPool) -> Self {
        Self::with(pool, Setup::default()).await
    }

    pub(crate) async fn with(pool: MySqlPool, setup: Setup) -> Self {
        let daraja = daraja::Sim::start(setup.daraja.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callbacks = listener.local_addr().unwrap();
        let billing = engine(pool, &daraja, callbacks, &setup);
        let package = billing.add_package(terms("1 hour", 60), Kes::new(20).unwrap()).await.unwrap();
        let router = NewRouter {
            name: "main".into(),
            host: "127.0.0.1".into(),
            port: 1,
            username: "admin".into(),
            password: SecretString::from("bando"),
            tls_pin: None,
        };
        billing.add_router(&router).await.unwrap();
        let stop = CancellationToken::new();
        if setup.tasks {
            billing.spawn_tasks(&stop);
        }
        let receiver: Router = if setup.callbacks_arrive {
            Router::new()
                .route("/hook/{token}", post(receive))
                .route("/api/pay/result/{token}", post(receive_result))
                .route("/api/pay/timeout/{token}", post(receive_timeout))
                .with_state(billing.clone())
        } else {
            Router::new()
        };
        tokio::spawn(async move { axum::serve(listener, receiver).await });
        Self { billing, daraja, package, callbacks, _stop: stop.drop_guard() }
    }

    /// Pays with a phone whose number selects nothing, so that the simulator's scenario decides.
    pub(crate) async fn pay(&self, scenario: &str) -> PaymentId {
        self.pay_from(scenario, "0712000100", "A4:CF:12:00:00:01").await
    }

    pub(crate) async fn pay_from(&self, scenario: &str, phone: &str, mac: &str) -> PaymentId {
        let request = self.request(phone, mac);
        self.daraja.control().set_scenario(Some(&request.msisdn.international()), Some(scenario)).unwrap();
        self.billing.begin_payment(request).await.unwrap().payment_id
    }

    pub(crate) fn request(&self, phone: &str, mac: &str) -> BeginPayment {
        BeginPayment {
            package_id: self.package.id,
            msisdn: phone.parse().unwrap(),
            mac: mac.parse().unwrap(),
            ip: None,
            router_slug: None,
            idempotency_key: None,
            request_id: "test".into(),
            remote_ip: None,
        }
    }

    pub(crate) async fn state(&self, id: PaymentId) -> PaymentState {
        self.billing.find_listed_payment(id).await.unwrap().unwrap().state
    }

    pub(crate) async fn reaches(&self, id: PaymentId, state: PaymentState) {
        eventually(&format!("the payment to be {state}"), async || self.state(id).await == state).await;
    }

    pub(crate) async fn count(&self, query: &str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.billing.pool()).await.unwrap()
    }

    /// The three ledgers agree: what was charged, what was recorded, what was sold.
    pub(crate) async fn holds_the_invariants(&self) {
        let later = chrono::DateTime::from_timestamp(4_000_000_000, 0).unwrap();
        for finding in billing::audit::run(self.billing.pool(), later).await.unwrap() {
            let is_about_time = finding.id == "on_after_end";
            assert!(!finding.is_broken() || is_about_time, "{}: {:?}", finding.rule, finding.rows);
        }
    }
}

/// A second engine on the same database and simulator, as another server process would be.
pub(crate) fn engine(pool: MySqlPool, daraja: &daraja::Sim, callbacks: SocketAddr, setup: &Setup) -> Billing {
    let mut config = ::daraja::Config::sandbox(SecretString::from("demo"), SecretString::from("demo"));
    config.base_url = Some(daraja.base_url());
    let initiator =
        ::daraja::Initiator { name: "testapi".to_owned(), security_credential: SecretString::from("c2VjcmV0") };
    config.initiator = setup.has_initiator.then_some(initiator);
    let clock = Arc::new(SystemClock);
    let mpesa = ::daraja::Client::new(config, clock.clone()).unwrap();
    Billing::new(Deps {
        pool,
        clock,
        mpesa: Arc::new(mpesa),
        secret: AppSecret::new(&SecretString::from("a secret only for tests, long enough")).unwrap(),
        options: Options {
            callback_base: format!("http://{callbacks}/hook"),
            query_delays_secs: setup.query_delays_secs.clone(),
            query_per_minute: 6000,
            callback_ips: setup.callback_ips,
            limits: PayLimits::default(),
            callback_confirm: setup.callback_confirm,
            query_grace_secs: domain::payment::QUERY_FAILURE_GRACE_SECS,
            pull: false,
            timing: billing::access::Timing::default(),
        },
    })
}

pub(crate) fn terms(name: &str, minutes: u32) -> PackageTerms {
    PackageTerms { name: name.into(), duration_minutes: minutes, down: None, up: None, data: None, devices: 1 }
}

pub(crate) fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

async fn receive(State(billing): State<Billing>, Path(token): Path<String>, body: Bytes) -> StatusCode {
    answer(billing.receive_callback(&token, &body, Some([127, 0, 0, 1].into())).await)
}

fn answer(done: Result<(), CallbackError>) -> StatusCode {
    match done {
        Ok(()) => StatusCode::OK,
        Err(CallbackError::UnknownToken) => StatusCode::NOT_FOUND,
        Err(CallbackError::Address) => StatusCode::FORBIDDEN,
        Err(CallbackError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn receive_result(State(billing): State<Billing>, Path(token): Path<String>, body: Bytes) -> StatusCode {
    answer(billing.receive_result(&token, &body, Some([127, 0, 0, 1].into())).await)
}

async fn receive_timeout(State(billing): State<Billing>, Path(token): Path<String>, body: Bytes) -> StatusCode {
    answer(billing.receive_timeout(&token, &body, Some([127, 0, 0, 1].into())).await)
}

/// How long a condition is waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds, within [`PATIENCE`].
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain for {what}");
}
