//! Who is on against who has paid, and what people do about it: a real database, the router simulator, and a clock that
//! moves by hand for both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod list;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod times;

use std::{sync::Arc, time::Duration};

use billing::{
    Billing, CallbackConfirm, CallbackIps, Deps, Options,
    admins::{Admin, Role},
    clock::ManualClock,
    live::{LiveFilter, LiveRecord},
    payments::PayLimits,
    routers::{NewRouter, RouterRecord},
    seal::AppSecret,
    vouchers::RedeemError,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{AdminId, Clock as _, Kes, MacAddr, Package, PackageTerms, SessionId, live::LiveState};
use routeros_api::{Command, Connection, Credentials, Security, Target};
use secrecy::SecretString;
use simulators::routeros::{Sim, VIRTUAL_START_EPOCH_SECS};
use sqlx::MySqlPool;
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
