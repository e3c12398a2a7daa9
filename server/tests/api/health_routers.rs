//! How routers fare, why a customer cannot get on, and what is given back after an outage.

use billing::admins::Role;
use chrono::{TimeDelta, Utc};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use simulators::routeros::{ClockMode, Fault, FaultRule, Options, Sim};
use sqlx::MySqlPool;
use uuid::Uuid;

use crate::support::{MAC, MSISDN, PASSWORD, PHONE, Stack, error_of, until};

async fn router_id(pool: &MySqlPool) -> Uuid {
    sqlx::query_scalar("select id from routers").fetch_one(pool).await.unwrap()
}

async fn until_seen(pool: &MySqlPool) -> Uuid {
    until("the router has answered", async || {
        let seen: i64 = sqlx::query_scalar("select count(*) from router_facts").fetch_one(pool).await.unwrap();
        seen == 1
    })
    .await;
    router_id(pool).await
}

async fn body(answer: Response) -> Value {
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// An hour that is paid for and runs.
async fn online(stack: &Stack) -> String {
    let package = stack.sell_an_hour().await;
    let begun = stack.pay(&package).await;
    let id = begun["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    stack.until_status(&id, "online").await;
    id
}

/// Posts as a page of the admin app does.
async fn act(stack: &Stack, path: &str, body: &Value) -> Response {
    let request = stack.client.post(stack.at(path)).json(body).header("sec-fetch-site", "same-origin");
    request.send().await.unwrap()
}

async fn log_in_as_cashier(stack: &Stack) {
    stack.add_admin("cashier", Role::Cashier).await;
    let answer = stack.post("/api/admin/login", &json!({"username": "cashier", "password": PASSWORD})).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_router_is_tested_line_by_line(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let path = |id: &str| format!("/api/admin/routers/{id}/test");
    assert_eq!(error_of(act(&stack, &path("x"), &json!({})).await).await.0, 401);
    log_in_as_cashier(&stack).await;
    let id = until_seen(&pool).await.to_string();
    assert_eq!(error_of(act(&stack, &path("x"), &json!({})).await).await.0, 404);
    assert_eq!(error_of(act(&stack, &path(&Uuid::nil().to_string()), &json!({})).await).await.0, 404);
    let tested = body(act(&stack, &path(&id), &json!({})).await).await;
    assert!(tested["round_trip_ms"].is_u64() && tested["at"].is_string(), "{tested}");
    let checks = tested["checks"].as_array().unwrap();
    let line = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(line("login")["state"], "ok");
    assert_eq!(line("hotspot")["state"], "ok");
    assert_eq!(line("walled-garden-ip")["state"], "wrong");
    assert!(line("walled-garden-ip")["todo"].as_str().unwrap().contains("dst-address=127.0.0.1"));
    assert!(checks.iter().all(|check| !check.to_string().contains("bando\"")), "no password: {tested}");
    stack.world.router.open_walled_garden("127.0.0.1");
    let tested = body(act(&stack, &path(&id), &json!({})).await).await;
    let garden = tested["checks"].as_array().unwrap().iter().find(|check| check["name"] == "walled-garden").unwrap();
    assert_eq!(garden["state"], "ok", "{garden}");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn why_follows_the_customer_from_the_money_to_the_device(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    assert_eq!(error_of(stack.get("/api/admin/why?q=1").await).await.0, 401);
    stack.log_in().await;
    let ask = async |question: &str| stack.get_json(&format!("/api/admin/why?q={question}")).await;
    let (status, code, field) = error_of(stack.get("/api/admin/why").await).await;
    assert_eq!((status, code.as_str(), field.as_deref()), (422, "invalid_question", Some("q")));
    assert_eq!(ask("hello%20there").await["kind"], "unknown");
    assert!(ask(MSISDN).await["verdict"].as_str().unwrap().contains("bought nothing"));
    assert!(ask("SKL1234ABC").await["verdict"].as_str().unwrap().contains("not known here"));

    let package = stack.sell_an_hour().await;
    let begun = stack.pay(&package).await;
    let id = begun["payment_id"].as_str().unwrap().to_owned();
    let open = ask(&PHONE.replace(' ', "")).await;
    assert_eq!((&open["kind"], &open["steps"][0]["state"]), (&json!("phone"), &json!("waiting")), "{open}");
    assert_eq!(open["steps"][0]["payment_id"], id.as_str());
    stack.world.approve(MSISDN).await;
    stack.until_status(&id, "online").await;
    for question in [MSISDN, MAC] {
        let well = ask(question).await;
        assert_eq!(well["is_well"], true, "{well}");
        assert_eq!(well["steps"].as_array().unwrap().last().unwrap()["station"], "active", "{well}");
        assert!(!well.to_string().contains("712345678"), "phones are masked: {well}");
    }
    let receipt: Option<String> = sqlx::query_scalar("select receipt from payments").fetch_one(&pool).await.unwrap();
    assert_eq!(ask(&receipt.unwrap()).await["is_well"], true);

    stack.world.router.leave(MAC).unwrap();
    stack.world.router.advance(std::time::Duration::from_secs(600));
    let gone = ask(MAC).await;
    assert_eq!((&gone["is_well"], &gone["steps"][4]["station"]), (&json!(false), &json!("host")), "{gone}");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn lost_time_is_given_back_once_and_by_owners_only(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let router = until_seen(&pool).await;
    online(&stack).await;
    // The router was without power for the ten minutes before the last.
    let outage = Uuid::from_u128(7);
    sqlx::query(
        "insert into outages (id, router_id, from_at, to_at, verdict, off_until_at)
         select ?, ?, n.at - interval 11 minute, n.at - interval 1 minute, 'off', n.at - interval 1 minute
         from (select utc_timestamp(6) as at) n",
    )
    .bind(outage)
    .bind(router)
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into outage_sessions (outage_id, session_id, before_secs, before_bytes, lost_secs)
         select ?, id, 0, 0, 600 from sessions",
    )
    .bind(outage)
    .execute(&pool)
    .await
    .unwrap();
    let path = format!("/api/admin/routers/{router}/outages/{outage}/credit");
    let reason = json!({"reason": "the power was out"});
    log_in_as_cashier(&stack).await;
    assert_eq!(error_of(act(&stack, &path, &reason).await).await.0, 403);
    stack.log_in().await;
    let (status, _, field) = error_of(act(&stack, &path, &json!({"reason": ""})).await).await;
    assert_eq!((status, field.as_deref()), (422, Some("reason")));
    let other = format!("/api/admin/routers/{router}/outages/{}/credit", Uuid::nil());
    assert_eq!(error_of(act(&stack, &other, &reason).await).await.0, 404);
    let shown = stack.get_json(&format!("/api/admin/routers/{router}")).await;
    assert_eq!(shown["router"]["state"], "online", "{shown}");
    assert!(shown["answered_permille"].as_u64().is_some_and(|permille| permille <= 1000), "{shown}");
    assert!(shown["history"].as_array().unwrap().iter().any(|event| event["kind"] == "online"), "{shown}");
    assert_eq!((&shown["outages"][0]["sessions"], &shown["outages"][0]["credited_at"]), (&json!(1), &Value::Null));
    assert_eq!(error_of(stack.get(&format!("/api/admin/routers/{}", Uuid::nil())).await).await.0, 404);
    let ends_at = "select ends_at from sessions";
    let before: chrono::DateTime<Utc> = sqlx::query_scalar(ends_at).fetch_one(&pool).await.unwrap();
    for _ in 0..2 {
        let given = body(act(&stack, &path, &reason).await).await;
        assert_eq!(given, json!({"sessions": 1, "secs": 600}));
    }
    let after: chrono::DateTime<Utc> = sqlx::query_scalar(ends_at).fetch_one(&pool).await.unwrap();
    assert_eq!(after - before, TimeDelta::minutes(10));
    // The router is brought to it: its own limit is later, too.
    until("the router knows", async || {
        let users = stack.world.router.users();
        let comment = users.iter().flatten().find(|(name, value)| name == "comment" && value.starts_with("bando1;"));
        // Whole seconds, rounded up, so that the router's own script is never early.
        comment.is_some_and(|(_, value)| value.ends_with(&format!("e={}", after.timestamp() + 1)))
    })
    .await;
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_policy_for_outages_is_off_until_an_owner_says_so(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let path = "/api/admin/routers/outage-policy";
    let wanted = json!({"is_automatic": true, "min_minutes": 15});
    assert!(!stack.billing.outage_policy().await.unwrap().is_automatic);
    log_in_as_cashier(&stack).await;
    assert_eq!(error_of(act(&stack, path, &wanted).await).await.0, 403);
    stack.log_in().await;
    for minutes in [0, 1441] {
        let refused = error_of(act(&stack, path, &json!({"is_automatic": true, "min_minutes": minutes})).await).await;
        assert_eq!((refused.0, refused.2.as_deref()), (422, Some("min_minutes")));
    }
    assert!(!stack.billing.outage_policy().await.unwrap().is_automatic, "what is refused changes nothing");
    assert_eq!(body(act(&stack, path, &wanted).await).await, wanted);
    let policy = stack.billing.outage_policy().await.unwrap();
    assert_eq!((policy.is_automatic, policy.min_minutes), (true, 15));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_router_with_another_certificate_gets_nothing_until_a_person_accepts_it(pool: MySqlPool) {
    const DEVICE: &str = "A4:CF:12:00:00:78";
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let options = Options { tls: Some(([127, 0, 0, 1], 0).into()), clock: ClockMode::Real, ..Options::default() };
    let beach = Sim::start(options).await.unwrap();
    let new = json!({
        "name": "Beach", "host": "127.0.0.1", "port": beach.tls_addr().unwrap().port(), "username": "admin",
        "password": "bando", "tls_pin": beach.certificate_sha256().unwrap(),
    });
    let added: Value = act(&stack, "/api/admin/routers", &new).await.json().await.unwrap();
    let path = format!("/api/admin/routers/{}", added["id"].as_str().unwrap());
    let router = async || stack.get_json(&path).await["router"].clone();
    until("the router is known", async || router().await["state"] == "online").await;

    // Somebody is in between: the same address, another certificate.
    let rule = FaultRule { fault: Fault::TlsCertificate, command: None, nth: 1, times: 1 };
    beach.inject(rule).unwrap();
    beach.clear_log();
    beach.cut_connections();
    let package = stack.sell_an_hour().await;
    beach.join(DEVICE).unwrap();
    let bought = json!({"package_id": package, "phone": PHONE, "mac": DEVICE, "router": "beach"});
    let payment: Value = stack.post("/api/pay", &bought).await.json().await.unwrap();
    let payment = payment["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    let told = async || {
        let list = stack.get_json("/api/admin/notifications").await["notifications"].clone();
        let list: Vec<Value> = serde_json::from_value(list).unwrap();
        list.into_iter().filter(|one| one["kind"] == "router_certificate").collect::<Vec<_>>()
    };
    until("the owner is told", async || !told().await.is_empty()).await;
    until("the owner sees it at the router", async || {
        router().await["message"].as_str().is_some_and(|message| message.contains("certificate"))
    })
    .await;
    stack.until_status(&payment, "paid").await;
    let first = told().await;
    assert!(first[0]["message"].as_str().unwrap().contains("somebody may be in between"), "{first:?}");
    assert_eq!((first.len(), &first[0]["severity"]), (1, &json!("critical")));
    assert!(beach.log().is_empty(), "not even the password is shown to it: {:?}", beach.log());
    assert!(!format!("{:?}", beach.users()).contains(DEVICE) && beach.active().is_empty());
    let pin: Vec<u8> =
        sqlx::query_scalar("select tls_pin from routers where slug = 'beach'").fetch_one(&pool).await.unwrap();
    assert_eq!(hex::encode(pin), new["tls_pin"].as_str().unwrap(), "nobody but a person changes what is trusted");

    // The owner has stood beside the router and compared.
    let accept = json!({"tls_pin": beach.certificate_sha256().unwrap()});
    assert_eq!(act(&stack, &path, &accept).await.status(), StatusCode::OK);
    stack.until_status(&payment, "online").await;
    until("it is well again", async || router().await["state"] == "online").await;
    until("the alarm is closed", async || told().await.iter().all(|one| one["is_read"] == true)).await;
    assert_eq!(told().await.len(), 1, "said once");
    let history = stack.get_json(&path).await["history"].clone();
    let kinds: Vec<&str> = history.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "certificate").count(), 1, "{history}");
    stack.stop().await;
}
