//! Who is on the network and what can be done about it, over HTTP.

use billing::admins::Role;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::{
    events::Events,
    support::{MAC, MSISDN, PASSWORD, PHONE, Stack, client, error_of, until},
};

const WHY: &str = "asked for at the counter";

/// Posts from a page of our own.
async fn act(stack: &Stack, client: &Client, path: &str, body: &Value) -> Response {
    let request = client.post(stack.at(path)).header("sec-fetch-site", "same-origin");
    if body.is_null() { request.send().await.unwrap() } else { request.json(body).send().await.unwrap() }
}

async fn rows(stack: &Stack, query: &str) -> Vec<Value> {
    stack.get_json(&format!("/api/admin/live{query}")).await["devices"].as_array().unwrap().clone()
}

async fn until_state(stack: &Stack, state: &str) -> Value {
    until(&format!("the device is {state}"), async || {
        rows(stack, "").await.first().is_some_and(|row| row["state"] == state)
    })
    .await;
    rows(stack, "").await.remove(0)
}

#[sqlx::test(migrations = "../migrations")]
async fn an_owner_and_a_cashier_look_after_a_customer(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    assert_eq!(error_of(stack.get("/api/admin/live").await).await.0, 401);
    stack.log_in().await;
    stack.add_admin("cashier", Role::Cashier).await;
    let cashier = client();
    let login = json!({"username": "cashier", "password": PASSWORD});
    assert_eq!(cashier.post(stack.at("/api/admin/login")).json(&login).send().await.unwrap().status(), 200);
    let mut events = Events::of(stack.get("/api/events").await);
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    stack.until_status(&id, "online").await;

    let row = until_state(&stack, "online").await;
    assert_eq!((&row["mac"], &row["phone"], &row["package"]), (&json!(MAC), &json!(PHONE), &json!("1 hour")));
    assert_eq!((&row["payment_id"], &row["router"]), (&json!(id), &json!("Main")));
    assert_eq!(row["actions"], json!(["kick", "extend", "pause", "end", "block"]));
    assert!(row["seconds_remaining"].as_u64().is_some_and(|secs| (3500..=3600).contains(&secs)), "{row}");
    let by_cashier: Value = cashier.get(stack.at("/api/admin/live")).send().await.unwrap().json().await.unwrap();
    assert_eq!(by_cashier["devices"][0]["actions"], json!(["kick", "pause"]));
    assert_eq!(by_cashier["counts"], json!({"online": 1, "away": 0, "waiting": 0, "paused": 0, "ghost": 0}));
    for (query, found) in [
        ("?q=0712345678", 1),
        ("?q=345678", 1),
        ("?q=A4:CF:12:00:00:01", 1),
        ("?q=a4cf12", 1),
        ("?q=1%20h", 1),
        ("?q=nobody", 0),
        ("?state=online&router=main", 1),
        ("?state=ghost", 0),
    ] {
        assert_eq!(rows(&stack, query).await.len(), found, "{query}");
    }
    for (query, field) in
        [("?state=gone", "state"), ("?after=x", "after"), ("?router=nowhere", "router"), ("?limit=0", "limit")]
    {
        let (status, _, named) = error_of(stack.get(&format!("/api/admin/live{query}")).await).await;
        assert_eq!((status, named.as_deref()), (422, Some(field)), "{query}");
    }
    let row_id = row["id"].as_str().unwrap();
    let session = row["session_id"].as_str().unwrap().to_owned();
    let path = |action: &str| format!("/api/admin/sessions/{session}/{action}");

    let kicked = act(&stack, &cashier, &format!("/api/admin/live/{row_id}/kick"), &Value::Null).await;
    assert_eq!(kicked.status(), StatusCode::NO_CONTENT);
    until_state(&stack, "online").await;
    let nobody = act(&stack, &cashier, "/api/admin/live/x/kick", &Value::Null).await;
    assert_eq!(error_of(nobody).await.0, 404);

    assert_eq!(act(&stack, &cashier, &path("pause"), &Value::Null).await.status(), StatusCode::NO_CONTENT);
    let paused = until_state(&stack, "paused").await;
    let payments = stack.get_json("/api/admin/payments").await;
    assert_eq!(payments["payments"][0]["delivery"], "paused", "{payments}");
    assert_eq!((&paused["ends_at"], &paused["session_id"]), (&Value::Null, &json!(session)));
    loop {
        let (name, data) = events.next().await.unwrap();
        if name == "live" && data["state"] == "paused" {
            assert_eq!((&data["id"], &data["actions"]), (&row["id"], &json!(["resume", "extend", "end", "block"])));
            break;
        }
    }
    until("the device is off", async || stack.world.router.active().is_empty()).await;
    let page = stack.get_text(&format!("/w/main?mac={MAC}")).await;
    assert!(page.contains("Your time is paused"), "{page}");
    let extend = |minutes: u32| json!({"minutes": minutes, "reason": WHY});
    let by_cashier = act(&stack, &cashier, &path("extend"), &extend(10)).await;
    assert_eq!(error_of(by_cashier).await, (403, "owners_only".into(), None));
    for minutes in [0, 44_641] {
        let answer = act(&stack, &stack.client, &path("extend"), &extend(minutes)).await;
        assert_eq!(error_of(answer).await, (422, "invalid_minutes".into(), Some("minutes".into())));
    }
    let answer = act(&stack, &stack.client, &path("extend"), &json!({"minutes": 10, "reason": "x"})).await;
    assert_eq!(error_of(answer).await.2.as_deref(), Some("reason"));
    assert_eq!(act(&stack, &stack.client, &path("extend"), &extend(10)).await.status(), StatusCode::NO_CONTENT);
    let longer = rows(&stack, "").await.remove(0);
    let more = longer["seconds_remaining"].as_u64().unwrap() - paused["seconds_remaining"].as_u64().unwrap();
    assert_eq!(more, 600);
    assert_eq!(act(&stack, &cashier, &path("resume"), &Value::Null).await.status(), StatusCode::NO_CONTENT);
    stack.world.router.join(MAC).unwrap();
    until_state(&stack, "online").await;

    let by_cashier = act(&stack, &cashier, &path("end"), &json!({"reason": WHY})).await;
    assert_eq!(error_of(by_cashier).await.0, 403);
    let ended = act(&stack, &stack.client, &path("end"), &json!({"reason": WHY})).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    until("nobody is on", async || stack.world.router.active().is_empty()).await;
    loop {
        let (name, data) = events.next().await.unwrap();
        if name == "live" && data["state"] == "gone" {
            assert_eq!((&data["id"], &data["actions"]), (&row["id"], &json!([])));
            break;
        }
    }
    assert!(rows(&stack, "").await.is_empty());
    let over = act(&stack, &stack.client, &path("extend"), &extend(11)).await;
    assert_eq!(error_of(over).await, (409, "time_over".into(), None));
    let nobody = format!("/api/admin/sessions/{}/pause", uuid::Uuid::from_u128(1));
    assert_eq!(error_of(act(&stack, &cashier, &nobody, &Value::Null).await).await.0, 404);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_blocked_device_is_told_so_everywhere(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let package = stack.sell_an_hour().await;
    let block = |mac: &str| json!({"mac": mac, "reason": WHY});
    let bad = act(&stack, &stack.client, "/api/admin/blocks", &block("nonsense")).await;
    assert_eq!(error_of(bad).await.2.as_deref(), Some("mac"));
    let made = act(&stack, &stack.client, "/api/admin/blocks", &block(MAC)).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = made.json().await.unwrap();
    assert_eq!((&made["mac"], &made["by"], &made["reason"]), (&json!(MAC), &json!("owner"), &json!(WHY)));
    assert_eq!(stack.get_json("/api/admin/blocks").await["blocks"], json!([made]));

    let pay = json!({"package_id": package, "phone": PHONE, "mac": MAC});
    assert_eq!(error_of(stack.post("/api/pay", &pay).await).await, (403, "device_blocked".into(), None));
    let recover = json!({"text": "UKM4T8IYOU", "mac": MAC, "package_id": package, "phone": PHONE});
    assert_eq!(error_of(stack.post("/api/user/recover", &recover).await).await.1, "device_blocked");
    let page = stack.get(&format!("/w/main?mac={MAC}")).await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    assert!(page.text().await.unwrap().contains("This device is blocked"));
    let form = [("code", "ABCD-EFGH"), ("mac", MAC), ("router", "main")];
    assert!(stack.submit("/voucher", &form).await.text().await.unwrap().contains("This device is blocked"));
    let bound = async || {
        let rows = stack.world.router.rows("/ip/hotspot/ip-binding").unwrap();
        rows.iter().any(|row| row.iter().any(|(name, value)| name == "comment" && value == "bando:block"))
    };
    until("the router keeps it out", bound).await;

    let lift = format!("/api/admin/blocks/{}/lift", made["id"].as_str().unwrap());
    let lifted = act(&stack, &stack.client, &lift, &json!({"reason": WHY})).await;
    assert_eq!(lifted.status(), StatusCode::NO_CONTENT);
    until("the router lets it come", async || !bound().await).await;
    assert_eq!(stack.post("/api/pay", &pay).await.status(), StatusCode::ACCEPTED);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_people_did_is_told_with_their_names_and_reasons(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    stack.add_admin("cashier", Role::Cashier).await;
    let cashier = client();
    let login = json!({"username": "cashier", "password": PASSWORD});
    assert_eq!(cashier.post(stack.at("/api/admin/login")).json(&login).send().await.unwrap().status(), 200);
    let ask = async |client: &Client, question: &str| -> Vec<String> {
        let path = format!("/api/admin/why?q={question}");
        let why: Value = client.get(stack.at(&path)).send().await.unwrap().json().await.unwrap();
        let done = why["done"].as_array().unwrap().iter();
        done.map(|deed| {
            assert!(deed["at"].is_string(), "{deed}");
            deed["text"].as_str().unwrap().to_owned()
        })
        .collect()
    };
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    stack.until_status(&id, "online").await;
    let row = until_state(&stack, "online").await;
    assert!(ask(&stack.client, MSISDN).await.is_empty());

    let session = row["session_id"].as_str().unwrap();
    let path = |action: &str| format!("/api/admin/sessions/{session}/{action}");
    let done = async |client: &Client, path: &str, body: &Value| {
        let answer = act(&stack, client, path, body).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer
    };
    done(&cashier, &format!("/api/admin/live/{}/kick", row["id"].as_str().unwrap()), &Value::Null).await;
    done(&cashier, &path("pause"), &Value::Null).await;
    done(&stack.client, &path("extend"), &json!({"minutes": 120, "reason": "the power was out"})).await;
    done(&cashier, &path("resume"), &Value::Null).await;
    let block = done(&stack.client, "/api/admin/blocks", &json!({"mac": MAC, "reason": "shares with all"})).await;
    let block: Value = block.json().await.unwrap();
    let lift = format!("/api/admin/blocks/{}/lift", block["id"].as_str().unwrap());
    done(&stack.client, &lift, &json!({"reason": "has promised"})).await;
    done(&stack.client, &path("end"), &json!({"reason": WHY})).await;

    let told = ask(&stack.client, MSISDN).await;
    assert_eq!(told.len(), 7, "{told:?}");
    assert_eq!(told[0], format!("owner ended it for good: “{WHY}”"));
    assert_eq!(told[1], format!("owner lifted the block of {MAC}: “has promised”"));
    assert_eq!(told[2], format!("owner blocked {MAC}: “shares with all”"));
    // How long it ran before is the machine's affair.
    assert!(told[3].starts_with("cashier let it go on, with "), "{told:?}");
    assert_eq!(told[4], "owner gave 2 hours more: “the power was out”");
    assert!(told[5].starts_with("cashier paused it, with "), "{told:?}");
    assert_eq!(told[6], format!("cashier put {MAC} off the WiFi."));
    assert_eq!(ask(&stack.client, MAC).await, told);

    // Cashiers are told the same, and of devices no more than elsewhere: who asks by phone sees no whole address.
    let by_cashier = ask(&cashier, MSISDN).await;
    assert_eq!(by_cashier.len(), 7, "{by_cashier:?}");
    assert!(by_cashier.iter().all(|text| !text.contains(MAC)), "{by_cashier:?}");
    assert_eq!(by_cashier[4], told[4]);
    assert_eq!(error_of(client().get(stack.at("/api/admin/why?q=0712345678")).send().await.unwrap()).await.0, 401);

    let page = stack.get_text(&format!("/w/main?mac={MAC}")).await;
    assert!(page.contains("Your access was ended"), "{page}");

    let router = format!("/api/admin/routers/{}", row["router_id"].as_str().unwrap());
    done(&stack.client, &router, &json!({"name": "Shop"})).await;
    let customers = stack.get_json(&router).await["customers"].clone();
    let remove = json!({"reason": "sold", "customers": customers});
    done(&stack.client, &format!("{router}/remove"), &remove).await;
    let read: Value = cashier.get(stack.at(&router)).send().await.unwrap().json().await.unwrap();
    let history = read["history"].as_array().unwrap().iter().filter(|event| event["kind"] == "person");
    let history: Vec<_> = history.map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(history, ["owner took it out of use: “sold”", "owner changed: name."]);
    stack.stop().await;
}
