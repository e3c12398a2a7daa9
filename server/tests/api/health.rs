//! Health, metrics, the API's description, and the headers every answer bears.

use reqwest::StatusCode;
use sqlx::MySqlPool;

use crate::support::{Stack, error_of, text_of};

#[sqlx::test(migrations = "../migrations")]
async fn health_says_what_is_there(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    assert_eq!(stack.get_json("/healthz").await["status"], "ok");
    let ready = stack.get_json("/readyz").await;
    assert_eq!(ready["status"], "ready", "{ready}");
    assert_eq!(ready["missing"].as_array().unwrap().len(), 0);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn metrics_are_for_this_machine_and_for_admins(pool: MySqlPool) {
    let stack = Stack::start_with(&pool, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    stack.get("/api/packages").await;
    let text = stack.get_text("/metrics").await;
    assert!(text.contains("bando_http_requests_total{route=\"/api/packages\""), "{text}");
    assert!(text.contains("bando_http_request_duration_seconds_bucket"), "{text}");

    let from_outside = || stack.client.get(stack.at("/metrics")).header("x-forwarded-for", "203.0.113.9").send();
    assert_eq!(error_of(from_outside().await.unwrap()).await, (403, "not_allowed".to_owned(), None));
    stack.log_in().await;
    assert_eq!(from_outside().await.unwrap().status(), StatusCode::OK);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_description_names_every_route(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let description = stack.get_json("/api/openapi.json").await;
    for path in [
        "/api/packages",
        "/api/pay",
        "/api/user/status",
        "/api/user/events",
        "/api/mpesa/callback",
        "/api/mpesa/callback/{token}",
        "/api/pay/hook/{token}",
        "/api/admin/login",
        "/api/admin/logout",
        "/api/admin/me",
        "/api/admin/payments",
        "/api/admin/payments.csv",
        "/api/admin/users",
        "/api/events",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(description["paths"][path].is_object(), "{path} is missing");
    }
    assert!(description["components"]["schemas"]["ErrorBody"].is_object());
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn every_answer_bears_the_headers(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    for path in ["/", "/api/packages", "/nothing", "/admin", "/healthz"] {
        let answer = stack.get(path).await;
        let headers = answer.headers();
        assert_eq!(text_of(headers, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(text_of(headers, "referrer-policy"), "same-origin", "{path}");
        assert_eq!(text_of(headers, "cache-control"), "no-store", "{path}");
        let policy = text_of(headers, "content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
        assert_eq!(text_of(headers, "strict-transport-security"), "", "{path}");
    }
    stack.stop().await;

    let stack = Stack::start_with(&pool, &[("PUBLIC_URL", "https://wifi.example.co.ke")]).await;
    assert_eq!(text_of(stack.get("/").await.headers(), "strict-transport-security"), "max-age=31536000");
    stack.stop().await;
}
