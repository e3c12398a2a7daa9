//! STK query: pending shapes, finals, unknown ids, the sandbox's rate limit.

use serde_json::json;
use simulators::daraja::{Options, PendingStyle, Profile};

use crate::support::{Bench, password, still};

#[tokio::test]
async fn finals_use_string_codes_and_the_service_s_spelling_and_tell_no_receipt() {
    let bench = Bench::auto().await;
    let checkout = bench.pushed(json!({})).await;
    bench.pass(6).await;
    let answer = bench.query(&checkout).await;
    let body = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(body["ResponseCode"], json!("0"));
    assert_eq!(body["ResponseDescription"], "The service request has been accepted successsfully");
    assert_eq!(body["ResultCode"], json!("0"));
    assert_eq!(body["CheckoutRequestID"], json!(checkout));
    assert_eq!(body.as_object().unwrap().len(), 6, "nothing but the six keys: {body}");
    assert!(!answer.text.contains(&bench.charges()[0].receipt));
}

#[tokio::test]
async fn the_same_code_reads_differently_on_the_two_channels() {
    let bench = Bench::auto().await;
    let checkout = bench.pushed(json!({ "PhoneNumber": "254708374149", "PartyA": "254708374149" })).await;
    bench.pass(25).await;
    assert_eq!(bench.queried(&checkout).await, "4999");
    bench.pass(1).await;
    assert_eq!(bench.received()[0].stk()["ResultDesc"], "No response from user.");
    assert_eq!(bench.query(&checkout).await.field("ResultDesc"), "DS timeout user cannot be reached.");
}

#[tokio::test]
async fn pending_takes_every_observed_shape() {
    for (style, status, code, number, message) in [
        (PendingStyle::Code4999, 200, "4999", false, None),
        (PendingStyle::Code4999Number, 200, "4999", true, None),
        (PendingStyle::Http500, 500, "500.001.1001", false, Some("The transaction is being processed")),
        (PendingStyle::Http500Empty, 500, "500.001.1001", false, Some("")),
        (PendingStyle::Http200Empty, 200, "500.001.1001", false, Some("")),
    ] {
        let bench = Bench::start(still(Options { pending_style: style, ..Options::auto() })).await;
        let checkout = bench.pushed(json!({})).await;
        let answer = bench.query(&checkout).await;
        assert_eq!(answer.status, status, "{style:?}");
        let body = answer.json();
        match message {
            Some(message) => {
                assert_eq!((body["errorCode"].as_str(), body["errorMessage"].as_str()), (Some(code), Some(message)));
            }
            None if number => assert_eq!(body["ResultCode"], json!(4999)),
            None => assert_eq!(body["ResultCode"], json!(code)),
        }
    }
}

#[tokio::test]
async fn the_mixed_style_shows_them_all() {
    let bench = Bench::start(still(Options { pending_style: PendingStyle::Mixed, ..Options::auto() })).await;
    let checkout = bench.pushed(json!({})).await;
    let mut shapes = std::collections::HashSet::new();
    for _ in 0..5 {
        let answer = bench.query(&checkout).await;
        let body = answer.json();
        shapes.insert(format!("{} {} {}", answer.status, body["ResultCode"], body["errorMessage"]));
    }
    assert_eq!(shapes.len(), 5, "{shapes:?}");
}

#[tokio::test]
async fn an_unknown_id_does_not_exist_nor_does_another_merchant_s() {
    let bench = Bench::auto().await;
    let none = bench.query("ws_CO_22112026083000123712345678").await.error();
    assert_eq!((none.0, none.1.as_str(), none.2.as_str()), (500, "500.001.1001", "The transaction does not Exist"));
    let checkout = bench.pushed(json!({})).await;
    let stamp = crate::support::TIMESTAMP;
    let body = json!({ "BusinessShortCode": "600984", "Password": password("600984", stamp), "Timestamp": stamp,
        "CheckoutRequestID": checkout });
    let other = bench.post("/mpesa/stkpushquery/v1/query", &body).await;
    assert_eq!(other.error().2, "The transaction does not Exist");
}

#[tokio::test]
async fn the_sandbox_allows_five_queries_a_minute_and_the_switch_lifts_it() {
    let bench = Bench::start(still(Options::auto().with_profile(Profile::Sandbox))).await;
    let checkout = bench.pushed(json!({})).await;
    bench.pass(6).await;
    assert_eq!(bench.queried(&checkout).await, "0");
    let refused = bench.query(&checkout).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["fault"]["detail"]["errorcode"], "policies.ratelimit.SpikeArrestViolation");
    bench.pass(12).await;
    assert_eq!(bench.queried(&checkout).await, "0");
    let set = bench.control("/__sim/rate-limit", &json!({ "query_per_minute": 0 })).await;
    assert!(set.json()["query_limit"].is_null(), "{set:?}");
    for _ in 0..10 {
        assert_eq!(bench.queried(&checkout).await, "0");
    }
    bench.control("/__sim/rate-limit", &json!({ "query_per_minute": 60, "query_burst": 2 })).await;
    bench.pass(12).await;
    let statuses =
        [bench.query(&checkout).await.status, bench.query(&checkout).await.status, bench.query(&checkout).await.status];
    assert_eq!(statuses, [200, 200, 429]);
}
