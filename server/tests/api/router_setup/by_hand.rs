//! The conversation by hand.

use billing::admins::Role;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;

use super::{id_of, path_of};
use crate::support::{PASSWORD, Stack, client};

pub(super) const FACTS: &str = "identity=MikroTik\nversion=7.22.1 (stable)\nboard=hAP ax2\nserial=HEX0001\nfree-space=9000000\n\
                     level=4\nepoch=1795327200\nzone=UTC\nntp=false\nntp-servers=\nuser=0\ngroup=0\n";
const NETWORK: &str = "ssl-disabled=true\nssl-port=8729\nssl-address=\nssl-certificate=none\napi-disabled=false\n\
                       api-port=8728\napi-address=\ndns=1.1.1.1\nfasttrack=1\ninput-drop=2\nwireguard=0\nportal=?\n\
                       address=10.5.50.1/24\tbridge\n";
const HOTSPOT: &str = "server=hs1\tbridge\tprof\tfalse\t2\tnone\nusers=14\nusers-ours=0\nactive=3\n\
                       profile=prof\tcookie;http-chap\tmac-as-username\thotspot\tfalse\n";

/// A router that a person plays.
pub(super) struct Hand<'a> {
    stack: &'a Stack,
    base: String,
}

impl<'a> Hand<'a> {
    /// Pastes a line: fetches the script and reads the address of its run.
    pub(super) async fn paste(stack: &'a Stack, path: &str) -> Self {
        let script = stack.get_text(path).await;
        let (_, rest) = script.split_once(":local base \"").expect("the script has its address");
        let url = url::Url::parse(rest.split('"').next().unwrap()).unwrap();
        Self { stack, base: url.path().to_owned() }
    }

    pub(super) async fn next(&self) -> String {
        self.stack.get_text(&format!("{}/next", self.base)).await
    }

    async fn step(&self, name: &str) -> Response {
        self.stack.get(&format!("{}/do/{name}", self.base)).await
    }

    async fn say(&self, kind: &str, name: &str, body: impl Into<Vec<u8>>) -> StatusCode {
        let url = self.stack.at(&format!("{}/{kind}/{name}", self.base));
        self.stack.client.post(url).body(body.into()).send().await.unwrap().status()
    }

    pub(super) async fn report(&self, name: &str, text: &str) {
        assert_eq!(self.say("ok", name, format!("bando\n{text}")).await, StatusCode::OK, "{name}");
    }

    pub(super) async fn look(&self) {
        self.report("look", FACTS).await;
        self.report("look-network", NETWORK).await;
        self.report("look-hotspot", HOTSPOT).await;
        self.report("look-page-0", "<html>mine</html>").await;
    }
}

fn names(value: &Value, state: &str) -> Vec<String> {
    let rows = value["checks"].as_array().unwrap().iter().filter(|check| check["state"] == state);
    rows.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_router_is_looked_at_then_approved_then_changed(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let setup = stack.begin_setup("Main cafe", "direct").await;
    let id = id_of(&setup);
    assert_eq!(setup["state"], "waiting");
    let path = path_of(&setup["command"]);
    assert!(stack.setup(&id).await["command"].is_null(), "the line is shown once");

    let hand = Hand::paste(&stack, &path).await;
    assert_eq!(stack.setup(&id).await["state"], "looking");
    assert!(hand.next().await.starts_with("step|look|"));
    // Nothing that changes the router is to be had before the approval, and no password.
    for step in ["user", "encryption", "profile", "undo-system"] {
        assert_ne!(hand.step(step).await.status(), StatusCode::OK, "{step}");
    }
    hand.look().await;
    assert!(hand.next().await.starts_with("wait|-|"));
    let asking = stack.setup(&id).await;
    assert_eq!(asking["state"], "asking", "{asking}");
    assert!(names(&asking, "wrong").is_empty(), "{asking}");
    assert!(asking["existing"].to_string().contains("Hotspot users that are not Bando's: 14."), "{asking}");
    assert!(asking["planned"].to_string().contains("login by mac, http-pap, cookie, http-chap"), "{asking}");
    assert!(asking["steps"].as_array().unwrap().is_empty() && asking["undo_command"].is_null());

    let working = stack.approve_setup(&id).await;
    assert_eq!(working["state"], "working");
    assert!(working["undo_command"].is_string());
    stack.approve_setup(&id).await;
    let mut steps = Vec::new();
    loop {
        let turn = hand.next().await;
        let mut parts = turn.split('|');
        match (parts.next().unwrap(), parts.next().unwrap()) {
            ("step", name) => {
                let script = hand.step(name).await.text().await.unwrap();
                assert!(!script.contains("{{"), "{script}");
                let said = if name == "encryption" {
                    format!("fingerprint={}\nport=8729\n", "ab".repeat(32))
                } else {
                    String::new()
                };
                hand.report(name, &said).await;
                steps.push(name.to_owned());
            }
            ("done", _) => break,
            other => panic!("{other:?}"),
        }
    }
    let expected = ["user", "encryption", "firewall", "profile", "page", "garden", "reaper", "clock", "fasttrack"];
    assert_eq!(steps, expected);
    let done = stack.setup(&id).await;
    assert_eq!(done["state"], "done");
    let router = stack.billing.find_router("main-cafe").await.unwrap().unwrap();
    assert_eq!((router.host.as_str(), router.port, router.username.as_str()), ("127.0.0.1", 8729, "bando"));
    assert_eq!(router.tls_pin, Some(vec![0xab; 32]));
    assert_eq!(done["router_id"], router.id.to_string());
    assert_eq!(hand.step("user").await.status(), StatusCode::CONFLICT, "the password is not to be had any more");
    assert!(hand.next().await.starts_with("done|"));
    assert!(stack.get_text(&path).await.contains("This line has been used"));
    // Under another name it would be there twice; anew under its own it may be.
    let anew = json!({"name": "", "reach": "direct", "router_id": done["router_id"]});
    for (body, expected) in [(json!({"name": "Second", "reach": "direct"}), vec!["connected-as"]), (anew, vec![])] {
        let setup: Value = stack.change("/api/admin/routers/setups", &body).await.json().await.unwrap();
        Hand::paste(&stack, &path_of(&setup["command"])).await.look().await;
        let asking = stack.setup(&id_of(&setup)).await;
        assert_eq!(asking["state"], "asking", "{asking:#}");
        let found: Vec<_> = names(&asking, "warning").into_iter().filter(|name| name == "connected-as").collect();
        assert_eq!(found, expected, "{asking:#}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_line_serves_one_router_for_one_day(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let setup = stack.begin_setup("One", "direct").await;
    let path = path_of(&setup["command"]);
    let first = Hand::paste(&stack, &path).await;
    first.look().await;
    // The same line on another router: it is told so, and nothing about the first changes.
    let other = Hand::paste(&stack, &path).await;
    other.report("look", &FACTS.replace("HEX0001", "HEX0002")).await;
    assert!(other.next().await.starts_with("stop|-|This line was used on another router"), "{}", other.next().await);
    assert!(first.next().await.starts_with("wait|"));
    // The same router once more: the later paste goes on, the earlier one ends.
    let again = Hand::paste(&stack, &path).await;
    again.look().await;
    assert!(again.next().await.starts_with("wait|"));
    assert!(first.next().await.starts_with("stop|-|The line was pasted once more"));
    stack.approve_setup(&id_of(&setup)).await;
    assert_eq!(first.step("user").await.status(), StatusCode::CONFLICT);
    assert_eq!(other.step("user").await.status(), StatusCode::CONFLICT);
    assert_eq!(again.step("user").await.status(), StatusCode::OK);

    let late = stack.begin_setup("Late", "direct").await;
    sqlx::query("update router_setups set expires_at = '2020-01-01' where name = 'Late'").execute(&pool).await.unwrap();
    assert!(stack.get_text(&path_of(&late["command"])).await.contains("This line has expired"));
    assert_eq!(stack.setup(&id_of(&late)).await["state"], "expired");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_reports_do_no_harm(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let setup = stack.begin_setup("Cafe", "direct").await;
    let id = id_of(&setup);
    let path = path_of(&setup["command"]);
    for wrong in
        ["/r/x", "/r/00", &format!("/r/{}", "0".repeat(64)), &format!("/r/{}", "f".repeat(96)), &path.to_uppercase()]
    {
        assert_eq!(stack.get(wrong).await.status(), StatusCode::NOT_FOUND, "{wrong}");
        assert_eq!(stack.get(&format!("{wrong}/next")).await.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
    assert_eq!(stack.get(&format!("{path}/next")).await.status(), StatusCode::NOT_FOUND, "a line is not a run");
    let hand = Hand::paste(&stack, &path).await;
    assert_eq!(hand.say("ok", "look", "no greeting").await, StatusCode::BAD_REQUEST);
    assert_eq!(hand.say("ok", "look", "").await, StatusCode::BAD_REQUEST);
    assert_eq!(hand.say("ok", "look", "bando\nidentity=nameless\n").await, StatusCode::BAD_REQUEST);
    assert_eq!(hand.say("ok", "look", vec![b'x'; 70_000]).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(hand.say("ok", "user", "bando\n").await, StatusCode::CONFLICT, "not approved");
    for name in ["nothing", "undo-system", "look-page-99", "look-page--1", "connection"] {
        assert_eq!(hand.say("ok", name, "bando\n").await, StatusCode::NOT_FOUND, "{name}");
    }
    assert_eq!(hand.say("maybe", "look", "bando\n").await, StatusCode::NOT_FOUND);
    assert_eq!(stack.setup(&id).await["state"], "looking");
    // Names that try to leave their string, and bytes that are no text.
    let nasty = "server=a\"; /system reset-configuration; \"$b\\\tbridge\tprof\tfalse\t2\tnone\n";
    hand.report("look", FACTS).await;
    hand.report("look-network", NETWORK).await;
    let hotspot = [
        b"bando\n".as_slice(),
        HOTSPOT.replace("server=hs1\tbridge", "server=\"hs1\tbr$idge").as_bytes(),
        nasty.as_bytes(),
        &[0xff, 0xfe, 0, b'\n'],
    ]
    .concat();
    assert_eq!(hand.say("ok", "look-hotspot", hotspot).await, StatusCode::OK);
    hand.report("look-page-0", "").await;
    assert_eq!(stack.setup(&id).await["state"], "asking");
    stack.approve_setup(&id).await;
    let script = hand.step("profile").await.text().await.unwrap();
    assert!(script.contains("name=\"a\\\"; /system reset-configuration; \\\"\\$b\\\\\""), "{script}");
    // Without end.
    let rows = "insert into router_setup_steps
                with recursive n as (select 1 as i union all select i + 1 from n where i < 700)
                select id, unhex(lpad(hex(i), 16, '0')), 'look', 1, '', now(6) from router_setups join n where name = 'Cafe'";
    sqlx::query(rows).execute(&pool).await.unwrap();
    assert_eq!(hand.say("ok", "user", "bando\n").await, StatusCode::TOO_MANY_REQUESTS);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_stands_in_the_way_is_said(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let cases = [
        ("package", FACTS.to_owned(), NETWORK.to_owned(), None),
        ("device-mode", format!("{FACTS}mode-hotspot=false\n"), NETWORK.to_owned(), Some(HOTSPOT.to_owned())),
        ("version", FACTS.replace("7.22.1 (stable)", "6.40.1"), NETWORK.to_owned(), Some(HOTSPOT.to_owned())),
        ("space", FACTS.replace("9000000", "9000"), NETWORK.to_owned(), Some(HOTSPOT.to_owned())),
        ("hotspot", FACTS.to_owned(), NETWORK.to_owned(), Some("users=1\n".to_owned())),
        ("hotspot", FACTS.to_owned(), NETWORK.to_owned(), Some(HOTSPOT.replace("\tfalse\t2", "\ttrue\t2"))),
    ];
    for (number, (name, facts, network, hotspot)) in cases.into_iter().enumerate() {
        let setup = stack.begin_setup(&format!("Router {number}"), "direct").await;
        let hand = Hand::paste(&stack, &path_of(&setup["command"])).await;
        hand.report("look", &facts.replace("HEX0001", &format!("HEX{number}"))).await;
        hand.report("look-network", &network).await;
        match hotspot {
            Some(hotspot) => hand.report("look-hotspot", &hotspot).await,
            None => assert_eq!(hand.say("no", "look-hotspot", "bando\nbad command name hotspot").await, StatusCode::OK),
        }
        assert!(hand.next().await.starts_with("stop|-|"), "{}", hand.next().await);
        let failed = stack.setup(&id_of(&setup)).await;
        assert_eq!(failed["state"], "failed", "{failed}");
        assert_eq!(names(&failed, "wrong"), [name], "{failed}");
        let answer = stack.change(&format!("/api/admin/routers/setups/{}/approve", id_of(&setup)), &json!({})).await;
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        // Put right, the same line goes on.
        let again = Hand::paste(&stack, &path_of(&setup["command"])).await;
        again.report("look", &FACTS.replace("HEX0001", &format!("HEX{number}"))).await;
        again.report("look-network", NETWORK).await;
        again.report("look-hotspot", HOTSPOT).await;
        again.report("look-page-0", "").await;
        assert_eq!(stack.setup(&id_of(&setup)).await["state"], "asking");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn owners_connect_routers_and_cashiers_look(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let setup = stack.begin_setup("Cafe", "direct").await;
    let id = id_of(&setup);
    Hand::paste(&stack, &path_of(&setup["command"])).await.look().await;
    stack.approve_setup(&id).await;
    stack.add_admin("cashier", Role::Cashier).await;
    let cashier = client();
    let send = async |path: &str, body: Value| {
        cashier.post(stack.at(path)).header("sec-fetch-site", "same-origin").json(&body).send().await.unwrap()
    };
    send("/api/admin/login", json!({"username": "cashier", "password": PASSWORD})).await;
    let seen: Value =
        cashier.get(stack.at(&format!("/api/admin/routers/setups/{id}"))).send().await.unwrap().json().await.unwrap();
    assert!(seen["undo_command"].is_null() && seen["state"] == "working", "{seen}");
    let refused = send("/api/admin/routers/setups", json!({"name": "X", "reach": "direct"})).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let refused = send(&format!("/api/admin/routers/setups/{id}/approve"), json!({})).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);

    for (body, status, code) in [
        (json!({"name": " ", "reach": "direct"}), StatusCode::UNPROCESSABLE_ENTITY, "invalid_name"),
        (json!({"name": "Y", "reach": "radio"}), StatusCode::UNPROCESSABLE_ENTITY, "invalid_reach"),
        (json!({"name": "Y", "reach": "tunnel"}), StatusCode::CONFLICT, "no_tunnel"),
        (json!({"name": "main", "reach": "direct"}), StatusCode::CONFLICT, "name_taken"),
    ] {
        let answer = stack.change("/api/admin/routers/setups", &body).await;
        assert_eq!(answer.status(), status, "{body}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], code, "{body}");
    }
    let nobody = client().get(stack.at(&format!("/api/admin/routers/setups/{id}"))).send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tunnel_has_an_address_of_its_own_for_every_router(pool: MySqlPool) {
    let tunnel = [
        ("BANDO_TUNNEL_ENDPOINT", "wifi.example.co.ke:51820"),
        ("BANDO_TUNNEL_PUBLIC_KEY", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="),
        ("BANDO_TUNNEL_NETWORK", "10.66.0.0/29"),
    ];
    let stack = Stack::start_with(&pool, &tunnel).await;
    stack.log_in().await;
    let key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
    for number in 0..5_u8 {
        let setup = stack.begin_setup(&format!("Site {number}"), "tunnel").await;
        let hand = Hand::paste(&stack, &path_of(&setup["command"])).await;
        hand.report("look", &FACTS.replace("HEX0001", &format!("HEX{number}"))).await;
        hand.report("look-network", NETWORK).await;
        hand.report("look-hotspot", HOTSPOT).await;
        hand.report("look-page-0", "").await;
        stack.approve_setup(&id_of(&setup)).await;
        let address = format!("10.66.0.{}", number + 2);
        loop {
            let turn = hand.next().await;
            let name = turn.split('|').nth(1).unwrap().to_owned();
            if !turn.starts_with("step|") {
                assert!(turn.starts_with("done|"), "{turn}");
                break;
            }
            let script = hand.step(&name).await.text().await.unwrap();
            if name == "tunnel" {
                assert!(script.contains(&format!("address=\"{address}/32\" network=\"10.66.0.1\"")), "{script}");
                assert!(script.contains("/ip service set api address=\"10.66.0.1/32\""), "{script}");
                assert_eq!(hand.say("ok", "tunnel", "bando\nkey=nonsense\n").await, StatusCode::BAD_REQUEST);
                hand.report(&name, &format!("key={key}\nport=8728\n")).await;
            } else {
                hand.report(&name, "").await;
            }
        }
        let done = stack.setup(&id_of(&setup)).await;
        let config = done["tunnel_config"].as_str().unwrap();
        assert_eq!(config, format!("# Site {number}\n[Peer]\nPublicKey = {key}\nAllowedIPs = {address}/32\n"));
        let router = stack.billing.find_router(&format!("site-{number}")).await.unwrap().unwrap();
        assert_eq!((router.host.as_str(), router.port, router.tls_pin), (address.as_str(), 8728, None));
    }
    let full = stack.change("/api/admin/routers/setups", &json!({"name": "Sixth", "reach": "tunnel"})).await;
    assert_eq!(full.json::<Value>().await.unwrap()["error"]["code"], "tunnel_full");
    // A router that is set up anew keeps its address.
    let router = stack.billing.find_router("site-3").await.unwrap().unwrap();
    let body = json!({"name": "", "reach": "tunnel", "router_id": router.id.to_string()});
    assert_eq!(stack.change("/api/admin/routers/setups", &body).await.status(), StatusCode::CREATED);
    stack.stop().await;
}
