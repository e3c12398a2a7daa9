//! Real pastes into simulated routers.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};
use simulators::routeros::{ClockMode, Control, DeviceMode, Options, RosVersion, ServerProfile, Sim, Transcript};
use sqlx::MySqlPool;
use tokio::task::JoinHandle;

use super::id_of;
use crate::support::{MSISDN, PATIENCE, PHONE, Stack, until};

/// Everything a set-up may touch.
pub(super) const MENUS: [&str; 18] = [
    "/user",
    "/user/group",
    "/certificate",
    "/ip/service",
    "/ip/dns",
    "/ip/firewall/filter",
    "/ip/hotspot",
    "/ip/hotspot/profile",
    "/ip/hotspot/user",
    "/ip/hotspot/user/profile",
    "/ip/hotspot/ip-binding",
    "/ip/hotspot/walled-garden",
    "/ip/hotspot/walled-garden/ip",
    "/system/script",
    "/system/scheduler",
    "/system/ntp/client",
    "/system/identity",
    "/file",
];

/// A router as it is bought second hand: a hotspot of its own, customers of its own, FastTrack, a closed firewall.
pub(super) const LIVED_IN: &str = "/ip hotspot user add name=guest password=secret\n\
    /ip hotspot ip-binding add mac-address=A4:CF:12:99:99:99 type=bypassed comment=printer\n\
    /ip hotspot walled-garden add dst-host=example.org\n\
    /ip firewall filter add chain=forward action=fasttrack-connection connection-state=established,related\n\
    /ip firewall filter add chain=input action=accept protocol=icmp\n\
    /ip firewall filter add chain=input action=drop\n";

pub(super) fn options(ros: RosVersion) -> Options {
    Options {
        ros,
        clock: ClockMode::Real,
        server_profile: ServerProfile::Bare,
        tls: Some(([127, 0, 0, 1], 0).into()),
        api_certificate: false,
        // As long as a busy machine takes.
        fetch_patience: PATIENCE,
        ..Options::default()
    }
}

/// A router whose encrypted API is where its table says.
pub(super) async fn router(options: Options) -> Sim {
    let sim = Sim::start(options).await.unwrap();
    // Where names are found; nobody has to answer there.
    sim.put_on_internet("pool.ntp.org", ([127, 0, 0, 1], 123).into());
    let port = sim.tls_addr().unwrap().port();
    quiet(&sim.paste(&format!("/ip service set api-ssl port={port}")).await);
    sim
}

pub(super) fn quiet(transcript: &Transcript) {
    assert_eq!(transcript.error(), None, "{}", transcript.screen());
}

/// All rows of a menu without the keys, which mean nothing.
fn rows(control: &Control, path: &str) -> Vec<BTreeMap<String, String>> {
    let plain = |row: Vec<(String, String)>| {
        let means_nothing = |name: &str, value: &str| {
            matches!(name, ".id" | "creation-time" | "last-logged-in") || (name == "certificate" && value == "none")
        };
        row.into_iter().filter(|(name, value)| !means_nothing(name, value)).collect()
    };
    control.rows(path).unwrap_or_default().into_iter().map(plain).collect()
}

pub(super) fn export(control: &Control) -> BTreeMap<&'static str, Vec<BTreeMap<String, String>>> {
    MENUS
        .into_iter()
        .map(|path| {
            let mut found = rows(control, path);
            // Files have no order.
            if path == "/file" {
                found.sort();
            }
            (path, found)
        })
        .collect()
}

fn count(control: &Control, path: &str, name: &str, value: &str) -> usize {
    rows(control, path).iter().filter(|row| row.get(name).is_some_and(|own| own == value)).count()
}

pub(super) fn paste(sim: &Sim, command: &Value) -> JoinHandle<Transcript> {
    let (control, command) = (sim.control(), command.as_str().unwrap().to_owned());
    tokio::spawn(async move { control.paste(&command).await })
}

/// Pastes, approves, and waits for the end.
async fn connect(stack: &Stack, sim: &Sim, body: &Value) -> Value {
    let setup: Value = stack.change("/api/admin/routers/setups", body).await.json().await.unwrap();
    let id = id_of(&setup);
    let paste = paste(sim, &setup["command"]);
    until("the router was looked at", async || {
        let state = stack.setup(&id).await["state"].clone();
        state == "asking" || state == "failed"
    })
    .await;
    let asking = stack.setup(&id).await;
    assert_eq!(asking["state"], "asking", "{asking:#}");
    stack.approve_setup(&id).await;
    let transcript = paste.await.unwrap();
    let done = stack.setup(&id).await;
    assert_eq!(done["state"], "done", "{done:#}\n{}", transcript.screen());
    done
}

async fn connects_twice_and_goes_back(pool: MySqlPool, ros: RosVersion) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let sim = router(options(ros)).await;
    quiet(&sim.paste(LIVED_IN).await);
    let before = export(&sim);

    // Looking changes nothing.
    let setup = stack.begin_setup("Site 7", "direct").await;
    let pasted = paste(&sim, &setup["command"]);
    let asking = stack.until_setup(&id_of(&setup), "asking").await;
    let mut looked = export(&sim);
    looked.get_mut("/file").unwrap().retain(|file| file["name"] != "bando.rsc");
    assert_eq!(looked, before, "nothing is changed before the approval");
    assert!(asking["existing"].to_string().contains("hotspot1"), "{asking:#}");
    stack.approve_setup(&id_of(&setup)).await;
    let transcript = pasted.await.unwrap();
    let done = stack.setup(&id_of(&setup)).await;
    assert_eq!(done["state"], "done", "{done:#}\n{}", transcript.screen());
    for step in done["steps"].as_array().unwrap() {
        let is_connection = step["title"].as_str().unwrap().starts_with("Connection");
        assert!(is_connection || step["state"] == "ok", "{ros:?} {step:#}");
    }
    is_set_up(&sim, ros, &stack.url);
    let once = export(&sim);

    // Once more, as a new set-up of the same router: nothing is there twice.
    let again = connect(&stack, &sim, &json!({"name": "", "reach": "direct", "router_id": done["router_id"]})).await;
    let mut twice = export(&sim);
    for (path, rows) in &mut twice {
        // Only the password is another one.
        assert_eq!(rows.len(), once[path].len(), "{ros:?} {path}");
    }
    twice.insert("/user", once["/user"].clone());
    assert_eq!(twice, once, "{ros:?}");

    // And back.
    let transcript = sim.paste(again["undo_command"].as_str().unwrap()).await;
    let undone = stack.setup(&id_of(&again)).await;
    assert!(
        undone["message"].as_str().unwrap().starts_with("Everything was taken back"),
        "{undone:#}\n{}",
        transcript.screen()
    );
    let after = export(&sim);
    for path in MENUS {
        assert_eq!(after[path], before[path], "{ros:?} {path}");
    }
    stack.stop().await;
}

/// What has to hold on a router that is connected.
pub(super) fn is_set_up(sim: &Sim, ros: RosVersion, url: &str) {
    let control = sim.control();
    let group = rows(&control, "/user/group").into_iter().find(|row| row["name"] == "bando").unwrap();
    let mut policy: Vec<&str> = group["policy"].split(',').filter(|word| !word.starts_with('!')).collect();
    policy.sort_unstable();
    assert_eq!(policy, ["api", "read", "test", "write"]);
    let user = rows(&control, "/user").into_iter().find(|row| row["name"] == "bando").unwrap();
    assert_eq!((user["group"].as_str(), user["address"].as_str()), ("bando", "127.0.0.1/32"));
    let profile = rows(&control, "/ip/hotspot/profile").into_iter().find(|row| row["name"] == "hsprof1").unwrap();
    for way in ["mac", "http-pap", "cookie", "http-chap"] {
        assert!(profile["login-by"].split(',').any(|own| own == way), "{profile:?}");
    }
    let page = String::from_utf8(control.file("hotspot/login.html").unwrap()).unwrap();
    assert!(page.contains(&format!("{url}/w/site-7?mac=$(mac-esc)")), "{page}");
    assert_eq!(count(&control, "/ip/hotspot/walled-garden", "comment", "bando:portal"), 1);
    assert_eq!(count(&control, "/ip/hotspot/walled-garden/ip", "comment", "bando:portal"), 1);
    assert!(count(&control, "/ip/hotspot/user", "name", "guest") == 1, "other people's customers stay");
    let has_reaper = count(&control, "/system/scheduler", "name", "bando-reap") == 1;
    assert_eq!(has_reaper, ros >= RosVersion::V7_10, "{ros:?}");
    let rules: Vec<String> = rows(&control, "/ip/firewall/filter")
        .iter()
        .map(|row| row.get("comment").or_else(|| row.get("action")).unwrap().clone())
        .collect();
    assert_eq!(rules, ["bando:fasttrack", "bando:fasttrack", "fasttrack-connection", "accept", "bando:api", "drop"]);
    assert!(
        control.file("bando.rsc").is_none() && control.file("bando-step.rsc").is_none(),
        "nothing is left lying about"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn release_6_49_is_connected_twice_and_goes_back(pool: MySqlPool) {
    connects_twice_and_goes_back(pool, RosVersion::V6_49).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn release_7_10_is_connected_twice_and_goes_back(pool: MySqlPool) {
    connects_twice_and_goes_back(pool, RosVersion::V7_10).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn release_7_18_is_connected_twice_and_goes_back(pool: MySqlPool) {
    connects_twice_and_goes_back(pool, RosVersion::V7_18).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn release_7_22_is_connected_twice_and_goes_back(pool: MySqlPool) {
    connects_twice_and_goes_back(pool, RosVersion::V7_22).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_board_lacks_is_said_before_anything_is_changed(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    // Without the hotspot package.
    let sim = router(Options { hotspot: false, ..options(RosVersion::V7_22) }).await;
    let before = export(&sim);
    let setup = stack.begin_setup("No package", "direct").await;
    let transcript = paste(&sim, &setup["command"]).await.unwrap();
    assert!(transcript.screen().contains("The hotspot software is missing"), "{}", transcript.screen());
    let failed = stack.setup(&id_of(&setup)).await;
    assert_eq!(failed["state"], "failed", "{failed:#}");
    assert_eq!(export(&sim), before);
    // Locked by the factory: the line itself is refused, and the page says what to do then.
    let sim = router(Options { device_mode: DeviceMode::Home, ..options(RosVersion::V7_22) }).await;
    let setup = stack.begin_setup("Locked", "direct").await;
    let transcript = paste(&sim, &setup["command"]).await.unwrap();
    assert!(transcript.screen().contains("not allowed by device-mode"), "{}", transcript.screen());
    let waiting = stack.setup(&id_of(&setup)).await;
    assert_eq!(waiting["state"], "waiting");
    let message = waiting["message"].as_str().unwrap();
    assert!(message.starts_with("Nothing has been heard of the router yet. The line leads to 127.0.0.1"), "{waiting}");
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_login_page_too_large_to_be_kept_is_said_before_and_after(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let sim = router(options(RosVersion::V7_22)).await;
    quiet(&sim.paste(LIVED_IN).await);
    sim.put_file("hotspot/login.html", &format!("<html>{}</html>", "our own page ".repeat(6_000)));
    let setup = stack.begin_setup("Site 7", "direct").await;
    let pasted = paste(&sim, &setup["command"]);
    let asking = stack.until_setup(&id_of(&setup), "asking").await;
    let said = asking["existing"].to_string();
    assert!(said.contains("hotspot/login.html. It is too large to be kept and is replaced"), "{asking:#}");
    stack.approve_setup(&id_of(&setup)).await;
    pasted.await.unwrap();
    let done = stack.until_setup(&id_of(&setup), "done").await;
    let transcript = sim.paste(done["undo_command"].as_str().unwrap()).await;
    quiet(&transcript);
    let screen = transcript.screen();
    assert!(screen.contains("the login page hotspot/login.html was too large to be kept"), "{screen}");
    let undone = stack.setup(&id_of(&done)).await;
    let message = undone["message"].as_str().unwrap();
    assert!(message.contains("except for the login page hotspot/login.html"), "{undone:#}");
    // The rest is taken back, and nobody claims the page was.
    assert_eq!(count(&sim, "/user", "name", "bando"), 0);
    assert!(String::from_utf8(sim.file("hotspot/login.html").unwrap()).unwrap().contains("/w/site-7?"));
    stack.stop().await;
}

/// A customer at a router pays and waits to be let on.
async fn pays_and_is_online(stack: &Stack, sim: &Sim) {
    const DEVICE: &str = "A4:CF:12:00:00:77";
    let package = stack.sell_an_hour().await;
    sim.join(DEVICE).unwrap();
    let body = json!({"package_id": package, "phone": PHONE, "mac": DEVICE, "router": "site-7"});
    let answer = stack.post("/api/pay", &body).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let payment: Value = answer.json().await.unwrap();
    stack.world.approve(MSISDN).await;
    stack.until_status(payment["payment_id"].as_str().unwrap(), "online").await;
    assert!(sim.active().iter().any(|row| row.contains(&("user".to_owned(), DEVICE.to_owned()))));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_router_out_of_its_box_is_pasted_and_a_customer_is_online_through_it(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let boxed = Options { clock: ClockMode::Real, flash_folder: true, ..Options::out_of_the_box() };
    let sim = router(boxed).await;
    let before = export(&sim);
    let done = connect(&stack, &sim, &json!({"name": "Site 7", "reach": "direct"})).await;
    assert!(done["planned"].to_string().contains("Make a hotspot on bridge-hotspot"), "{done:#}");
    until("the server has tried it", async || {
        let setup = stack.setup(&id_of(&done)).await;
        setup["steps"].as_array().unwrap().iter().any(|step| step["title"].as_str().unwrap().starts_with("Connection"))
    })
    .await;
    let tried = stack.setup(&id_of(&done)).await;
    assert_eq!(tried["message"], "The router is connected.", "{tried:#}");
    let page = String::from_utf8(sim.file("flash/hotspot/login.html").unwrap()).unwrap();
    assert!(page.contains("/w/site-7?"), "{page}");
    pays_and_is_online(&stack, &sim).await;
    quiet(&sim.paste(tried["undo_command"].as_str().unwrap()).await);
    let after = export(&sim);
    for path in MENUS.into_iter().filter(|path| *path != "/file") {
        assert_eq!(after[path], before[path], "{path}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_router_that_asks_is_pasted_and_a_customer_is_online_through_it(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    stack.log_in().await;
    let sim = router(options(RosVersion::V7_22)).await;
    let before = export(&sim);
    let done = connect(&stack, &sim, &json!({"name": "Site 7", "reach": "pull"})).await;
    assert_eq!(count(&sim, "/user", "name", "bando"), 0, "nobody has to log in");
    pays_and_is_online(&stack, &sim).await;
    let transcript = sim.paste(done["undo_command"].as_str().unwrap()).await;
    let undone = stack.setup(&id_of(&done)).await;
    assert!(undone["message"].as_str().unwrap().starts_with("Everything"), "{undone:#}\n{}", transcript.screen());
    let after = export(&sim);
    for path in MENUS {
        assert_eq!(after[path], before[path], "{path}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tunnel_is_made_and_taken_back(pool: MySqlPool) {
    let tunnel = [
        ("BANDO_TUNNEL_ENDPOINT", "127.0.0.1:51820"),
        ("BANDO_TUNNEL_PUBLIC_KEY", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="),
        ("BANDO_TUNNEL_NETWORK", "10.66.0.0/16"),
    ];
    let stack = Stack::start_with(&pool, &tunnel).await;
    stack.log_in().await;
    let sim = router(options(RosVersion::V7_18)).await;
    quiet(&sim.paste(LIVED_IN).await);
    let links = ["/interface/wireguard", "/interface/wireguard/peers", "/ip/address"];
    let (before, links_before) = (export(&sim), links.map(|path| rows(&sim, path)));
    let done = connect(&stack, &sim, &json!({"name": "Site 7", "reach": "tunnel"})).await;
    let interface = rows(&sim, "/interface/wireguard").pop().unwrap();
    let config = done["tunnel_config"].as_str().unwrap();
    assert!(
        config.contains(&format!("PublicKey = {}\nAllowedIPs = 10.66.0.2/32", interface["public-key"])),
        "{config}"
    );
    let peer = rows(&sim, "/interface/wireguard/peers").pop().unwrap();
    assert_eq!((peer["allowed-address"].as_str(), peer["persistent-keepalive"].as_str()), ("10.66.0.1/32", "25s"));
    assert_eq!(count(&sim, "/ip/address", "network", "10.66.0.1"), 1);
    let api = rows(&sim, "/ip/service").into_iter().find(|row| row["name"] == "api").unwrap();
    assert_eq!(api["address"], "10.66.0.1/32");
    quiet(&sim.paste(done["undo_command"].as_str().unwrap()).await);
    assert_eq!(links.map(|path| rows(&sim, path)), links_before);
    let after = export(&sim);
    for path in MENUS {
        assert_eq!(after[path], before[path], "{path}");
    }
    // Release 6 has no WireGuard, and is told so.
    let old = router(options(RosVersion::V6_49)).await;
    let setup = stack.begin_setup("Old", "tunnel").await;
    paste(&old, &setup["command"]).await.unwrap();
    let failed = stack.setup(&id_of(&setup)).await;
    assert!(failed["message"].as_str().unwrap().contains("The tunnel needs RouterOS 7"), "{failed:#}");
    stack.stop().await;
}
