//! Money paid by hand over HTTP: M-Pesa's reports, the portal's offer, codes that customers show, and the queue for
//! people.

use billing::admins::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PASSWORD, PHONE, Stack, client, error_of, text_of, until};

const PAGE: &str = "/w/main?mac=A4:CF:12:00:00:01&ip=10.5.50.10";

/// Registers the addresses with the simulator, as an owner does.
async fn register(stack: &Stack) {
    stack.log_in().await;
    let post = stack.client.post(stack.at("/api/admin/mpesa/register-urls")).header("sec-fetch-site", "same-origin");
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

/// A payment whose prompt was cancelled.
async fn cancelled(stack: &Stack, package: &str) -> Value {
    let accepted = stack.pay(package).await;
    let prompt = stack.world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    stack.world.mpesa.control().cancel(prompt.id).unwrap();
    stack.until_status(accepted["payment_id"].as_str().unwrap(), "failed").await;
    accepted
}

#[sqlx::test(migrations = "../migrations")]
async fn paying_by_hand_from_the_offer_on_the_page_to_online(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let accepted = cancelled(&stack, &package).await;
    let id = accepted["payment_id"].as_str().unwrap();
    let reference = accepted["account_reference"].as_str().unwrap();
    assert_eq!(stack.get_json(&format!("/api/user/status?payment={id}")).await["pay_by_hand"], Value::Null);
    assert!(!stack.get_text(PAGE).await.contains("Pay by hand"), "not offered before M-Pesa would report it");

    register(&stack).await;
    let status = stack.get_json(&format!("/api/user/status?payment={id}")).await;
    let expected = json!({"kind": "paybill", "number": "174379", "account": reference, "amount_kes": 20});
    assert_eq!(status["pay_by_hand"], expected);
    let page = stack.get_text(PAGE).await;
    assert!(page.contains("Pay by hand") && page.contains(reference) && page.contains("174379"), "{page}");

    let control = stack.world.mpesa.control();
    control.pay_by_hand(MSISDN, "174379", 15, &reference.to_lowercase()).unwrap();
    until("the part is told", async || stack.get_text(PAGE).await.contains("We received KES 15 of KES 20")).await;
    control.pay_by_hand(MSISDN, "174379", 15, reference).unwrap();
    stack.until_status(id, "online").await;
    assert!(stack.get_text(PAGE).await.contains("KES 10 is kept as your credit."));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn reports_by_hand_come_to_a_secret_address_and_get_the_answer_mpesa_wants(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    register(&stack).await;
    stack.world.mpesa.control().pay_by_hand(MSISDN, "174379", 20, "nobody").unwrap();
    until("the report is here", async || {
        stack.world.mpesa.control().deliveries().iter().any(|delivery| delivery.status == Some(200))
    })
    .await;
    let delivery = stack.world.mpesa.control().deliveries().remove(0);
    assert_eq!(
        serde_json::from_str::<Value>(&delivery.answer).unwrap(),
        json!({"ResultCode": 0, "ResultDesc": "Success"})
    );
    let path = delivery.url.strip_prefix(&stack.url).unwrap().to_owned();
    assert!(path.starts_with("/api/pay/c2b/confirm/"), "{path}");
    for banned in ["mpesa", "safaricom", "exe", "cmd", "sql", "query"] {
        assert!(!path.contains(banned), "{banned}");
    }
    let validate = path.replace("confirm", "validate");
    let answer = stack.client.post(stack.at(&validate)).body("not json").send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"ResultCode": "0", "ResultDesc": "Accepted"}));
    for path in ["confirm", "validate"] {
        let wrong = stack.post(&format!("/api/pay/c2b/{path}/{}", "0".repeat(64)), &json!({})).await;
        assert_eq!(error_of(wrong).await.0, 404);
    }
    for path in ["result", "timeout"] {
        let wrong = stack.post(&format!("/api/pay/{path}/{}", "0".repeat(64)), &json!({})).await;
        assert_eq!(error_of(wrong).await.0, 404);
    }
    let oversize = stack.client.post(stack.at(&path)).body("x".repeat(65 * 1024)).send().await.unwrap();
    assert_eq!(error_of(oversize).await.0, 413);
    let garbage = stack.client.post(stack.at(&path)).body("\u{0}garbage").send().await.unwrap();
    assert_eq!(garbage.status(), StatusCode::OK);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_code_is_shown_on_the_portal_without_javascript(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    register(&stack).await;
    stack.world.mpesa.control().pay_by_hand("254799999999", "174379", 20, "nobody").unwrap();
    until("the money is in the queue", async || {
        stack.get_json("/api/admin/receipts?state=unmatched").await["receipts"].as_array().unwrap().len() == 1
    })
    .await;
    let receipt = stack.world.mpesa.control().charges()[0].receipt.clone();
    let sms = format!("{receipt} Confirmed.\r\nKsh20.00 sent to BANDO WIFI for account nobody on 22/11/26");

    let shop = stack.get_text(&format!("{PAGE}&view=paid")).await;
    assert!(shop.contains("action=\"/recover\"") && shop.contains("<details open class=\"voucher\""), "{shop}");
    let nonsense = [("text", "I have paid!"), ("mac", MAC), ("router", "main")];
    let answer = stack.submit("/recover", &nonsense).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("There is no M-Pesa code in this text") && page.contains("value=\"I have paid!\""), "{page}");

    let fields = [("text", sms.as_str()), ("mac", MAC), ("router", "main")];
    let choose = stack.submit("/recover", &fields).await;
    assert_eq!(choose.status(), StatusCode::OK);
    let page = choose.text().await.unwrap();
    assert!(page.contains("id=\"paid-package\"") && page.contains(&receipt), "{page}");

    let fields =
        [("text", sms.as_str()), ("mac", MAC), ("router", "main"), ("package_id", package.as_str()), ("phone", PHONE)];
    let answer = stack.submit("/recover", &fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(text_of(answer.headers(), "location").starts_with("/w/main?mac="));
    until("the page says online", async || stack.get_text(PAGE).await.contains("You are online")).await;
    assert!(stack.world.mpesa.control().prompts().is_empty());

    // Another device with the same code, and one with a code nobody has used: the same words.
    let body = json!({"text": receipt, "mac": "A4:CF:12:00:00:99", "package_id": package, "phone": PHONE});
    let used: Value = stack.post("/api/user/recover", &body).await.json().await.unwrap();
    assert_eq!((used["outcome"].as_str(), used["payment_id"].as_str()), (Some("refused"), None));
    let words = used["message"].as_str().unwrap();
    assert!(!words.contains("used") && !words.contains("another"), "{words}");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_recover_api_names_what_is_wrong(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    for (body, field) in [
        (json!({"text": "hello", "mac": MAC}), "text"),
        (json!({"text": "UKM4T8IYOU", "mac": "x"}), "mac"),
        (json!({"text": "UKM4T8IYOU", "mac": MAC, "phone": "12"}), "phone"),
        (json!({"text": "UKM4T8IYOU", "mac": MAC, "package_id": "12"}), "package_id"),
        (json!({"text": "UKM4T8IYOU", "mac": MAC, "router": "nowhere"}), "router"),
        (json!({"text": "x".repeat(5000), "mac": MAC}), "text"),
    ] {
        let (status, _, named) = error_of(stack.post("/api/user/recover", &body).await).await;
        assert_eq!((status, named.as_deref()), (422, Some(field)), "{body}");
    }
    let queued: Value =
        stack.post("/api/user/recover", &json!({"text": "UKM4T8IYOU", "mac": MAC})).await.json().await.unwrap();
    assert_eq!(queued["outcome"], "choose");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cashier_places_money_and_decides_claims_with_reasons(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let accepted = cancelled(&stack, &package).await;
    let id = accepted["payment_id"].as_str().unwrap();
    register(&stack).await;
    stack.world.mpesa.control().pay_by_hand("254799999999", "174379", 20, "typo").unwrap();
    let cashier = client();
    stack.add_admin("cashier", Role::Cashier).await;
    let login = json!({"username": "cashier", "password": PASSWORD});
    assert_eq!(cashier.post(stack.at("/api/admin/login")).json(&login).send().await.unwrap().status(), StatusCode::OK);
    let post = async |path: &str, body: Value| {
        let request = cashier.post(stack.at(path)).header("sec-fetch-site", "same-origin");
        request.json(&body).send().await.unwrap()
    };
    let get = async |path: &str| cashier.get(stack.at(path)).send().await.unwrap().json::<Value>().await.unwrap();

    let (status, code, _) = error_of(post("/api/admin/mpesa/register-urls", Value::Null).await).await;
    assert_eq!((status, code.as_str()), (403, "owner_only"));
    until("the money is in the queue", async || {
        get("/api/admin/receipts").await["receipts"].as_array().unwrap().len() == 1
    })
    .await;
    let row = get("/api/admin/receipts").await["receipts"][0].clone();
    let receipt = row["receipt"].as_str().unwrap();
    assert_eq!(
        (row["amount_kes"].as_u64(), row["state"].as_str(), row["source"].as_str()),
        (Some(20), Some("unmatched"), Some("c2b"))
    );
    assert_eq!(row["account_reference"], "typo");

    let assign = format!("/api/admin/receipts/{receipt}/assign");
    let reference = accepted["account_reference"].as_str().unwrap();
    for (body, field) in [
        (json!({"account_reference": reference, "reason": "x"}), "reason"),
        (json!({"account_reference": reference, "reason": "y".repeat(201)}), "reason"),
        (json!({"account_reference": "ZZZZ", "reason": "a guess"}), "account_reference"),
        (json!({"account_reference": reference, "phone": PHONE, "reason": "both"}), "account_reference"),
        (json!({"phone": "12", "reason": "too short"}), "phone"),
    ] {
        let (status, _, named) = error_of(post(&assign, body.clone()).await).await;
        assert_eq!((status, named.as_deref()), (422, Some(field)), "{body}");
    }
    let body = json!({"account_reference": reference.to_lowercase(), "reason": "they showed me the SMS"});
    let done = post(&assign, body.clone()).await;
    assert_eq!(done.status(), StatusCode::OK);
    stack.until_status(id, "online").await;
    assert_eq!(error_of(post(&assign, body).await).await.0, 409);
    let dismiss = post(&format!("/api/admin/receipts/{receipt}/dismiss"), json!({"reason": "not ours"})).await;
    assert_eq!(error_of(dismiss).await.0, 409);
    let credited = get("/api/admin/receipts?state=credited").await["receipts"][0].clone();
    assert_eq!((credited["decided_by"].as_str(), credited["payment_id"].as_str()), (Some("cashier"), Some(id)));

    let detail = get(&format!("/api/admin/payments/{id}")).await;
    assert_eq!((detail["received_kes"].as_u64(), detail["actions"].as_array().unwrap().len()), (Some(20), 0));
    assert_eq!(detail["receipts"][0]["receipt"], receipt);
    assert!(detail["events"].as_array().unwrap().iter().any(|event| event["source"] == "admin"), "{detail}");
    let undecidable =
        post(&format!("/api/admin/payments/{id}/decide"), json!({"decision": "paid", "reason": "again"})).await;
    assert_eq!(error_of(undecidable).await.0, 409);

    // A claim of another device.
    let other = json!({"text": "UKM4T8IYOU", "mac": "A4:CF:12:00:00:02", "package_id": package, "phone": "0712000200"});
    let claimed: Value = stack.post("/api/user/recover", &other).await.json().await.unwrap();
    assert_eq!(claimed["outcome"], "queued");
    let claim = get("/api/admin/claims?state=open").await["claims"][0].clone();
    assert_eq!((claim["receipt"].as_str(), claim["state"].as_str()), (Some("UKM4T8IYOU"), Some("open")));
    let path = format!("/api/admin/claims/{}/accept", claim["id"].as_str().unwrap());
    let none = post(&path, json!({"amount_kes": 0, "reason": "seen"})).await;
    assert_eq!(error_of(none).await.2.as_deref(), Some("amount_kes"));
    assert_eq!(
        post(&path, json!({"amount_kes": 20, "reason": "seen on the till phone"})).await.status(),
        StatusCode::OK
    );
    let status = stack.get_json(&format!("/api/user/status?payment={}", claimed["payment_id"].as_str().unwrap())).await;
    assert!(matches!(status["status"].as_str(), Some("paid" | "online")), "{status}");
    assert_eq!(get("/api/admin/claims").await["claims"], json!([]));

    // Nobody who is not logged in.
    for path in ["/api/admin/receipts", "/api/admin/claims", &format!("/api/admin/payments/{id}")] {
        assert_eq!(error_of(client().get(stack.at(path)).send().await.unwrap()).await.0, 401, "{path}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_phone_is_told_how_long_to_rest(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let accepted = stack.pay(&package).await;
    let prompt = stack.world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    stack.world.mpesa.control().ignore(prompt.id).unwrap();
    stack.world.mpesa.control().set_speed(1000.0);
    stack.until_status(accepted["payment_id"].as_str().unwrap(), "failed").await;
    let body = json!({"package_id": package, "phone": PHONE, "mac": MAC});
    let refused = stack.post("/api/pay", &body).await;
    let secs = text_of(refused.headers(), "retry-after");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "cooldown");
    assert!(body["error"]["message"].as_str().unwrap().contains(&format!("{secs} seconds")), "{body}");
    stack.stop().await;
}
