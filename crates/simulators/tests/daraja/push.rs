//! STK push: what is accepted, what is refused, and in which order.

use serde_json::{Value, json};
use simulators::daraja::{Merchant, Options, RateLimit, SANDBOX_PASSKEY, ThrottleStyle};

use crate::support::{Bench, PHONE, TIMESTAMP, password, still};

#[tokio::test]
async fn acceptance_has_the_five_keys_and_shapes() {
    let bench = Bench::auto().await;
    let answer = bench.push(json!({})).await;
    let body = answer.json();
    let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        ["CheckoutRequestID", "CustomerMessage", "MerchantRequestID", "ResponseCode", "ResponseDescription"]
    );
    assert_eq!(body["ResponseCode"], json!("0"));
    let checkout = answer.field("CheckoutRequestID");
    assert!(checkout.starts_with("ws_CO_22112026083000") && checkout.ends_with("712345678"), "{checkout}");
}

#[tokio::test]
async fn numbers_and_strings_are_both_fine() {
    let bench = Bench::auto().await;
    let number = |text: &str| json!(text.parse::<u64>().unwrap());
    bench
        .pushed(json!({ "BusinessShortCode": 174_379, "Timestamp": number(TIMESTAMP), "Amount": 20,
            "PartyA": number(PHONE), "PartyB": 174_379, "PhoneNumber": number(PHONE), "TransactionDesc": null }))
        .await;
}

#[tokio::test]
async fn each_field_is_refused_by_name() {
    let bench = Bench::auto().await;
    let long = "x".repeat(14);
    let cases: Vec<(&str, Vec<Value>)> = vec![
        ("BusinessShortCode", vec![json!(null), json!("12"), json!("12345678"), json!("17437a")]),
        ("Password", vec![json!(null), json!("")]),
        ("Timestamp", vec![json!(null), json!("2026112208300"), json!("20261322083000"), json!("now")]),
        ("TransactionType", vec![json!(null), json!("CustomerPaybillOnline"), json!("BusinessPayment")]),
        ("Amount", vec![json!(null), json!("0"), json!(-5), json!(1.5), json!("20.00"), json!(250_001)]),
        ("PartyA", vec![json!(null), json!("0712345678"), json!("+254712345678"), json!("254812345678")]),
        ("PartyB", vec![json!(null), json!("till")]),
        ("PhoneNumber", vec![json!(null), json!("712345678")]),
        ("CallBackURL", vec![json!(null), json!("wifi.example.ke/x"), json!("https://WiFi.example.ke/x")]),
        ("AccountReference", vec![json!(null), json!(""), json!("ABCDEFGHIJKLM")]),
        ("TransactionDesc", vec![json!(long)]),
    ];
    for (field, values) in cases {
        for value in values {
            let (status, code, message) = bench.push(json!({ field: value })).await.error();
            let expected = format!("Bad Request - Invalid {field}");
            assert_eq!((status, code.as_str(), message), (400, "400.002.02", expected), "{field} = {value}");
        }
    }
    assert!(bench.sim.control().prompts().is_empty());
}

#[tokio::test]
async fn the_order_of_checks() {
    let bench =
        Bench::start(still(Options { push_limit: Some(RateLimit { per_minute: 1, burst: 1 }), ..Options::auto() }))
            .await;
    let path = "/mpesa/stkpush/v1/processrequest";
    // Everything is wrong; each step mends one thing and meets the next refusal.
    let mut body =
        bench.changed(json!({ "BusinessShortCode": "x", "Timestamp": "x", "Amount": "x", "PhoneNumber": "x" }));
    assert_eq!(bench.post_with("stale", path, &body).await.error().1, "404.001.03");
    let token = bench.token().await;
    let form = bench.http.post(bench.url(path)).bearer_auth(&token).form(&[("Amount", "20")]);
    assert_eq!(bench.send(form).await.error().2, "Bad Request - Invalid BusinessShortCode");
    let broken = bench.http.post(bench.url(path)).bearer_auth(&token).header("Content-Type", "application/json");
    let broken = bench.send(broken.body("{\"Amount\":")).await.error();
    assert_eq!((broken.0, broken.1.as_str()), (400, "400.002.05"));
    for (field, mended) in
        [("BusinessShortCode", "999999"), ("Timestamp", TIMESTAMP), ("Amount", "20"), ("PhoneNumber", PHONE)]
    {
        let refused = bench.post_with(&token, path, &body).await.error();
        assert_eq!(refused.2, format!("Bad Request - Invalid {field}"));
        body[field] = json!(mended);
    }
    let refused = bench.post_with(&token, path, &body).await.error();
    assert_eq!((refused.0, refused.1.as_str(), refused.2.as_str()), (500, "500.001.1001", "Merchant does not exist"));
    body["BusinessShortCode"] = json!("174379");
    body["Password"] = json!(password("174379", "20261122083001"));
    assert_eq!(bench.post_with(&token, path, &body).await.error().2, "Wrong credentials");
    body["Password"] = json!(password("174379", TIMESTAMP));
    assert_eq!(bench.post_with(&token, path, &body).await.status, 200);
    // Spike arrest comes before the subscriber lock.
    assert_eq!(bench.post_with(&token, path, &body).await.status, 429);
}

#[tokio::test]
async fn an_open_prompt_locks_its_subscriber_for_a_minute() {
    let bench = Bench::manual().await;
    bench.pushed(json!({})).await;
    let (status, code, message) = bench.push(json!({ "Amount": "50" })).await.error();
    assert_eq!((status, code.as_str()), (500, "500.001.1001"));
    assert!(message.starts_with("Unable to lock subscriber, a transaction is already in process"), "{message}");
    bench.pushed(json!({ "PhoneNumber": "254722000000", "PartyA": "254722000000" })).await;
    bench.pass(60).await;
    bench.pushed(json!({ "Amount": "50" })).await;
}

#[tokio::test]
async fn without_the_lock_two_identical_pushes_make_two_prompts() {
    let bench = Bench::start(still(Options { subscriber_lock: false, ..Options::manual() })).await;
    let first = bench.pushed(json!({})).await;
    let second = bench.pushed(json!({})).await;
    assert_ne!(first, second);
    assert_eq!(bench.sim.control().prompts().len(), 2);
}

#[tokio::test]
async fn spike_arrest_comes_in_two_forms() {
    let limit = Some(RateLimit { per_minute: 60, burst: 1 });
    let bench = Bench::start(still(Options { push_limit: limit, ..Options::auto() })).await;
    bench.pushed(json!({})).await;
    let fault = bench.push(json!({ "PhoneNumber": "254722000000" })).await;
    assert_eq!(fault.status, 429);
    let text = fault.json()["fault"]["faultstring"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=60,"), "{text}");
    bench.pass(1).await;
    bench.pushed(json!({ "PhoneNumber": "254722000000" })).await;
    let options = Options { push_limit: limit, throttle_style: ThrottleStyle::Busy, ..Options::auto() };
    let bench = Bench::start(still(options)).await;
    bench.pushed(json!({})).await;
    let (status, code, message) = bench.push(json!({})).await.error();
    assert_eq!((status, code.as_str()), (500, "500.003.02"));
    assert!(message.starts_with("System is busy."));
}

#[tokio::test]
async fn till_and_pay_bill_mix_ups_fail_later() {
    let bench = Bench::auto().await;
    let till = json!({ "BusinessShortCode": "600100", "Password": password("600100", TIMESTAMP),
        "TransactionType": "CustomerBuyGoodsOnline", "PartyB": "600200" });
    bench.pushed(till.clone()).await;
    bench.pass(6).await;
    assert_eq!(bench.charges().len(), 1, "the right combination pays");
    let mut paybill_type = till.clone();
    paybill_type["TransactionType"] = json!("CustomerPayBillOnline");
    let mut wrong_till = till;
    wrong_till["PartyB"] = json!("600999");
    for (changes, code) in [
        (json!({ "TransactionType": "CustomerBuyGoodsOnline" }), json!(2028)),
        (paybill_type, json!(2028)),
        (wrong_till, json!("SFC_IC0003")),
        (json!({ "PartyB": "600984" }), json!("SFC_IC0003")),
    ] {
        bench.pushed(changes).await;
        bench.pass(2).await;
        assert_eq!(bench.received().last().unwrap().stk()["ResultCode"], code);
    }
    assert_eq!(bench.charges().len(), 1);
}

#[tokio::test]
async fn the_same_amount_within_two_minutes_of_a_payment_is_rule_limited() {
    let bench = Bench::auto().await;
    bench.pushed(json!({})).await;
    bench.pass(6).await;
    bench.pass(100).await;
    let checkout = bench.pushed(json!({})).await;
    bench.pass(2).await;
    assert_eq!(bench.queried(&checkout).await, "17");
    bench.pushed(json!({ "Amount": "21" })).await;
    bench.pass(20).await;
    bench.pushed(json!({})).await;
    bench.pass(6).await;
    let amounts: Vec<u32> = bench.charges().iter().map(|charge| charge.amount).collect();
    assert_eq!(amounts, [20, 21, 20]);
}

#[tokio::test]
async fn a_prompt_too_long_for_the_handset_fails_with_1025() {
    let name = "A".repeat(140);
    let merchant = Merchant { shortcode: "174379".to_owned(), till: None, passkey: SANDBOX_PASSKEY.to_owned(), name };
    let bench = Bench::start(still(Options { merchants: vec![merchant], ..Options::auto() })).await;
    bench.pushed(json!({})).await;
    bench.pass(2).await;
    assert_eq!(bench.received()[0].stk()["ResultCode"], json!(1025));
}

#[tokio::test]
async fn a_timestamp_in_utc_is_refused_where_that_is_checked() {
    let tolerance = Some(std::time::Duration::from_secs(600));
    let bench = Bench::start(still(Options { timestamp_tolerance: tolerance, ..Options::auto() })).await;
    let utc = "20261122053000";
    let refused = bench.push(json!({ "Timestamp": utc, "Password": password("174379", utc) })).await;
    assert_eq!(refused.error().2, "Bad Request - Invalid Timestamp");
    bench.pushed(json!({})).await;
}

#[tokio::test]
async fn lengths_are_a_switch_because_nobody_knows() {
    let bench = Bench::start(still(Options { strict_lengths: false, ..Options::auto() })).await;
    bench.pushed(json!({ "TransactionDesc": "Lipa na mpesa online", "AccountReference": "ABCDEFGHIJKLM" })).await;
}
