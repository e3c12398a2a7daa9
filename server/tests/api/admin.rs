//! Owners and cashiers: logging in and out, what they see, and what others cannot make them do.

use billing::admins::Role;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PASSWORD, PHONE, Stack, client, error_of, text_of};

async fn try_login(stack: &Stack, username: &str, password: &str) -> Response {
    stack.post("/api/admin/login", &json!({"username": username, "password": password})).await
}

fn cookie_of(answer: &Response) -> String {
    text_of(answer.headers(), "set-cookie")
}

#[sqlx::test(migrations = "../migrations")]
async fn an_owner_logs_in_and_out(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.add_admin("owner", Role::Owner).await;
    let answer = try_login(&stack, "Owner", PASSWORD).await;
    let cookie = cookie_of(&answer);
    assert!(cookie.starts_with("bando="), "{cookie}");
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=28800"] {
        assert!(cookie.contains(flag), "{flag} is missing in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    let me = json!({"username": "owner", "role": "owner"});
    assert_eq!(answer.json::<Value>().await.unwrap(), me);
    assert_eq!(stack.get_json("/api/admin/me").await, me);

    let left = stack.client.post(stack.at("/api/admin/logout")).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    assert_eq!(error_of(stack.get("/api/admin/me").await).await.0, 401);
    let rows: i64 = sqlx::query_scalar("select count(*) from tower_sessions").fetch_one(&pool).await.unwrap();
    assert_eq!(rows, 0, "the login is gone from the database, not only from the browser");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn over_https_the_cookie_is_bound_to_the_host(pool: MySqlPool) {
    let stack = Stack::start_with(&pool, &[("PUBLIC_URL", "https://wifi.example.co.ke")]).await;
    stack.add_admin("owner", Role::Owner).await;
    let cookie = cookie_of(&try_login(&stack, "owner", PASSWORD).await);
    assert!(cookie.starts_with("__Host-bando=") && cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_planted_session_number_is_worth_nothing(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.add_admin("owner", Role::Owner).await;
    let number = |cookie: String| cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let first = number(cookie_of(&try_login(&stack, "owner", PASSWORD).await));
    let second = number(cookie_of(&try_login(&stack, "owner", PASSWORD).await));
    assert_ne!(first, second);
    let with_first = client().get(stack.at("/api/admin/me")).header("cookie", format!("bando={first}"));
    assert_eq!(error_of(with_first.send().await.unwrap()).await.0, 401);
    for invented in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "' or 1=1"] {
        let request = client().get(stack.at("/api/admin/me")).header("cookie", format!("bando={invented}"));
        assert_eq!(error_of(request.send().await.unwrap()).await.0, 401, "{invented}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_password_ends_every_login(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    assert_eq!(stack.get("/api/admin/me").await.status(), StatusCode::OK);
    stack.billing.reset_admin_password("owner", "another long password".to_owned().into()).await.unwrap();
    assert_eq!(error_of(stack.get("/api/admin/me").await).await.0, 401);
    assert_eq!(try_login(&stack, "owner", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn old_logins_end_by_idleness_and_by_age(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let shift = async |field: &str, back: &str| {
        // The stored form is MessagePack; the instant after a field's name is RFC 3339 text.
        let data: Vec<u8> = sqlx::query_scalar("select data from tower_sessions").fetch_one(&pool).await.unwrap();
        let name_at = data.windows(field.len()).position(|part| part == field.as_bytes()).unwrap();
        let at = name_at + data[name_at..].windows(2).position(|part| part == b"20").unwrap();
        let mut changed = data.clone();
        changed[at..at + 4].copy_from_slice(back.as_bytes());
        sqlx::query("update tower_sessions set data = ?").bind(changed).execute(&pool).await.unwrap();
    };
    shift("logged_in_at", "2020").await;
    assert_eq!(error_of(stack.get("/api/admin/me").await).await.0, 401);
    assert_eq!(try_login(&stack, "owner", PASSWORD).await.status(), StatusCode::OK);
    shift("seen_at", "2020").await;
    assert_eq!(error_of(stack.get("/api/admin/me").await).await.0, 401);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn guessing_is_slowed_down(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.add_admin("owner", Role::Owner).await;
    for _ in 0..5 {
        let (status, code, _) = error_of(try_login(&stack, "owner", "wrong password").await).await;
        assert_eq!((status, code.as_str()), (401, "wrong_login"));
    }
    let refused = try_login(&stack, "owner", PASSWORD).await;
    assert!(text_of(refused.headers(), "retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(error_of(refused).await, (429, "too_many_requests".to_owned(), None));
    let unknown = error_of(try_login(&stack, "nobody", "wrong password").await).await;
    assert_eq!(unknown, (401, "wrong_login".to_owned(), None), "an unknown name is answered like a known one");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn other_sites_cannot_act_for_an_admin(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let read = "/api/admin/notifications/0192f0c1-2d3e-7f00-8abc-0123456789ab/read";
    let post = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = stack.client.post(stack.at(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let own = stack.url.clone();
    assert_eq!(post(read, &[]).await, 403, "nothing says that it comes from our own page");
    assert_eq!(post(read, &[("origin", "https://evil.example")]).await, 403);
    assert_eq!(post(read, &[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(post(read, &[("origin", "null")]).await, 403);
    assert_eq!(post("/api/admin/logout", &[("origin", "https://evil.example")]).await, 403);
    assert_eq!(post("/api/admin/login", &[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(post("/pay", &[("origin", "https://evil.example")]).await, 403);
    // Over plain http a browser may write `null` for the portal's own form: refused for what is in it, not for that.
    assert_eq!(post("/pay", &[("origin", "null")]).await, 422);
    assert_eq!(post(read, &[("x-requested-with", "bando")]).await, 204);
    assert_eq!(post(read, &[("sec-fetch-site", "same-origin")]).await, 204);
    assert_eq!(post(read, &[("origin", &own)]).await, 204);
    assert_eq!(stack.get("/api/admin/me").await.status(), StatusCode::OK, "the foreign logout did nothing");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn each_role_reaches_what_it_should(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    for (name, role) in [("owner", Role::Owner), ("cashier", Role::Cashier)] {
        stack.add_admin(name, role).await;
        let answer = try_login(&stack, name, PASSWORD).await;
        assert_eq!(answer.json::<Value>().await.unwrap()["role"], role.as_str());
        for path in ["/api/admin/payments", "/api/admin/users", "/api/admin/notifications", "/api/admin/payments.csv"] {
            assert_eq!(stack.get(path).await.status(), StatusCode::OK, "{name} {path}");
        }
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn payments_are_listed_narrowed_and_paged(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    for last in 1..=3 {
        let body = json!({
            "package_id": package, "phone": format!("071200000{last}"), "mac": format!("A4:CF:12:00:00:0{last}")
        });
        assert_eq!(stack.post("/api/pay", &body).await.status(), StatusCode::ACCEPTED);
    }
    stack.log_in().await;
    let all = stack.get_json("/api/admin/payments").await;
    assert_eq!(all["payments"].as_array().unwrap().len(), 3);
    assert_eq!(all["meta"], json!({"next": null}));
    let newest = &all["payments"][0];
    assert_eq!(newest["phone"], "0712 000 003");
    assert_eq!(newest["status"], "Pending");
    assert_eq!(newest["package"], "1 hour");

    let first = stack.get_json("/api/admin/payments?limit=2").await;
    let next = first["meta"]["next"].as_str().unwrap();
    let second = stack.get_json(&format!("/api/admin/payments?limit=2&after={next}")).await;
    let phones: Vec<&Value> = [&first, &second]
        .iter()
        .flat_map(|page| page["payments"].as_array().unwrap())
        .map(|payment| &payment["phone"])
        .collect();
    assert_eq!(phones, ["0712 000 003", "0712 000 002", "0712 000 001"]);

    for (query, count) in [
        ("q=0712000002", 1),
        ("q=nothing", 0),
        ("status=pending", 3),
        ("status=Success", 0),
        ("state=review", 0),
        ("status=Pending&state=succeeded", 0),
        ("router=main", 3),
        ("from=2020-01-01T00:00:00Z", 3),
        ("to=2020-01-01T00:00:00Z", 0),
        ("status=&state=&q=&from=&to=&package=&router=&after=&limit=", 3),
    ] {
        let found = stack.get_json(&format!("/api/admin/payments?{query}")).await;
        assert_eq!(found["payments"].as_array().map(Vec::len), Some(count), "{query}: {found}");
    }
    for (query, field) in [
        ("status=paid", "status"),
        ("state=Pending", "state"),
        ("from=yesterday", "from"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("package=x", "package"),
        ("router=none", "router"),
        ("after=%27%20or%201=1", "after"),
    ] {
        let error = error_of(stack.get(&format!("/api/admin/payments?{query}")).await).await;
        assert_eq!(error, (422, "invalid_filter".to_owned(), Some(field.to_owned())), "{query}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_file_holds_every_payment_and_no_formula(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    sqlx::query("update packages set name = '=cmd()'").execute(&pool).await.unwrap();
    stack.pay(&package).await;
    stack.log_in().await;
    let answer = stack.get("/api/admin/payments.csv").await;
    assert_eq!(text_of(answer.headers(), "content-type"), "text/csv; charset=utf-8");
    assert!(text_of(answer.headers(), "content-disposition").starts_with("attachment"));
    let text = answer.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("id,created_at,phone,package,amount_kes"));
    assert!(lines[1].contains(",254712345678,'=cmd(),20,Pending,"), "{text}");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn customers_are_listed_with_their_totals(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    stack.until_status(&id, "online").await;
    let other = json!({"package_id": package, "phone": "0722000000", "mac": "A4:CF:12:00:00:02"});
    assert_eq!(stack.post("/api/pay", &other).await.status(), StatusCode::ACCEPTED);
    stack.log_in().await;
    let users = stack.get_json("/api/admin/users?limit=1").await;
    assert!(users["users"].is_array(), "{users}");
    assert_eq!(users["users"][0]["phone"], "0722 000 000", "last seen comes first");
    let next = users["meta"]["next"].as_str().unwrap();
    let second = stack.get_json(&format!("/api/admin/users?limit=1&after={next}")).await;
    let customer = &second["users"][0];
    assert_eq!((customer["phone"].as_str(), customer["payments"].as_u64()), (Some(PHONE), Some(1)));
    assert_eq!(customer["paid_kes"], 20);
    assert_eq!(second["meta"]["next"], Value::Null);
    let found = stack.get_json("/api/admin/users?q=%2B254712345678").await;
    assert_eq!(found["users"].as_array().unwrap().len(), 1);
    let listed = stack.get_json("/api/admin/payments?status=Success").await;
    assert_eq!(listed["payments"][0]["delivery"], "online");
    assert!(listed["payments"][0]["mpesa_receipt"].as_str().is_some_and(|receipt| receipt.len() == 10), "{listed}");
    assert_eq!(stack.world.router.client(MAC).unwrap().user.as_deref(), Some(MAC));
    stack.stop().await;
}
