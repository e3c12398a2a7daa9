//! Every scenario of the table: how the push is answered, what is called back and when, what a query says
//! before and after, and whether money moved.

use serde_json::{Value, json};
use simulators::daraja::{Options, SCENARIOS};

use crate::support::{Bench, PHONE, item, still};

/// What a scenario must come to: seconds until decided, query code then, callback codes, charge.
struct Expected {
    after: u64,
    query: &'static str,
    callbacks: Vec<Value>,
    charged: bool,
}

fn expected(name: &str) -> Expected {
    let of = |after, query, callbacks: Vec<Value>| Expected { after, query, charged: query == "0", callbacks };
    match name {
        "insufficient" => of(6, "1", vec![json!(1)]),
        "cancelled" | "metadata_null" => of(6, "1032", vec![json!(1032)]),
        "unanswered" => of(26, "1037", vec![json!(1037)]),
        "wrong_pin" => of(6, "2001", vec![json!(2001)]),
        "expired" => of(26, "1019", vec![json!(1019)]),
        "busy" => of(2, "1001", vec![json!(1001)]),
        "push_error" => of(2, "1025", vec![json!(1025)]),
        "push_error_9999" => of(2, "9999", vec![json!(9999)]),
        "rule_limited" => of(2, "17", vec![json!(17)]),
        "daily_limit" => of(6, "4", vec![json!(4)]),
        "pin_locked" => of(6, "8006", vec![json!(8006)]),
        "product_mismatch" => of(2, "2028", vec![json!(2028)]),
        "no_operator" => of(2, "SFC_IC0003", vec![json!("SFC_IC0003")]),
        "unknown_code" => of(6, "7777", vec![json!(7777)]),
        "unreachable" => of(26, "1036", vec![json!(1036)]),
        "not_registered" => of(2, "2040", vec![json!(2040)]),
        "system_busy" => of(2, "26", vec![json!(26)]),
        "callback_lost" => of(6, "0", vec![]),
        "callback_delayed" => of(6, "0", vec![json!(0)]),
        "callback_duplicate" => of(6, "0", vec![json!(0), json!(0), json!(0)]),
        "failure_then_success" => of(6, "0", vec![json!(1037), json!(0)]),
        "code_as_string" => of(6, "0", vec![json!("0")]),
        _ => of(6, "0", vec![json!(0)]),
    }
}

/// These answer the push or the query in a way of their own and have tests of their own.
const OWN_TEST: [&str; 8] = [
    "submit_timeout",
    "submit_500",
    "submit_html",
    "callback_first",
    "query_failure_then_success",
    "query_flaps",
    "query_throttled",
    "token_revoked",
];

#[tokio::test]
async fn every_scenario_by_every_selector() {
    for row in SCENARIOS.iter().filter(|row| !OWN_TEST.contains(&row.name)) {
        let phone = format!("25471234{:04}", 9900 + row.number);
        for changes in [
            json!({ "AccountReference": format!("SIM{:02}AB", row.number) }),
            json!({ "Amount": 70_000 + row.number }),
            json!({ "PhoneNumber": phone, "PartyA": phone }),
        ] {
            let bench = Bench::auto().await;
            run(&bench, row.name, changes).await;
        }
        let bench = Bench::auto().await;
        let set = bench.control("/__sim/scenario", &json!({ "msisdn": PHONE, "scenario": row.name })).await;
        assert_eq!(set.status, 200, "{set:?}");
        run(&bench, row.name, json!({})).await;
    }
}

async fn run(bench: &Bench, name: &str, changes: Value) {
    let expected = expected(name);
    let checkout = bench.pushed(changes).await;
    bench.pass(expected.after - 1).await;
    assert_eq!(bench.queried(&checkout).await, "4999", "{name} before its outcome");
    assert!(bench.received().is_empty() && bench.charges().is_empty(), "{name}: nothing before the outcome");
    bench.pass(1).await;
    assert_eq!(bench.queried(&checkout).await, expected.query, "{name} after its outcome");
    assert_eq!(bench.charges().len(), usize::from(expected.charged), "{name}: money");
    if name == "callback_delayed" {
        assert!(bench.received().is_empty());
        bench.pass(299).await;
        assert!(bench.received().is_empty());
    }
    bench.pass(600).await;
    let received = bench.received();
    let codes: Vec<Value> = received.iter().map(|callback| callback.stk()["ResultCode"].clone()).collect();
    assert_eq!(codes, expected.callbacks, "{name}: callbacks");
    for callback in &received {
        let callback = callback.stk();
        assert_eq!(callback["CheckoutRequestID"], json!(checkout));
        let paid = matches!(&callback["ResultCode"], Value::Number(n) if n.as_u64() == Some(0))
            || callback["ResultCode"] == json!("0");
        let has_metadata = callback.as_object().unwrap().contains_key("CallbackMetadata");
        let wanted = (paid && name != "success_without_metadata") || name == "metadata_null";
        assert_eq!(has_metadata, wanted, "{name}: metadata only on success: {callback}");
    }
}

async fn success_callback(name: &str) -> (Bench, String, Value) {
    let bench = Bench::auto().await;
    bench.sim.control().set_scenario(None, Some(name)).unwrap();
    bench.pushed(json!({})).await;
    bench.pass(6).await;
    let received = bench.received();
    let (text, callback) = (received[0].text.clone(), received[0].stk());
    (bench, text, callback)
}

#[tokio::test]
async fn the_forms_of_a_success_callback() {
    let (bench, text, callback) = success_callback("success").await;
    let charge = bench.charges()[0].clone();
    assert!(text.contains(r#"{"Name":"Amount","Value":20.00}"#), "{text}");
    assert!(text.contains(r#"{"Name":"Balance"}"#), "{text}");
    assert!(text.contains(r#""Value":254712345678}"#), "{text}");
    assert_eq!(item(&callback, "MpesaReceiptNumber"), Some(json!(charge.receipt)));
    assert!(charge.receipt.starts_with("UKM") && charge.receipt.len() == 10);
    assert_eq!(item(&callback, "TransactionDate"), Some(json!(20_261_122_083_006_u64)));
    for (name, part) in [
        ("amount_one_decimal", r#"{"Name":"Amount","Value":20.0}"#),
        ("amount_integer", r#"{"Name":"Amount","Value":20}"#),
        ("amount_string", r#"{"Name":"Amount","Value":"20"}"#),
        ("code_as_string", r#""ResultCode":"0""#),
        ("balance_packed", r#"{"Name":"Balance","Value":"{Amount={"#),
        ("extra_items", r#"{"Name":"LoyaltyPoints","Value":7}"#),
    ] {
        let (_, text, _) = success_callback(name).await;
        assert!(text.contains(part), "{name}: {text}");
    }
    let (_, text, _) = success_callback("balance_absent").await;
    assert!(!text.contains("Balance"));
    let (bench, text, _) = success_callback("success_without_metadata").await;
    assert!(!text.contains("CallbackMetadata") && bench.charges().len() == 1);
    let (_, text, _) = success_callback("metadata_null").await;
    assert!(text.contains(r#""CallbackMetadata":null"#), "{text}");
}

#[tokio::test]
async fn a_wrong_amount_is_really_taken_and_a_reused_receipt_is_not_the_true_one() {
    let (bench, _, callback) = success_callback("wrong_amount").await;
    assert_eq!(bench.charges()[0].amount, 19);
    assert_eq!(item(&callback, "Amount").unwrap().as_f64(), Some(19.0));
    let bench = Bench::auto().await;
    bench.pushed(json!({})).await;
    bench.pass(6).await;
    bench.sim.control().set_scenario(Some(PHONE), Some("reused_receipt")).unwrap();
    bench.pushed(json!({ "Amount": "50" })).await;
    bench.pass(6).await;
    let charges = bench.charges();
    assert_ne!(charges[0].receipt, charges[1].receipt);
    let told = item(&bench.received()[1].stk(), "MpesaReceiptNumber");
    assert_eq!(told, Some(json!(charges[0].receipt)));
}

#[tokio::test]
async fn a_push_may_be_accepted_and_never_answered() {
    let bench = Bench::auto().await;
    let token = bench.token().await;
    let body = bench.changed(json!({ "AccountReference": "SIM15" }));
    let path = "/mpesa/stkpush/v1/processrequest";
    let call = bench.http.post(bench.url(path)).bearer_auth(&token).json(&body).send();
    let paid = async {
        bench.sim.control().open_prompt(PHONE).await.unwrap();
        bench.pass(6).await;
        assert_eq!(bench.charges().len(), 1);
        assert_eq!(bench.received().len(), 1);
    };
    // The answer does not come while the payment does: the caller gives up.
    tokio::select! {
        answer = call => panic!("answered: {answer:?}"),
        () = paid => {}
    }
    assert_eq!(bench.sim.control().requests().last().unwrap().status, None);
}

#[tokio::test]
async fn a_push_may_fail_or_garble_before_anything_is_accepted() {
    let bench = Bench::auto().await;
    let failed = bench.push(json!({ "AccountReference": "SIM16" })).await;
    assert_eq!((failed.status, failed.field("errorCode").as_str()), (500, "500.003.1001"));
    let page = bench.push(json!({ "AccountReference": "SIM17" })).await;
    assert_eq!(page.status, 200);
    assert!(page.text.starts_with("<html>"), "{page:?}");
    bench.pass(600).await;
    assert!(bench.charges().is_empty() && bench.received().is_empty() && bench.sim.control().prompts().is_empty());
}

#[tokio::test]
async fn a_callback_may_come_before_the_answer_to_the_push() {
    let bench = Bench::auto().await;
    let checkout = bench.pushed(json!({ "AccountReference": "SIM19" })).await;
    // No time was let pass: the callback has been there since before the answer.
    let received = bench.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].stk()["CheckoutRequestID"], json!(checkout));
    assert_eq!(bench.charges().len(), 1);
}

#[tokio::test]
async fn the_query_may_say_failed_before_the_callback_says_paid() {
    let bench = Bench::auto().await;
    let checkout = bench.pushed(json!({ "AccountReference": "SIM33" })).await;
    assert_eq!(bench.queried(&checkout).await, "4999");
    bench.pass(14).await;
    assert_eq!(bench.queried(&checkout).await, "1037");
    assert!(bench.charges().is_empty());
    bench.pass(26).await;
    assert_eq!(bench.received()[0].stk()["ResultCode"], json!(0));
    assert_eq!(bench.queried(&checkout).await, "0");
    assert_eq!(bench.charges().len(), 1);
}

#[tokio::test]
async fn the_query_may_flap_throttle_or_lose_its_token() {
    let bench = Bench::auto().await;
    let checkout = bench.pushed(json!({ "AccountReference": "SIM34" })).await;
    bench.pass(6).await;
    let answers = [bench.queried(&checkout).await, bench.queried(&checkout).await, bench.queried(&checkout).await];
    assert_eq!(answers, ["500.001.1001", "0", "500.001.1001"]);

    let bench = Bench::auto().await;
    let checkout = bench.pushed(json!({ "AccountReference": "SIM35" })).await;
    bench.pass(6).await;
    for _ in 0..3 {
        assert_eq!(bench.query(&checkout).await.status, 429);
    }
    assert_eq!(bench.queried(&checkout).await, "0");

    let bench = Bench::auto().await;
    let token = bench.token().await;
    let body = bench.changed(json!({ "AccountReference": "SIM36" }));
    let push = bench.post_with(&token, "/mpesa/stkpush/v1/processrequest", &body).await;
    assert_eq!(push.status, 200);
    let lost = bench.post_with(&token, "/mpesa/stkpushquery/v1/query", &json!({})).await;
    assert_eq!(lost.error().1, "404.001.03");
    bench.pass(6).await;
    assert_eq!(bench.queried(&push.field("CheckoutRequestID")).await, "0");
    assert!(bench.received().is_empty());
}

#[tokio::test]
async fn explicit_beats_implied_and_any_code_can_be_asked_for() {
    let bench = Bench::auto().await;
    bench.sim.control().set_scenario(None, Some("insufficient")).unwrap();
    bench.sim.control().set_scenario(Some(PHONE), Some("code:8888")).unwrap();
    let other = "254722000000";
    let one = bench.pushed(json!({ "AccountReference": "SIM02" })).await;
    let two = bench.pushed(json!({ "AccountReference": "SIM02", "PhoneNumber": other, "PartyA": other })).await;
    bench.pass(6).await;
    assert_eq!(bench.queried(&one).await, "8888");
    assert_eq!(bench.queried(&two).await, "1");
    bench.sim.control().set_scenario(None, None).unwrap();
    bench.control("/__sim/scenario", &json!({ "msisdn": PHONE, "scenario": null })).await;
    let three = bench.pushed(json!({ "AccountReference": "SIM02" })).await;
    bench.pass(6).await;
    assert_eq!(bench.queried(&three).await, "1032");
    let unknown = bench.control("/__sim/scenario", &json!({ "scenario": "nonsense" })).await;
    assert_eq!(unknown.status, 422);
    let plain = Bench::start(still(Options { implied_scenarios: false, ..Options::auto() })).await;
    plain.pushed(json!({ "AccountReference": "SIM02" })).await;
    plain.pass(6).await;
    assert_eq!(plain.charges().len(), 1);
}
