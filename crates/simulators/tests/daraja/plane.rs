//! The control plane: people's acts as JSON, the ledger, the clock.

use serde_json::json;
use simulators::daraja::{BEHAVIOURS, Options, PromptState, SCENARIOS, Sim};

use crate::support::{Bench, PHONE, still};

#[tokio::test]
async fn a_person_approves() {
    let bench = Bench::manual().await;
    let checkout = bench.pushed(json!({})).await;
    let prompts = bench.get("/__sim/prompts").await.json();
    let prompt = &prompts["prompts"][0];
    let (id, open) = (prompt["id"].as_u64().unwrap(), &prompt["state"]);
    assert_eq!(open, "open");
    for (key, value) in [
        ("msisdn", json!(PHONE)),
        ("amount", json!(20)),
        ("business", json!("BANDO WIFI")),
        ("account_reference", json!("WF7K3Q9X")),
        ("transaction_desc", json!("WiFi 1 hour")),
        ("checkout_request_id", json!(checkout)),
    ] {
        assert_eq!(prompt[key], value, "{key}");
    }
    bench.pass(59).await;
    assert_eq!(bench.queried(&checkout).await, "4999");
    let path = format!("/__sim/prompts/{id}/approve");
    assert_eq!(bench.control(&path, &json!({ "pin": "12" })).await.status, 422);
    assert_eq!(bench.control(&path, &json!({ "pin": "1234" })).await.status, 200);
    assert_eq!(bench.control(&path, &json!({ "pin": "1234" })).await.status, 409, "only once");
    assert_eq!(bench.queried(&checkout).await, "4999", "M-Pesa is still working");
    bench.pass(1).await;
    assert_eq!(bench.queried(&checkout).await, "0");
    let ledger = bench.get("/__sim/charges").await.json();
    let charge = &ledger["charges"][0];
    assert_eq!(charge["checkout_request_id"], json!(checkout));
    assert_eq!((charge["amount"].as_u64(), charge["account_reference"].as_str()), (Some(20), Some("WF7K3Q9X")));
    assert_eq!((charge["msisdn"].as_str(), charge["at"].is_string()), (Some(PHONE), true));
    let messages = bench.get(&format!("/__sim/phones/{PHONE}/messages")).await.json();
    let text = messages["messages"][0]["text"].as_str().unwrap().to_owned();
    let receipt = charge["receipt"].as_str().unwrap();
    assert_eq!(
        text,
        format!(
            "{receipt} Confirmed. Ksh20.00 sent to BANDO WIFI for account WF7K3Q9X on 22/11/26 at 8:31 AM. Transaction cost, Ksh0.00."
        )
    );
    bench.pass(600).await;
    assert_eq!(bench.received().len(), 1, "the prompt's expiry does not follow a payment");
}

#[tokio::test]
async fn a_person_cancels_looks_away_or_mistypes() {
    let bench = Bench::manual().await;
    let control = bench.sim.control();
    let checkout = bench.pushed(json!({})).await;
    let id = control.open_prompt(PHONE).await.unwrap().id;
    assert_eq!(bench.control(&format!("/__sim/prompts/{id}/cancel"), &json!({})).await.status, 200);
    bench.pass(0).await;
    assert_eq!(bench.queried(&checkout).await, "1032");

    let checkout = bench.pushed(json!({})).await;
    let id = control.open_prompt(PHONE).await.unwrap().id;
    assert_eq!(bench.control(&format!("/__sim/prompts/{id}/ignore"), &json!({})).await.status, 200);
    assert_eq!(control.prompts()[1].state, PromptState::Ignored);
    bench.pass(59).await;
    assert_eq!(bench.queried(&checkout).await, "4999");
    bench.pass(1).await;
    assert_eq!(bench.queried(&checkout).await, "1037");

    let checkout = bench.pushed(json!({})).await;
    let id = control.open_prompt(PHONE).await.unwrap().id;
    control.approve(id, "0000").unwrap();
    bench.pass(1).await;
    assert_eq!(bench.queried(&checkout).await, "2001");

    let checkout = bench.pushed(json!({})).await;
    bench.pass(60).await;
    assert_eq!(bench.queried(&checkout).await, "1037", "nobody there: it ends by itself");
    assert_eq!(bench.received().len(), 4);
    assert!(bench.charges().is_empty());
    assert_eq!(bench.control("/__sim/prompts/99/cancel", &json!({})).await.status, 404);
}

#[tokio::test]
async fn in_manual_mode_a_scenario_about_the_pin_waits_for_it_and_one_about_the_network_does_not() {
    let bench = Bench::manual().await;
    let lost = bench.pushed(json!({ "AccountReference": "SIM18" })).await;
    bench.pass(30).await;
    assert!(bench.charges().is_empty());
    let id = bench.sim.control().open_prompt(PHONE).await.unwrap().id;
    bench.sim.control().approve(id, "1234").unwrap();
    bench.pass(1).await;
    assert_eq!(bench.queried(&lost).await, "0");
    assert!(bench.received().is_empty());
    let busy = bench.pushed(json!({ "AccountReference": "SIM39", "Amount": "30" })).await;
    bench.pass(2).await;
    assert_eq!(bench.queried(&busy).await, "26");
}

#[tokio::test]
async fn the_tables_are_served_whole() {
    let bench = Bench::auto().await;
    let behaviours = bench.get("/__sim/behaviours").await.json();
    assert_eq!(behaviours["behaviours"].as_array().unwrap().len(), BEHAVIOURS.len());
    let scenarios = bench.get("/__sim/scenarios").await.json();
    assert_eq!(scenarios["scenarios"].as_array().unwrap().len(), SCENARIOS.len());
    assert_eq!(scenarios["scenarios"][1]["evidence"], "DOCUMENTED");
}

#[tokio::test]
async fn time_is_moved_over_http() {
    let bench = Bench::auto().await;
    bench.pushed(json!({})).await;
    assert_eq!(bench.control("/__sim/advance", &json!({ "secs": 6 })).await.status, 200);
    assert_eq!(bench.charges().len(), 1);
    let clock = bench.get("/__sim/clock").await.json();
    assert_eq!((clock["elapsed_secs"].as_f64(), clock["speed"].as_f64()), (Some(6.0), Some(0.0)));
    assert_eq!(bench.control("/__sim/speed", &json!({ "speed": 60 })).await.json()["speed"], 60.0);
}

#[tokio::test]
async fn compressed_time_needs_no_push() {
    let bench = Bench::start(Options { speed: 2_000.0, ..still(Options::auto()) }).await;
    // `still` is overridden: six simulated seconds are three real milliseconds.
    let bench = Bench { sim: Sim::start(Options { speed: 2_000.0, ..Options::auto() }).await.unwrap(), ..bench };
    bench.pushed(json!({})).await;
    bench.wait_for_callback().await;
    assert_eq!(bench.charges().len(), 1);
}

impl Bench {
    async fn wait_for_callback(&self) {
        let waited = async {
            while self.received().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), waited).await.unwrap();
    }
}

#[tokio::test]
async fn a_seed_repeats_a_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let bench = Bench::auto().await;
        let checkout = bench.pushed(json!({})).await;
        bench.pass(6).await;
        runs.push((checkout, bench.charges()[0].receipt.clone(), bench.received()[0].text.clone()));
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn requests_are_logged_without_tokens() {
    let bench = Bench::auto().await;
    let token = bench.token().await;
    bench.post_with(&token, "/mpesa/stkpush/v1/processrequest", &bench.push_body()).await;
    let log = bench.get("/__sim/requests").await;
    let requests = log.json()["requests"].as_array().unwrap().clone();
    assert_eq!(requests[1]["path"], "/mpesa/stkpush/v1/processrequest");
    assert_eq!(requests[1]["status"], 200);
    assert!(requests[1]["body"].as_str().unwrap().contains("WF7K3Q9X"));
    assert!(!log.text.contains(&token));
}

#[tokio::test]
async fn it_stops_when_dropped() {
    let sim = Sim::start(still(Options::auto())).await.unwrap();
    let addr = sim.addr();
    drop(sim);
    let again = async {
        loop {
            match Sim::start(Options { addr, ..still(Options::auto()) }).await {
                Ok(sim) => return sim,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let again = tokio::time::timeout(std::time::Duration::from_secs(20), again).await.unwrap();
    assert_eq!(again.addr(), addr);
}
