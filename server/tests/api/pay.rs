//! From pressing pay to online, over the JSON API.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PHONE, Stack, error_of, text_of, until};

#[sqlx::test(migrations = "../migrations")]
async fn packages_have_the_agreed_form(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    assert_eq!(stack.get_json("/api/packages").await, json!({"packages": []}));
    let id = stack.sell_an_hour().await;
    let expected = json!({"packages": [{
        "id": id, "name": "1 hour", "duration_minutes": 60, "price_kes": 20, "down_kbps": 5000, "up_kbps": 2000,
        "data_mb": 500, "devices": 1
    }]});
    assert_eq!(stack.get_json("/api/packages").await, expected);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_customer_pays_and_is_online(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let accepted = stack.pay(&package).await;
    assert_eq!(accepted["status"], "Pending");
    assert_eq!(accepted["amount_kes"], 20);
    let id = accepted["payment_id"].as_str().unwrap();
    assert_eq!(accepted["status_url"], format!("/api/user/status?payment={id}"));
    assert!((1..=12).contains(&accepted["account_reference"].as_str().unwrap().len()));
    assert_eq!(stack.until_status(id, "pending").await["can_retry"], false);

    stack.world.approve(MSISDN).await;
    let online = stack.until_status(id, "online").await;
    assert!((1..=3600).contains(&online["seconds_remaining"].as_u64().unwrap()), "{online}");
    assert_eq!(online["bytes_remaining"], 500_000_000);
    assert_eq!(stack.get_json(&format!("/api/user/status?mac={MAC}")).await["status"], "online");
    let device = stack.world.router.client(MAC).unwrap();
    assert_eq!(device.user.as_deref(), Some(MAC));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_status_tells_nothing_personal(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    for path in [format!("/api/user/status?payment={id}"), format!("/api/user/status?mac={MAC}")] {
        let text = stack.get_text(&path).await;
        assert!(!text.contains("712345678") && !text.contains("712 345 678") && !text.contains("ws_CO"), "{text}");
        let mut fields: Vec<String> =
            serde_json::from_str::<Value>(&text).unwrap().as_object().unwrap().keys().cloned().collect();
        fields.sort();
        let expected = [
            "bytes_remaining",
            "can_retry",
            "ends_at",
            "message",
            "pay_by_hand",
            "payment_id",
            "seconds_remaining",
            "status",
        ];
        assert_eq!(fields, expected);
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_key_is_the_same_payment(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let press = async |phone: &str, key: &str| -> Response {
        let body = json!({"package_id": package, "phone": phone, "mac": MAC});
        stack.client.post(stack.at("/api/pay")).header("idempotency-key", key).json(&body).send().await.unwrap()
    };
    let first: Value = press(PHONE, "key-1").await.json().await.unwrap();
    let again = press("254712345678", "key-1").await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.json::<Value>().await.unwrap()["payment_id"], first["payment_id"]);

    let other = press("0722000000", "key-1").await;
    assert_eq!(error_of(other).await, (422, "idempotency_key_reused".to_owned(), None));
    let too_long = press(PHONE, &"k".repeat(256)).await;
    assert_eq!(error_of(too_long).await, (400, "invalid_idempotency_key".to_owned(), None));
    until("one prompt was sent", async || stack.world.mpesa.control().prompts().len() == 1).await;
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_second_prompt_waits_for_the_first(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    stack.pay(&package).await;
    let again = stack.post("/api/pay", &json!({"package_id": package, "phone": PHONE, "mac": MAC})).await;
    assert!(text_of(again.headers(), "retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(error_of(again).await, (409, "prompt_open".to_owned(), None));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_prompt_is_failed_and_may_be_tried_again(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    let prompt = stack.world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    stack.world.mpesa.control().cancel(prompt.id).unwrap();
    let failed = stack.until_status(&id, "failed").await;
    assert_eq!(failed["can_retry"], true);
    assert_eq!(failed["seconds_remaining"], Value::Null);
    stack.stop().await;
}
