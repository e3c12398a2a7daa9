//! A database that is down at the start, or goes away later: nothing crashes, and it heals by itself.

use serde_json::json;
use sqlx::MySqlPool;

use crate::{
    proxy::Cable,
    support::{MAC, MSISDN, Stack, database_url, error_of, server_url, text_of, until},
};

/// A cable to the database server, and the address of the test's database through it.
async fn through_a_cable(pool: &MySqlPool) -> (Cable, String) {
    let server = server_url();
    let cable = Cable::to(server.host_str().unwrap().to_owned(), server.port().unwrap_or(3306)).await;
    let mut url: url::Url = database_url(pool).parse().unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(cable.port())).unwrap();
    (cable, url.to_string())
}

#[sqlx::test(migrations = "../migrations")]
async fn away_at_the_start_and_there_later(pool: MySqlPool) {
    let (cable, url) = through_a_cable(&pool).await;
    cable.pull();
    let stack = Stack::start_unready(&url, &[]).await;
    assert_eq!(stack.get("/healthz").await.status().as_u16(), 200);
    let ready = stack.get("/readyz").await;
    assert_eq!(ready.status().as_u16(), 503);
    assert!(ready.text().await.unwrap().contains("the database does not answer"));
    for path in ["/api/packages", "/api/admin/payments", "/api/user/status?mac=A4:CF:12:00:00:01"] {
        let answer = stack.get(path).await;
        assert!(!text_of(answer.headers(), "retry-after").is_empty(), "{path}");
        assert_eq!(error_of(answer).await, (503, "database_unavailable".to_owned(), None), "{path}");
    }
    let report = stack.post(&format!("/api/pay/hook/{}", "0".repeat(64)), &json!({})).await;
    assert_eq!(error_of(report).await.0, 503, "a report is not answered as if it were stored");
    let page = stack.get(&format!("/w/main?mac={MAC}")).await;
    assert_eq!(page.status().as_u16(), 503);
    assert!(text_of(page.headers(), "refresh").starts_with("5;url=/w/main?mac="));
    assert!(page.text().await.unwrap().contains("not available for a moment"));
    cable.plug_in();
    stack.until_ready().await;
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn away_in_the_middle_of_a_payment(pool: MySqlPool) {
    let (cable, url) = through_a_cable(&pool).await;
    let stack = Stack::start_unready(&url, &[]).await;
    stack.until_ready().await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    let prompt = stack.world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    cable.pull();
    let answer = stack.post("/api/pay", &json!({"package_id": package, "phone": "0722000000", "mac": MAC})).await;
    assert_eq!(error_of(answer).await, (503, "database_unavailable".to_owned(), None));
    stack.world.mpesa.control().approve(prompt.id, "1234").unwrap();
    until("the report was turned away", async || {
        stack.world.mpesa.control().deliveries().iter().any(|delivery| delivery.status == Some(503))
    })
    .await;
    cable.plug_in();
    stack.until_ready().await;
    stack.until_status(&id, "online").await;
    stack.stop().await;
}
