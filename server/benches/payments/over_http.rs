//! M-Pesa and the customers: as many kept connections as asked for, each waiting for its answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

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

/// More prompts than these wait for nobody: the next customer would be asked to come back.
const PROMPTS_MAX: u32 = 1_900;

/// Customers who press pay, each with a phone and a device of their own, all from one address.
pub(crate) async fn intakes(
    address: SocketAddr,
    shop: &Shop,
    package_id: &str,
    connections: usize,
    lasting: Duration,
) -> Outcome<Load> {
    let mut callers = Vec::new();
    let begun = Arc::new(AtomicU32::new(0));
    let mut lines = Vec::new();
    for _ in 0..connections {
        lines.push(Line::open(address).await?);
    }
    let started = Instant::now();
    for mut line in lines {
        let (begun, shop, package_id) = (Arc::clone(&begun), shop.clone(), package_id.to_owned());
        callers.push(async move {
            let mut times = Vec::new();
            while started.elapsed() < lasting && begun.fetch_add(1, Ordering::Relaxed) < PROMPTS_MAX {
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
