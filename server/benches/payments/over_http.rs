//! M-Pesa and the customers: as many kept connections as asked for, each waiting for its answer.

use std::{net::SocketAddr, time::Duration};

use axum::http::StatusCode;
use tokio::time::Instant;

use crate::{
    Outcome,
    line::Line,
    measure::{Load, together},
    rows::{Shop, Waiting},
};

/// Successful callbacks, each for another payment; what counts is answered 200, that is settled and durable.
pub(crate) async fn callbacks(
    address: SocketAddr,
    waiting: &Waiting,
    connections: usize,
    lasting: Duration,
) -> Outcome<Load> {
    let mut callers = Vec::new();
    let started = Instant::now();
    for _ in 0..connections {
        let (mut line, waiting) = (Line::open(address).await?, waiting.clone());
        callers.push(async move {
            let mut times = Vec::new();
            while started.elapsed() < lasting {
                let Some(payment) = waiting.next() else { return Err("the payments ran out".into()) };
                let path = format!("/api/pay/hook/{}", payment.token());
                let answer = line.post(&path, payment.callback()).await?.wanted(StatusCode::OK)?;
                times.push(answer.took);
            }
            Ok(times)
        });
    }
    together(callers, started).await
}

/// Customers who press pay, each with a phone and a device of their own, all from one address.
pub(crate) async fn intakes(
    address: SocketAddr,
    shop: &Shop,
    package_id: &str,
    connections: usize,
    lasting: Duration,
) -> Outcome<Load> {
    let mut callers = Vec::new();
    let started = Instant::now();
    for _ in 0..connections {
        let (mut line, shop, package_id) = (Line::open(address).await?, shop.clone(), package_id.to_owned());
        callers.push(async move {
            let mut times = Vec::new();
            while started.elapsed() < lasting {
                let (phone, mac) = shop.next_customer();
                let body = format!(r#"{{"package_id":"{package_id}","phone":"{phone}","mac":"{mac}"}}"#);
                let answer = line.post("/api/pay", body).await?.wanted(StatusCode::ACCEPTED)?;
                times.push(answer.took);
            }
            Ok(times)
        });
    }
    together(callers, started).await
}
