//! A MariaDB of our own, to be killed and started again. Every commit is durable, as an owner runs it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use simulators::KeptPort;
use tokio::{
    process::{Child, Command},
    sync::Mutex,
};

use crate::wait::until;

/// A running database server. It ends, and its files go, when it is dropped.
#[derive(Debug)]
pub(crate) struct Database {
    dir: PathBuf,
    port: KeptPort,
    child: Mutex<Option<Child>>,
}

impl Database {
    /// On a copy of an installed data directory, which is made the first time.
    pub(crate) async fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("bando-chaos-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let template = template().await;
        run(Command::new("cp").arg("-a").arg(&template).arg(dir.join("files"))).await;
        let database = Self { dir, port: KeptPort::any().unwrap(), child: Mutex::default() };
        database.launch().await;
        database
    }

    /// The address of one database in it.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("mysql://root@{}/{name}", self.port.addr())
    }

    pub(crate) async fn create(&self, name: &str) -> String {
        let connection = <sqlx::MySqlConnection as sqlx::Connection>::connect(&self.url("mysql")).await;
        let statement = format!("create database {name} character set utf8mb4");
        sqlx::query(&statement).execute(&mut connection.unwrap()).await.unwrap();
        self.url(name)
    }

    /// SIGKILL, a pause, and a start with recovery.
    pub(crate) async fn kill_for(&self, down: Duration) {
        let mut child = self.child.lock().await;
        if let Some(mut running) = child.take() {
            running.kill().await.unwrap();
        }
        tokio::time::sleep(down).await;
        drop(child);
        self.launch().await;
    }

    /// SIGSTOP, and SIGCONT after a while.
    pub(crate) async fn freeze_for(&self, how_long: Duration) {
        let child = self.child.lock().await;
        let Some(id) = child.as_ref().and_then(Child::id) else { return };
        signal("-STOP", id).await;
        tokio::time::sleep(how_long).await;
        signal("-CONT", id).await;
    }

    async fn launch(&self) {
        let mut child = self.child.lock().await;
        let option = |name: &str, value: &dyn std::fmt::Display| format!("--{name}={value}");
        let started = Command::new(program("mariadbd"))
            .arg("--no-defaults")
            .args([
                option("datadir", &self.dir.join("files").display()),
                option("socket", &self.dir.join("socket").display()),
                option("pid-file", &self.dir.join("pid").display()),
                option("log-error", &self.dir.join("log").display()),
                option("port", &self.port.number()),
                option("bind-address", &"127.0.0.1"),
                option("innodb-flush-log-at-trx-commit", &1),
                option("innodb-log-file-size", &"16M"),
                option("innodb-buffer-pool-size", &"48M"),
                option("max-connections", &400),
                option("character-set-server", &"utf8mb4"),
            ])
            .args(["--skip-log-bin", "--skip-name-resolve"])
            .arg(option("user", &user().await))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("mariadbd could be started");
        *child = Some(started);
        drop(child);
        until("the database answers", || async {
            <sqlx::MySqlConnection as sqlx::Connection>::connect(&self.url("mysql")).await.is_ok()
        })
        .await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(child) = self.child.get_mut().as_mut() {
            drop(child.start_kill());
        }
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// An installed data directory, kept between runs.
async fn template() -> PathBuf {
    static MAKING: Mutex<()> = Mutex::const_new(());
    let _making = MAKING.lock().await;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos-database");
    if !kept.join("mysql").is_dir() {
        let new = kept.with_extension(std::process::id().to_string());
        let mut install = Command::new("mariadb-install-db");
        install.arg("--no-defaults").arg(format!("--datadir={}", new.display()));
        install.args(["--skip-test-db", "--auth-root-authentication-method=normal", "--innodb-log-file-size=16M"]);
        run(install.arg(format!("--user={}", user().await)).stdout(Stdio::null())).await;
        // Another run may have been faster; either copy is as good.
        if std::fs::rename(&new, &kept).is_err() {
            drop(std::fs::remove_dir_all(&new));
        }
    }
    kept
}

/// Servers are often outside a user's path.
fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/libexec", "/usr/local/sbin"];
    places.iter().map(|place| Path::new(place).join(name)).find(|path| path.exists()).unwrap_or_else(|| name.into())
}

/// The name of whoever runs this; a server started by root insists on one.
async fn user() -> String {
    let output = Command::new("id").arg("-un").output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).status().await;
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
}

pub(crate) async fn signal(name: &str, id: u32) {
    run(Command::new("kill").arg(name).arg(id.to_string())).await;
}
