//! Live streams (server-sent events). Each stream has a small queue of its own: a client that does not read
//! is dropped, never waited for, and finds everything again by reading state when it comes back.

use std::{convert::Infallible, time::Duration};

use app::api::{ErrorBody, UserStatus};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::PaymentId;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, broadcast::error::RecvError, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    AppState,
    admin::{live, notifications, payments, session::CurrentAdmin},
    error::ApiError,
    extract::ApiQuery,
    status,
};

/// Events a slow client may be behind before it is dropped.
const QUEUE_MAX: usize = 16;
/// A stream ends after this and the browser opens a new one, so that a login that has ended is noticed.
const LIFE_MAX: Duration = Duration::from_secs(300);
/// How often a customer's status is read again even if nothing was announced.
const REREAD_EVERY: Duration = Duration::from_secs(10);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long a browser waits before it opens the stream again.
const RECONNECT_AFTER: Duration = Duration::from_secs(2);

type Queue = mpsc::Sender<Event>;

/// The client is gone or does not read.
struct Dropped;

/// `payment`, `notification` and `live` events as they happen; `reset` when some were missed and lists have to be
/// read again.
#[utoipa::path(get, path = "/api/events", tag = "admin", responses(
    (status = 200, description = "text/event-stream: `payment` (PaymentRow), `notification` (NotificationRow), `live` (LiveRow), `reset`"),
    (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)
))]
pub(super) async fn admin(
    State(state): State<AppState>,
    CurrentAdmin(admin): CurrentAdmin,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let is_back = headers.contains_key("last-event-id");
    let mut events = state.billing().events();
    open(&state.clone(), move |queue| async move {
        if is_back {
            send(&queue, "reset", "{}".to_owned())?;
        }
        loop {
            let event = tokio::select! {
                () = queue.closed() => return Err(Dropped),
                event = events.recv() => event,
            };
            match event {
                Ok(billing::Event::Payment(id)) => match payments::find_row(&state, id).await {
                    Ok(Some(row)) => send_json(&queue, "payment", &row)?,
                    Ok(None) => {}
                    Err(_) => send(&queue, "reset", "{}".to_owned())?,
                },
                Ok(billing::Event::Notification(id)) => match notifications::find_row(&state, id).await {
                    Ok(Some(row)) => send_json(&queue, "notification", &row)?,
                    Ok(None) => {}
                    Err(_) => send(&queue, "reset", "{}".to_owned())?,
                },
                Ok(billing::Event::Live(id)) => match live::find_row(&state, id, admin.role).await {
                    Ok(Some(row)) => send_json(&queue, "live", &row)?,
                    Ok(None) => {}
                    Err(_) => send(&queue, "reset", "{}".to_owned())?,
                },
                Ok(billing::Event::LiveMany) | Err(RecvError::Lagged(_)) => send(&queue, "reset", "{}".to_owned())?,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    })
}

/// Query of `GET /api/user/events`.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(super) struct UserEventsQuery {
    /// The payment to follow.
    payment: String,
}

/// `status` whenever it has changed, and once at the start.
#[utoipa::path(get, path = "/api/user/events", tag = "customer", params(UserEventsQuery), responses(
    (status = 200, description = "text/event-stream: `status` (UserStatus)"),
    (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)
))]
pub(super) async fn user(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<UserEventsQuery>,
) -> Result<Response, ApiError> {
    let id: PaymentId = query.payment.parse().map_err(|_| status::unknown_payment())?;
    let mut events = state.billing().events();
    let first = status::of_payment(&state, id).await?;
    open(&state.clone(), move |queue| async move {
        let mut sent: UserStatus = first;
        send_json(&queue, "status", &sent)?;
        loop {
            tokio::select! {
                () = queue.closed() => return Err(Dropped),
                () = tokio::time::sleep(REREAD_EVERY) => {}
                event = events.recv() => match event {
                    Ok(billing::Event::Payment(changed)) if changed == id => {}
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
            }
            // The database may be away for a moment; the next turn reads again.
            let Ok(now) = status::of_payment(&state, id).await else { continue };
            if status::has_changed(&sent, &now) {
                send_json(&queue, "status", &now)?;
                sent = now;
            }
        }
    })
}

/// Opens a stream fed by `feed`, if there is a place for one more.
fn open<F, Fut>(state: &AppState, feed: F) -> Result<Response, ApiError>
where
    F: FnOnce(Queue) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), Dropped>> + Send,
{
    let Ok(place) = state.streams().clone().try_acquire_owned() else {
        return Err(ApiError::unavailable("busy", "There are too many live connections. Please try again."));
    };
    let (queue, receiver) = mpsc::channel(QUEUE_MAX);
    let shutdown = state.shutdown().clone();
    tokio::spawn(async move {
        let _place: OwnedSemaphorePermit = place;
        // An id without data tells the browser to say, when it comes back, that it was here.
        if queue.try_send(Event::default().id("0").retry(RECONNECT_AFTER)).is_err() {
            return;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(LIFE_MAX) => {}
            outcome = feed(queue) => if outcome.is_err() {
                tracing::debug!("a live stream was left by its client");
            }
        }
    });
    let stream = futures::StreamExt::map(ReceiverStream::new(receiver), Ok::<Event, Infallible>);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_EVERY)).into_response())
}

fn send(queue: &Queue, name: &str, data: String) -> Result<(), Dropped> {
    queue.try_send(Event::default().event(name).data(data)).map_err(|_| Dropped)
}

fn send_json<T: serde::Serialize>(queue: &Queue, name: &str, data: &T) -> Result<(), Dropped> {
    let event = Event::default().event(name).json_data(data).map_err(|_| Dropped)?;
    queue.try_send(event).map_err(|_| Dropped)
}
