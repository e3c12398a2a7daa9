//! A report from M-Pesa as it came in. One that is too long is evidence all the same: its beginning is kept, the
//! payment it is about is asked about, and only then is it refused.

use std::net::IpAddr;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Request},
};
use billing::payments::CallbackError;
use futures::StreamExt as _;

use super::{error::ApiError, limits::BODY_MAX, request::Origin};

/// Bytes beyond the limit that are read and thrown away, so that most senders get to hear the answer.
const DRAIN_MAX: usize = 1024 * 1024;

/// What was sent, from where, and the secret in the address.
#[derive(Debug)]
pub(super) struct Report {
    /// Empty on the addresses without one.
    pub(super) token: String,
    /// At most [`BODY_MAX`] bytes.
    pub(super) body: Bytes,
    /// The sender's address, when it is known.
    pub(super) ip: Option<IpAddr>,
    is_whole: bool,
}

impl<S: Send + Sync> FromRequest<S> for Report {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let Origin { ip, .. } = Origin::from_request_parts(&mut parts, state).await?;
        let token = Path::<String>::from_request_parts(&mut parts, state).await.map_or_else(|_| String::new(), |p| p.0);
        let (body, is_whole) = read(body).await?;
        Ok(Self { token, body, ip: (!ip.is_unspecified()).then_some(ip), is_whole })
    }
}

impl Report {
    /// The answer, once the report was stored.
    pub(super) fn answer<T, E>(&self, stored: Result<T, E>) -> Result<Json<T>, ApiError>
    where
        E: Into<CallbackError>,
    {
        if self.is_whole {
            return Ok(Json(stored.map_err(Into::into)?));
        }
        metrics::counter!("bando_reports_too_long_total").increment(1);
        // Whether there is such a token is nobody's business who sends this.
        match stored.map_err(Into::into) {
            Err(CallbackError::Store(error)) => Err(error.into()),
            _ => Err(ApiError::too_large()),
        }
    }
}

/// The first [`BODY_MAX`] bytes, and whether that is all.
async fn read(body: Body) -> Result<(Bytes, bool), ApiError> {
    let mut chunks = body.into_data_stream();
    let mut kept = Vec::new();
    let mut beyond = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ApiError::cut_body())?;
        let fitting = chunk.len().min(BODY_MAX - kept.len());
        kept.extend_from_slice(chunk.get(..fitting).unwrap_or_default());
        beyond += chunk.len() - fitting;
        if beyond > DRAIN_MAX {
            break;
        }
    }
    Ok((kept.into(), beyond == 0))
}
