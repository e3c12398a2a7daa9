//! The test of a router: each fault is said by its line, and a router without any is well.

use std::time::Duration;

use routeros_api::{Command, Connection, Credentials, Security, Settings, Target};
use secrecy::SecretString;
use simulators::{
    KeptPort,
    routeros::{
        Account, ClockMode, DeviceMode, Fault, FaultRule, Group, Options, RosVersion, ServerProfile, Sim,
        VIRTUAL_START_EPOCH_SECS,
    },
};
use sqlx::MySqlPool;

use super::world::World;
use crate::{
    access::{CheckState, Expected, Portal, Tested, test_router},
    db::routers::{Reach, RouterRecord},
    seal::AppSecret,
};

const PORTAL: &str = "http://127.0.0.1:8080";
const REAPER: &str = include_str!("../../../../../hotspot/bando-reap.rsc");

pub(super) async fn test(world: &World, router: &RouterRecord, url: &str) -> Tested {
    let expected = Expected { portal: Portal::new(url, "127.0.0.1", 8080), zone: chrono_tz::Tz::Africa__Nairobi };
    let settings = Settings { connect_timeout: Duration::from_secs(2), ..Settings::default() };
    test_router(&world.pool, router, &world.secret, settings, &expected, world.clock.as_ref()).await.unwrap()
}

pub(super) fn assert_state(tested: &Tested, name: &str, state: &str, part: &str) {
    let check = tested.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no line {name}"));
    let words = format!("{} {}", check.text, check.todo.clone().unwrap_or_default());
    assert_eq!(check.state.as_str(), state, "{check:?}");
    assert!(words.contains(part), "{check:?}");
    let is_trouble = matches!(check.state, CheckState::Wrong | CheckState::Warning);
    assert_eq!(check.todo.is_some(), is_trouble, "{check:?}");
}

fn few_rights() -> Options {
    Options {
        groups: vec![Group { name: "bando".into(), policy: "read,write,api,test".into() }],
        accounts: vec![Account { name: "admin".into(), password: "bando".into(), group: "bando".into() }],
        login_html: Some(format!("<a href=\"{PORTAL}/w/main?mac=$(mac-esc)\">WiFi</a>")),
        ..Options::default()
    }
}

async fn run(sim: &Sim, user: &str, command: Command) {
    let address = sim.addr();
    let target = Target { host: address.ip().to_string(), port: address.port(), security: Security::Plain };
    let credentials = Credentials { username: user.into(), password: SecretString::from("bando") };
    let connection = Connection::open(&target, &credentials, Settings::default()).await.unwrap();
    connection.run(command).await.unwrap();
}

/// A router as it should be.
async fn good(options: Options) -> Sim {
    let sim = Sim::start(options).await.unwrap();
    sim.open_walled_garden("127.0.0.1");
    let admin = "admin";
    for command in [
        Command::new("/system/script/add").attr("name", "bando-reap").attr("source", REAPER),
        Command::new("/system/scheduler/add")
            .attr("name", "bando-reap")
            .attr("interval", "1m")
            .attr("on-event", "bando-reap"),
        Command::new("/system/clock/set").attr("time-zone-name", "Africa/Nairobi"),
        Command::new("/system/ntp/client/set").attr("enabled", "yes").attr("servers", "pool.ntp.org"),
    ] {
        run(&sim, admin, command).await;
    }
    sim
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_router_as_it_should_be_is_well_in_every_line(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = good(few_rights()).await;
    let router = world.router("main", sim.addr().port(), "bando").await;
    sim.clear_log();
    let tested = test(&world, &router, PORTAL).await;
    let trouble: Vec<_> = tested.checks.iter().filter(|check| check.state != CheckState::Ok).collect();
    assert!(trouble.is_empty(), "{trouble:#?}");
    assert_eq!(tested.checks.len(), 24);
    assert!(tested.round_trip.is_some());
    assert!(sim.log().iter().all(|entry| !format!("{entry:?}").contains("/set")), "it changes nothing");
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_fault_of_the_set_up_is_said_by_its_line(pool: MySqlPool) {
    let world = World::new(pool).await;
    let full = Options { accounts: Options::default().accounts, ..few_rights() };
    let sim = good(full).await;
    let router = world.router("main", sim.addr().port(), "bando").await;
    assert_state(&test(&world, &router, PORTAL).await, "rights", "warning", "reboot");
    let set = |menu: &str, row: &str| Command::new(format!("{menu}/set")).attr(".id", row);
    let profile = || set("/ip/hotspot/profile", "hsprof1");
    let server = || set("/ip/hotspot", "hotspot1");
    let filter = || Command::new("/ip/firewall/filter/add").attr("chain", "forward");
    for (change, name, state, part, back) in [
        (
            profile().attr("login-by", "cookie,http-chap"),
            "login-by",
            "wrong",
            "login-by=mac",
            profile().attr("login-by", "mac,http-pap"),
        ),
        (
            profile().attr("mac-auth-mode", "mac-as-username-and-password"),
            "login-by",
            "wrong",
            "mac-auth-mode=mac-as-username",
            profile().attr("mac-auth-mode", "mac-as-username"),
        ),
        (
            profile().attr("login-by", "mac,trial"),
            "login-by",
            "warning",
            "free trial",
            profile().attr("login-by", "mac,http-pap"),
        ),
        (profile().attr("use-radius", "yes"), "login-by", "warning", "RADIUS", profile().attr("use-radius", "no")),
        (
            profile().attr("install-hotspot-queue", "yes"),
            "profile",
            "warning",
            "install-hotspot-queue=no",
            profile().attr("install-hotspot-queue", "no"),
        ),
        (profile().attr("rate-limit", "1M/1M"), "profile", "warning", "rate-limit", profile().attr("rate-limit", "")),
        (
            profile().attr("html-directory", "elsewhere"),
            "login-page",
            "wrong",
            "elsewhere/login.html",
            profile().attr("html-directory", "hotspot"),
        ),
        (
            server().attr("addresses-per-mac", "1"),
            "addresses-per-mac",
            "warning",
            "addresses-per-mac=2",
            server().attr("addresses-per-mac", "2"),
        ),
        (
            server().attr("keepalive-timeout", "20s"),
            "timeouts",
            "warning",
            "keepalive-timeout=2m",
            server().attr("keepalive-timeout", "none"),
        ),
        (
            set("/system/scheduler", "bando-reap").attr("disabled", "yes"),
            "reaper-runs",
            "warning",
            "switched off",
            set("/system/scheduler", "bando-reap").attr("disabled", "no"),
        ),
        (
            set("/system/scheduler", "bando-reap").attr("interval", "1h"),
            "reaper-runs",
            "warning",
            "interval=1m",
            set("/system/scheduler", "bando-reap").attr("interval", "1m"),
        ),
        (
            set("/system/script", "bando-reap").attr("source", "# nothing"),
            "reaper",
            "warning",
            "another text",
            set("/system/script", "bando-reap").attr("source", REAPER),
        ),
        (
            Command::new("/system/clock/set").attr("time-zone-name", "UTC"),
            "time-zone",
            "warning",
            "Africa/Nairobi",
            Command::new("/system/clock/set").attr("time-zone-name", "Africa/Nairobi"),
        ),
        (
            Command::new("/system/ntp/client/set").attr("enabled", "no"),
            "ntp",
            "warning",
            "switched off",
            Command::new("/system/ntp/client/set").attr("enabled", "yes"),
        ),
        (
            Command::new("/queue/simple/add").attr("name", "hs-hotspot1").attr("target", "10.5.50.0/24"),
            "queues",
            "warning",
            "hs-hotspot1",
            Command::new("/queue/simple/remove").attr(".id", "hs-hotspot1"),
        ),
        (
            filter().attr("action", "fasttrack-connection").attr("connection-state", "established,related"),
            "fasttrack",
            "warning",
            "bando:fasttrack",
            filter().attr("action", "accept"),
        ),
    ] {
        run(&sim, "admin", change).await;
        assert_state(&test(&world, &router, PORTAL).await, name, state, part);
        run(&sim, "admin", back).await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_exemption_before_fasttrack_is_enough(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = good(few_rights()).await;
    let router = world.router("main", sim.addr().port(), "bando").await;
    let filter = |action: &str| {
        Command::new("/ip/firewall/filter/add")
            .attr("chain", "forward")
            .attr("action", action)
            .attr("connection-state", "established,related")
    };
    run(&sim, "admin", filter("accept").attr("in-interface", "bridge-hotspot")).await;
    run(&sim, "admin", filter("accept").attr("out-interface", "bridge-hotspot")).await;
    run(&sim, "admin", filter("fasttrack-connection")).await;
    assert_state(&test(&world, &router, PORTAL).await, "fasttrack", "ok", "exempt");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_router_lacks_from_the_beginning_is_said(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (slug, options, expected) in [
        (
            "none",
            Options { hotspot: false, ..few_rights() },
            vec![("hotspot", "wrong", "package"), ("login-by", "unknown", "")],
        ),
        (
            "bare",
            Options { server_profile: ServerProfile::Bare, ..few_rights() },
            vec![("login-by", "wrong", "login-by=mac")],
        ),
        (
            "home",
            Options { device_mode: DeviceMode::Home, ..few_rights() },
            vec![("device-mode", "wrong", "hotspot=yes")],
        ),
        ("old", Options { ros: RosVersion::V6_49, ..few_rights() }, vec![("version", "warning", "6.49")]),
        (
            "stock",
            Options { login_html: None, ..few_rights() },
            vec![
                ("login-page", "wrong", "not ours"),
                ("walled-garden", "wrong", "dst-host=127.0.0.1"),
                ("walled-garden-ip", "wrong", "dst-address=127.0.0.1"),
                ("reaper", "warning", "missing"),
                ("reaper-runs", "warning", "Nothing runs"),
            ],
        ),
        (
            "late",
            Options { clock: ClockMode::Virtual { start_epoch_secs: VIRTUAL_START_EPOCH_SECS - 7200 }, ..few_rights() },
            vec![("clock", "warning", "2 hours behind")],
        ),
    ] {
        let sim = Sim::start(options).await.unwrap();
        let router = world.router(slug, sim.addr().port(), "bando").await;
        let tested = test(&world, &router, PORTAL).await;
        for (name, state, part) in expected {
            assert_state(&tested, name, state, part);
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_page_that_leads_elsewhere_is_told_from_ours(pool: MySqlPool) {
    let world = World::new(pool).await;
    for (slug, page, state, part) in [
        ("main", format!("{PORTAL}/w/main?mac=x"), "ok", "leads to"),
        ("main2", format!("{PORTAL}/w/main?mac=x"), "wrong", "another router's name"),
        ("mai", format!("{PORTAL}/w/main?mac=x"), "wrong", "another router's name"),
        ("moved", "https://old.example/w/moved?mac=x".to_owned(), "wrong", "not to"),
    ] {
        let sim = Sim::start(Options { login_html: Some(page), ..few_rights() }).await.unwrap();
        let router = world.router(slug, sim.addr().port(), "bando").await;
        assert_state(&test(&world, &router, PORTAL).await, "login-page", state, part);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_may_not_be_read_is_unknown_and_not_wrong(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = good(few_rights()).await;
    let router = world.router("main", sim.addr().port(), "bando").await;
    for (command, name) in [
        ("/user/print", "rights"),
        ("/ip/hotspot/walled-garden/print", "walled-garden"),
        ("/system/script/print", "reaper"),
        ("/file/print", "login-page"),
        ("/system/license/print", "licence"),
        ("/ip/firewall/filter/print", "fasttrack"),
        ("/queue/simple/print", "queues"),
        ("/system/clock/print", "clock"),
    ] {
        sim.inject(FaultRule::at(command, Fault::PermissionDenied)).unwrap();
        assert_state(&test(&world, &router, PORTAL).await, name, "unknown", "may not do this");
        sim.clear_faults();
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_full_licence_is_wrong_and_a_nearly_full_one_is_said(pool: MySqlPool) {
    let world = World::new(pool).await;
    let sim = good(Options { license_level: 3, ..few_rights() }).await;
    let router = world.router("main", sim.addr().port(), "bando").await;
    assert_state(&test(&world, &router, PORTAL).await, "licence", "ok", "of the 1");
    run(&sim, "admin", Command::new("/ip/hotspot/user/add").attr("name", super::MAC)).await;
    sim.join(super::MAC).unwrap();
    sim.traffic(super::MAC, 1, 1).unwrap();
    assert_state(&test(&world, &router, PORTAL).await, "licence", "wrong", "kept out");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_cannot_be_reached_says_so_and_leaves_the_rest_open(pool: MySqlPool) {
    let world = World::new(pool).await;
    let closed = KeptPort::any().unwrap();
    let router = world.router("away", closed.number(), "bando").await;
    let tested = test(&world, &router, PORTAL).await;
    assert_state(&tested, "reach", "wrong", "enable api");
    assert_state(&tested, "hotspot", "unknown", "");
    assert_eq!((tested.checks.len(), tested.round_trip), (24, None));

    let tls = Some("127.0.0.1:0".parse().unwrap());
    let sim = Sim::start(Options { tls, ..few_rights() }).await.unwrap();
    let mut router = world.router("tls", sim.tls_addr().unwrap().port(), "bando").await;
    router.tls_pin = Some(vec![7; 32]);
    assert_state(&test(&world, &router, PORTAL).await, "tls", "wrong", "SHA-256");
    router.tls_pin = Some(hex::decode(sim.certificate_sha256().unwrap()).unwrap());
    assert_state(&test(&world, &router, PORTAL).await, "tls", "ok", "encrypted");

    let other = AppSecret::new(&SecretString::from("b".repeat(32))).unwrap();
    router.password_sealed = other.seal(router.id.as_uuid().as_bytes(), &SecretString::from("bando")).unwrap();
    assert_state(&test(&world, &router, PORTAL).await, "login", "wrong", "APP_SECRET");
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_a_router_that_asks_the_server_only_what_it_said_is_known(pool: MySqlPool) {
    let world = World::new(pool).await;
    let mut router = world.router("main", 1, "bando").await;
    router.reach = Reach::Pull;
    let tested = test(&world, &router, PORTAL).await;
    assert_state(&tested, "reach", "wrong", "never asked");
    sqlx::query(
        "insert into router_pulls (router_id, key_sealed, polled_at, clock_skew_secs, version, board, memory,
                                   created_at, updated_at)
         values (?, 'x', ?, 4000, '7.22.1', 'hAP', '', ?, ?)",
    )
    .bind(router.id.as_uuid())
    .bind(world.now())
    .bind(world.now())
    .bind(world.now())
    .execute(&world.pool)
    .await
    .unwrap();
    let tested = test(&world, &router, PORTAL).await;
    assert_state(&tested, "reach", "ok", "asked");
    assert_state(&tested, "version", "ok", "7.22.1");
    assert_state(&tested, "clock", "warning", "ahead");
    assert_state(&tested, "walled-garden", "unknown", "cannot be looked at");
    assert_eq!(tested.checks.len(), 24);
}
