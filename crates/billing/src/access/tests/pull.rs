//! Routers that poll: the server's side, with a router that is a few tables and carries out what it is told.

mod delivery;
mod reports;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use chrono::TimeDelta;
use domain::{Clock as _, RouterId};
use sqlx::MySqlPool;
use tokio::sync::Notify;

use super::{MAC, world::World};
use crate::{
    access::{
        Deps, Timing,
        pull::{self, Pace, PollError, PullKey},
    },
    clock::ManualClock,
    db::routers::{self, Reach, RouterRecord},
    random,
};

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

/// A router that asks, and the hand that carries out what it is told.
async fn asked(pool: MySqlPool) -> (World, RouterRecord, Hand) {
    let world = World::new(pool).await;
    let (router, key) = polling_router(&world, "main").await;
    let hand = Hand::new(&world, "main", &key);
    (world, router, hand)
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
struct Hand {
    clock: Arc<ManualClock>,
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

impl Hand {
    fn new(world: &World, slug: &'static str, key: &PullKey) -> Self {
        Self {
            clock: world.clock.clone(),
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
        format!("{failed}router;{};00:10:00;1;1;7.18.2;hAP;Cafe\nend;{rows}\n", self.clock.now().timestamp())
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

    /// Asks, and says once what it has. What it is told then is not carried out.
    async fn look(&mut self) -> Told {
        let ticket = self.ask().await.ticket.unwrap();
        self.report(&ticket).await
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
        self.clock.advance(TimeDelta::seconds(i64::try_from(secs).unwrap()));
        self.logins.values_mut().for_each(|used| *used += secs);
    }
}
