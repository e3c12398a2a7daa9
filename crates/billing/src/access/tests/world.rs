//! A database, a clock and running reconcilers to test with.

use std::{future::Future, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use domain::{Clock, DeviceId, MacAddr, PackageId, RouterId, SessionId};
use secrecy::SecretString;
use simulators::routeros::VIRTUAL_START_EPOCH_SECS;
use sqlx::MySqlPool;
use tokio::sync::{Notify, broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::{Deps, Handle, Timing, spawn},
    clock::ManualClock,
    db::{
        routers,
        routers::RouterRecord,
        session_devices::{self, Intent},
    },
    random,
    seal::AppSecret,
};

/// How long a condition is waited for before the test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// A busy machine must not look like a router that hangs.
const PATIENT: Duration = Duration::from_secs(8);
const HASTY: Duration = Duration::from_millis(800);

/// A database with one package and one admin, a clock, and reconcilers when started.
pub(super) struct World {
    pub(super) pool: MySqlPool,
    pub(super) clock: Arc<ManualClock>,
    pub(super) secret: AppSecret,
    pub(super) package: PackageId,
    pub(super) admin: uuid::Uuid,
    pub(super) tracker: TaskTracker,
    pub(super) shutdown: CancellationToken,
    pub(super) wake: broadcast::Sender<RouterId>,
    /// How long a router may take over a command.
    command_timeout: Duration,
}

impl World {
    pub(super) async fn new(pool: MySqlPool) -> Self {
        let start = DateTime::from_timestamp(VIRTUAL_START_EPOCH_SECS, 0).unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let (package, admin) = (random::uuid(start), random::uuid(start));
        sqlx::query(
            "insert into packages (id, name, duration_minutes, price_kes, down_kbps, up_kbps, created_at, updated_at)
             values (?, '1 hour', 60, 20, 2000, 512, ?, ?)",
        )
        .bind(package)
        .bind(start)
        .bind(start)
        .execute(&pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into admin_users (id, username, password_hash, role, created_at, updated_at)
             values (?, 'owner', 'x', 'owner', ?, ?)",
        )
        .bind(admin)
        .bind(start)
        .bind(start)
        .execute(&pool)
        .await
        .unwrap();
        Self {
            pool,
            clock,
            secret: AppSecret::new(&SecretString::from("a".repeat(32))).unwrap(),
            package: package.into(),
            admin,
            tracker: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            wake: broadcast::Sender::new(64),
            command_timeout: PATIENT,
        }
    }

    /// Gives routers up that take long over a command, where they really hang.
    pub(super) const fn hasty(mut self) -> Self {
        self.command_timeout = HASTY;
        self
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) async fn router(&self, slug: &str, port: u16, password: &str) -> RouterRecord {
        let id = RouterId::from_uuid(random::uuid(self.now()));
        let router = RouterRecord {
            id,
            slug: slug.into(),
            name: slug.into(),
            reach: routers::Reach::Direct,
            host: "127.0.0.1".into(),
            port,
            username: "admin".into(),
            password_sealed: self.secret.seal(id.as_uuid().as_bytes(), &SecretString::from(password)).unwrap(),
            tls_pin: None,
            last_seen_at: None,
            last_error: None,
        };
        assert!(routers::insert_router(&self.pool, &router, false, self.now()).await.unwrap());
        router
    }

    pub(super) fn start(&self, full: Duration) -> Handle {
        self.start_as(uuid::Uuid::from_u128(1), full, &self.shutdown)
    }

    pub(super) fn start_as(&self, holder: uuid::Uuid, full: Duration, shutdown: &CancellationToken) -> Handle {
        let timing = Timing {
            poll: Duration::from_millis(50),
            routers: Duration::from_millis(100),
            full,
            lease: Duration::from_millis(600),
        };
        let deps = Deps {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            secret: self.secret.clone(),
            holder,
            wake: self.wake.clone(),
            changed: Arc::new(Notify::new()),
            timing,
            settings: routeros_api::Settings {
                command_timeout: self.command_timeout,
                silence_timeout: self.command_timeout / 2,
                ..routeros_api::Settings::default()
            },
        };
        spawn(deps, &self.tracker, shutdown.clone())
    }

    /// An hour for a device, as a purchase makes it.
    pub(super) async fn grant(&self, router: RouterId, mac: &str, secs: u64, data_bytes: Option<u64>) -> SessionId {
        let (id, now) = (random::uuid(self.now()), self.now());
        let mac: MacAddr = mac.parse().unwrap();
        let mut transaction = self.pool.begin().await.unwrap();
        sqlx::query(
            "insert into sessions (id, granted_by, grant_reason, router_id, mac, package_id, package_name,
                 package_revision, duration_secs, down_kbps, up_kbps, data_bytes, devices, created_at, updated_at)
             values (?, ?, 'a test', ?, ?, ?, '1 hour', 1, ?, 2000, 512, ?, 1, ?, ?)",
        )
        .bind(id)
        .bind(self.admin)
        .bind(router.as_uuid())
        .bind(mac.bytes().as_slice())
        .bind(self.package.as_uuid())
        .bind(secs)
        .bind(data_bytes)
        .bind(now)
        .bind(now)
        .execute(&mut *transaction)
        .await
        .unwrap();
        let device = DeviceId::from_uuid(random::uuid(now));
        let intent = Intent { new_id: device, session_id: id.into(), place: (router, mac), ip: None };
        session_devices::intend_on(&mut transaction, &[intent], now).await.unwrap();
        transaction.commit().await.unwrap();
        id.into()
    }

    /// An hour for each of many devices, written at once.
    pub(super) async fn grant_all(&self, router: RouterId, macs: &[MacAddr]) {
        let now = self.now();
        let intents: Vec<Intent> = macs
            .iter()
            .map(|mac| Intent {
                new_id: DeviceId::from_uuid(random::uuid(now)),
                session_id: random::uuid(now).into(),
                place: (router, *mac),
                ip: None,
            })
            .collect();
        let mut query = sqlx::QueryBuilder::<sqlx::MySql>::new(
            "insert into sessions (id, granted_by, grant_reason, router_id, mac, package_id, package_name,
                 package_revision, duration_secs, down_kbps, up_kbps, devices, created_at, updated_at) ",
        );
        query.push_values(&intents, |mut row, intent| {
            row.push_bind(intent.session_id.as_uuid()).push_bind(self.admin).push_bind("a test");
            row.push_bind(router.as_uuid()).push_bind(intent.place.1.bytes().to_vec());
            row.push_bind(self.package.as_uuid()).push_bind("1 hour").push_bind(1).push_bind(3600);
            row.push_bind(2000).push_bind(512).push_bind(1).push_bind(now).push_bind(now);
        });
        let mut transaction = self.pool.begin().await.unwrap();
        query.build().execute(&mut *transaction).await.unwrap();
        session_devices::intend_on(&mut transaction, &intents, now).await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub(super) async fn device(&self, router: RouterId) -> Device {
        sqlx::query_as(
            "select applied, applied_generation = generation as is_applied, is_online, used_secs, used_bytes,
                    last_error, attempts, s.starts_at, s.ends_at, s.ended_at, s.end_reason
             from session_devices d join sessions s on s.id = d.session_id where d.router_id = ?",
        )
        .bind(router.as_uuid())
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    pub(super) async fn until_device(&self, router: RouterId, what: &str, is_so: impl Fn(&Device) -> bool) -> Device {
        until(what, || async {
            let device = self.device(router).await;
            is_so(&device).then_some(device)
        })
        .await
    }

    pub(super) async fn router_error(&self, router: RouterId) -> Option<String> {
        sqlx::query_scalar("select last_error from routers where id = ?")
            .bind(router.as_uuid())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.expect("ends when told");
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Device {
    pub(super) applied: String,
    pub(super) is_applied: bool,
    pub(super) is_online: bool,
    pub(super) used_secs: u64,
    pub(super) used_bytes: u64,
    pub(super) last_error: Option<String>,
    pub(super) attempts: u32,
    pub(super) starts_at: Option<DateTime<Utc>>,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) end_reason: Option<String>,
}

/// Waits for a condition.
pub(super) async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    until_within(PATIENCE, what, look).await
}

/// Waits for a condition that much has to be done for.
pub(super) async fn until_within<T, F: Future<Output = Option<T>>>(
    most: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(most, waiting).await.unwrap_or_else(|_| panic!("never: {what}"))
}

impl World {
    pub(super) async fn router_seen(&self, id: RouterId) -> Option<DateTime<Utc>> {
        sqlx::query_scalar("select last_seen_at from routers where id = ?")
            .bind(id.as_uuid())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}
