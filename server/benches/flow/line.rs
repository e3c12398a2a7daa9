//! One kept HTTP connection, as thin as possible: what is measured is the server, not a client library.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::Instant};

use crate::Outcome;

/// Largest answer that is read.
const ANSWER_MAX: usize = 1024 * 1024;

/// A connection that is open.
pub(crate) struct Line {
    sender: SendRequest<Body>,
    host: String,
}

/// What came back, and how long after the request was handed over.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn json(&self) -> Outcome<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The answer, if it has this status.
    pub(crate) fn wanted(self, status: StatusCode) -> Outcome<Self> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("{status} was expected: {} {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }
}

impl Line {
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what went wrong is the sender's to say.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, host: address.to_string() })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Outcome<Answer> {
        self.get_as(path, "identity").await
    }

    /// With the encodings that the caller takes; what is counted is what went over the air.
    pub(crate) async fn get_as(&mut self, path: &str, encodings: &str) -> Outcome<Answer> {
        let request = Request::builder().uri(path).header(header::ACCEPT_ENCODING, encodings);
        self.send(request.header(header::HOST, &self.host).body(Body::empty())?).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: String) -> Outcome<Answer> {
        let request = Request::builder().method(Method::POST).uri(path).header(header::HOST, &self.host);
        self.send(request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body))?).await
    }

    async fn send(&mut self, request: Request<Body>) -> Outcome<Answer> {
        self.sender.ready().await?;
        let started = Instant::now();
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), ANSWER_MAX).await?;
        Ok(Answer { status, body, took: started.elapsed() })
    }
}
