//! Live streams: what is announced, to whom, and what happens when the client goes away.

use futures::StreamExt as _;
use reqwest::Response;
use serde_json::Value;
use sqlx::MySqlPool;

use crate::support::{MSISDN, PATIENCE, Stack, text_of};

/// Reads a stream event by event.
pub(crate) struct Events {
    stream: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>>>>,
    text: String,
}

impl Events {
    pub(crate) fn of(answer: Response) -> Self {
        assert_eq!(text_of(answer.headers(), "content-type"), "text/event-stream");
        Self { stream: Box::pin(answer.bytes_stream()), text: String::new() }
    }

    /// The next event that has data: its name and the data. `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let event = field("event:").zip(field("data:"));
                let event = event.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            let part = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("an event in time")?;
            self.text.push_str(std::str::from_utf8(&part.ok()?).unwrap());
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_owner_sees_a_payment_live(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    stack.log_in().await;
    let mut events = Events::of(stack.get("/api/events").await);
    let id = stack.pay(&package).await["payment_id"].clone();
    let (name, row) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &row["id"]), ("payment", &id));
    stack.world.approve(MSISDN).await;
    loop {
        let (name, row) = events.next().await.unwrap();
        if name == "payment" && row["status"] == "Success" && row["delivery"] == "online" {
            assert_eq!(row["amount_kes"], 20);
            break;
        }
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_that_comes_back_is_told_to_read_again(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let back = stack.client.get(stack.at("/api/events")).header("last-event-id", "0").send().await.unwrap();
    assert_eq!(Events::of(back).next().await.unwrap().0, "reset");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_customer_sees_each_step_once(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    let answer = stack.get(&format!("/api/user/events?payment={id}")).await;
    let mut events = Events::of(answer);
    let mut seen = Vec::new();
    let (_, first) = events.next().await.unwrap();
    seen.push(first);
    stack.world.approve(MSISDN).await;
    while seen.last().unwrap()["status"] != "online" {
        let (name, status) = events.next().await.unwrap();
        assert_eq!(name, "status");
        assert_ne!(Some(&status), seen.last(), "only changes are sent");
        assert!(!status.to_string().contains("712345678"));
        seen.push(status);
    }
    assert_eq!(seen[0]["status"], "pending");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn streams_end_when_the_server_stops(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let mut events = Events::of(stack.get("/api/events").await);
    stack.stop().await;
    assert_eq!(events.next().await, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn clients_that_do_not_read_hold_nobody_up(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    stack.log_in().await;
    let mut lazy = Vec::new();
    for _ in 0..50 {
        lazy.push(stack.get("/api/events").await);
    }
    let mut eager = Events::of(stack.get("/api/events").await);
    let id = stack.pay(&package).await["payment_id"].clone();
    assert_eq!(eager.next().await.unwrap().1["id"], id);
    drop(lazy);
    stack.stop().await;
}
