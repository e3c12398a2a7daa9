//! Every refusal is the envelope, with a fitting status, a code and the field that is wrong.

use reqwest::Method;
use serde_json::json;
use sqlx::MySqlPool;

use crate::support::{MAC, Stack, error_of, text_of};

/// Status, code and field.
type Expected = (u16, &'static str, Option<&'static str>);

#[sqlx::test(migrations = "../migrations")]
async fn refused_requests_are_explained(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let hour = stack.sell_an_hour().await;
    let unknown = "0192f0c1-2d3e-7f00-8abc-0123456789ab";
    let pay = |change: serde_json::Value| {
        let mut body = json!({"package_id": hour, "phone": "0712345678", "mac": MAC});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body.to_string()
    };
    let cases: Vec<(Method, String, String, Expected)> = vec![
        (Method::GET, "/nothing".into(), String::new(), (404, "not_found", None)),
        (Method::GET, "/api/nothing".into(), String::new(), (404, "not_found", None)),
        (Method::GET, "/assets/../Cargo.toml".into(), String::new(), (404, "not_found", None)),
        (Method::GET, "/assets/%2e%2e%2fCargo.toml".into(), String::new(), (404, "not_found", None)),
        (Method::GET, "/api/pay".into(), String::new(), (405, "method_not_allowed", None)),
        (Method::DELETE, "/healthz".into(), String::new(), (405, "method_not_allowed", None)),
        (Method::POST, "/api/pay".into(), "{".into(), (400, "invalid_json", None)),
        (Method::POST, "/api/pay".into(), "[]".into(), (422, "invalid_json", None)),
        (Method::POST, "/api/pay".into(), "{}".into(), (422, "missing_field", Some("package_id"))),
        (Method::POST, "/api/pay".into(), pay(json!({"phone": 712_345_678})), (422, "invalid_field", Some("phone"))),
        (Method::POST, "/api/pay".into(), pay(json!({"phone": "12345"})), (422, "invalid_phone", Some("phone"))),
        (Method::POST, "/api/pay".into(), pay(json!({"mac": "FF:FF:FF:FF:FF:FF"})), (422, "invalid_mac", Some("mac"))),
        (Method::POST, "/api/pay".into(), pay(json!({"ip": "10.0.0.300"})), (422, "invalid_ip", Some("ip"))),
        (
            Method::POST,
            "/api/pay".into(),
            pay(json!({"package_id": "x"})),
            (422, "invalid_package", Some("package_id")),
        ),
        (
            Method::POST,
            "/api/pay".into(),
            pay(json!({"package_id": unknown})),
            (422, "unknown_package", Some("package_id")),
        ),
        (Method::POST, "/api/pay".into(), pay(json!({"router": "no"})), (422, "unknown_router", Some("router"))),
        (
            Method::POST,
            "/api/pay".into(),
            format!("{{\"phone\":\"{}\"}}", "7".repeat(70_000)),
            (413, "too_large", None),
        ),
        (Method::GET, "/api/user/status".into(), String::new(), (422, "missing_field", Some("payment"))),
        (Method::GET, "/api/user/status?mac=zz".into(), String::new(), (422, "invalid_mac", Some("mac"))),
        (Method::GET, "/api/user/status?payment=zz".into(), String::new(), (404, "unknown_payment", Some("payment"))),
        (
            Method::GET,
            format!("/api/user/status?payment={unknown}"),
            String::new(),
            (404, "unknown_payment", Some("payment")),
        ),
        (Method::GET, "/api/user/status?mac=a&mac=b".into(), String::new(), (400, "invalid_query", None)),
        (
            Method::GET,
            format!("/api/user/events?payment={unknown}"),
            String::new(),
            (404, "unknown_payment", Some("payment")),
        ),
        (Method::GET, "/api/events".into(), String::new(), (401, "not_logged_in", None)),
        (Method::GET, "/api/admin/payments".into(), String::new(), (401, "not_logged_in", None)),
        (Method::GET, "/api/admin/payments.csv".into(), String::new(), (401, "not_logged_in", None)),
        (Method::GET, "/api/admin/users".into(), String::new(), (401, "not_logged_in", None)),
        (Method::GET, "/api/admin/me".into(), String::new(), (401, "not_logged_in", None)),
        (Method::GET, "/api/admin/notifications".into(), String::new(), (401, "not_logged_in", None)),
    ];
    for (method, path, body, expected) in cases {
        let request = stack.client.request(method.clone(), stack.at(&path)).header("content-type", "application/json");
        let answer = request.body(body.clone()).send().await.unwrap();
        let (status, code, field) = error_of(answer).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!((status, code.as_str(), field.as_deref()), expected, "{method} {path} {shown}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn only_json_is_json(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let answer = stack.submit("/api/pay", &[("phone", "0712345678")]).await;
    assert_eq!(error_of(answer).await, (415, "not_json".to_owned(), None));
    let allowed = stack.client.put(stack.at("/api/pay")).send().await.unwrap();
    assert_eq!(text_of(allowed.headers(), "allow"), "POST");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn request_ids_are_kept_when_plain_and_made_otherwise(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let ask = async |id: &'static str| {
        let answer = stack.client.get(stack.at("/healthz")).header("x-request-id", id).send().await.unwrap();
        text_of(answer.headers(), "x-request-id")
    };
    assert_eq!(ask("from-the-proxy-1").await, "from-the-proxy-1");
    for odd in [
        "short",
        "with space inside",
        "<script>alert(1)</script>",
        "way-too-long-way-too-long-way-too-long-way-too-long",
    ] {
        let made = ask(odd).await;
        assert_ne!(made, odd);
        assert_eq!(made.len(), 36, "{made}");
    }
    stack.stop().await;
}
