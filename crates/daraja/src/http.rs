//! Bytes to Daraja and back, with a limit on everything, and one question answered with care: may the
//! request have been sent?

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    RequestBuilder, Response, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect, retry,
};

use crate::config::{Config, ConfigError};

/// Largest answer that is read (our decision; genuine ones are below 4 KiB).
const MAX_BODY: usize = 1024 * 1024;
/// Idle connections are dropped early: a push on one that the other side has closed looks like a lost answer.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// An HTTP answer, whatever it says.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after_secs: Option<u64>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How an answer was lost although the request may have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    Timeout,
    Connection,
    TooLarge,
}

/// No complete answer.
#[derive(Debug, Clone)]
pub(crate) enum SendError {
    /// No connection could be made: not one byte of the request was sent.
    NotConnected,
    /// The request may have been sent and processed.
    Lost { loss: Loss, http_status: Option<u16>, partial: Bytes },
}

/// The HTTP client; cheap to clone, one per process.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Arc<str>,
}

impl Http {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(ConfigError::NoTlsProvider);
        }
        let base = config.base()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("bando-daraja/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timing.connect_timeout)
            .timeout(config.timing.request_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .redirect(redirect::Policy::none())
            .referer(false)
            // A push must never be sent twice by a layer that does not know what it is.
            .retry(retry::never());
        if base.scheme() == "http" {
            // A simulator needs no certificates, so a machine without any can still run it.
            builder = builder.tls_certs_only([]);
        }
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| ConfigError::Tls(error.to_string()))?;
        Ok(Self { client, base: base.as_str().trim_end_matches('/').into() })
    }

    /// `GET` with HTTP Basic, for the access token only.
    pub(crate) async fn get(
        &self,
        path: &str,
        authorization: HeaderValue,
        timeout: Duration,
    ) -> Result<Answer, SendError> {
        let request = self.client.get(format!("{}{path}", self.base)).timeout(timeout);
        send(request.header(AUTHORIZATION, authorization)).await
    }

    /// `POST` of a JSON body with a bearer token.
    pub(crate) async fn post(&self, path: &str, bearer: HeaderValue, body: String) -> Result<Answer, SendError> {
        let request = self.client.post(format!("{}{path}", self.base)).body(body);
        send(request.header(AUTHORIZATION, bearer).header(CONTENT_TYPE, "application/json")).await
    }
}

async fn send(request: RequestBuilder) -> Result<Answer, SendError> {
    let response = request.header(ACCEPT, "application/json").send().await.map_err(|error| {
        // Building the request or connecting failed: nothing was written. Everything else may have been.
        if error.is_connect() || error.is_builder() {
            return SendError::NotConnected;
        }
        SendError::Lost { loss: loss(&error), http_status: None, partial: Bytes::new() }
    })?;
    let status = response.status().as_u16();
    let retry_after_secs = retry_after(&response);
    let body = read(response, status).await?;
    Ok(Answer { status, retry_after_secs, body })
}

/// Reads the body chunk by chunk; what was read before an error is kept as evidence.
async fn read(mut response: Response, status: u16) -> Result<Bytes, SendError> {
    let mut body = BytesMut::new();
    let lost = |loss, body: BytesMut| SendError::Lost { loss, http_status: Some(status), partial: body.freeze() };
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(chunk)) => {
                let room = MAX_BODY - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    return Err(lost(Loss::TooLarge, body));
                }
            }
            Err(error) => return Err(lost(loss(&error), body)),
        }
    }
}

fn loss(error: &reqwest::Error) -> Loss {
    if error.is_timeout() { Loss::Timeout } else { Loss::Connection }
}

/// `Retry-After` in seconds; the date form is not used by Daraja's gateway.
fn retry_after(response: &Response) -> Option<u64> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
