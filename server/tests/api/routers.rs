//! The owner's routers over HTTP.

use billing::admins::Role;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PASSWORD, Stack, client, error_of, until};

const WHY: &str = "the cafe has closed";

async fn act(stack: &Stack, path: &str, body: &Value) -> Response {
    stack.client.post(stack.at(path)).header("sec-fetch-site", "same-origin").json(body).send().await.unwrap()
}

async fn routers(stack: &Stack, query: &str) -> Vec<Value> {
    stack.get_json(&format!("/api/admin/routers{query}")).await["routers"].as_array().unwrap().clone()
}

async fn until_state(stack: &Stack, name: &str, state: &str) -> Value {
    let find = async || routers(stack, "").await.into_iter().find(|router| router["name"] == name).unwrap();
    until(&format!("{name} is {state}"), async || find().await["state"] == state).await;
    find().await
}

#[sqlx::test(migrations = "../migrations")]
async fn an_owner_adds_changes_and_removes_routers(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    assert_eq!(error_of(stack.get("/api/admin/routers").await).await.0, 401);
    stack.log_in().await;
    let main = until_state(&stack, "Main", "online").await;
    assert_eq!((&main["slug"], &main["reach"], &main["is_pinned"]), (&json!("main"), &json!("direct"), &json!(false)));
    let list = stack.get_json("/api/admin/routers").await;
    assert_eq!(list["outage_policy"], json!({"is_automatic": false, "min_minutes": 10}));

    let second = simulators::routeros::Sim::start(simulators::routeros::Options::default()).await.unwrap();
    let new = json!({
        "name": "Beach", "host": "127.0.0.1", "port": second.addr().port(), "username": "admin", "password": "not-it-42"
    });
    for (field, value) in [
        ("name", json!("")),
        ("host", json!("http://x")),
        ("port", json!(0)),
        ("username", json!(" ")),
        ("tls_pin", json!("12")),
    ] {
        let mut wrong = new.clone();
        wrong[field] = value;
        let (status, _, named) = error_of(act(&stack, "/api/admin/routers", &wrong).await).await;
        assert_eq!((status, named.as_deref()), (422, Some(field)));
    }
    let added = act(&stack, "/api/admin/routers", &new).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    let added: Value = added.json().await.unwrap();
    assert!(!added.to_string().contains("not-it-42"));
    let again = act(&stack, "/api/admin/routers", &new).await;
    assert_eq!(error_of(again).await, (409, "name_taken".into(), Some("name".into())));
    let path = format!("/api/admin/routers/{}", added["id"].as_str().unwrap());
    // It has never answered; what is wrong is said.
    until("it is said what is wrong", async || {
        until_state(&stack, "Beach", "new").await["message"].as_str().is_some_and(|text| text.contains("password"))
    })
    .await;
    let changed = act(&stack, &path, &json!({"password": "bando", "name": "The beach"})).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let beach = until_state(&stack, "The beach", "online").await;
    assert_eq!((&beach["slug"], &beach["message"]), (&json!("beach"), &Value::Null));
    let logged: Vec<String> =
        sqlx::query_scalar("select concat(action, ' ', detail) from logs where action like 'router%'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(logged, ["router.add Beach", "router.change name, password"]);

    stack.add_admin("cashier", Role::Cashier).await;
    let cashier = client();
    let login = json!({"username": "cashier", "password": PASSWORD});
    assert_eq!(cashier.post(stack.at("/api/admin/login")).json(&login).send().await.unwrap().status(), 200);
    for (path, body) in [
        ("/api/admin/routers".to_owned(), new),
        (path.clone(), json!({"name": "mine"})),
        (format!("{path}/remove"), json!({"reason": WHY})),
        (format!("{path}/restore"), json!({"reason": WHY})),
    ] {
        let request = cashier.post(stack.at(&path)).header("sec-fetch-site", "same-origin").json(&body);
        assert_eq!(error_of(request.send().await.unwrap()).await, (403, "owners_only".into(), None), "{path}");
    }

    let remove = format!("{path}/remove");
    assert_eq!(act(&stack, &remove, &json!({"reason": WHY})).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(act(&stack, &remove, &json!({"reason": WHY})).await.status(), StatusCode::NO_CONTENT, "asked twice");
    assert_eq!(routers(&stack, "").await.len(), 1);
    assert_eq!(error_of(act(&stack, &path, &json!({"name": "x1"})).await).await.0, 404, "out of use");
    let removed = routers(&stack, "?removed=true").await;
    assert_eq!((removed.len(), &removed[0]["state"]), (1, &json!("removed")));
    assert_eq!(stack.get(&format!("/w/beach?mac={MAC}")).await.status(), StatusCode::NOT_FOUND, "no sales");
    let restored = act(&stack, &format!("{path}/restore"), &json!({"reason": WHY})).await;
    assert_eq!(restored.status(), StatusCode::NO_CONTENT);
    until_state(&stack, "The beach", "online").await;
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_router_with_customers_is_only_removed_when_that_is_meant(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    stack.until_status(&id, "online").await;
    until("it is counted", async || routers(&stack, "").await[0]["online_devices"] == 1).await;
    let router = routers(&stack, "").await.remove(0);
    let remove = format!("/api/admin/routers/{}/remove", router["id"].as_str().unwrap());
    let refused = act(&stack, &remove, &json!({"reason": WHY})).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"]["code"], "customers_have_time");
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("1 customer has paid time"), "{refused}");
    let detail = stack.get_json(&format!("/api/admin/routers/{}", router["id"].as_str().unwrap())).await;
    assert_eq!(detail["customers"], 1);
    let none = json!({"reason": "Anyway: the router was stolen", "customers": 0});
    assert_eq!(act(&stack, &remove, &none).await.status(), StatusCode::CONFLICT, "a word in the reason says nothing");
    let meant = json!({"reason": "The router was stolen", "customers": detail["customers"]});
    assert_eq!(act(&stack, &remove, &meant).await.status(), StatusCode::NO_CONTENT);
    // What the router has is left as it is.
    stack.world.router.clear_log();
    until("nobody talks to it", async || stack.world.router.state().api_sessions == 0).await;
    assert_eq!(stack.world.router.active().len(), 1);
    assert!(stack.get_json("/api/admin/live").await["devices"].as_array().unwrap().is_empty());
    let later = chrono::DateTime::from_timestamp(4_000_000_000, 0).unwrap();
    for finding in billing::audit::run(&pool, later).await.unwrap() {
        assert!(!finding.is_broken(), "{}: {:?}", finding.rule, finding.rows);
    }
    stack.stop().await;
}
