//! Routers that poll: the server's side, with a router that is a few tables and carries out what it is told.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use chrono::TimeDelta;
use domain::{MacAddr, RouterId};
use sqlx::MySqlPool;
use tokio::sync::Notify;

use super::{
    MAC,
    world::{World, until},
};
use crate::{
    access::{
        Deps, Timing,
        pull::{self, Pace, PollError, PullKey},
    },
    db::{
        blocks::{self, BlockRecord},
        router_strangers, routers,
        routers::{Reach, RouterRecord},
        session_devices,
    },
    random,
};

const OTHER: &str = "A4:CF:12:00:00:02";

pub(super) fn deps(world: &World) -> Deps {
    Deps {
        pool: world.pool.clone(),
        clock: world.clock.clone(),
        secret: world.secret.clone(),
        holder: uuid::Uuid::from_u128(1),
        wake: world.wake.clone(),
        changed: Arc::new(Notify::new()),
        timing: Timing::default(),
        settings: routeros_api::Settings::default(),
    }
}

pub(super) async fn polling_router(world: &World, slug: &str) -> (RouterRecord, PullKey) {
    let router = RouterRecord {
        id: RouterId::from_uuid(random::uuid(world.now())),
        slug: slug.into(),
        name: slug.into(),
        reach: Reach::Pull,
        host: String::new(),
        port: 0,
        username: String::new(),
        password_sealed: Vec::new(),
        tls_pin: None,
        last_seen_at: None,
        last_error: None,
    };
    assert!(routers::insert_router(&world.pool, &router, false, world.now()).await.unwrap());
    let key = pull::make_key(&deps(world), router.id).await.unwrap();
    (router, key)
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    profile: String,
    limit: String,
    bytes: String,
    used_secs: u64,
    used_bytes: u64,
    comment: String,
}

/// What an answer said.
#[derive(Debug, Clone)]
struct Told {
    rest: String,
    ticket: Option<String>,
    commands: Vec<String>,
}

impl Told {
    fn verbs(&self) -> Vec<&str> {
        self.commands.iter().map(|command| command.split(';').next().unwrap()).collect()
    }
}

/// A router of a few tables that does what it is told.
struct Hand<'a> {
    world: &'a World,
    deps: Deps,
    pace: Pace,
    slug: &'static str,
    key: PullKey,
    users: BTreeMap<String, Row>,
    logins: BTreeMap<String, u64>,
    hosts: BTreeMap<String, String>,
    profiles: BTreeMap<String, String>,
    failed: String,
    polls: u32,
    /// Devices that the router will not log in.
    stuck: Vec<String>,
}

impl<'a> Hand<'a> {
    fn new(world: &'a World, slug: &'static str, key: &PullKey) -> Self {
        Self {
            world,
            deps: deps(world),
            pace: Pace::default(),
            slug,
            key: key.clone(),
            users: BTreeMap::new(),
            logins: BTreeMap::new(),
            hosts: BTreeMap::new(),
            profiles: BTreeMap::new(),
            failed: String::new(),
            polls: 0,
            stuck: Vec::new(),
        }
    }

    fn join(&mut self, mac: &str) {
        let ip = format!("10.5.50.{}", self.hosts.len() + 2);
        self.hosts.insert(mac.into(), ip);
    }

    fn tables(&self) -> (String, usize) {
        let mut text = String::new();
        for (n, (mac, row)) in self.users.iter().enumerate() {
            let Row { profile, limit, bytes, used_secs, used_bytes, comment } = row;
            writeln!(
                text,
                "user;*{n:X};{mac};{mac};{profile};{limit};{bytes};{used_secs}s;{used_bytes};0;false;{comment}"
            )
            .unwrap();
        }
        for (n, (mac, secs)) in self.logins.iter().enumerate() {
            writeln!(text, "login;*{n:X};{mac};10.5.50.2;{secs}s;0;0;{mac}").unwrap();
        }
        for (n, (mac, ip)) in self.hosts.iter().enumerate() {
            writeln!(text, "host;*{n:X};{mac};{ip};{};false", self.logins.contains_key(mac)).unwrap();
        }
        for (n, (name, rate)) in self.profiles.iter().enumerate() {
            writeln!(text, "profile;*{n:X};{name};{rate};2;false").unwrap();
        }
        let rows = text.lines().count();
        (text, rows)
    }

    fn about(&mut self, rows: usize) -> String {
        let failed = std::mem::take(&mut self.failed);
        format!("{failed}router;{};00:10:00;1;1;7.18.2;hAP;Cafe\nend;{rows}\n", self.world.now().timestamp())
    }

    async fn send(&self, body: &str) -> Result<String, PollError> {
        pull::answer(&self.deps, &self.pace, self.slug, &self.key.poll_secret(), body).await
    }

    fn read(&self, answer: &str, nonce: &str) -> Told {
        let (proof, text) = answer.split_once('\n').unwrap();
        assert_eq!(proof, self.key.digest(text));
        let lines: Vec<&str> = text.lines().collect();
        let head: Vec<&str> = lines[0].split(';').collect();
        assert_eq!((head[0], head[1]), ("bando1", nonce));
        let count: usize = head[5].parse().unwrap();
        assert_eq!((lines.len(), lines[count + 1]), (count + 2, "end"));
        Told {
            rest: head[2].to_owned(),
            ticket: (head[3] == "all").then(|| head[4].to_owned()),
            commands: lines[1..=count].iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    async fn ask(&mut self) -> Told {
        self.polls += 1;
        let nonce = format!("n{}", self.polls);
        let body = format!("bando1;{nonce};-;0;last\n{}", self.about(0));
        self.read(&self.send(&body).await.unwrap(), &nonce)
    }

    async fn report(&mut self, ticket: &str) -> Told {
        self.polls += 1;
        let nonce = format!("n{}", self.polls);
        let (tables, rows) = self.tables();
        let body = format!("bando1;{nonce};{ticket};0;last\n{tables}{}", self.about(rows));
        self.read(&self.send(&body).await.unwrap(), &nonce)
    }

    /// As the agent does: asks, and reports for as long as it is asked to. What it was told last.
    async fn run(&mut self) -> Told {
        let mut told = self.ask().await;
        self.obey(&told);
        for _ in 0..20 {
            let Some(ticket) = told.ticket.clone() else { break };
            told = self.report(&ticket).await;
            self.obey(&told);
        }
        told
    }

    fn obey(&mut self, told: &Told) {
        for command in &told.commands {
            let fields: Vec<&str> = command.split(';').collect();
            let mac = fields[1].to_owned();
            match (fields[0], &fields[2..]) {
                ("profile", [rate]) => drop(self.profiles.insert(mac, (*rate).to_owned())),
                ("remove", []) => {
                    self.users.remove(&mac);
                    self.logins.remove(&mac);
                }
                ("kick", []) => drop(self.logins.remove(&mac)),
                ("add" | "set", [profile, limit, bytes, session, end]) => {
                    let comment = format!("bando1;g={session};e={end}");
                    let is_known = self.users.contains_key(&mac);
                    if is_known == (fields[0] == "set") {
                        let row = self.users.entry(mac).or_default();
                        (row.profile, row.limit, row.bytes) =
                            ((*profile).to_owned(), (*limit).to_owned(), (*bytes).to_owned());
                        row.comment = comment;
                    }
                }
                ("login", [_]) if self.stuck.contains(&mac) => writeln!(self.failed, "failed;login;{mac}").unwrap(),
                ("login", [_]) => drop(self.logins.insert(mac, 0)),
                ("clear", []) => self.stuck.retain(|stuck| *stuck != mac),
                other => panic!("not in the list: {other:?}"),
            }
        }
    }

    fn advance(&mut self, secs: u64) {
        self.world.clock.advance(TimeDelta::seconds(i64::try_from(secs).unwrap()));
        self.logins.values_mut().for_each(|used| *used += secs);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_purchase_is_on_after_one_run_and_time_starts_when_the_router_shows_it(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    assert_eq!(hand.run().await.rest, "00:00:30");
    let session = world.grant(router.id, MAC, 3600, None).await;

    let ticket = hand.ask().await.ticket.unwrap();
    let told = hand.report(&ticket).await;
    assert_eq!(told.verbs(), ["profile", "add", "login"]);
    assert!(!world.device(router.id).await.is_applied, "to be told is not to have done");
    hand.obey(&told);
    hand.advance(3);
    let told = hand.report(&told.ticket.unwrap()).await;
    let device = world.device(router.id).await;
    assert!(device.is_applied && device.is_online && device.last_error.is_none());
    assert_eq!(device.starts_at, Some(world.now() - TimeDelta::seconds(3)), "since the router counts");
    // The end is told now that it is known to the second, and nothing else changes for the customer.
    assert_eq!(told.verbs(), ["set"]);
    hand.obey(&told);
    let row = &hand.users[MAC];
    assert_eq!(row.limit, "1h");
    assert_eq!(row.comment, format!("bando1;g={session};e={}", device.ends_at.unwrap().timestamp()));
    let told = hand.run().await;
    assert!(told.commands.is_empty() && told.ticket.is_none(), "{told:?}");
    assert_eq!(world.router_error(router.id).await, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_that_was_lost_costs_the_customer_nothing(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    // The commands are lost on the way.
    let ticket = hand.ask().await.ticket.unwrap();
    assert!(!hand.report(&ticket).await.commands.is_empty());
    hand.advance(1800);
    assert_eq!(world.device(router.id).await.starts_at, None);
    // The commands arrive, but nobody hears of it for ten minutes in which the device is on.
    let ticket = hand.ask().await.ticket.unwrap();
    let told = hand.report(&ticket).await;
    hand.obey(&told);
    hand.advance(600);
    hand.run().await;
    let device = world.device(router.id).await;
    assert_eq!(device.ends_at, Some(world.now() + TimeDelta::seconds(3000)), "ten of its sixty minutes are used");
    assert_eq!(hand.users[MAC].limit, "1h", "the router's own count says the same");
    assert!(hand.logins.contains_key(MAC), "nobody was cut off");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_device_that_has_left_keeps_its_time_until_the_router_is_heard(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    world.grant(router.id, MAC, 3600, None).await;
    let ticket = hand.ask().await.ticket.unwrap();
    let told = hand.report(&ticket).await;
    assert_eq!(told.verbs(), ["profile", "add"], "nobody is there to log in");
    hand.obey(&told);
    hand.advance(7200);
    hand.run().await;
    let device = world.device(router.id).await;
    assert_eq!((device.starts_at, device.is_online), (Some(world.now()), false), "no second of it was used");
    assert!(hand.users[MAC].comment.ends_with(&device.ends_at.unwrap().timestamp().to_string()));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_has_ended_is_removed_and_no_old_report_or_answer_brings_it_back(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    let old = {
        let (tables, rows) = hand.tables();
        format!("{tables}{}", hand.about(rows))
    };
    hand.advance(3600);
    let ticket = hand.ask().await.ticket.unwrap();
    assert_eq!(world.device(router.id).await.end_reason.as_deref(), Some("expired"));
    // Somebody sends the report of an hour ago again, with a ticket of then and with one he made up.
    for replayed in ["0123456789abcdef0123456789abcdef", "x"] {
        let answer = hand.send(&format!("bando1;r;{replayed};0;last\n{old}")).await.unwrap();
        assert!(hand.read(&answer, "r").commands.is_empty());
    }
    let told = hand.report(&ticket).await;
    assert_eq!(told.verbs(), ["remove"]);
    assert!(!world.device(router.id).await.is_applied, "removed is what a report shows to be gone");
    hand.obey(&told);
    // The same ticket does not work twice.
    assert!(hand.report(&ticket).await.commands.is_empty());
    hand.run().await;
    let device = world.device(router.id).await;
    assert_eq!((device.is_applied, device.applied.as_str()), (true, "off"));
    for _ in 0..3 {
        hand.advance(61);
        assert!(hand.run().await.commands.is_empty() && hand.users.is_empty(), "never granted again");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn time_ends_in_the_database_although_the_router_is_silent_and_the_owner_hears_of_it(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    world.start(Duration::from_secs(60));
    hand.advance(3600);
    world.until_device(router.id, "ended", |device| device.end_reason.as_deref() == Some("expired")).await;
    let error = until("the silence is told", || world.router_error(router.id)).await;
    assert!(error.contains("has not asked for 60 minutes"), "{error}");
    let told: i64 = until("the owner is told", || async {
        let count: i64 = sqlx::query_scalar("select count(*) from notifications where kind = 'router_down'")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        (count > 0).then_some(count)
    })
    .await;
    assert_eq!(told, 1);
    // It is back: removed, and all is well.
    hand.run().await;
    assert!(hand.users.is_empty() && world.device(router.id).await.is_applied);
    assert_eq!(world.router_error(router.id).await, None);
    world.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_wrong_key_learns_nothing_and_a_new_key_counts_once_it_is_shown(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, old) = polling_router(&world, "main").await;
    let direct = world.router("direct", 1, "x").await;
    let mut hand = Hand::new(&world, "main", &old);
    hand.ask().await;
    let body = format!("bando1;n;-;0;last\n{}", hand.about(0));
    let ask = |slug: &'static str, shown: String| {
        let (deps, pace, body) = (deps(&world), Pace::default(), body.clone());
        async move { pull::answer(&deps, &pace, slug, &shown, &body).await }
    };
    let foreign = PullKey::open_for_test(&"0".repeat(64));
    for (slug, shown) in [
        ("main", String::new()),
        ("main", foreign.poll_secret()),
        ("main", old.answer_secret()),
        ("main", old.poll_secret().to_uppercase()),
        ("nobody", old.poll_secret()),
        (direct.slug.clone().leak(), old.poll_secret()),
        ("ma\u{ef}n", old.poll_secret()),
    ] {
        assert!(matches!(ask(slug, shown).await, Err(PollError::Unknown)), "{slug}");
    }
    // A new key is made; the old one counts until the router has the new script.
    let new = pull::make_key(&deps(&world), router.id).await.unwrap();
    assert!(ask("main", old.poll_secret()).await.is_ok());
    assert!(ask("main", new.poll_secret()).await.is_ok());
    assert!(matches!(ask("main", old.poll_secret()).await, Err(PollError::Unknown)));
    assert!(ask("main", new.poll_secret()).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn reports_that_are_cut_or_of_the_past_change_nothing(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    hand.advance(61);
    let ticket = hand.ask().await.ticket.unwrap();
    let (tables, rows) = hand.tables();
    let about = hand.about(rows);
    let whole = format!("{tables}{about}");
    for cut in [1, whole.len() / 4, tables.len(), whole.len() - 2] {
        let body = format!("bando1;c;{ticket};0;last\n{}", &whole[..cut]);
        assert!(matches!(hand.send(&body).await, Err(PollError::Unreadable)), "{cut}");
    }
    // A second part without its first.
    let body = format!("bando1;c;{ticket};1;last\n{about}");
    assert!(matches!(hand.send(&body).await, Err(PollError::Unreadable)));
    assert!(world.device(router.id).await.is_online);
    // Whole, it still counts; and of two at the same time one does.
    let body = |nonce: &str| format!("bando1;{nonce};{ticket};0;last\n{whole}");
    let (first, second) = (body("a"), body("b"));
    let (one, two) = tokio::join!(hand.send(&first), hand.send(&second));
    assert!(one.is_ok() && two.is_ok());
    assert!(world.device(router.id).await.is_applied);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_thousand_users_come_in_parts_and_a_thousand_purchases_are_told_in_turns(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    let mac = |n: usize| format!("A4:CF:12:00:{:02X}:{:02X}", n >> 8, n & 255);
    let macs: Vec<MacAddr> = (0..1000).map(|n| mac(n).parse().unwrap()).collect();
    world.grant_all(router.id, &macs).await;
    let mut told = hand.ask().await;
    for turn in 0..20 {
        let Some(ticket) = told.ticket.clone() else { break };
        let nonce = format!("t{turn}");
        let (tables, rows) = hand.tables();
        let whole = format!("{tables}{}", hand.about(rows));
        let parts: Vec<&[u8]> = whole.as_bytes().chunks(30_000).collect();
        let mut answer = String::new();
        for (n, part) in parts.iter().enumerate() {
            let last = if n + 1 == parts.len() { "last" } else { "more" };
            let part = std::str::from_utf8(part).unwrap();
            answer = hand.send(&format!("bando1;{nonce};{ticket};{n};{last}\n{part}")).await.unwrap();
            assert_eq!(answer == "ok\n", last == "more");
            if last == "more" && n == 0 {
                // A part that comes twice is one part.
                let again = hand.send(&format!("bando1;{nonce};{ticket};{n};{last}\n{part}")).await;
                assert!(matches!(again, Err(PollError::Unreadable)), "{again:?}");
            }
        }
        assert!(answer.len() < 64 * 1024, "{}", answer.len());
        told = hand.read(&answer, &nonce);
        hand.obey(&told);
    }
    assert_eq!(hand.users.len(), 1000);
    let work = session_devices::list_work(&world.pool, router.id).await.unwrap();
    assert!(work.len() == 1000 && work.iter().all(session_devices::WorkRecord::is_applied));
    let kept: i64 = sqlx::query_scalar("select count(*) from router_pull_parts").fetch_one(&world.pool).await.unwrap();
    assert_eq!(kept, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn rows_of_others_are_left_alone_and_what_cannot_be_done_is_said(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    let by_hand = Row { profile: "default".into(), comment: "the owner's own".into(), ..Row::default() };
    hand.users.insert(MAC.into(), by_hand.clone());
    world.grant(router.id, MAC, 3600, None).await;
    assert!(!hand.run().await.verbs().contains(&"add"));
    let device = world.device(router.id).await;
    assert!(device.last_error.unwrap().contains("by hand") && device.starts_at.is_none());
    assert_eq!(hand.users[MAC], by_hand);
    // It is gone: delivered as soon as the next attempt is due.
    hand.users.clear();
    hand.advance(61);
    hand.run().await;
    assert!(world.device(router.id).await.is_online);
    // A row of ours that nobody knows goes after its grace.
    let orphan = format!("bando1;g={};e=1999999999", uuid::Uuid::from_u128(9));
    hand.users.insert(OTHER.into(), Row { comment: orphan, ..Row::default() });
    hand.advance(61);
    hand.run().await;
    hand.advance(14 * 60);
    hand.run().await;
    assert!(hand.users.contains_key(OTHER));
    hand.advance(120);
    hand.run().await;
    assert!(!hand.users.contains_key(OTHER) && hand.users.contains_key(MAC));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_customer_at_the_login_page_who_is_logged_out_is_freed_once(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    // It has come and stands at the login page.
    hand.join(MAC);
    let mut tx = world.pool.begin().await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("select id from session_devices").fetch_one(&mut *tx).await.unwrap();
    assert!(session_devices::kick(&mut tx, id, world.now()).await.unwrap());
    tx.commit().await.unwrap();
    let ticket = hand.ask().await.ticket.unwrap();
    // The first answer is lost.
    let told = hand.report(&ticket).await;
    assert_eq!(told.verbs(), ["clear"]);
    let told = hand.report(&told.ticket.unwrap()).await;
    assert_eq!(told.verbs(), ["clear"], "it is still there");
    assert!(!world.device(router.id).await.is_applied);
    // Now it is carried out: the device has a new entry.
    hand.hosts.insert("A4:CF:12:00:00:00".into(), "10.5.50.9".into());
    hand.advance(5);
    let told = hand.report(&told.ticket.unwrap()).await;
    assert_eq!(told.verbs(), ["login"], "let on, and not cleared again");
    assert!(world.device(router.id).await.is_applied);
    hand.obey(&told);
    hand.advance(61);
    assert!(hand.run().await.commands.is_empty() && world.device(router.id).await.is_online);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_guest_who_comes_back_before_it_is_confirmed_is_not_logged_out_twice(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (_, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    let mut ticket = hand.ask().await.ticket.unwrap();
    let id = async || -> uuid::Uuid {
        sqlx::query_scalar("select id from router_strangers").fetch_one(&world.pool).await.unwrap()
    };
    // Minutes of the router, seconds of the guest's login, and whether he is to be logged out.
    for (minute, secs, is_told) in [(10, 100, false), (11, 160, true), (12, 220, true), (13, 5, false), (14, 65, false)]
    {
        let nonce = format!("m{minute}");
        let body = format!(
            "bando1;{nonce};{ticket};0;last\nlogin;*1;{OTHER};10.5.50.9;{secs}s;0;0;guest\n\
             router;{};00:{minute}:00;1;1;7.22;hAP;Cafe\nagent;2;6\nend;1\n",
            world.now().timestamp()
        );
        let told = hand.read(&hand.send(&body).await.unwrap(), &nonce);
        let expected = if is_told { vec![format!("logout;{OTHER};10.5.50.9")] } else { Vec::new() };
        assert_eq!(told.commands, expected, "minute {minute}");
        if minute == 10 {
            let mut tx = world.pool.begin().await.unwrap();
            assert!(router_strangers::kick_stranger(&mut tx, id().await, world.now()).await.unwrap().is_some());
            tx.commit().await.unwrap();
        }
        world.clock.advance(TimeDelta::seconds(60));
        ticket = match told.ticket {
            Some(ticket) => ticket,
            None => hand.ask().await.ticket.unwrap(),
        };
    }
    let left: (bool, bool) =
        sqlx::query_as("select is_kicked, gone_at is null from router_strangers").fetch_one(&world.pool).await.unwrap();
    assert_eq!(left, (false, true), "still seen, and not to be logged out again");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_script_of_before_is_not_told_what_it_does_not_know(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    world.grant(router.id, MAC, 3600, None).await;
    hand.run().await;
    let block = BlockRecord {
        id: random::uuid(world.now()),
        mac: MAC.parse().unwrap(),
        reason: "a test".into(),
        blocked_by: "owner".into(),
        created_at: world.now(),
    };
    let mut connection = world.pool.acquire().await.unwrap();
    assert!(blocks::insert_block(&mut connection, &block).await.unwrap());
    drop(connection);
    // It says no version, and would do nothing about a binding: the customer is taken off all the same.
    hand.advance(10);
    let told = hand.run().await;
    assert!(told.commands.is_empty() && told.ticket.is_none(), "{told:?}");
    assert!(hand.users.is_empty() && hand.logins.is_empty() && world.device(router.id).await.applied == "off");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stuck_device_is_freed_and_the_router_comes_back_sooner_while_somebody_waits(pool: MySqlPool) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let mut hand = Hand::new(&world, "main", &key);
    hand.join(MAC);
    hand.stuck.push(MAC.into());
    world.grant(router.id, MAC, 3600, None).await;
    let told = hand.run().await;
    assert!(hand.stuck.is_empty(), "its host entry was cleared");
    assert!(world.device(router.id).await.is_applied, "it may come on by itself at any time");
    assert_eq!(told.rest, "00:00:04", "its owner waits");
    hand.advance(10);
    hand.run().await;
    assert!(world.device(router.id).await.is_online);
    hand.advance(3590 - 10);
    let told = hand.run().await;
    assert!(told.rest.as_str() < "00:00:30", "not beyond the end: {}", told.rest);
}
