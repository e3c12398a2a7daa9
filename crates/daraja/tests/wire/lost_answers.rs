//! The difference that decides about double charging: a push that provably never left, and one whose answer was
//! lost on the way back.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use daraja::{Client, NoInformation, PushOutcome, QueryOutcome, RefusalClass, UnknownCause};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::daraja_stand_in::{ACCEPTED, Daraja, Morning, PUSH, QUERY, checkout_request_id, config, request};

const TOKEN: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 46\r\n\r\n{\"access_token\":\"token-1\",\"expires_in\":\"3599\"}";

/// Serves one token, then answers each later connection with the next of these bytes and hangs up; afterwards
/// nobody listens any more. The task's result is how many requests it has read.
pub(crate) async fn bytes_server(answers: Vec<Vec<u8>>) -> (Client, JoinHandle<usize>) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&listener);
    let task = tokio::spawn(async move {
        let mut requests = 0;
        for answer in std::iter::once(TOKEN.as_bytes().to_vec()).chain(answers) {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            requests += 1;
            // The client may hang up as soon as it has read enough.
            stream.write_all(&answer).await.ok();
        }
        requests
    });
    (client, task)
}

fn client_of(listener: &TcpListener) -> Client {
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    Client::new(config(&base_url), Arc::new(Morning)).unwrap()
}

/// Reads head and body of one request.
async fn read_request(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if body.len() >= length.unwrap_or(0) || read == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn refused_connections_prove_that_nothing_was_sent() {
    let (client, server) = bytes_server(vec![]).await;
    let reply = client.push(&request()).await;
    assert_eq!(server.await.unwrap(), 1);
    let PushOutcome::Refused(refusal) = &reply.outcome else { panic!("{reply:?}") };
    assert_eq!(refusal.class, RefusalClass::Unreachable);
    assert!(!reply.outcome.was_possibly_sent());
    assert_eq!((reply.http_status, reply.raw.len()), (None, 0));

    let reply = client.query(&checkout_request_id()).await;
    assert_eq!(reply.outcome, QueryOutcome::NoInformation(NoInformation::Unreachable));
}

/// A clock that opens the port again when it is read for the second time: a push reads it once to sign, and once
/// more to draw the pause after a connection was refused.
struct Reopening {
    addr: SocketAddr,
    readings: AtomicUsize,
    opened: Mutex<Option<std::net::TcpListener>>,
}

impl domain::Clock for Reopening {
    fn now(&self) -> DateTime<Utc> {
        if self.readings.fetch_add(1, Ordering::SeqCst) == 1 {
            *self.opened.lock().unwrap() = Some(std::net::TcpListener::bind(self.addr).unwrap());
        }
        Morning.now()
    }
}

#[tokio::test]
async fn a_push_that_found_nobody_is_tried_once_more() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let clock = Arc::new(Reopening { addr, readings: AtomicUsize::new(0), opened: Mutex::default() });
    let client = Client::new(config(&format!("http://{addr}")), clock.clone()).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(TOKEN.as_bytes()).await.unwrap();
        drop((stream, listener));
        let reopened = loop {
            if let Some(reopened) = clock.opened.lock().unwrap().take() {
                break reopened;
            }
            tokio::task::yield_now().await;
        };
        reopened.set_nonblocking(true).unwrap();
        let (mut stream, _) = TcpListener::from_std(reopened).unwrap().accept().await.unwrap();
        read_request(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{ACCEPTED}", ACCEPTED.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let request = request();
    let (reply, ()) = tokio::join!(client.push(&request), server);
    assert!(matches!(reply.outcome, PushOutcome::Accepted { .. }), "{reply:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_leaves_it_open() {
    let (client, server) = bytes_server(vec![vec![]]).await;
    let reply = client.push(&request()).await;
    assert_eq!(reply.outcome, PushOutcome::Unknown { cause: UnknownCause::ConnectionLost });
    assert!(reply.outcome.was_possibly_sent());
    assert_eq!(server.await.unwrap(), 2, "the push was read once and not sent again");
}

#[tokio::test]
async fn an_answer_cut_short_is_kept_as_far_as_it_came() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"ResponseCode\":\"0\",".to_vec();
    let (client, server) = bytes_server(vec![cut]).await;
    let reply = client.push(&request()).await;
    assert_eq!(reply.outcome, PushOutcome::Unknown { cause: UnknownCause::ConnectionLost });
    assert_eq!((reply.http_status, &reply.raw[..]), (Some(200), &b"{\"ResponseCode\":\"0\","[..]));
    assert_eq!(server.await.unwrap(), 2);
}

#[tokio::test]
async fn what_is_not_http_leaves_it_open() {
    let (client, server) = bytes_server(vec![b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()]).await;
    let reply = client.push(&request()).await;
    assert_eq!(reply.outcome, PushOutcome::Unknown { cause: UnknownCause::ConnectionLost });
    assert_eq!(server.await.unwrap(), 2);
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_one_mebibyte() {
    let daraja = Daraja::start().await;
    daraja.then(PUSH, 200, &"x".repeat(3 * 1024 * 1024));
    let reply = daraja.client().push(&request()).await;
    assert_eq!(reply.outcome, PushOutcome::Unknown { cause: UnknownCause::AnswerTooLarge });
    assert_eq!(reply.raw.len(), 1024 * 1024);
    assert_eq!(daraja.count(PUSH), 1);
}

#[tokio::test]
async fn no_answer_in_time_leaves_a_push_open() {
    let daraja = Daraja::start().await;
    daraja.then_never(PUSH);
    let client = daraja.client();
    let push = tokio::spawn(async move { client.push(&request()).await });
    daraja.wait_for(PUSH, 1).await;
    let_time_out().await;
    let reply = push.await.unwrap();
    assert_eq!(reply.outcome, PushOutcome::Unknown { cause: UnknownCause::Timeout });
    assert_eq!(daraja.count(PUSH), 1);
}

#[tokio::test]
async fn no_answer_in_time_teaches_a_query_nothing() {
    let daraja = Daraja::start().await;
    daraja.then_never(QUERY);
    let client = daraja.client();
    let query = tokio::spawn(async move { client.query(&checkout_request_id()).await });
    daraja.wait_for(QUERY, 1).await;
    let_time_out().await;
    let reply = query.await.unwrap();
    assert_eq!(reply.outcome, QueryOutcome::NoInformation(NoInformation::Timeout));
    assert_eq!(daraja.count(QUERY), 1);
}

/// Moves time past the request timeout while a request waits for an answer that does not come.
pub(crate) async fn let_time_out() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
}
