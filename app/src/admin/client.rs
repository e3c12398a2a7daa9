//! Requests to the JSON API.

use std::{fmt, time::Duration};

use gloo_net::http::{Request, RequestBuilder, Response};
use leptos::prelude::{TimeoutHandle, set_timeout_with_handle};
use serde::{Serialize, de::DeserializeOwned};
use web_sys::AbortController;

use crate::api::ErrorBody;

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The longest wait for an answer to an action, for which the server may have to ask M-Pesa or a router.
const ACTION_TIMEOUT: Duration = Duration::from_secs(45);

/// Why a request got no answer to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The login is over.
    SignedOut,
    /// The server said why, in words for a person.
    Refused(String),
    /// No answer, or one that makes no sense.
    Unreachable,
    /// The same, after something was asked for that must not be done twice unawares.
    Unclear,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignedOut => "Your login has ended. Please log in again.",
            Self::Refused(message) => message,
            Self::Unreachable => "The server did not answer. Check your connection and try again.",
            Self::Unclear => {
                "No answer came, so this may or may not have been done. Look at the list again before you repeat it."
            }
        })
    }
}

/// Reads something.
pub(super) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Fault> {
    send(TIMEOUT, Request::get(path), RequestBuilder::build).await?.read().await
}

/// Sends something and reads what comes back.
pub(super) async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, Fault> {
    send(TIMEOUT, Request::post(path), |request| request.json(body)).await?.read().await
}

/// Asks for something to be looked at, which changes nothing but takes its time.
pub(super) async fn examine<T: DeserializeOwned>(path: &str) -> Result<T, Fault> {
    send(ACTION_TIMEOUT, Request::post(path), |request| request.json(&())).await?.read().await
}

/// Does something: `body` is JSON, and `understood` reads what comes back, which may be nothing.
pub(super) async fn act<T>(path: &str, body: String, understood: impl FnOnce(&str) -> Option<T>) -> Result<T, Fault> {
    let request = Request::post(path).header("Content-Type", "application/json");
    let answer = match send(ACTION_TIMEOUT, request, |request| request.body(body)).await {
        Ok(answer) => answer.text().await.and_then(|text| understood(&text).ok_or(Fault::Unreachable)),
        Err(fault) => Err(fault),
    };
    answer.map_err(|fault| if fault == Fault::Unreachable { Fault::Unclear } else { fault })
}

/// What an answer that the browser received by other means says.
pub(super) fn read_answer<T: DeserializeOwned>(status: u16, body: &str) -> Result<T, Fault> {
    match status {
        200..=299 => serde_json::from_str(body).map_err(|_| Fault::Unreachable),
        401 => Err(Fault::SignedOut),
        _ => Err(serde_json::from_str::<ErrorBody>(body)
            .map_or(Fault::Unreachable, |body| Fault::Refused(body.error.message))),
    }
}

/// Does something that has no answer but that it was done.
pub(super) async fn command(path: &str) -> Result<(), Fault> {
    send(TIMEOUT, Request::post(path), RequestBuilder::build).await.map(drop)
}

async fn send(
    wait: Duration,
    request: RequestBuilder,
    finish: impl FnOnce(RequestBuilder) -> Result<Request, gloo_net::Error>,
) -> Result<Answer, Fault> {
    let limit = Limit::start(wait).ok_or(Fault::Unreachable)?;
    // Other sites cannot set this header, so a request that has it comes from this app.
    let request = request.header("X-Requested-With", "bando").abort_signal(Some(&limit.controller.signal()));
    let request = finish(request).map_err(|_| Fault::Unreachable)?;
    let response = request.send().await.map_err(|_| Fault::Unreachable)?;
    let (status, is_login) = (response.status(), response.url().ends_with("/api/admin/login"));
    let answer = Answer { response, _limit: limit };
    match status {
        200..=299 => Ok(answer),
        401 if !is_login => Err(Fault::SignedOut),
        _ => {
            Err(answer.read::<ErrorBody>().await.map_or_else(|fault| fault, |body| Fault::Refused(body.error.message)))
        }
    }
}

/// The head of an answer; its body still counts against the limit.
struct Answer {
    response: Response,
    _limit: Limit,
}

impl Answer {
    async fn read<T: DeserializeOwned>(self) -> Result<T, Fault> {
        self.response.json().await.map_err(|_| Fault::Unreachable)
    }

    async fn text(self) -> Result<String, Fault> {
        self.response.text().await.map_err(|_| Fault::Unreachable)
    }
}

/// Aborts the request when it takes too long, and when whoever asked is gone.
struct Limit {
    controller: AbortController,
    timer: TimeoutHandle,
}

impl Limit {
    fn start(wait: Duration) -> Option<Self> {
        let controller = AbortController::new().ok()?;
        let aborted = controller.clone();
        let timer = set_timeout_with_handle(move || aborted.abort(), wait).ok()?;
        Some(Self { controller, timer })
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.timer.clear();
        self.controller.abort();
    }
}
