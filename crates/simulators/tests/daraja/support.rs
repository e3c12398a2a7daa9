//! A bench: the simulator with a stopped clock, a merchant's server that receives, and a raw HTTP client.

use std::{
    sync::{Arc, Mutex, atomic::AtomicU16, atomic::Ordering},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use serde_json::{Value, json};
use simulators::daraja::{Charge, Options, SANDBOX_PASSKEY, Sim};

pub(crate) const PHONE: &str = "254712345678";
pub(crate) const TIMESTAMP: &str = "20261122083000";

/// What the merchant's server received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// `Body.stkCallback`.
    pub(crate) fn stk(&self) -> Value {
        self.json()["Body"]["stkCallback"].clone()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
    /// The status it answers with; 0 means never.
    pub(crate) status: Arc<AtomicU16>,
    pub(crate) answer: Arc<Mutex<String>>,
}

async fn receive(State(to): State<Receiver>, uri: Uri, headers: HeaderMap, text: String) -> (StatusCode, String) {
    to.received.lock().unwrap().push(Received { path: uri.path().to_owned(), headers, text });
    let status = to.status.load(Ordering::Relaxed);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(status).unwrap(), to.answer.lock().unwrap().clone())
}

pub(crate) struct Bench {
    pub(crate) sim: Sim,
    pub(crate) receiver: Receiver,
    pub(crate) callback_url: String,
    pub(crate) http: reqwest::Client,
}

/// An answer as it came off the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text))
    }

    pub(crate) fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.text)).to_owned()
    }

    /// `(status, errorCode, errorMessage)`.
    pub(crate) fn error(&self) -> (u16, String, String) {
        (self.status, self.field("errorCode"), self.field("errorMessage"))
    }
}

/// Options with a stopped clock, a seed and a fixed date.
pub(crate) fn still(options: Options) -> Options {
    let start_at = DateTime::parse_from_rfc3339("2026-11-22T08:30:00+03:00").unwrap().to_utc();
    Options { speed: 0.0, seed: Some(42), start_at: Some(start_at), ..options }
}

pub(crate) fn password(shortcode: &str, timestamp: &str) -> String {
    STANDARD.encode(format!("{shortcode}{SANDBOX_PASSKEY}{timestamp}"))
}

impl Bench {
    pub(crate) async fn auto() -> Self {
        Self::start(still(Options::auto())).await
    }

    pub(crate) async fn manual() -> Self {
        Self::start(still(Options::manual())).await
    }

    pub(crate) async fn start(options: Options) -> Self {
        let sim = Sim::start(options).await.unwrap();
        let receiver = Receiver {
            received: Arc::default(),
            status: Arc::new(AtomicU16::new(200)),
            answer: Arc::new(Mutex::new(r#"{"ResultCode":0,"ResultDesc":"Accepted"}"#.to_owned())),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback_url = format!("http://{}/api/pay/hook/5f0c", listener.local_addr().unwrap());
        let app = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self { sim, receiver, callback_url, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.base_url())
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer { status: response.status().as_u16(), text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    pub(crate) async fn token(&self) -> String {
        let path = "/oauth/v1/generate?grant_type=client_credentials";
        let answer = self.send(self.http.get(self.url(path)).basic_auth("demo", Some("demo"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.field("access_token")
    }

    pub(crate) async fn post_with(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(self.http.post(self.url(path)).bearer_auth(token).json(body)).await
    }

    /// Posts with a fresh token.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let token = self.token().await;
        self.post_with(&token, path, body).await
    }

    /// Posts JSON to the control plane.
    pub(crate) async fn control(&self, path: &str, body: &Value) -> Answer {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    pub(crate) fn push_body(&self) -> Value {
        json!({
            "BusinessShortCode": "174379", "Password": password("174379", TIMESTAMP), "Timestamp": TIMESTAMP,
            "TransactionType": "CustomerPayBillOnline", "Amount": "20", "PartyA": PHONE, "PartyB": "174379",
            "PhoneNumber": PHONE, "CallBackURL": self.callback_url, "AccountReference": "WF7K3Q9X",
            "TransactionDesc": "WiFi 1 hour"
        })
    }

    /// A push with some fields changed (removed where null).
    pub(crate) async fn push(&self, changes: Value) -> Answer {
        let body = self.changed(changes);
        self.post("/mpesa/stkpush/v1/processrequest", &body).await
    }

    pub(crate) fn changed(&self, changes: Value) -> Value {
        let mut body = self.push_body();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                body.as_object_mut().unwrap().remove(name);
            } else {
                body[name] = value.clone();
            }
        }
        body
    }

    /// A push that must be accepted; its `CheckoutRequestID`.
    pub(crate) async fn pushed(&self, changes: Value) -> String {
        let answer = self.push(changes).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.field("ResponseCode"), "0");
        answer.field("CheckoutRequestID")
    }

    pub(crate) async fn query(&self, checkout: &str) -> Answer {
        let body = json!({ "BusinessShortCode": "174379", "Password": password("174379", TIMESTAMP),
            "Timestamp": TIMESTAMP, "CheckoutRequestID": checkout });
        self.post("/mpesa/stkpushquery/v1/query", &body).await
    }

    /// The result code a query gives, or its errorCode.
    pub(crate) async fn queried(&self, checkout: &str) -> String {
        let answer = self.query(checkout).await;
        let json = answer.json();
        let code = if json["ResultCode"].is_null() { &json["errorCode"] } else { &json["ResultCode"] };
        code.as_str().map_or_else(|| format!("{} {code}", answer.status), str::to_owned)
    }

    pub(crate) async fn pass(&self, secs: u64) {
        self.sim.control().advance(Duration::from_secs(secs)).await.unwrap();
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.receiver.received.lock().unwrap().clone()
    }

    pub(crate) fn charges(&self) -> Vec<Charge> {
        self.sim.control().charges()
    }
}

/// The `Value` of a metadata item, by name.
pub(crate) fn item(callback: &Value, name: &str) -> Option<Value> {
    let items = callback["CallbackMetadata"]["Item"].as_array()?;
    items.iter().find(|item| item["Name"] == name).map(|item| item["Value"].clone())
}
