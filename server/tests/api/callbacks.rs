//! What Daraja sends, and what others send in its name.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::support::{MSISDN, Stack, error_of, until};

fn success(checkout: &str, merchant: &str, amount: u32) -> Value {
    json!({"Body": {"stkCallback": {
        "MerchantRequestID": merchant, "CheckoutRequestID": checkout, "ResultCode": 0,
        "ResultDesc": "The service request is processed successfully.",
        "CallbackMetadata": {"Item": [
            {"Name": "Amount", "Value": amount}, {"Name": "MpesaReceiptNumber", "Value": "UKM4T8IYOU"},
            {"Name": "TransactionDate", "Value": 20_261_122_083_018_u64},
            {"Name": "PhoneNumber", "Value": 254_712_345_678_u64}
        ]}
    }}})
}

async fn events_of(pool: &MySqlPool, source: &str) -> i64 {
    sqlx::query_scalar("select count(*) from payment_events where source = ?")
        .bind(source)
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_token_is_nothing(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    for path in ["/api/mpesa/callback/", "/api/pay/hook/"] {
        let answer = stack.post(&format!("{path}{}", "0".repeat(64)), &success("ws_CO_1", "1-1-1", 20)).await;
        assert_eq!(error_of(answer).await.0, 404);
    }
    assert_eq!(events_of(&pool, "callback").await, 0);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_beginning_of_an_oversize_report_is_kept_and_its_payment_asked_about(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    for path in ["/api/mpesa/callback", "/api/pay/hook", "/api/mpesa/callback/x", "/api/pay/hook/x"] {
        let answer = stack.client.post(stack.at(path)).body("x".repeat(65 * 1024)).send().await.unwrap();
        assert_eq!(error_of(answer).await, (413, "too_large".to_owned(), None), "{path}");
    }
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    until("the report is here", async || {
        stack.world.mpesa.control().deliveries().iter().any(|delivery| delivery.status == Some(200))
    })
    .await;
    let delivery = stack.world.mpesa.control().deliveries().remove(0);
    let path = delivery.url.strip_prefix(&stack.url).unwrap().to_owned();
    let answer = stack.client.post(stack.at(&path)).body("y".repeat(10 * 1024 * 1024)).send().await;
    if let Ok(answer) = answer {
        assert_eq!(error_of(answer).await, (413, "too_large".to_owned(), None));
    }
    let kept: i64 =
        sqlx::query_scalar("select length(body) from payment_events where payment_id = ? and source = 'hint'")
            .bind(uuid::Uuid::parse_str(&id).unwrap())
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(kept, 64 * 1024);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_report_without_a_token_is_kept_and_never_believed(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    let prompt = stack.world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    let forged = success(&prompt.checkout_request_id, &prompt.merchant_request_id, 20);
    for body in [forged.to_string(), "not even json".to_owned(), String::new()] {
        let answer = stack.client.post(stack.at("/api/mpesa/callback")).body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body, json!({"ResultCode": 0, "ResultDesc": "Accepted"}));
    }
    assert!(stack.world.mpesa.control().charges().is_empty());
    assert_eq!(stack.get_json(&format!("/api/user/status?payment={id}")).await["status"], "pending");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_report_that_comes_again_changes_nothing(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    let prompt = stack.world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    stack.world.mpesa.control().approve(prompt.id, "1234").unwrap();
    stack.until_status(&id, "online").await;
    stack.world.mpesa.control().replay(&prompt.checkout_request_id).await.unwrap();
    until("the report came twice", async || {
        let sent = stack.world.mpesa.control().deliveries();
        sent.iter().filter(|delivery| delivery.status == Some(200)).count() == 2
    })
    .await;
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions").fetch_one(&pool).await.unwrap();
    assert_eq!(sessions, 1);
    stack.stop().await;
}

/// Elsewhere reports shared one small limit with everybody, and what was over it was lost.
#[sqlx::test(migrations = "../migrations")]
async fn reports_are_taken_while_everybody_else_is_turned_away(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    // Customers who begin to say something and never finish fill every ordinary place.
    let address = stack.at("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut slow = Vec::new();
    for _ in 0..512 {
        let mut line = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /api/pay HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
        );
        tokio::io::AsyncWriteExt::write_all(&mut line, head.as_bytes()).await.unwrap();
        slow.push(line);
    }
    until("customers are turned away", async || {
        let answer = stack.get("/api/packages").await;
        answer.status() == StatusCode::SERVICE_UNAVAILABLE && answer.headers().contains_key("retry-after")
    })
    .await;
    stack.world.approve(MSISDN).await;
    until("the report is settled all the same", async || {
        let settled = "select count(*) from payments where state = 'succeeded'";
        sqlx::query_scalar::<_, i64>(settled).fetch_one(&pool).await.unwrap() == 1
    })
    .await;
    assert_eq!(stack.get("/api/packages").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(slow);
    stack.until_status(&id, "online").await;
    stack.stop().await;
}
