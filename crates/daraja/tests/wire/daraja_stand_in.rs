//! A stand-in for Daraja that answers what a test tells it to, and remembers what it was asked.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use chrono::{DateTime, Utc};
use daraja::{CallbackUrl, Client, Config, Environment, Initiator, PushRequest, Timing, TransactionDesc};
use domain::CheckoutRequestId;

pub(crate) const OAUTH: &str = "/oauth/v1/generate";
pub(crate) const PUSH: &str = "/mpesa/stkpush/v1/processrequest";
pub(crate) const QUERY: &str = "/mpesa/stkpushquery/v1/query";
pub(crate) const REGISTER: &str = "/mpesa/c2b/v2/registerurl";
pub(crate) const STATUS: &str = "/mpesa/transactionstatus/v1/query";
pub(crate) const REVERSAL: &str = "/mpesa/reversal/v1/request";
pub(crate) const PULL: &str = "/pulltransactions/v1/query";
pub(crate) const PULL_REGISTER: &str = "/pulltransactions/v1/register";

pub(crate) const ACCEPTED: &str = r#"{
  "MerchantRequestID": "7a31-4c0e-9d52-1f6be80c23a4511873",
  "CheckoutRequestID": "ws_CO_22112026083001440712345678",
  "ResponseCode": "0",
  "ResponseDescription": "Success. Request accepted for processing",
  "CustomerMessage": "Success. Request accepted for processing"
}"#;
pub(crate) const SPIKE: &str = r#"{ "fault": { "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, periodInMicroseconds=60000000, maxBurstMessageCount=1.0}", "detail": { "errorcode": "policies.ratelimit.SpikeArrestViolation" } } }"#;
pub(crate) const BAD_TOKEN: &str = r#"{"requestId":"1c5b-4ba8-815c-ac45c57a3db01495926","errorCode":"404.001.03","errorMessage":"Invalid Access Token"}"#;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

enum Canned {
    Answer { status: u16, headers: Vec<(&'static str, &'static str)>, body: String },
    Never,
}

#[derive(Default)]
struct Memory {
    script: HashMap<&'static str, VecDeque<Canned>>,
    seen: Vec<Seen>,
    minted: usize,
    /// Tokens up to this number are not accepted any more.
    revoked_up_to: usize,
}

/// The stand-in. Tokens are `token-1`, `token-2`, …; each new one invalidates those before it, as documented.
#[derive(Clone)]
pub(crate) struct Daraja {
    pub(crate) base_url: String,
    memory: Arc<Mutex<Memory>>,
}

impl Daraja {
    pub(crate) async fn start() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let memory: Arc<Mutex<Memory>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&memory));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, memory }
    }

    /// The next answer of this path; when none is left, OAuth mints a token and the others accept a push.
    pub(crate) fn then(&self, path: &'static str, status: u16, body: &str) -> &Self {
        self.then_with(path, status, vec![], body)
    }

    pub(crate) fn then_with(
        &self,
        path: &'static str,
        status: u16,
        headers: Vec<(&'static str, &'static str)>,
        body: &str,
    ) -> &Self {
        self.script(path, Canned::Answer { status, headers, body: body.to_owned() })
    }

    /// The next request of this path is read and never answered.
    pub(crate) fn then_never(&self, path: &'static str) -> &Self {
        self.script(path, Canned::Never)
    }

    fn script(&self, path: &'static str, canned: Canned) -> &Self {
        self.memory.lock().unwrap().script.entry(path).or_default().push_back(canned);
        self
    }

    /// No token minted so far is accepted any more.
    pub(crate) fn revoke_tokens(&self) {
        let mut memory = self.memory.lock().unwrap();
        memory.revoked_up_to = memory.minted;
    }

    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.memory.lock().unwrap().seen.iter().filter(|seen| seen.path == path).cloned().collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen(path).len()
    }

    /// Waits until so many requests of this path have arrived.
    pub(crate) async fn wait_for(&self, path: &str, count: usize) {
        while self.count(path) < count {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(config(&self.base_url), Arc::new(Morning)).unwrap()
    }
}

/// Tokens cost a look at the counter: only the newest one is good, and only if it was not revoked.
async fn answer(State(memory): State<Arc<Mutex<Memory>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    let seen = Seen {
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
        path: path.clone(),
    };
    let bearer = seen.header("authorization").to_owned();
    let canned = {
        let mut memory = memory.lock().unwrap();
        memory.seen.push(seen);
        let good = format!("Bearer token-{}", memory.minted);
        let accepted = bearer == good && memory.minted > memory.revoked_up_to;
        if path != OAUTH && !accepted {
            Canned::Answer { status: 404, headers: vec![], body: BAD_TOKEN.to_owned() }
        } else if let Some(canned) = memory.script.get_mut(path.as_str()).and_then(VecDeque::pop_front) {
            canned
        } else if path == OAUTH {
            memory.minted += 1;
            let body = format!(r#"{{ "access_token": "token-{}", "expires_in": "3599" }}"#, memory.minted);
            Canned::Answer { status: 200, headers: vec![], body }
        } else {
            Canned::Answer { status: 200, headers: vec![], body: ACCEPTED.to_owned() }
        }
    };
    match canned {
        Canned::Never => std::future::pending().await,
        Canned::Answer { status, headers, body } => {
            let builder = Response::builder().status(status).header("content-type", "application/json");
            let builder = headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
            builder.body(Body::from(body)).unwrap()
        }
    }
}

/// A clock that always says half past eight in Nairobi on 22 November 2026.
pub(crate) struct Morning;

impl domain::Clock for Morning {
    fn now(&self) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-22T05:30:00Z").unwrap().to_utc()
    }
}

/// The sandbox at another address, with pauses too short to notice.
pub(crate) fn config(base_url: &str) -> Config {
    Config {
        base_url: Some(base_url.to_owned()),
        timing: Timing {
            retry_delay: Duration::from_millis(1),
            throttled_resend_delay: Some(Duration::from_millis(1)),
            ..Timing::default()
        },
        initiator: Some(Initiator { name: "testapi".to_owned(), security_credential: "c2VjcmV0".into() }),
        ..Config::sandbox("key".into(), "secret".into())
    }
}

pub(crate) fn request() -> PushRequest {
    PushRequest {
        phone: "0712345678".parse().unwrap(),
        amount: domain::Kes::new(20).unwrap(),
        account_reference: "WF7K3Q9X".parse().unwrap(),
        transaction_desc: TransactionDesc::fitted("WiFi 1 hour"),
        callback_url: CallbackUrl::stk("https://wifi.example.co.ke/api/pay/hook/5f0c", Environment::Sandbox).unwrap(),
    }
}

pub(crate) fn checkout_request_id() -> CheckoutRequestId {
    "ws_CO_22112026083001440712345678".parse().unwrap()
}
