//! Secrets: never in an answer, never in the logs, and changed without an outage.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulators::KeptPort;
use sqlx::MySqlPool;

use crate::{
    cli::{blocking, shell},
    support::{MAC, MSISDN, Stack, until},
};

const HIDDEN: &str = "Rt-Hidden-7431";

/// Every GET of the admin API with its parameters filled in.
fn paths(description: &Value, ids: &[(&str, String)]) -> Vec<String> {
    let paths = description["paths"].as_object().unwrap();
    let asked = paths.iter().filter(|(path, item)| path.starts_with("/api/admin") && item["get"].is_object());
    asked
        .flat_map(|(path, _)| {
            let fill = |id: &str| {
                let mut parts: Vec<&str> = path.split('/').collect();
                parts.iter_mut().filter(|part| part.starts_with('{')).for_each(|part| *part = id);
                parts.join("/")
            };
            if path.contains('{') { ids.iter().map(|(_, id)| fill(id)).collect() } else { vec![path.clone()] }
        })
        .collect()
}

/// The names of every property an answer of any route may have.
fn answered(description: &Value) -> BTreeSet<String> {
    let schemas = &description["components"]["schemas"];
    let mut names = BTreeSet::new();
    let mut todo = Vec::new();
    for item in description["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            todo.push(operation["responses"].clone());
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(value) = todo.pop() {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let name = reference.rsplit('/').next().unwrap().to_owned();
                    if seen.insert(name.clone()) {
                        todo.push(schemas[&name].clone());
                    }
                }
                if let Some(Value::Object(properties)) = map.get("properties") {
                    names.extend(properties.keys().cloned());
                }
                todo.extend(map.into_iter().map(|(_, value)| value));
            }
            Value::Array(list) => todo.extend(list),
            _ => {}
        }
    }
    names
}

#[sqlx::test(migrations = "../migrations")]
async fn no_answer_has_a_routers_password(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let package = stack.sell_an_hour().await;
    let payment = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    stack.until_status(&payment, "online").await;
    let new = json!({"name": "Hidden", "host": "127.0.0.1", "port": 1, "username": "admin", "password": HIDDEN});
    let request = stack.client.post(stack.at("/api/admin/routers")).header("sec-fetch-site", "same-origin");
    assert_eq!(request.json(&new).send().await.unwrap().status(), 201);
    until("its task has failed", async || {
        let failed: i64 =
            sqlx::query_scalar("select count(*) from routers where slug = 'hidden' and last_error is not null")
                .fetch_one(&pool)
                .await
                .unwrap();
        failed == 1
    })
    .await;
    let (router, sealed): (uuid::Uuid, Vec<u8>) =
        sqlx::query_as("select id, password_sealed from routers where slug = 'hidden'").fetch_one(&pool).await.unwrap();
    let description = stack.get_json("/api/openapi.json").await;
    let ids = [("payment", payment), ("router", router.to_string())];
    let asked = paths(&description, &ids);
    assert!(asked.len() > 10 && asked.iter().any(|path| path == "/api/admin/routers"), "{asked:?}");
    let mut answered_well = 0;
    for path in asked {
        let answer = stack.get(&path).await;
        answered_well += usize::from(answer.status() == 200);
        let text = answer.text().await.unwrap();
        assert!(!text.contains(HIDDEN), "{path}: {text}");
        assert!(!text.contains(&hex::encode(&sealed)), "{path}: {text}");
    }
    assert!(answered_well > 8, "{answered_well}");
    for name in answered(&description) {
        let is_secret = ["password", "secret", "sealed", "token", "passkey"].iter().any(|word| name.contains(word));
        assert!(!is_secret, "an answer has {name}");
    }
    assert!(!stack.get_text("/metrics").await.contains(HIDDEN));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failing_login_logs_no_password_at_any_level(pool: MySqlPool) {
    let (world, shell) = shell(&pool).await;
    let log = std::env::temp_dir().join(format!("bando-secret-log-{}.json", std::process::id()));
    let port = KeptPort::any().unwrap();
    let shell = shell
        .with("MIKROTIK_PASSWORD", HIDDEN)
        .with("PORT", &port.number().to_string())
        .with("LOG_LEVEL", "trace,hyper=info,hyper_util=info,reqwest=info")
        .with("LOG_FORMAT", "json");
    let file = std::fs::File::create(&log).unwrap();
    let mut server = shell.command(&["serve"]).stderr(file).spawn().unwrap();
    until("the router has refused the login", async || {
        let query = "select count(*) from routers where last_error like '%password%'";
        sqlx::query_scalar::<_, i64>(query).fetch_one(&pool).await.is_ok_and(|failed| failed == 1)
    })
    .await;
    server.kill().unwrap();
    server.wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    assert!(text.contains("the router cannot be brought up to date"), "{text}");
    for secret in [HIDDEN, "0123456789abcdef0123456789abcdef"] {
        assert!(!text.contains(secret), "{secret} is in the logs");
    }
    drop(world);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_secret_is_changed_row_by_row_and_a_lost_one_is_named(pool: MySqlPool) {
    let (world, shell) = shell(&pool).await;
    let (old, new) = ("0123456789abcdef0123456789abcdef", "fedcba98765432100123456789abcdef");
    let port = world.router.addr().port().to_string();
    let add = |name: &str| {
        let arguments =
            ["router", "add", "--name", name, "--host", "127.0.0.1", "--port", &port, "--password", "bando"];
        arguments.map(str::to_owned)
    };
    let (main, beach) = (add("Main"), add("Beach"));
    let shell = blocking(move || {
        for arguments in [main, beach] {
            shell.done(&arguments.each_ref().map(String::as_str));
        }
        let (code, said) = shell.refused(&["secret", "rotate"]);
        assert!(code == 2 && said.contains("APP_SECRET_OLD"), "{said}");
        shell
    })
    .await;
    let sealed = async |slug: &str| -> Vec<u8> {
        sqlx::query_scalar("select password_sealed from routers where slug = ?")
            .bind(slug)
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let (main_before, beach_before) = (sealed("main").await, sealed("beach").await);
    sqlx::query("update routers set password_sealed = 'lost and gone, for ever' where slug = 'beach'")
        .execute(&pool)
        .await
        .unwrap();
    let both = shell.with("APP_SECRET", new).with("APP_SECRET_OLD", old);
    let both = blocking(move || {
        let (code, said) = both.refused(&["secret", "rotate"]);
        assert!(code == 1 && said.contains("Nothing was changed") && said.contains("router Beach"), "{said}");
        assert!(!said.contains("router Main"), "{said}");
        let (code, _) = both.refused(&["secret", "rotate", "--dry-run"]);
        assert_eq!(code, 1);
        both
    })
    .await;
    assert_eq!(sealed("main").await, main_before, "nothing was changed");
    sqlx::query("update routers set password_sealed = ? where slug = 'beach'")
        .bind(&beach_before)
        .execute(&pool)
        .await
        .unwrap();
    let both = blocking(move || {
        let looked = both.json(&["secret", "rotate", "--dry-run", "--json"]);
        assert_eq!(looked[0]["state"], "to do", "{looked}");
        assert_eq!(both.json(&["secret", "rotate", "--json"]), json!({"resealed": 2, "unchanged": 0}));
        both
    })
    .await;
    assert_ne!(sealed("main").await, main_before);
    // As if the run had ended between the two.
    sqlx::query("update routers set password_sealed = ? where slug = 'beach'")
        .bind(&beach_before)
        .execute(&pool)
        .await
        .unwrap();
    blocking(move || {
        assert_eq!(both.json(&["secret", "rotate", "--json"]), json!({"resealed": 1, "unchanged": 1}));
        let said = both.done(&["secret", "rotate"]);
        assert!(said.contains("0 sealed anew, 2 were so already") && said.contains("register-urls"), "{said}");
        assert!(!said.contains("bando\n") && !said.contains("fedcba98"), "{said}");
    })
    .await;
    // The new secret alone is enough.
    let stack = Stack::start_with(&pool, &[("APP_SECRET", new)]).await;
    until("both routers answer", async || {
        let seen: i64 = sqlx::query_scalar("select count(*) from routers where last_seen_at is not null")
            .fetch_one(&pool)
            .await
            .unwrap();
        seen == 2
    })
    .await;
    assert_eq!(stack.get(&format!("/w/main?mac={MAC}")).await.status(), 200);
    stack.stop().await;
}
