//! How callbacks are delivered: once, with their headers, to this machine only, and logged.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::json;
use simulators::daraja::{DeliveryOutcome, Options, PromptState};

use crate::support::{Bench, still};

async fn paid(bench: &Bench) -> String {
    let checkout = bench.pushed(json!({})).await;
    bench.pass(6).await;
    checkout
}

#[tokio::test]
async fn headers_path_and_log() {
    let options = Options { forwarded_for: Some("196.201.214.200".to_owned()), ..Options::auto() };
    let bench = Bench::start(still(options)).await;
    let checkout = paid(&bench).await;
    let callback = &bench.received()[0];
    assert_eq!(callback.path, "/api/pay/hook/5f0c");
    assert_eq!(callback.headers["content-type"], "application/json;charset=UTF-8");
    assert_eq!(callback.headers["businessshortcode"], "174379");
    assert_eq!(callback.headers["x-forwarded-for"], "196.201.214.200");
    let log = bench.get("/__sim/callbacks").await.json();
    let entry = &log["callbacks"][0];
    assert_eq!((entry["about"].as_str(), entry["outcome"].as_str()), (Some(checkout.as_str()), Some("answered")));
    assert_eq!((entry["status"].as_u64(), entry["slow"].as_bool()), (Some(200), Some(false)));
    assert_eq!(entry["answer"], r#"{"ResultCode":0,"ResultDesc":"Accepted"}"#);
    assert!(entry["took_ms"].is_u64());
}

#[tokio::test]
async fn an_error_is_not_answered_with_another_try() {
    let bench = Bench::auto().await;
    bench.receiver.status.store(500, Ordering::Relaxed);
    paid(&bench).await;
    bench.pass(3600).await;
    assert_eq!(bench.received().len(), 1);
    assert_eq!(bench.charges().len(), 1, "the money moved whatever the receiver said");
}

#[tokio::test]
async fn retries_are_a_switch() {
    let bench = Bench::start(still(Options { callback_retries: 3, ..Options::auto() })).await;
    bench.receiver.status.store(503, Ordering::Relaxed);
    paid(&bench).await;
    assert_eq!(bench.received().len(), 1);
    bench.pass(30).await;
    assert_eq!(bench.received().len(), 2);
    bench.pass(3600).await;
    assert_eq!(bench.received().len(), 4);
    let bench = Bench::start(still(Options { callback_retries: 3, ..Options::auto() })).await;
    paid(&bench).await;
    bench.pass(3600).await;
    assert_eq!(bench.received().len(), 1, "a success is not repeated");
}

#[tokio::test]
async fn a_silent_receiver_times_out() {
    let options = Options { callback_timeout: Duration::from_millis(50), ..Options::auto() };
    let bench = Bench::start(still(options)).await;
    bench.receiver.status.store(0, Ordering::Relaxed);
    paid(&bench).await;
    assert_eq!(bench.sim.control().deliveries()[0].outcome, DeliveryOutcome::TimedOut);
}

#[tokio::test]
async fn nothing_leaves_this_machine() {
    let bench = Bench::auto().await;
    for url in ["https://wifi.example.co.ke/hook", "http://192.0.2.1/hook", "http://localhost.example.ke/hook"] {
        bench.pushed(json!({ "CallBackURL": url })).await;
        bench.pass(200).await;
        let last = bench.sim.control().deliveries().last().cloned().unwrap();
        assert_eq!((last.url.as_str(), last.outcome), (url, DeliveryOutcome::NotLoopback));
    }
    assert_eq!(bench.charges().len(), 3);
}

#[tokio::test]
async fn a_closed_port_is_logged_as_failed() {
    let bench = Bench::auto().await;
    let closed = simulators::KeptPort::any().unwrap();
    let url = format!("http://{}/hook", closed.addr());
    bench.pushed(json!({ "CallBackURL": url })).await;
    bench.pass(6).await;
    assert_eq!(bench.sim.control().deliveries()[0].outcome, DeliveryOutcome::Failed);
}

#[tokio::test]
async fn replay_repeats_even_a_lost_callback() {
    let bench = Bench::auto().await;
    bench.sim.control().set_scenario(None, Some("callback_lost")).unwrap();
    let checkout = bench.pushed(json!({})).await;
    let path = format!("/__sim/callbacks/{checkout}/replay");
    assert_eq!(bench.control(&path, &json!({})).await.status, 409, "not decided yet");
    bench.pass(6).await;
    assert!(bench.received().is_empty());
    assert_eq!(bench.control(&path, &json!({})).await.status, 200);
    assert_eq!(bench.control(&path, &json!({})).await.status, 200);
    let received = bench.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].text, received[1].text);
    assert_eq!(received[0].stk()["ResultCode"], json!(0));
    assert_eq!(bench.charges().len(), 1, "repeating a callback moves no money");
    assert_eq!(bench.control("/__sim/callbacks/nothing/replay", &json!({})).await.status, 404);
}

#[tokio::test]
async fn callbacks_can_be_dropped_delayed_and_multiplied() {
    let bench = Bench::auto().await;
    let checkout = bench.pushed(json!({})).await;
    bench.control(&format!("/__sim/callbacks/{checkout}/drop"), &json!({})).await;
    bench.pass(6).await;
    assert!(bench.received().is_empty());
    assert_eq!(bench.sim.control().deliveries()[0].outcome, DeliveryOutcome::Dropped);
    assert_eq!(bench.sim.control().prompts()[0].state, PromptState::Approved);

    let checkout = bench.pushed(json!({ "Amount": "30" })).await;
    bench.control(&format!("/__sim/callbacks/{checkout}/delay"), &json!({ "secs": 100 })).await;
    bench.pass(99).await;
    assert!(bench.received().is_empty());
    bench.pass(1).await;
    assert_eq!(bench.received().len(), 1);

    let checkout = bench.pushed(json!({ "Amount": "40" })).await;
    bench.control(&format!("/__sim/callbacks/{checkout}/duplicate"), &json!({ "times": 4 })).await;
    bench.pass(6).await;
    assert_eq!(bench.received().len(), 1 + 4);
}
