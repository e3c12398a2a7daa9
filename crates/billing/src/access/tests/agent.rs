//! Routers that poll, with the script itself: the simulated router runs `hotspot/bando-pull.rsc` and really asks over
//! HTTP, on a virtual clock.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use simulators::routeros::{Options, Reboot, RosVersion, Sim};
use sqlx::MySqlPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    MAC, field, is_on,
    pull::{deps, polling_router},
    user_row,
    world::{PATIENCE, World},
};
use crate::{
    access::{
        Deps,
        pull::{self, Pace, PollError, PullKey},
    },
    routers::RouterRecord,
};

/// What happens to an answer on its way to the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Weather {
    Fair,
    /// Nobody answers.
    Down,
    /// So many bytes from the end are missing.
    Cut(usize),
    /// Every first text is replaced by the second.
    Altered(String, String),
    /// This is answered, whatever is asked.
    Replayed(String),
}

struct Line {
    deps: Deps,
    pace: Pace,
    weather: Mutex<Weather>,
    /// Answers that went out, the last of them last.
    answers: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
}

/// A server that answers polls.
pub(super) struct Server {
    line: Arc<Line>,
    url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let line = Arc::new(Line {
            deps: deps(world),
            pace: Pace::default(),
            weather: Mutex::new(Weather::Fair),
            answers: Mutex::default(),
            asked: Mutex::default(),
        });
        let shared = Arc::clone(&line);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(Arc::clone(&shared), stream));
            }
        });
        Self { line, url, task }
    }

    pub(super) fn weather(&self, weather: Weather) {
        *self.line.weather.lock().unwrap() = weather;
    }

    pub(super) fn answers(&self) -> Vec<String> {
        self.line.answers.lock().unwrap().clone()
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.line.asked.lock().unwrap().clone()
    }

    /// The last answer that had commands.
    fn last_commands(&self) -> String {
        self.answers().into_iter().rev().find(|answer| answer.lines().count() > 3).expect("something was told")
    }
}

async fn answer(line: Arc<Line>, mut stream: TcpStream) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8(bytes[..at].to_vec()).unwrap(), bytes[at + 4..].to_vec());
        }
    };
    let header = |name: &str| {
        head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let length: usize = header("content-length")?.1.trim().parse().unwrap();
    assert!(length <= 64 * 1024, "RouterOS sends no more");
    while body.len() < length {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        body.extend_from_slice(&chunk[..read]);
    }
    let weather = line.weather.lock().unwrap().clone();
    if weather == Weather::Down {
        return None;
    }
    let body = String::from_utf8(body).unwrap();
    line.asked.lock().unwrap().push(body.clone());
    let shown = header("authorization")?.1.trim().strip_prefix("Bearer ").unwrap().to_owned();
    let slug = head.lines().next()?.split(' ').nth(1)?.strip_prefix("/api/router/poll/")?.to_owned();
    let (status, text) = match pull::answer(&line.deps, &line.pace, &slug, &shown, &body).await {
        Ok(text) => ("200 OK", text),
        Err(PollError::Unreadable) => ("400 Bad Request", String::new()),
        Err(PollError::Unknown) => ("401 Unauthorized", String::new()),
        Err(error) => panic!("{error}"),
    };
    line.answers.lock().unwrap().push(text.clone());
    let text = match weather {
        Weather::Fair | Weather::Down => text,
        Weather::Cut(bytes) => text[..text.len().saturating_sub(bytes)].to_owned(),
        Weather::Altered(from, to) => text.replace(&from, &to),
        Weather::Replayed(old) => old,
    };
    let out = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
    stream.write_all(out.as_bytes()).await.ok()
}

fn quoted(source: &str) -> String {
    source.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('\n', "\\n")
}

async fn install(sim: &Sim, router: &RouterRecord, key: &PullKey, server: &Server) {
    let script = pull::agent_script(router, key, &server.url).unwrap();
    let step = include_str!("../../../../../hotspot/steps/pull.rsc").replace("{{SOURCE}}", &quoted(script.source()));
    let screen = sim.paste(&step).await;
    assert_eq!(screen.error(), None, "{}", screen.screen());
}

/// Both clocks move together, a look of the scheduler at a time.
pub(super) async fn advance(world: &World, sim: &Sim, secs: u64) {
    for _ in 0..secs / 5 {
        world.clock.advance(TimeDelta::seconds(5));
        sim.advance_through(Duration::from_secs(5)).await;
    }
}

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) sim: Sim,
    pub(super) server: Server,
    pub(super) router: RouterRecord,
    key: PullKey,
}

pub(super) async fn scene(pool: MySqlPool, ros: RosVersion) -> Scene {
    scene_with(pool, Options { ros, ..Options::default() }).await
}

pub(super) async fn scene_with(pool: MySqlPool, options: Options) -> Scene {
    let world = World::new(pool).await;
    // A busy machine must not look like a server that does not answer.
    let sim = Sim::start(Options { fetch_patience: PATIENCE, ..options }).await.unwrap();
    let (router, key) = polling_router(&world, "main").await;
    let server = Server::start(&world).await;
    install(&sim, &router, &key, &server).await;
    Scene { world, sim, server, router, key }
}

pub(super) fn log_of(sim: &Sim) -> String {
    sim.rows("/log").map(|rows| format!("{rows:?}")).unwrap_or_default()
}

#[sqlx::test(migrations = "../../migrations")]
async fn paid_is_on_after_a_poll_and_over_is_off_after_the_next(pool: MySqlPool) {
    let Scene { world, sim, server, router, .. } = scene(pool, RosVersion::V7_22).await;
    sim.join(MAC).unwrap();
    advance(&world, &sim, 10).await;
    assert!(!server.asked().is_empty(), "it asks: {}", log_of(&sim));
    let session = world.grant(router.id, MAC, 600, None).await;
    advance(&world, &sim, 35).await;
    assert!(is_on(&sim), "{:?} {}", server.answers().last(), log_of(&sim));
    advance(&world, &sim, 15).await;
    let device = world.device(router.id).await;
    assert!(device.is_online && device.is_applied);
    let row = user_row(&sim).unwrap();
    assert_eq!((field(&row, "limit-uptime"), field(&row, "mac-address")), (Some("10m"), Some(MAC)));
    let ends_at = device.ends_at.unwrap();
    assert_eq!(field(&row, "comment"), Some(format!("bando1;g={session};e={}", ends_at.timestamp()).as_str()));
    let profiles = sim.rows("/ip/hotspot/user/profile").unwrap();
    let profile = profiles.iter().find(|profile| field(profile, "name") == field(&row, "profile")).unwrap();
    assert_eq!(field(profile, "rate-limit"), Some("512k/2M"), "the customer's upload first");
    // Not a second early.
    let left = (ends_at - world.now()).num_seconds();
    advance(&world, &sim, u64::try_from(left - 10).unwrap()).await;
    assert!(is_on(&sim), "ten seconds are left");
    advance(&world, &sim, 45).await;
    assert!(!is_on(&sim) && user_row(&sim).is_none());
    let device = world.device(router.id).await;
    assert_eq!((device.applied.as_str(), device.is_applied), ("off", true));
    advance(&world, &sim, 120).await;
    assert!(!is_on(&sim) && user_row(&sim).is_none(), "never granted again");
}

/// Paid, on, and known to be.
pub(super) async fn online(scene: &Scene, secs: u64) {
    scene.sim.join(MAC).unwrap();
    scene.world.grant(scene.router.id, MAC, secs, None).await;
    advance(&scene.world, &scene.sim, 40).await;
    assert!(is_on(&scene.sim), "{:?} {}", scene.server.answers().last(), log_of(&scene.sim));
    assert!(scene.world.device(scene.router.id).await.is_online);
}

/// A release delivers, says so, and checks digests if it can.
async fn delivers(pool: MySqlPool, ros: RosVersion, digests: &str) {
    let scene = scene(pool, ros).await;
    online(&scene, 3600).await;
    let about = scene.server.asked().last().unwrap().clone();
    let about = about.lines().find(|line| line.starts_with("router;")).unwrap().to_owned();
    let fields: Vec<&str> = about.split(';').collect();
    let clock: i64 = fields[1].parse().unwrap();
    assert!((0..60).contains(&(scene.world.now().timestamp() - clock)) && fields[3] == digests, "{about}");
    assert!(fields[5].starts_with(ros.text().split(' ').next().unwrap()), "{about}");
    let told = scene.server.last_commands();
    assert_eq!(told.contains(&scene.key.answer_secret()), digests == "0", "a secret that is not needed stays at home");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_oldest_release_that_polls_delivers(pool: MySqlPool) {
    delivers(pool, RosVersion::V7_10, "0").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_release_without_digests_delivers(pool: MySqlPool) {
    delivers(pool, RosVersion::V7_18, "0").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_release_that_checks_digests_delivers(pool: MySqlPool) {
    delivers(pool, RosVersion::V7_22, "1").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_altered_cut_or_is_of_earlier_is_not_carried_out(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    sim.join(MAC).unwrap();
    world.grant(scene.router.id, MAC, 3600, None).await;
    for weather in [
        Weather::Altered("1h".into(), "9h".into()),
        Weather::Altered(";all;".into(), ";none;".into()),
        Weather::Cut(1),
        Weather::Cut(40),
        Weather::Altered("remove;".into(), "kick;".into()),
    ] {
        server.weather(weather.clone());
        if weather == Weather::Altered("remove;".into(), "kick;".into()) {
            break;
        }
        advance(world, sim, 60).await;
        assert!(user_row(sim).is_none() && !is_on(sim), "{weather:?}");
    }
    server.weather(Weather::Fair);
    advance(world, sim, 60).await;
    assert!(is_on(sim));
    let granted = server.answers().into_iter().rev().find(|answer| answer.contains("\nadd;")).unwrap();
    // Taken off early by its owner; then somebody brings the old answer again and again.
    let session: uuid::Uuid = sqlx::query_scalar("select id from sessions").fetch_one(&world.pool).await.unwrap();
    let mut tx = world.pool.begin().await.unwrap();
    crate::db::session_devices::intend_off(&mut tx, session.into(), world.now()).await.unwrap();
    tx.commit().await.unwrap();
    advance(world, sim, 60).await;
    assert!(user_row(sim).is_none() && !is_on(sim));
    server.weather(Weather::Replayed(granted));
    advance(world, sim, 300).await;
    assert!(user_row(sim).is_none() && !is_on(sim), "an answer of earlier grants nothing");
    server.weather(Weather::Down);
    sim.reboot(Reboot::PowerCut);
    server.weather(Weather::Replayed(server.last_commands()));
    advance(world, sim, 120).await;
    assert!(user_row(sim).is_none() && !is_on(sim), "nor after a restart");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_that_was_cut_on_a_release_without_digests_is_not_carried_out(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_16).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    sim.join(MAC).unwrap();
    world.grant(scene.router.id, MAC, 3600, None).await;
    for bytes in [1, 3, 5, 30, 200] {
        server.weather(Weather::Cut(bytes));
        advance(world, sim, 60).await;
        assert!(user_row(sim).is_none(), "{bytes}");
    }
    server.weather(Weather::Replayed("0".repeat(64) + "\nbando1;x;00:00:05;none;-;0\nend\n"));
    advance(world, sim, 60).await;
    server.weather(Weather::Fair);
    advance(world, sim, 60).await;
    assert!(is_on(sim));
}

#[sqlx::test(migrations = "../../migrations")]
async fn after_a_power_cut_and_with_a_clock_of_1970_customers_are_on_again_and_new_ones_too(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim) = (&scene.world, &scene.sim);
    online(&scene, 3600).await;
    sim.reboot(Reboot::PowerCut);
    advance(world, sim, 60).await;
    assert!(is_on(sim), "by itself, or by the next poll");
    let other = "A4:CF:12:00:00:02";
    sim.join(other).unwrap();
    world.grant(scene.router.id, other, 3600, None).await;
    advance(world, sim, 60).await;
    assert!(sim.active().iter().any(|row| field(row, "user") == Some(other)), "{}", log_of(sim));
    let about = scene.server.asked().last().unwrap().clone();
    let about = about.lines().find(|line| line.starts_with("router;")).unwrap().to_owned();
    assert!(
        about.split(';').nth(1).unwrap().parse::<i64>().unwrap() < 100_000_000,
        "the clock is still wrong: {about}"
    );
    // An hour later both are off, though the power went in between and the clock was never set.
    advance(world, sim, 3600).await;
    assert!(sim.active().is_empty(), "{:?}", sim.active());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_server_that_is_away_for_a_day_keeps_nobody_on_and_cuts_nobody_off(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    online(&scene, 3600).await;
    let ends_at = world.device(scene.router.id).await.ends_at.unwrap();
    server.weather(Weather::Down);
    let left = u64::try_from((ends_at - world.now()).num_seconds()).unwrap();
    advance(world, sim, left - 10).await;
    assert!(is_on(sim), "not early");
    advance(world, sim, 20).await;
    assert!(!is_on(sim), "the router's own limit");
    advance(world, sim, 1800).await;
    assert!(!is_on(sim));
    let complaints = sim.rows("/log").unwrap().iter().filter(|row| format!("{row:?}").contains("bando-pull")).count();
    assert!(complaints <= 2, "it does not fill the log: {complaints}");
    server.weather(Weather::Fair);
    advance(world, sim, 60).await;
    let device = world.device(scene.router.id).await;
    assert!(device.is_applied && device.applied == "off" && user_row(sim).is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn rows_of_others_are_not_touched_and_a_wrong_key_changes_nothing(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim) = (&scene.world, &scene.sim);
    sim.join(MAC).unwrap();
    let foreign = "A4:CF:12:00:00:02";
    let made = format!(
        "/ip hotspot user add name={foreign} profile=default comment=\"the owner's\"\n/ip hotspot user add name=guest password=x profile=default\n"
    );
    assert_eq!(sim.paste(&made).await.error(), None);
    let before: Vec<_> = sim.users().into_iter().filter(|row| field(row, "name") != Some(MAC)).collect();
    world.grant(scene.router.id, MAC, 600, None).await;
    world.grant(scene.router.id, foreign, 600, None).await;
    advance(world, sim, 60).await;
    assert!(is_on(sim));
    advance(world, sim, 700).await;
    assert!(user_row(sim).is_none());
    let after: Vec<_> = sim.users().into_iter().filter(|row| field(row, "name") != Some(MAC)).collect();
    assert_eq!(before, after);
    // A script with a key that the server does not know any more.
    let stale = PullKey::open_for_test(&"0".repeat(64));
    install(sim, &scene.router, &stale, &scene.server).await;
    world.grant(scene.router.id, MAC, 600, None).await;
    advance(world, sim, 120).await;
    assert!(user_row(sim).is_none());
    install(sim, &scene.router, &scene.key, &scene.server).await;
    advance(world, sim, 60).await;
    assert!(is_on(sim), "{}", log_of(sim));
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_runs_at_once_are_one(pool: MySqlPool) {
    let scene = scene(pool, RosVersion::V7_22).await;
    let (world, sim, server) = (&scene.world, &scene.sim, &scene.server);
    sim.join(MAC).unwrap();
    advance(world, sim, 10).await;
    world.grant(scene.router.id, MAC, 3600, None).await;
    // Started by hand while the scheduler's own run is under way.
    let before = server.asked().len();
    for _ in 0..8 {
        world.clock.advance(TimeDelta::seconds(5));
        sim.advance(Duration::from_secs(5));
        let ran = sim.paste("/system script run bando-pull").await;
        assert_eq!(ran.error(), None);
        sim.scripts_idle().await;
    }
    assert!(server.asked().len() > before);
    advance(world, sim, 30).await;
    assert!(is_on(sim));
    assert_eq!(sim.users().iter().filter(|row| field(row, "name") == Some(MAC)).count(), 1);
    let tickets: Vec<String> = server
        .asked()
        .iter()
        .filter_map(|asked| asked.lines().next()?.split(';').nth(2).map(str::to_owned))
        .filter(|ticket| ticket != "-")
        .collect();
    let mut once = tickets.clone();
    once.dedup();
    assert_eq!(tickets, once, "each ticket was used once");
}
