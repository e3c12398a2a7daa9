//! A database, and the reconcilers of its routers.

use std::{fs, sync::Arc, time::Duration};

use billing::{
    access::{self, Deps, Handle, Timing},
    clock::SystemClock,
    db, random,
    seal::AppSecret,
};
use domain::{Clock, MacAddr, RouterId};
use secrecy::SecretString;
use sqlx::MySqlPool;
use tokio::{
    sync::{Notify, broadcast},
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::Outcome;

const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) struct House {
    pool: MySqlPool,
    secret: AppSecret,
    package: Uuid,
    admin: Uuid,
    macs: u32,
    routers: u32,
    running: Option<(Handle, TaskTracker, CancellationToken)>,
}

impl House {
    /// A database with nothing in it: this makes routers, so it must never meet an owner's.
    pub(crate) async fn open(url: &str) -> Outcome<Self> {
        let pool = db::connect_lazy(url, 40)?;
        let tables: i64 =
            sqlx::query_scalar("select count(*) from information_schema.tables where table_schema = database()")
                .fetch_one(&pool)
                .await?;
        if tables > 0 {
            return Err("the database of DATABASE_URL must be empty".into());
        }
        db::migrate(&pool).await?;
        let now = SystemClock.now();
        let (package, admin) = (random::uuid(now), random::uuid(now));
        sqlx::query(
            "insert into packages (id, name, duration_minutes, price_kes, down_kbps, up_kbps, created_at, updated_at)
             values (?, '1 hour', 60, 20, 2000, 512, ?, ?)",
        )
        .bind(package)
        .bind(now)
        .bind(now)
        .execute(&pool)
        .await?;
        sqlx::query(
            "insert into admin_users (id, username, password_hash, role, created_at, updated_at)
             values (?, 'owner', 'x', 'owner', ?, ?)",
        )
        .bind(admin)
        .bind(now)
        .bind(now)
        .execute(&pool)
        .await?;
        let secret = AppSecret::new(&SecretString::from("0123456789abcdef0123456789abcdef"))?;
        Ok(Self { pool, secret, package, admin, macs: 0, routers: 0, running: None })
    }

    /// Another router; those of before are out of use when nothing runs.
    pub(crate) async fn router(&mut self, port: u16) -> Outcome<Uuid> {
        let now = SystemClock.now();
        let id = random::uuid(now);
        self.routers += 1;
        let sealed = self.secret.seal(id.as_bytes(), &SecretString::from("bando"))?;
        sqlx::query(
            "insert into routers (id, slug, name, host, port, username, password_sealed, created_at, updated_at)
             values (?, ?, 'a router', '127.0.0.1', ?, 'admin', ?, ?, ?)",
        )
        .bind(id)
        .bind(format!("r{}", self.routers))
        .bind(port)
        .bind(sealed)
        .bind(now)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(id)
    }

    pub(crate) fn next_mac(&mut self) -> String {
        self.macs += 1;
        let [a, b, c, d] = self.macs.to_be_bytes();
        MacAddr::from_bytes([0xA4, 0xCF, a, b, c, d]).map(|mac| mac.to_string()).unwrap_or_default()
    }

    /// An hour for each device, as a purchase leaves it.
    pub(crate) async fn grant(&self, router: Uuid, macs: &[String]) -> Outcome<()> {
        let mut transaction = self.pool.begin().await?;
        for mac in macs {
            let now = SystemClock.now();
            let (session, bytes) = (random::uuid(now), mac.parse::<MacAddr>()?.bytes());
            sqlx::query(
                "insert into sessions (id, granted_by, grant_reason, router_id, mac, package_id, package_name,
                                       package_revision, duration_secs, down_kbps, up_kbps, devices, created_at, updated_at)
                 values (?, ?, 'bench', ?, ?, ?, '1 hour', 1, 3600, 2000, 512, 1, ?, ?)",
            )
            .bind(session)
            .bind(self.admin)
            .bind(router)
            .bind(bytes.as_slice())
            .bind(self.package)
            .bind(now)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "insert into session_devices (id, session_id, router_id, mac, intended, next_try_at, created_at, updated_at)
                 values (?, ?, ?, ?, 'on', ?, ?, ?)",
            )
            .bind(random::uuid(now))
            .bind(session)
            .bind(router)
            .bind(bytes.as_slice())
            .bind(now)
            .bind(now)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) fn start(&mut self, full: Duration) {
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let deps = Deps {
            pool: self.pool.clone(),
            clock: Arc::new(SystemClock),
            secret: self.secret.clone(),
            holder: random::uuid(SystemClock.now()),
            wake: broadcast::Sender::new(1024),
            changed: Arc::new(Notify::new()),
            timing: Timing { full, ..Timing::default() },
            settings: routeros_api::Settings::default(),
        };
        let handle = access::spawn(deps, &tracker, shutdown.clone());
        self.running = Some((handle, tracker, shutdown));
    }

    /// Ends the reconcilers; the routers are out of use from now on.
    pub(crate) async fn stop(&mut self) -> Outcome<()> {
        self.pause().await;
        sqlx::query("update routers set is_active = 0").execute(&self.pool).await?;
        Ok(())
    }

    /// Ends the reconcilers.
    pub(crate) async fn pause(&mut self) {
        if let Some((_, tracker, shutdown)) = self.running.take() {
            shutdown.cancel();
            tracker.close();
            tracker.wait().await;
        }
    }

    pub(crate) fn wake(&self, router: Uuid) {
        if let Some((handle, _, _)) = &self.running {
            handle.wake(RouterId::from_uuid(router));
        }
    }

    pub(crate) async fn until_delivered(&self, router: Uuid) -> Outcome<()> {
        let id = router.simple();
        self.until(&format!(
            "select count(*) = 0 from session_devices where router_id = unhex('{id}') and applied_generation <> generation"
        ))
        .await
    }

    /// Waits until a query says yes.
    pub(crate) async fn until(&self, query: &str) -> Outcome<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if sqlx::query_scalar::<_, bool>(query).fetch_one(&self.pool).await? {
                return Ok(());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err(format!("not within {} s: {query}", PATIENCE.as_secs()).into())
    }
}

/// Processor time of this process so far.
pub(crate) fn cpu() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat has another form")?;
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    // A tick is a hundredth of a second on every Linux there is.
    Ok(Duration::from_millis(ticks * 10))
}

/// Memory of this process, resident.
pub(crate) fn resident_kb() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
