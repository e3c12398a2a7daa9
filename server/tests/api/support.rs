//! What a person or a program does with the server, under names of their own.

use std::{path::PathBuf, sync::Arc, time::Duration};

use billing::{Billing, admins::Role, clock::SystemClock};
use domain::{DataSize, Kes, PackageTerms, Rate};
use reqwest::{Client, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use server::{
    application::Application,
    config::{Config, Environment},
};
use simulators::{daraja, routeros};
use sqlx::MySqlPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

pub(crate) const MAC: &str = "A4:CF:12:00:00:01";
pub(crate) const PHONE: &str = "0712 345 678";
pub(crate) const MSISDN: &str = "254712345678";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// How long a condition is waited for before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Both simulators, which live outside the server like the real things.
pub(crate) struct World {
    pub(crate) mpesa: daraja::Sim,
    pub(crate) router: routeros::Sim,
}

impl World {
    /// An M-Pesa whose prompts wait for a person, and a router with one device at its portal.
    pub(crate) async fn start() -> Self {
        let options = daraja::Options { settle_after: Duration::ZERO, ..daraja::Options::manual() };
        let mpesa = daraja::Sim::start(options).await.unwrap();
        let options = routeros::Options { clock: routeros::ClockMode::Real, ..routeros::Options::default() };
        let router = routeros::Sim::start(options).await.unwrap();
        router.join(MAC).unwrap();
        Self { mpesa, router }
    }

    /// The settings of a server in this world.
    pub(crate) fn settings(&self, database_url: &str) -> Vec<(String, String)> {
        let pairs = [
            ("DATABASE_URL", database_url.to_owned()),
            ("APP_SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
            ("PORT", "0".to_owned()),
            ("MPESA_BASE_URL", self.mpesa.base_url()),
            ("MPESA_QUERY_DELAYS", "2,3,4,6,8,10,13,16,20,25,30,36,42,50,60".to_owned()),
            ("MPESA_QUERY_PER_MINUTE", "6000".to_owned()),
            ("MIKROTIK_HOST", "127.0.0.1".to_owned()),
            ("MIKROTIK_PORT", self.router.addr().port().to_string()),
            ("MIKROTIK_PASSWORD", "bando".to_owned()),
            ("LOG_LEVEL", "warn".to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The customer sees the prompt and enters the PIN.
    pub(crate) async fn approve(&self, msisdn: &str) {
        let prompt = self.mpesa.control().open_prompt(msisdn).await.unwrap();
        self.mpesa.control().approve(prompt.id, "1234").unwrap();
    }
}

/// A running server in its world.
pub(crate) struct Stack {
    pub(crate) url: String,
    pub(crate) world: World,
    pub(crate) billing: Billing,
    pub(crate) client: Client,
    shutdown: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl Stack {
    /// The server on the test's database, ready.
    pub(crate) async fn start(pool: &MySqlPool) -> Self {
        Self::start_with(pool, &[]).await
    }

    /// The same with some settings changed.
    pub(crate) async fn start_with(pool: &MySqlPool, settings: &[(&str, &str)]) -> Self {
        let stack = Self::start_unready(&database_url(pool), settings).await;
        stack.until_ready().await;
        stack
    }

    /// The server on any database, which may be away.
    pub(crate) async fn start_unready(database_url: &str, settings: &[(&str, &str)]) -> Self {
        let world = World::start().await;
        let mut pairs = world.settings(database_url);
        pairs.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::parse(&Environment::merge(pairs, [])).unwrap();
        let application = Application::build(config, Arc::new(SystemClock)).await.unwrap();
        let url = format!("http://{}", application.address());
        let billing = application.billing().clone();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let server = Some(tokio::spawn(async move { application.run(stop).await.unwrap() }));
        Self { url, world, billing, client: client(), shutdown, server }
    }

    /// Waits until everything is there.
    pub(crate) async fn until_ready(&self) {
        until("the server is ready", async || self.get("/readyz").await.status() == StatusCode::OK).await;
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        self.server.take().unwrap().await.unwrap();
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.at(path)).send().await.unwrap()
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    pub(crate) async fn get_text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(self.at(path)).json(body).send().await.unwrap()
    }

    /// Posts JSON as a page of our own does.
    pub(crate) async fn change(&self, path: &str, body: &Value) -> Response {
        self.client.post(self.at(path)).header("sec-fetch-site", "same-origin").json(body).send().await.unwrap()
    }

    /// Posts a form as a mini-browser does.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.client.post(self.at(path)).form(fields).send().await.unwrap()
    }

    /// Puts an hour on sale for KES 20 and gives its id.
    pub(crate) async fn sell_an_hour(&self) -> String {
        let terms = PackageTerms {
            name: "1 hour".to_owned(),
            duration_minutes: 60,
            down: Some(Rate::from_kbps(5000)),
            up: Some(Rate::from_kbps(2000)),
            data: Some(DataSize::from_mb(500)),
            devices: 1,
        };
        self.billing.add_package(terms, Kes::new(20).unwrap()).await.unwrap().id.to_string()
    }

    /// Presses pay for [`MAC`] and [`PHONE`].
    pub(crate) async fn pay(&self, package_id: &str) -> Value {
        let body = json!({"package_id": package_id, "phone": PHONE, "mac": MAC});
        let answer = self.post("/api/pay", &body).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        answer.json().await.unwrap()
    }

    /// Makes an owner called `owner` and logs in with this stack's cookies.
    pub(crate) async fn log_in(&self) {
        self.add_admin("owner", Role::Owner).await;
        let answer = self.post("/api/admin/login", &json!({"username": "owner", "password": PASSWORD})).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    pub(crate) async fn add_admin(&self, name: &str, role: Role) {
        self.billing.add_admin(name, PASSWORD.to_owned().into(), role).await.unwrap();
    }

    /// Waits until a payment's status is the word.
    pub(crate) async fn until_status(&self, payment_id: &str, word: &str) -> Value {
        let path = format!("/api/user/status?payment={payment_id}");
        until(&format!("the payment is {word}"), async || self.get_json(&path).await["status"] == word).await;
        self.get_json(&path).await
    }
}

/// Cookies are kept; redirects are looked at, not followed.
pub(crate) fn client() -> Client {
    let policy = reqwest::redirect::Policy::none();
    Client::builder().cookie_store(true).redirect(policy).no_proxy().timeout(PATIENCE).build().unwrap()
}

/// Waits for a condition, within [`PATIENCE`].
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

/// The address of the database a test was given.
pub(crate) fn database_url(pool: &MySqlPool) -> String {
    let mut url = server_url();
    url.set_path(pool.connect_options().get_database().unwrap());
    url.to_string()
}

/// The database server that tests use.
pub(crate) fn server_url() -> Url {
    std::env::var("DATABASE_URL").unwrap().parse().unwrap()
}

/// The error of an answer, after checking that it is in the envelope.
pub(crate) async fn error_of(answer: Response) -> (u16, String, Option<String>) {
    let status = answer.status().as_u16();
    assert_eq!(text_of(answer.headers(), "content-type"), "application/json");
    let body: Value = answer.json().await.unwrap();
    let error = &body["error"];
    assert!(error["message"].as_str().is_some_and(|message| message.ends_with('.')), "{body}");
    (status, error["code"].as_str().unwrap().to_owned(), error["field"].as_str().map(str::to_owned))
}

/// A header as text; empty when absent.
pub(crate) fn text_of(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// The program itself.
pub(crate) fn bando() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bando"))
}
