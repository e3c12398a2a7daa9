//! OAuth and tokens, methods and paths, trouble at the gateway.

use serde_json::json;
use simulators::daraja::Options;

use crate::support::{Bench, still};

const GENERATE: &str = "/oauth/v1/generate?grant_type=client_credentials";

#[tokio::test]
async fn a_token_is_opaque_and_lives_for_3599_seconds_written_as_a_string() {
    let bench = Bench::auto().await;
    let answer = bench.send(bench.http.get(bench.url(GENERATE)).basic_auth("demo", Some("demo"))).await;
    assert_eq!(answer.field("access_token").len(), 28);
    assert_eq!(answer.json()["expires_in"], json!("3599"));
    let bench = Bench::start(still(Options { expires_in_number: true, ..Options::auto() })).await;
    let answer = bench.send(bench.http.get(bench.url(GENERATE)).basic_auth("demo", Some("demo"))).await;
    assert_eq!(answer.json()["expires_in"], json!(3599));
}

#[tokio::test]
async fn bad_credentials_are_refused_in_daraja_s_ways() {
    let bench = Bench::auto().await;
    let wrong = bench.send(bench.http.get(bench.url(GENERATE)).basic_auth("demo", Some("guess"))).await;
    assert_eq!((wrong.status, wrong.text.as_str()), (400, ""));
    let bearer = bench.send(bench.http.get(bench.url(GENERATE)).bearer_auth("x")).await;
    assert_eq!(bearer.error().1, "400.008.01");
    let none = bench.get(GENERATE).await;
    assert_eq!(none.error().1, "400.008.01");
    let grant = bench.http.get(bench.url("/oauth/v1/generate?grant_type=password")).basic_auth("demo", Some("demo"));
    assert_eq!(bench.send(grant).await.error().1, "400.008.02");
    let bench = Bench::start(still(Options { auth_error_body: true, ..Options::auto() })).await;
    let wrong = bench.send(bench.http.get(bench.url(GENERATE)).basic_auth("x", Some("demo"))).await;
    assert_eq!(wrong.error(), (400, "400.008.01".to_owned(), "Invalid Authentication passed".to_owned()));
}

#[tokio::test]
async fn a_new_token_makes_the_previous_one_useless_and_time_ends_it() {
    let bench = Bench::auto().await;
    let push = "/mpesa/stkpush/v1/processrequest";
    let first = bench.token().await;
    let second = bench.token().await;
    let refused = bench.post_with(&first, push, &bench.push_body()).await;
    assert_eq!(refused.error(), (404, "404.001.03".to_owned(), "Invalid Access Token".to_owned()));
    assert_eq!(bench.post_with(&second, push, &bench.push_body()).await.status, 200);
    bench.pass(3598).await;
    assert_eq!(bench.post_with(&second, push, &bench.push_body()).await.status, 200);
    bench.pass(1).await;
    assert_eq!(bench.post_with(&second, push, &bench.push_body()).await.error().1, "404.001.03");
    let third = bench.token().await;
    assert_eq!(bench.control("/__sim/tokens/revoke", &json!({})).await.status, 200);
    assert_eq!(bench.post_with(&third, push, &bench.push_body()).await.error().1, "404.001.03");
    let missing = bench.send(bench.http.post(bench.url(push)).json(&bench.push_body())).await;
    assert_eq!(missing.error().1, "404.001.03");
}

#[tokio::test]
async fn each_family_refuses_a_token_in_its_own_words() {
    let bench = Bench::auto().await;
    for (path, status, code) in [
        ("/mpesa/stkpushquery/v1/query", 404, "404.001.03"),
        ("/mpesa/reversal/v1/request", 404, "404.001.03"),
        ("/mpesa/c2b/v1/registerurl", 400, "400.003.01"),
        ("/mpesa/c2b/v2/registerurl", 400, "400.003.01"),
        ("/mpesa/c2b/v2/simulate", 400, "400.003.01"),
        ("/mpesa/transactionstatus/v1/query", 400, "400.003.01"),
        ("/mpesa/accountbalance/v1/query", 401, "401.002.01"),
        ("/mpesa/b2c/v3/paymentrequest", 401, "401.002.01"),
        ("/pulltransactions/v1/register", 404, "404.001.03"),
        ("/pulltransactions/v1/query", 404, "404.001.03"),
        ("/mpesa/qrcode/v1/generate", 404, "404.001.03"),
    ] {
        let (got, errorcode, _) = bench.post_with("stale", path, &json!({})).await.error();
        assert_eq!((got, errorcode.as_str()), (status, code), "{path}");
    }
}

#[tokio::test]
async fn wrong_methods_and_paths() {
    let bench = Bench::auto().await;
    let get = bench.get("/mpesa/stkpush/v1/processrequest").await;
    assert_eq!(get.error(), (405, "405.001".to_owned(), "Method Not Allowed".to_owned()));
    let lost = bench.post("/mpesa/stkpush/v9/processrequest", &json!({})).await;
    assert_eq!(lost.error(), (404, "404.001.01".to_owned(), "Resource not found".to_owned()));
    assert_eq!(lost.field("requestId").len(), 34);
}

#[tokio::test]
async fn an_outage_covers_the_api_but_not_the_control_plane() {
    let bench = Bench::auto().await;
    bench.control("/__sim/outage", &json!({ "kind": "html" })).await;
    let page = bench.push_while_out().await;
    assert_eq!(page.status, 503);
    assert!(page.text.starts_with("<html>"));
    bench.control("/__sim/outage", &json!({ "kind": "throttled" })).await;
    let fault = bench.push_while_out().await;
    assert_eq!(fault.status, 429);
    assert_eq!(fault.json()["fault"]["detail"]["errorcode"], "policies.ratelimit.SpikeArrestViolation");
    bench.control("/__sim/outage", &json!({ "kind": null })).await;
    bench.pushed(json!({})).await;
}

impl Bench {
    async fn push_while_out(&self) -> crate::support::Answer {
        self.post_with("any", "/mpesa/stkpush/v1/processrequest", &self.push_body()).await
    }
}
