//! Delivery to the merchant's server: once, ten seconds, this machine only, and a log of what came back.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{
    engine::Shared,
    ledger::{Charge, Delivery, DeliveryOutcome},
    options::CallbackHosts,
    world::Transaction,
};

/// Over this a receiver is slow.
const SLOW: Duration = Duration::from_secs(5);
/// How much of a receiver's answer is read and kept.
const ANSWER_LIMIT: usize = 4 * 1024;

/// What follows a delivery.
#[derive(Debug, Clone)]
pub(crate) enum Then {
    Nothing,
    /// A C2B validation: the answer decides whether the charge is made.
    Validated {
        charge: Box<Charge>,
        completes: bool,
    },
}

/// A body on its way to the merchant's server.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) kind: &'static str,
    pub(crate) about: String,
    pub(crate) url: String,
    pub(crate) shortcode: String,
    pub(crate) body: String,
    pub(crate) attempt: u32,
    pub(crate) then: Then,
}

impl Outgoing {
    pub(crate) fn new(kind: &'static str, about: &str, url: String, shortcode: &str, body: String) -> Self {
        let (about, shortcode) = (about.to_owned(), shortcode.to_owned());
        Self { kind, about, url, shortcode, body, attempt: 1, then: Then::Nothing }
    }

    pub(crate) fn stk(of: &Transaction, body: String) -> Self {
        Self::new("stk", &of.prompt.checkout_request_id, of.callback_url.clone(), &of.prompt.shortcode, body)
    }

    fn report(&self, outcome: DeliveryOutcome, at: DateTime<Utc>) -> Delivery {
        Delivery {
            about: self.about.clone(),
            kind: self.kind,
            url: self.url.clone(),
            body: self.body.clone(),
            attempt: self.attempt,
            outcome,
            status: None,
            answer: String::new(),
            took_ms: 0,
            slow: false,
            at,
        }
    }
}

impl Delivery {
    /// Whether it went out at all.
    pub(crate) fn was_sent(&self) -> bool {
        !matches!(self.outcome, DeliveryOutcome::NotLoopback | DeliveryOutcome::Dropped)
    }
}

pub(crate) fn dropped(outgoing: &Outgoing, at: DateTime<Utc>) -> Delivery {
    outgoing.report(DeliveryOutcome::Dropped, at)
}

/// Whether the URL names this machine. A name other than `localhost` is never looked up.
fn is_loopback(url: &str) -> bool {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Posts once and reports what came back.
pub(crate) async fn send(shared: &Shared, outgoing: &Outgoing) -> Delivery {
    let at = shared.clock.wall();
    if shared.options.callback_hosts == CallbackHosts::LoopbackOnly && !is_loopback(&outgoing.url) {
        tracing::warn!(kind = outgoing.kind, "not delivered: the URL is not on this machine");
        return outgoing.report(DeliveryOutcome::NotLoopback, at);
    }
    let mut request = shared
        .http
        .post(&outgoing.url)
        .header("Content-Type", "application/json;charset=UTF-8")
        .header("BusinessShortCode", &outgoing.shortcode)
        .timeout(shared.options.callback_timeout)
        .body(outgoing.body.clone());
    if let Some(address) = &shared.options.forwarded_for {
        request = request.header("X-Forwarded-For", address);
    }
    let started = Instant::now();
    let answered = match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            read_limited(response).await.map(|answer| (status, answer))
        }
        Err(error) => Err(error),
    };
    let took = started.elapsed();
    let mut report = match answered {
        Ok((status, answer)) => {
            Delivery { status: Some(status), answer, ..outgoing.report(DeliveryOutcome::Answered, at) }
        }
        Err(error) if error.is_timeout() => outgoing.report(DeliveryOutcome::TimedOut, at),
        Err(_) => outgoing.report(DeliveryOutcome::Failed, at),
    };
    report.took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    report.slow = took > SLOW;
    let took_ms = report.took_ms;
    match report.outcome {
        DeliveryOutcome::Answered if !report.slow => {
            tracing::info!(kind = report.kind, status = report.status, took_ms, "delivered");
        }
        outcome => tracing::warn!(kind = report.kind, ?outcome, took_ms, "the receiver failed or was slow"),
    }
    report
}

async fn read_limited(mut response: reqwest::Response) -> Result<String, reqwest::Error> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = ANSWER_LIMIT.saturating_sub(answer.len());
        answer.extend(chunk.iter().take(room));
        if chunk.len() >= room {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for near in ["http://127.0.0.1:1/x", "http://127.9.9.9/", "http://[::1]:80/", "https://localhost:8443/a"] {
            assert!(is_loopback(near), "{near}");
        }
        for far in ["http://10.0.0.1/", "http://localhost.example.ke/", "https://example.com/127.0.0.1", "nonsense"] {
            assert!(!is_loopback(far), "{far}");
        }
    }
}
