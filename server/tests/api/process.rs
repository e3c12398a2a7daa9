//! The program as a process: killed, told to stop, started twice.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use simulators::{
    KeptPort,
    routeros::{Fault, FaultRule, Reboot},
};
use sqlx::MySqlPool;

use crate::support::{MAC, MSISDN, PHONE, World, bando, client, database_url, until};

/// A running `bando serve`. It is killed when the test ends.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(settings: &[(String, String)], port: &KeptPort) -> Self {
        let mut command = Command::new(bando());
        command.arg("serve").env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
        command.env("PORT", port.number().to_string()).current_dir(std::env::temp_dir());
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, url: format!("http://{}", port.addr()) }
    }

    /// With everything it logs in a file.
    fn start_logged(settings: &[(String, String)], port: &KeptPort, log: &std::path::Path) -> Self {
        let mut command = Command::new(bando());
        command.arg("serve").env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
        command
            .env("PORT", port.number().to_string())
            .env("LOG_LEVEL", "trace,hyper=info,sqlx=info,reqwest=info,hyper_util=info");
        command.env("LOG_FORMAT", "json").current_dir(std::env::temp_dir());
        let child = command.stdin(Stdio::null()).stderr(std::fs::File::create(log).unwrap()).spawn().unwrap();
        Self { child, url: format!("http://{}", port.addr()) }
    }

    async fn until_ready(&self) {
        until("the process is ready", async || {
            client().get(format!("{}/readyz", self.url)).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    async fn pay(&self, package_id: &str) -> String {
        let body = json!({"package_id": package_id, "phone": PHONE, "mac": MAC});
        let answer = client().post(format!("{}/api/pay", self.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        answer.json::<Value>().await.unwrap()["payment_id"].as_str().unwrap().to_owned()
    }

    async fn until_status(&self, payment_id: &str, word: &str) {
        let url = format!("{}/api/user/status?payment={payment_id}", self.url);
        until(&format!("the payment is {word}"), async || {
            let Ok(answer) = client().get(&url).send().await else { return false };
            answer.json::<Value>().await.is_ok_and(|status| status["status"] == word)
        })
        .await;
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").arg(name).arg(self.child.id().to_string()).status().unwrap();
        assert!(done.success());
    }

    async fn until_ended(&mut self) -> Option<i32> {
        until("the process has ended", async || self.child.try_wait().unwrap().is_some()).await;
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn package(pool: &MySqlPool, settings: &[(String, String)]) -> String {
    let arguments = ["package", "add", "--name", "1 hour", "--minutes", "60", "--price", "20", "--json"];
    let mut command = Command::new(bando());
    command.args(arguments).env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sold: i64 = sqlx::query_scalar("select count(*) from packages").fetch_one(pool).await.unwrap();
    assert_eq!(sold, 1);
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["id"].as_str().unwrap().to_owned()
}

/// A server at which a customer has pressed pay. Its port is kept for whoever comes after it.
struct Begun {
    world: World,
    settings: Vec<(String, String)>,
    port: KeptPort,
    server: Process,
    id: String,
}

async fn begun(pool: &MySqlPool) -> Begun {
    let world = World::start().await;
    let settings = world.settings(&database_url(pool));
    let package = package(pool, &settings).await;
    let port = KeptPort::any().unwrap();
    let server = Process::start(&settings, &port);
    server.until_ready().await;
    let id = server.pay(&package).await;
    Begun { world, settings, port, server, id }
}

#[sqlx::test(migrations = "../migrations")]
async fn killed_while_the_customer_pays(pool: MySqlPool) {
    let Begun { world, settings, port, server: mut first, id } = begun(&pool).await;
    let prompt = world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    let answered = "select count(*) from payments where state = 'pending'";
    until("the push's answer is stored", async || {
        sqlx::query_scalar::<_, i64>(answered).fetch_one(&pool).await.unwrap() == 1
    })
    .await;
    first.signal("-KILL");
    first.until_ended().await;

    // The customer enters the PIN while nobody is there to hear of it.
    world.mpesa.control().approve(prompt.id, "1234").unwrap();
    until("the money has moved", async || world.mpesa.control().charges().len() == 1).await;
    until("the report found nobody", async || !world.mpesa.control().deliveries().is_empty()).await;

    let second = Process::start(&settings, &port);
    second.until_ready().await;
    second.until_status(&id, "online").await;
    assert_eq!(world.router.client(MAC).unwrap().user.as_deref(), Some(MAC));
    assert_eq!(world.mpesa.control().charges().len(), 1, "nobody was charged again");
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions").fetch_one(&pool).await.unwrap();
    assert_eq!(sessions, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn killed_as_soon_as_the_prompt_is_there(pool: MySqlPool) {
    let Begun { world, settings, port, server: mut first, id } = begun(&pool).await;
    let prompt = world.mpesa.control().open_prompt(MSISDN).await.unwrap();
    first.signal("-KILL");
    first.until_ended().await;

    let second = Process::start(&settings, &port);
    second.until_ready().await;
    world.mpesa.control().approve(prompt.id, "1234").unwrap();
    second.until_status(&id, "online").await;
    assert_eq!(world.mpesa.control().prompts().len(), 1, "the push was not sent again");
}

#[sqlx::test(migrations = "../migrations")]
async fn killed_between_payment_and_router(pool: MySqlPool) {
    let Begun { world, settings, port, server: mut first, id } = begun(&pool).await;
    // The router is off while the customer pays, and until nobody is left to bring it up to date.
    world.router.inject(FaultRule { fault: Fault::RefuseAccept, command: None, nth: 1, times: 0 }).unwrap();
    world.router.reboot(Reboot::PowerCut);
    world.approve(MSISDN).await;
    first.until_status(&id, "paid").await;
    first.signal("-KILL");
    first.until_ended().await;
    world.router.clear_faults();
    world.router.join(MAC).unwrap();

    let second = Process::start(&settings, &port);
    second.until_ready().await;
    second.until_status(&id, "online").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn told_to_stop_it_answers_what_is_in_hand(pool: MySqlPool) {
    let Begun { world, server: mut process, id, .. } = begun(&pool).await;
    process.signal("-TERM");
    assert_eq!(process.until_ended().await, Some(0));
    assert_eq!(world.mpesa.control().prompts().len(), 1, "the push in hand was finished");
    let state: String = sqlx::query_scalar("select state from payments where id = ?")
        .bind(id.parse::<uuid::Uuid>().unwrap())
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(state, "pending");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_busy_port_is_one_clear_line(pool: MySqlPool) {
    let world = World::start().await;
    let settings = world.settings(&database_url(&pool));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = Command::new(bando());
    command.env_clear().envs(settings).env("PORT", &port).stdin(Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = tokio::time::timeout(Duration::from_secs(30), run).await.unwrap().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said,
        format!("bando: port {port} is in use on 127.0.0.1: stop the other program, or set PORT to another number\n")
    );
}

#[sqlx::test(migrations = false)]
async fn two_start_at_once_on_an_empty_database(pool: MySqlPool) {
    let world = World::start().await;
    let settings = world.settings(&database_url(&pool));
    let ports = [KeptPort::any().unwrap(), KeptPort::any().unwrap()];
    let both = ports.each_ref().map(|port| Process::start(&settings, port));
    for process in &both {
        process.until_ready().await;
    }
    let routers: i64 = sqlx::query_scalar("select count(*) from routers").fetch_one(&pool).await.unwrap();
    assert_eq!(routers, 1, "the first router was added once");
}

#[sqlx::test(migrations = "../migrations")]
async fn logs_follow_a_payment_and_tell_no_secret(pool: MySqlPool) {
    let world = World::start().await;
    let mut settings = world.settings(&database_url(&pool));
    settings.retain(|(name, _)| name != "LOG_LEVEL");
    let package = package(&pool, &settings).await;
    let log = std::env::temp_dir().join(format!("bando-log-{}.json", std::process::id()));
    let port = KeptPort::any().unwrap();
    let mut process = Process::start_logged(&settings, &port, &log);
    process.until_ready().await;
    let body = json!({"package_id": package, "phone": PHONE, "mac": MAC});
    let request = client().post(format!("{}/api/pay", process.url)).header("x-request-id", "follow-me-1").json(&body);
    let accepted: Value = request.send().await.unwrap().json().await.unwrap();
    world.approve(MSISDN).await;
    process.until_status(accepted["payment_id"].as_str().unwrap(), "online").await;
    process.signal("-TERM");
    assert_eq!(process.until_ended().await, Some(0));
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    for line in text.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"].is_string()), "not JSON: {line}");
    }
    let followed = text.lines().filter(|line| line.contains("follow-me-1")).count();
    assert!(followed >= 2, "the request's id is with what came of it, too: {text}");
    let delivery = world.mpesa.control().deliveries().pop().unwrap();
    let token = delivery.url.rsplit('/').next().unwrap().to_owned();
    let charge = world.mpesa.control().charges().pop().unwrap();
    let checkout = charge.checkout_request_id.clone().unwrap();
    for secret in ["712345678", "712 345 678", "0123456789abcdef", &token, &charge.receipt, &checkout] {
        assert!(!text.contains(secret), "{secret} is in the logs");
    }
}
