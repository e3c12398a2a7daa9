//! What stands between the server and M-Pesa: passes everything on, and does to chosen payments what no simulator
//! setting does: loses the answer to a push, answers questions oddly.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::story::{Odd, Push};

/// What is in store for the payments of one phone.
#[derive(Debug, Default)]
struct Store {
    pushes: VecDeque<Push>,
    odd: VecDeque<Odd>,
}

/// How often each trick was played.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Played {
    pub(crate) answers_lost: usize,
    pub(crate) throttled: usize,
    pub(crate) odd_answers: usize,
}

#[derive(Debug)]
struct Inner {
    mpesa: String,
    http: reqwest::Client,
    stores: Mutex<HashMap<String, Store>>,
    played: Mutex<Played>,
}

#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl Gateway {
    pub(crate) async fn start(mpesa: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120)).build().unwrap();
        let inner = Arc::new(Inner { mpesa, http, stores: Mutex::default(), played: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Decides about the next payment of a phone.
    pub(crate) fn prepare(&self, msisdn: &str, push: Push, odd: &[Odd]) {
        let mut stores = self.inner.stores.lock().unwrap();
        let store = Store { pushes: VecDeque::from([push]), odd: odd.iter().copied().collect() };
        stores.insert(msisdn.to_owned(), store);
    }

    /// From now on everything is only passed on.
    pub(crate) fn be_plain(&self) {
        self.inner.stores.lock().unwrap().clear();
    }

    pub(crate) fn played(&self) -> Played {
        *self.inner.played.lock().unwrap()
    }
}

async fn pass(State(inner): State<Arc<Inner>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let fields: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_push = uri.path().contains("/stkpush/");
    let is_query = uri.path().contains("/stkpushquery/");
    let push = if is_push { inner.next_push(fields["PhoneNumber"].as_str()) } else { Push::Through };
    if push == Push::Throttled {
        return throttled();
    }
    if is_query && let Some(odd) = inner.next_odd(fields["CheckoutRequestID"].as_str()) {
        return odd_answer(odd, &fields["CheckoutRequestID"]);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = inner.http.request(method, format!("{}{path}", inner.mpesa)).body(body);
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE] {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.send().await else { return cut() };
    let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
    let Ok(body) = answer.bytes().await else { return cut() };
    if push == Push::AnswerLost && status.is_success() {
        inner.played.lock().unwrap().answers_lost += 1;
        return cut();
    }
    let mut response = (status, body).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

impl Inner {
    fn next_push(&self, phone: Option<&str>) -> Push {
        let mut stores = self.stores.lock().unwrap();
        let push = phone.and_then(|phone| stores.get_mut(phone)).and_then(|store| store.pushes.pop_front());
        if push == Some(Push::Throttled) {
            self.played.lock().unwrap().throttled += 1;
        }
        push.unwrap_or(Push::Through)
    }

    /// A CheckoutRequestID ends in the payer's nine digits.
    fn next_odd(&self, checkout: Option<&str>) -> Option<Odd> {
        let digits = checkout.and_then(|checkout| checkout.get(checkout.len().checked_sub(9)?..))?;
        let odd = self.stores.lock().unwrap().get_mut(&format!("254{digits}"))?.odd.pop_front();
        self.played.lock().unwrap().odd_answers += usize::from(odd.is_some());
        odd
    }
}

/// The head of an answer, then the connection breaks.
fn cut() -> Response {
    let broken = futures::stream::iter([Err::<Bytes, _>(io::Error::other("cut"))]);
    Response::new(Body::from_stream(broken))
}

fn throttled() -> Response {
    let fault = json!({"fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, periodInMicroseconds=60000000}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"}
    }});
    (StatusCode::TOO_MANY_REQUESTS, axum::Json(fault)).into_response()
}

fn odd_answer(odd: Odd, checkout: &Value) -> Response {
    let answered = |code: Value| {
        let body = json!({
            "ResponseCode": "0", "ResponseDescription": "The service request has been accepted successsfully",
            "MerchantRequestID": "1234-567-1", "CheckoutRequestID": checkout,
            "ResultCode": code, "ResultDesc": "The transaction is still under processing"
        });
        axum::Json(body).into_response()
    };
    let error = |status: StatusCode, words: &str| {
        let body = json!({"requestId": "1-2-3", "errorCode": "500.001.1001", "errorMessage": words});
        (status, axum::Json(body)).into_response()
    };
    match odd {
        Odd::StillText => answered(json!("4999")),
        Odd::StillNumber => answered(json!(4999)),
        Odd::UnlistedCode => answered(json!("7777")),
        Odd::NullResultCode => answered(Value::Null),
        Odd::NoResultCode => axum::Json(json!({"ResponseCode": "0", "CheckoutRequestID": checkout})).into_response(),
        Odd::Processing => error(StatusCode::INTERNAL_SERVER_ERROR, "The transaction is being processed"),
        Odd::EmptyMessage500 => error(StatusCode::INTERNAL_SERVER_ERROR, ""),
        Odd::EmptyMessage200 => error(StatusCode::OK, ""),
        Odd::UnknownTransaction => error(StatusCode::INTERNAL_SERVER_ERROR, "The transaction does not Exist"),
        Odd::Page => {
            ([(header::CONTENT_TYPE, "text/html")], "<html><body>Request Rejected</body></html>").into_response()
        }
        Odd::Truncated => {
            ([(header::CONTENT_TYPE, "application/json")], "{\"ResponseCode\": \"0\", \"ResultCo").into_response()
        }
        Odd::NoBody => StatusCode::OK.into_response(),
        Odd::Throttled => throttled(),
        Odd::Cut => cut(),
    }
}
