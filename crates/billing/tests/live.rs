//! Who is on against who has paid, and what people do about it: a real database, the router simulator, and a clock that
//! moves by hand for both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use billing::{
    Billing, CallbackConfirm, CallbackIps, Deps, Options,
    admins::{Admin, Role},
    clock::ManualClock,
    live::{LiveError, LiveFilter, LiveRecord},
    payments::{BeginError, BeginPayment, PayLimits, Phase},
    routers::{NewRouter, RouterRecord},
    seal::AppSecret,
    vouchers::RedeemError,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AdminId, Clock as _, Kes, MacAddr, Package, PackageTerms, SessionId,
    live::{LiveAction, LiveState},
    session::TimesRefusal,
};
use routeros_api::{Command, Connection, Credentials, Security, Target};
use secrecy::SecretString;
use simulators::routeros::{Sim, VIRTUAL_START_EPOCH_SECS};
use sqlx::{MySqlPool, mysql::MySqlPoolOptions};
use support::eventually;
use tokio_util::sync::{CancellationToken, DropGuard};

const PHONE: &str = "A4:CF:12:00:00:01";
const OTHER: &str = "A4:CF:12:00:00:02";
const WHY: &str = "asked for at the counter";

struct Site {
    billing: Billing,
    clock: Arc<ManualClock>,
    sim: Sim,
    router: RouterRecord,
    package: Package,
    owner: Admin,
    _stop: DropGuard,
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

fn engine(pool: MySqlPool, clock: Arc<ManualClock>) -> Billing {
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = ::daraja::Config::sandbox(SecretString::from("demo"), SecretString::from("demo"));
    Billing::new(Deps {
        pool,
        mpesa: Arc::new(::daraja::Client::new(config, clock.clone()).unwrap()),
        clock,
        secret: AppSecret::new(&SecretString::from("a secret only for tests, long enough")).unwrap(),
        options: Options {
            callback_base: "http://127.0.0.1:1/hook".into(),
            query_delays_secs: vec![3600],
            query_per_minute: 60,
            callback_ips: CallbackIps::Off,
            limits: PayLimits::default(),
            callback_confirm: CallbackConfirm::Suspicious,
            query_grace_secs: 90,
            pull: false,
            timing: billing::access::Timing::default(),
        },
    })
}

fn start_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(VIRTUAL_START_EPOCH_SECS, 0).unwrap()
}

impl Site {
    async fn new(pool: MySqlPool) -> Self {
        let clock = Arc::new(ManualClock::new(start_of_time()));
        let billing = engine(pool, clock.clone());
        let sim = Sim::start(simulators::routeros::Options::default()).await.unwrap();
        let terms = PackageTerms {
            name: "1 hour".into(),
            duration_minutes: 60,
            down: None,
            up: None,
            data: Some(domain::DataSize::from_mb(500)),
            devices: 1,
        };
        let package = billing.add_package(terms, Kes::new(20).unwrap()).await.unwrap();
        let new = NewRouter {
            name: "main".into(),
            host: "127.0.0.1".into(),
            port: sim.addr().port(),
            username: "admin".into(),
            password: SecretString::from("bando"),
            tls_pin: None,
        };
        let router = billing.add_router(&new).await.unwrap();
        let owner = admin(Role::Owner);
        let stop = CancellationToken::new();
        billing.spawn_tasks(&stop);
        Self { billing, clock, sim, router, package, owner, _stop: stop.drop_guard() }
    }

    /// The server's clock and the router's move together; the router answered all the while.
    async fn advance(&self, secs: u32) {
        self.clock.advance(TimeDelta::seconds(i64::from(secs)));
        self.sim.advance(Duration::from_secs(u64::from(secs)));
        sqlx::query("update routers set last_seen_at = ? where last_seen_at is not null")
            .bind(self.clock.now())
            .execute(self.billing.pool())
            .await
            .unwrap();
    }

    async fn redeem(&self, device: &str) -> Result<SessionId, RedeemError> {
        let code = self.billing.create_vouchers(self.package.id, 1, "test").await.unwrap().remove(0);
        self.billing.redeem_voucher(&code, None, mac(device), None).await
    }

    async fn online(&self, device: &str) -> SessionId {
        self.sim.join(device).unwrap();
        let session = self.redeem(device).await.unwrap();
        self.stands(device, LiveState::Online).await;
        session
    }

    async fn find(&self, device: &str) -> Option<LiveRecord> {
        let filter = LiveFilter { query: Some(device.into()), ..LiveFilter::default() };
        let mut found = self.billing.list_live(&filter, None, 10, Role::Owner).await.unwrap();
        assert!(found.len() <= 1, "{found:?}");
        found.pop()
    }

    async fn stands(&self, device: &str, state: LiveState) -> LiveRecord {
        eventually(&format!("{device} to be {}", state.as_str()), async || {
            // The device's next packet. Once it is on, the router's clock is left where it is, however long this takes.
            if self.login(device).is_none() {
                self.sim.advance(Duration::from_millis(200));
            }
            self.find(device).await.is_some_and(|row| row.state == Some(state))
        })
        .await;
        self.find(device).await.unwrap()
    }

    fn login(&self, device: &str) -> Option<Vec<(String, String)>> {
        self.sim.active().into_iter().find(|row| field(row, "mac-address") == device)
    }

    async fn is_off(&self, device: &str) {
        eventually(&format!("{device} to be off"), async || {
            let has_user = self.sim.users().iter().any(|row| field(row, "name") == device);
            self.login(device).is_none() && !has_user
        })
        .await;
    }

    fn limit(&self, device: &str) -> String {
        let user = self.sim.users().into_iter().find(|row| field(row, "name") == device).unwrap();
        field(&user, "limit-uptime").to_owned()
    }

    fn bindings(&self) -> Vec<(String, String, String)> {
        let rows = self.sim.rows("/ip/hotspot/ip-binding").unwrap();
        let part = |row: &Vec<(String, String)>, name| field(row, name).to_owned();
        rows.iter().map(|row| (part(row, "mac-address"), part(row, "type"), part(row, "comment"))).collect()
    }

    /// What the owner types into the router's own terminal.
    async fn by_hand(&self, command: Command) {
        let target = Target { host: "127.0.0.1".into(), port: self.sim.addr().port(), security: Security::Plain };
        let login = Credentials { username: "admin".into(), password: SecretString::from("bando") };
        let connection = Connection::open(&target, &login, routeros_api::Settings::default()).await.unwrap();
        connection.run(command).await.unwrap();
    }

    /// Has the router read whole, as it is every minute.
    fn look_again(&self) {
        self.sim.cut_connections();
    }

    async fn times(&self, session: SessionId) -> (u64, Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        sqlx::query_as("select duration_secs, starts_at, ends_at from sessions where id = ?")
            .bind(session.as_uuid())
            .fetch_one(self.billing.pool())
            .await
            .unwrap()
    }

    async fn logged(&self, action: &str) -> i64 {
        sqlx::query_scalar("select count(*) from logs where action = ?")
            .bind(action)
            .fetch_one(self.billing.pool())
            .await
            .unwrap()
    }

    async fn holds(&self) {
        for finding in billing::audit::run(self.billing.pool(), self.clock.now()).await.unwrap() {
            assert!(!finding.is_broken(), "{}: {:?}", finding.rule, finding.rows);
        }
    }
}

fn admin(role: Role) -> Admin {
    Admin { id: AdminId::from_uuid(uuid::Uuid::from_u128(7)), username: role.as_str().into(), role, login_epoch: 1 }
}

fn field<'a>(row: &'a [(String, String)], name: &str) -> &'a str {
    row.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_pause_keeps_time_and_data_and_the_device_off(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.sim.traffic(PHONE, 1_000_000, 9_000_000).unwrap();
    site.advance(600).await;
    site.look_again();
    eventually("its use is written", async || site.find(PHONE).await.unwrap().used_bytes == 10_000_000).await;
    let cashier = admin(Role::Cashier);
    site.billing.pause_session(session, &cashier, None).await.unwrap();
    site.is_off(PHONE).await;
    let paused = site.stands(PHONE, LiveState::Paused).await;
    assert_eq!((paused.seconds_remaining, paused.ends_at), (Some(3000), None));
    assert_eq!(paused.actions, [LiveAction::Resume, LiveAction::Extend, LiveAction::End, LiveAction::Block]);
    let status = site.billing.device_status(None, mac(PHONE)).await.unwrap();
    assert!(status.phase == Phase::Paid && status.is_paused && status.message.contains("paused"), "{status:?}");
    site.advance(86_400).await;
    site.billing.pause_session(session, &cashier, None).await.unwrap();
    assert_eq!(site.logged("session.pause").await, 1, "again changes nothing");
    assert_eq!(site.find(PHONE).await.unwrap().seconds_remaining, Some(3000));
    site.holds().await;

    site.sim.join(PHONE).unwrap();
    site.billing.resume_session(session, &cashier, None).await.unwrap();
    site.billing.resume_session(session, &cashier, None).await.unwrap();
    assert_eq!(site.logged("session.resume").await, 1, "again changes nothing");
    let resumed = site.stands(PHONE, LiveState::Online).await;
    let now = site.clock.now();
    assert_eq!(site.times(session).await, (3000, Some(now), Some(now + TimeDelta::seconds(3000))));
    assert_eq!(site.limit(PHONE), "50m", "the router's own limit too");
    assert_eq!((resumed.used_bytes, resumed.bytes_remaining), (10_000_000, Some(490_000_000)));
    site.holds().await;

    for _ in 0..2 {
        site.billing.pause_session(session, &cashier, None).await.unwrap();
        site.is_off(PHONE).await;
        site.billing.resume_session(session, &cashier, None).await.unwrap();
        site.stands(PHONE, LiveState::Online).await;
    }
    let fourth = site.billing.pause_session(session, &cashier, None).await;
    assert!(matches!(fourth, Err(LiveError::Times(TimesRefusal::PausesUsed))), "{fourth:?}");
    assert!(!site.find(PHONE).await.unwrap().actions.contains(&LiveAction::Pause));
    site.advance(2940).await;
    assert!(site.login(PHONE).is_some(), "not early");
    site.advance(60).await;
    site.is_off(PHONE).await;
    site.advance(300).await;
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn buying_while_paused_adds_up_and_goes_on(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let first = site.online(PHONE).await;
    site.advance(600).await;
    site.billing.pause_session(first, &site.owner, None).await.unwrap();
    site.is_off(PHONE).await;
    site.advance(10_000).await;
    let second = site.redeem(PHONE).await.unwrap();
    let row = site.stands(PHONE, LiveState::Online).await;
    assert_eq!(row.session_id, Some(second));
    let (duration_secs, starts_at, ends_at) = site.times(second).await;
    assert_eq!((duration_secs, ends_at), (6600, starts_at.map(|at| at + TimeDelta::seconds(6600))));
    let gone = site.billing.resume_session(first, &site.owner, None).await;
    assert!(matches!(gone, Err(LiveError::Times(TimesRefusal::Over))), "{gone:?}");
    site.advance(200).await;
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn added_time_reaches_the_router_before_the_old_end(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.advance(3000).await;
    let by_cashier = site.billing.extend_session(session, 30, &admin(Role::Cashier), WHY, None).await;
    assert!(matches!(by_cashier, Err(LiveError::NotOwner)));
    let without = site.billing.extend_session(session, 30, &site.owner, " ", None).await;
    assert!(matches!(without, Err(LiveError::Reason)));
    let (one, two) = tokio::join!(
        site.billing.extend_session(session, 30, &site.owner, WHY, None),
        site.billing.extend_session(session, 30, &site.owner, WHY, None)
    );
    one.unwrap();
    two.unwrap();
    assert_eq!(site.times(session).await.0, 5400, "a button pressed twice adds once");
    // To the second or two that the router's clock was moved ahead while waiting for it.
    eventually("the router has the new limit", async || {
        ["1h30m", "1h29m5"].iter().any(|start| site.limit(PHONE).starts_with(start))
    })
    .await;
    site.stands(PHONE, LiveState::Online).await;
    site.advance(2300).await;
    assert!(site.login(PHONE).is_some(), "on beyond the old end");
    site.holds().await;
    site.advance(100).await;
    site.is_off(PHONE).await;
    let over = site.billing.extend_session(session, 30, &site.owner, WHY, None).await;
    assert!(matches!(over, Err(LiveError::Times(TimesRefusal::Over))), "{over:?}");
    site.advance(200).await;
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_kicked_comes_back_with_what_is_left(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.advance(600).await;
    assert!(field(&site.login(PHONE).unwrap(), "uptime").starts_with("10m"));
    let row = site.find(PHONE).await.unwrap();
    site.billing.kick_device(row.id, &admin(Role::Cashier), None).await.unwrap();
    eventually("a new login", async || site.login(PHONE).is_some_and(|row| !field(&row, "uptime").contains('m'))).await;
    eventually("it is done", async || {
        let left: i64 = sqlx::query_scalar("select count(*) from session_devices where is_kicked = 1")
            .fetch_one(site.billing.pool())
            .await
            .unwrap();
        left == 0
    })
    .await;
    assert_eq!(site.times(session).await.2, Some(start_of_time() + TimeDelta::seconds(3600)), "time ran on");
    site.advance(2940).await;
    assert!(site.login(PHONE).is_some(), "not early");
    let nobody = site.billing.kick_device(uuid::Uuid::from_u128(1), &site.owner, None).await;
    assert!(matches!(nobody, Err(LiveError::Unknown)));
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn ended_by_an_owner_is_off_for_good(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    site.billing.stop_session(session, &site.owner, WHY, None).await.unwrap();
    site.billing.stop_session(session, &site.owner, WHY, None).await.unwrap();
    assert_eq!(site.logged("session.end").await, 1);
    site.is_off(PHONE).await;
    assert!(site.find(PHONE).await.is_none());
    let row: uuid::Uuid =
        sqlx::query_scalar("select id from session_devices").fetch_one(site.billing.pool()).await.unwrap();
    let gone = site.billing.find_live(row, Role::Owner).await.unwrap().unwrap();
    assert!(gone.state.is_none() && gone.actions.is_empty(), "the feed can say that it is gone");
    // An end under way when time is added, and the other way round, is one or the other.
    let again = site.redeem(PHONE).await.unwrap();
    site.stands(PHONE, LiveState::Online).await;
    let (ended, extended) = tokio::join!(
        site.billing.stop_session(again, &site.owner, WHY, None),
        site.billing.extend_session(again, 10, &site.owner, WHY, None)
    );
    ended.unwrap();
    assert!(matches!(extended, Ok(()) | Err(LiveError::Times(TimesRefusal::Over))), "{extended:?}");
    site.is_off(PHONE).await;
    site.advance(200).await;
    site.holds().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_on_without_paid_time_is_seen_and_told_apart(pool: MySqlPool) {
    let site = Site::new(pool).await;
    site.online(PHONE).await;
    let guest = Command::new("/ip/hotspot/user/add").attr("name", "guest").attr("password", "x");
    site.by_hand(guest).await;
    site.sim.join(OTHER).unwrap();
    site.sim.browser_login(OTHER, "guest", "x").unwrap();
    let bypass = Command::new("/ip/hotspot/ip-binding/add").attr("mac-address", "A4:CF:12:00:00:03");
    site.by_hand(bypass.attr("type", "bypassed")).await;
    site.sim.join("A4:CF:12:00:00:03").unwrap();
    let orphan = Command::new("/ip/hotspot/user/add")
        .attr("name", "A4:CF:12:00:00:04")
        .attr("comment", format!("bando1;g={};e={}", uuid::Uuid::from_u128(9), start_of_time().timestamp() + 86_400));
    site.by_hand(orphan).await;
    site.sim.join("A4:CF:12:00:00:04").unwrap();
    site.look_again();
    eventually("three ghosts", async || site.billing.count_live(None).await.unwrap().ghost == 3).await;
    let counts = site.billing.count_live(Some(site.router.id)).await.unwrap();
    assert_eq!((counts.online, counts.ghost), (1, 3));
    let guest = site.stands(OTHER, LiveState::Ghost).await;
    assert!(guest.text.contains("guest") && guest.session_id.is_none(), "{guest:?}");
    assert_eq!(guest.actions, [LiveAction::Kick, LiveAction::Block]);
    let rule = site.find("A4:CF:12:00:00:03").await.unwrap();
    assert!(rule.text.contains("IP binding") && rule.actions == [LiveAction::Block], "{rule:?}");
    let orphan = site.find("A4:CF:12:00:00:04").await.unwrap();
    assert!(orphan.text.contains("no paid time"), "{orphan:?}");
    let filter = LiveFilter { state: Some(LiveState::Ghost), query: Some("gue".into()), ..LiveFilter::default() };
    assert_eq!(site.billing.list_live(&filter, None, 10, Role::Cashier).await.unwrap().len(), 1);

    site.billing.kick_device(guest.id, &admin(Role::Cashier), None).await.unwrap();
    eventually("the guest is logged out", async || site.login(OTHER).is_none()).await;
    eventually("and no ghost", async || site.find(OTHER).await.is_none()).await;
    assert!(site.sim.users().iter().any(|row| field(row, "name") == "guest"), "the owner's user stays");
    assert!(matches!(site.billing.kick_device(rule.id, &site.owner, None).await, Err(LiveError::NotKickable)));
    assert!(site.login(PHONE).is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_blocked_device_is_kept_out_until_that_is_lifted(pool: MySqlPool) {
    let site = Site::new(pool).await;
    let session = site.online(PHONE).await;
    let foreign = Command::new("/ip/hotspot/ip-binding/add").attr("mac-address", "A4:CF:12:00:00:09");
    site.by_hand(foreign.attr("type", "blocked").attr("comment", "the neighbour")).await;
    let neighbour = ("A4:CF:12:00:00:09".to_owned(), "blocked".to_owned(), "the neighbour".to_owned());
    let by_cashier = site.billing.block_device(mac(PHONE), &admin(Role::Cashier), WHY, None).await;
    assert!(matches!(by_cashier, Err(LiveError::NotOwner)));
    let (one, two) = tokio::join!(
        site.billing.block_device(mac(PHONE), &site.owner, WHY, None),
        site.billing.block_device(mac(PHONE), &site.owner, WHY, None)
    );
    let block = one.unwrap();
    assert_eq!(two.unwrap(), block, "one block, whoever asks twice");
    site.is_off(PHONE).await;
    let ours = (PHONE.to_owned(), "blocked".to_owned(), "bando:block".to_owned());
    eventually("the rule is on the router", async || site.bindings() == [neighbour.clone(), ours.clone()]).await;
    assert!(matches!(site.redeem(PHONE).await, Err(RedeemError::Blocked)));
    let pay = BeginPayment {
        package_id: site.package.id,
        msisdn: "0712000100".parse().unwrap(),
        mac: mac(PHONE),
        ip: None,
        router_slug: None,
        idempotency_key: None,
        request_id: "test".into(),
        remote_ip: None,
    };
    assert!(matches!(site.billing.begin_payment(pay).await, Err(BeginError::Blocked)));
    site.advance(200).await;
    site.holds().await;

    // The rule comes back when somebody removes it on the router.
    let rows = site.sim.rows("/ip/hotspot/ip-binding").unwrap();
    let id = rows.iter().find(|row| field(row, "comment") == "bando:block").map(|row| field(row, ".id").to_owned());
    site.by_hand(Command::new("/ip/hotspot/ip-binding/remove").attr(".id", id.unwrap())).await;
    site.look_again();
    eventually("the rule is back", async || site.bindings().contains(&ours)).await;

    site.sim.join(PHONE).unwrap();
    site.billing.lift_block(block.id, &site.owner, WHY, None).await.unwrap();
    site.billing.lift_block(block.id, &site.owner, WHY, None).await.unwrap();
    assert_eq!((site.logged("device.block").await, site.logged("device.lift").await), (1, 1));
    eventually("the rule is gone", async || site.bindings() == [neighbour.clone()]).await;
    let back = site.stands(PHONE, LiveState::Online).await;
    assert_eq!(back.session_id, Some(session), "time was left");
    assert!(site.billing.list_blocks().await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_long_history_costs_the_list_nothing(pool: MySqlPool) {
    // One connection, so that what it read can be counted.
    let options = MySqlPoolOptions::new().max_connections(1);
    let single = options.connect_with((*pool.connect_options()).clone()).await.unwrap();
    let clock = Arc::new(ManualClock::new(start_of_time()));
    let billing = engine(single.clone(), clock);
    let new = NewRouter {
        name: "main".into(),
        host: "127.0.0.1".into(),
        port: 1,
        username: "admin".into(),
        password: SecretString::from("bando"),
        tls_pin: None,
    };
    let router = billing.add_router(&new).await.unwrap();
    let fill = "
        insert into packages (id, name, duration_minutes, price_kes, created_at, updated_at)
        values (unhex(lpad('1', 32, '0')), '1 hour', 60, 20, '2026-01-01', '2026-01-01');
        insert into admin_users (id, username, password_hash, role, created_at, updated_at)
        values (unhex(lpad('1', 32, '0')), 'owner', 'x', 'owner', '2026-01-01', '2026-01-01');
        create table digits (d int); insert into digits values (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
        create table numbers as
            select a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d as n
            from digits a, digits b, digits c, digits e, digits f;
        insert into sessions (id, granted_by, grant_reason, router_id, mac, package_id, package_name, package_revision,
                              duration_secs, devices, starts_at, ends_at, ended_at, end_reason, created_at, updated_at)
            select unhex(lpad(hex(n), 32, '0')), unhex(lpad('1', 32, '0')), 'a test', (select id from routers),
                   unhex(concat('02', lpad(hex(n), 10, '0'))), unhex(lpad('1', 32, '0')), '1 hour', 1, 3600, 1, '2026-01-01',
                   if(n % 100 = 0, '2096-01-01', '2026-01-01 01:00:00'), if(n % 100 = 0, null, '2026-01-01 01:00:00'),
                   if(n % 100 = 0, null, 'expired'), '2026-01-01', '2026-01-01'
            from numbers;
        insert into session_devices (id, session_id, router_id, mac, intended, applied, applied_generation, is_online,
                                     created_at, updated_at)
            select id, id, router_id, mac, if(ended_at is null, 'on', 'off'), if(ended_at is null, 'on', 'off'), 1,
                   ended_at is null, created_at, updated_at
            from sessions;
        update sessions set paused_at = '2026-01-01', starts_at = null, ends_at = null
            where ended_at is null order by id limit 5;
        update session_devices d join sessions s on s.id = d.session_id set d.intended = 'off' where s.paused_at is not null;
        analyze table sessions, session_devices";
    sqlx::raw_sql(fill).execute(&single).await.unwrap();
    let read = async || -> i64 {
        let rows: Vec<(String, String)> =
            sqlx::query_as("show session status like 'Handler_read%'").fetch_all(&single).await.unwrap();
        rows.iter().map(|(_, value)| value.parse::<i64>().unwrap()).sum()
    };
    let mut after = None;
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let before = read().await;
        let page = billing.list_live(&LiveFilter::default(), after, 51, Role::Owner).await.unwrap();
        let rows_read = read().await - before;
        assert!(rows_read < 6000, "{rows_read} rows were read for a page of 51");
        let is_last = page.len() < 51;
        for row in page.into_iter().take(50) {
            after = Some(row.id);
            assert!(seen.insert(row.id), "no row twice");
        }
        if is_last {
            break;
        }
    }
    assert_eq!(seen.len(), 1000, "every row of those that are live, and no other");
    let before = read().await;
    let counts = billing.count_live(Some(router.id)).await.unwrap();
    assert_eq!((counts.away + counts.online + counts.waiting, counts.paused), (995, 5));
    let rows_read = read().await - before;
    assert!(rows_read < 10_000, "{rows_read} rows were read to count a thousand");
    for (filter, found) in [
        (LiveFilter { state: Some(LiveState::Paused), ..LiveFilter::default() }, 5),
        (LiveFilter { query: Some("02:00:00:00:00:64".into()), ..LiveFilter::default() }, 1),
        (LiveFilter { query: Some("0712 345 678".into()), ..LiveFilter::default() }, 0),
        (LiveFilter { query: Some("%".into()), ..LiveFilter::default() }, 0),
        (LiveFilter { query: Some("1 ho".into()), ..LiveFilter::default() }, 51),
    ] {
        let before = read().await;
        assert_eq!(billing.list_live(&filter, None, 51, Role::Owner).await.unwrap().len(), found, "{filter:?}");
        let rows_read = read().await - before;
        assert!(rows_read < 10_000, "{rows_read} rows were read for {filter:?}");
    }
}
