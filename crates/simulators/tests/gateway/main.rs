//! The gateway over HTTP: captive redirect, pages, control plane.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use simulators::{
    gateway::{Gateway, Options},
    routeros::{self, Sim},
};

const MAC: &str = "A4:CF:12:00:00:01";

struct Bench {
    router: Sim,
    gateway: Gateway,
    http: Client,
}

impl Bench {
    async fn start() -> Self {
        let router = Sim::start(routeros::Options::default()).await.unwrap();
        let options = Options { portal: "http://127.0.0.1:8080".into(), ..Options::default() };
        let gateway = Gateway::start(options, router.control()).await.unwrap();
        // Several tests of one process install it; the first one does.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { router, gateway, http }
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(self.gateway.base_url() + path).send().await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.http.post(self.gateway.base_url() + path).json(&body).send().await.unwrap()
    }

    async fn press(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.http.post(self.gateway.base_url() + path).form(form).send().await.unwrap()
    }
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Puts a user on the router without going through its API.
async fn grant(bench: &Bench, mac: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(bench.router.addr()).await.unwrap();
    let mut bytes = b"\x06/login\x0b=name=admin\x0f=password=bando\x00\x14/ip/hotspot/user/add".to_vec();
    let name = format!("=name={mac}");
    bytes.push(u8::try_from(name.len()).unwrap());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b"\x12=limit-uptime=3600\x00");
    stream.write_all(&bytes).await.unwrap();
    let mut answer = [0; 22];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer[..14], b"\x05!done\x00\x05!done\x07");
}

#[tokio::test]
async fn connecting_sends_the_browser_to_the_portal() {
    let bench = Bench::start().await;
    let response = bench.press(&format!("/devices/{MAC}/connect"), &[]).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    let base = bench.gateway.base_url().replace(':', "%3A").replace('/', "%2F");
    let expected = format!(
        "http://127.0.0.1:8080/w/main?mac=A4%3ACF%3A12%3A00%3A00%3A01&ip=10.5.50.101&dst=http%3A%2F%2Fexample.com%2F\
         &lo={base}%2Fdevices%2FA4%3ACF%3A12%3A00%3A00%3A01%2Flogin&err="
    );
    assert_eq!(location(&response), expected);
    let body = response.text().await.unwrap();
    for part in ["location.replace(\"", "http-equiv=\"refresh\" content=\"0; url=", "Continue to the WiFi page</a>"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(body.contains(&expected), "the script goes to the same place");
    assert!(!body.contains("$(") && !body.contains("{{"), "{body}");
    let client = bench.json(&format!("/clients/{MAC}")).await;
    assert_eq!((client["state"].as_str(), client["ip"].as_str()), (Some("portal"), Some("10.5.50.101")));
}

#[tokio::test]
async fn a_device_with_a_user_is_let_through() {
    let bench = Bench::start().await;
    grant(&bench, MAC).await;
    let response = bench.press(&format!("/devices/{MAC}/connect"), &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.text().await.unwrap().contains("Wanjiru's phone is on the internet"));
    let page = bench.text("/").await;
    assert!(page.contains("data-state=\"online\"") && page.contains("1 h 0 min"), "{page}");
    bench.press("/forms/advance", &[("secs", "3600")]).await;
    let response = bench.get(&format!("/devices/{MAC}/open?url=http://news.example/")).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert!(location(&response).contains("dst=http%3A%2F%2Fnews.example%2F"));
    let response = bench.press(&format!("/devices/{MAC}/disconnect"), &[]).await;
    assert_eq!((response.status(), location(&response).as_str()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(bench.get(&format!("/devices/{MAC}/open")).await.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_routers_own_login_form_works_and_its_error_reaches_the_portal() {
    let bench = Bench::start().await;
    bench.press(&format!("/devices/{MAC}/connect"), &[]).await;
    let path = format!("/devices/{MAC}/login");
    let wrong = [("username", "nobody"), ("password", "x"), ("dst", "http://news.example/")];
    let response = bench.press(&path, &wrong).await;
    assert!(location(&response).ends_with("&err=invalid%20username%20or%20password"), "{}", location(&response));
    grant(&bench, MAC).await;
    let right = [("username", MAC), ("password", ""), ("dst", "http://news.example/")];
    let response = bench.press(&path, &right).await;
    assert_eq!((response.status(), location(&response).as_str()), (StatusCode::SEE_OTHER, "http://news.example/"));
    let response = bench.get(&format!("/devices/{MAC}/logout")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(bench.json(&format!("/clients/{MAC}")).await["state"], "portal");
}

#[tokio::test]
async fn the_page_lists_devices_and_loads_again_by_itself_unless_told_not_to() {
    let bench = Bench::start().await;
    let response = bench.get("/").await;
    assert_eq!(response.headers()["refresh"], "5; url=/");
    let page = response.text().await.unwrap();
    for text in [
        "Wanjiru's phone",
        "Otieno's laptop",
        "Cafe TV",
        MAC,
        "10.5.50.101",
        ">Connect<",
        "1 hour later",
        "Restart the router",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("walled garden"), "the portal is reachable");
    assert!(!bench.get("/?refresh=off").await.headers().contains_key("refresh"));
    // Somebody the page does not know.
    bench.post("/clients", json!({ "mac": "de:ad:be:ef:00:01" })).await;
    assert!(bench.text("/").await.contains("DE:AD:BE:EF:00:01"));
}

#[tokio::test]
async fn the_control_plane_moves_everything() {
    let bench = Bench::start().await;
    grant(&bench, MAC).await;
    let joined = bench.post("/clients", json!({ "mac": MAC, "ip": "10.5.50.23" })).await;
    assert_eq!(joined.json::<Value>().await.unwrap()["state"], "online");
    let passed: Value = bench
        .post(&format!("/clients/{MAC}/traffic"), json!({ "bytes_in": 5, "bytes_out": 7 }))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!((&passed["passed"], &passed["client"]["bytes_out"]), (&json!(true), &json!(7)));
    assert_eq!(bench.json("/active").await["active"][0]["user"], MAC);
    assert_eq!(bench.json("/users").await["users"][1]["limit-uptime"], "1h");
    assert_eq!(bench.json("/hosts").await["hosts"][0]["authorized"], "true");
    assert_eq!(bench.json("/rows?path=/ip/hotspot/walled-garden/ip").await["rows"][0]["dst-address"], "127.0.0.1");
    assert_eq!(bench.get("/rows?path=/nothing").await.status(), StatusCode::NOT_FOUND);
    bench.post("/advance", json!({ "secs": 60 })).await;
    assert_eq!(bench.json("/active").await["active"][0]["uptime"], "1m");
    bench.post("/reboot", json!({ "kind": "power_cut", "boot_secs": 10 })).await;
    assert_eq!(bench.json("/state").await["up"], false);
    bench.post("/advance", json!({ "secs": 11 })).await;
    let state = bench.json("/state").await;
    assert_eq!((&state["up"], &state["active"], &state["router_epoch_secs"]), (&json!(true), &json!(1), &json!(11)));
    bench.post("/ntp", json!({})).await;
    let state = bench.json("/state").await;
    assert_eq!(state["router_epoch_secs"], state["true_epoch_secs"]);
    let left: Value = bench.post(&format!("/clients/{MAC}/leave"), json!({})).await.json().await.unwrap();
    assert_eq!(left["state"], "off");
    assert!(bench.json("/log").await["sentences"][0]["words"].to_string().contains("=password=***"));
    let behaviours = bench.json("/behaviours").await;
    assert!(behaviours["behaviours"].as_array().unwrap().len() > 40);
}

#[tokio::test]
async fn faults_over_http() {
    let bench = Bench::start().await;
    let rule = json!({ "fault": "drop_after", "command": "/ip/hotspot/user/add", "nth": 2 });
    let armed: Value = bench.post("/faults", rule).await.json().await.unwrap();
    assert_eq!(armed["faults"][0]["fault"], "drop_after");
    assert_eq!(bench.post("/faults", json!({ "fault": "sunshine" })).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    bench.http.delete(bench.gateway.base_url() + "/faults").send().await.unwrap();
    assert_eq!(bench.json("/faults").await, json!({ "faults": [] }));
    assert_eq!(bench.post("/clients", json!({ "mac": "nonsense" })).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(bench.get(&format!("/clients/{MAC}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(bench.post("/advance", json!({ "secs": u64::MAX })).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_terminal_takes_what_is_pasted() {
    let bench = Bench::start().await;
    assert!(bench.text("/?refresh=off").await.contains("/forms/terminal"));
    assert!(bench.text("/forms/terminal").await.contains("<textarea"));
    let page =
        bench.press("/forms/terminal", &[("text", ":put (\"<b>\" . (40 + 2))\n/nosuch\n")]).await.text().await.unwrap();
    assert!(page.contains("&lt;b&gt;42") && page.contains("bad command name nosuch"), "{page}");
    let body = json!({ "text": "/ip hotspot user add name=pasted\n:put done", "account": "admin" });
    let answer: Value = bench.post("/terminal", body).await.json().await.unwrap();
    assert_eq!((&answer["error"], &answer["screen"]), (&Value::Null, &json!("done\n")));
    assert_eq!(answer["entered"].as_array().unwrap().len(), 2);
    assert!(bench.json("/users").await.to_string().contains("pasted"));
    assert_eq!(
        bench.post("/files", json!({ "name": "x.rsc", "contents": ":put hi" })).await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(bench.json("/files?name=x.rsc").await["contents"], ":put hi");
    assert_eq!(bench.get("/files?name=y").await.status(), StatusCode::NOT_FOUND);
    // A page that is changed through the router is the page devices get.
    let set = json!({ "text": "/file set [find name=\"hotspot/login.html\"] contents=\"own page \\$(mac)\"" });
    assert_eq!(bench.post("/terminal", set).await.json::<Value>().await.unwrap()["error"], Value::Null);
    bench.press(&format!("/devices/{MAC}/connect"), &[]).await;
    let shown = bench.get(&format!("/devices/{MAC}/login")).await.text().await.unwrap();
    assert!(shown.contains(&format!("own page {MAC}")), "{shown}");
    assert_eq!(bench.post("/internet", json!({ "up": false })).await.status(), StatusCode::NO_CONTENT);
    let upgraded: Value =
        bench.post("/upgrade", json!({ "ros": "7.18", "hotspot": false })).await.json().await.unwrap();
    assert_eq!(upgraded["version"], "7.18.2 (stable)");
    assert_eq!(bench.post("/upgrade", json!({ "ros": "5" })).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
