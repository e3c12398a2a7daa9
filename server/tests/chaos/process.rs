//! Real `bando serve` processes: started, killed, frozen, and started again when they end by themselves.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use simulators::KeptPort;
use tokio::{
    process::{Child, Command},
    sync::Mutex,
};

use crate::{
    database::signal,
    wait::{PATIENCE, is_so_within},
};

/// Environment variables, names and values.
pub(crate) type Settings = Vec<(String, String)>;

/// One server, on the same port through all its lives.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    port: KeptPort,
    settings: Settings,
    log: PathBuf,
    child: Mutex<Option<Child>>,
    starts: AtomicUsize,
}

impl Server {
    /// Not running yet. Everything it logs goes to a file.
    pub(crate) fn new(settings: &Settings, log: &Path) -> Self {
        let inner = Inner {
            port: KeptPort::any().unwrap(),
            settings: settings.clone(),
            log: log.to_owned(),
            child: Mutex::default(),
            starts: AtomicUsize::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.inner.port.number()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.inner.port.addr())
    }

    /// How often it was started.
    pub(crate) fn starts(&self) -> usize {
        self.inner.starts.load(Ordering::Relaxed)
    }

    /// Starts it, to end at a kill point if one is named.
    pub(crate) async fn start(&self, killpoint: Option<&str>) {
        let mut child = self.inner.child.lock().await;
        if child.is_none() {
            *child = Some(self.spawn(killpoint));
        }
    }

    fn spawn(&self, killpoint: Option<&str>) -> Child {
        self.inner.starts.fetch_add(1, Ordering::Relaxed);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.inner.log).unwrap();
        let mut command = Command::new(bando());
        command.arg("serve").env_clear().envs(self.inner.settings.iter().map(|(name, value)| (name, value)));
        command.env("PORT", self.inner.port.number().to_string()).current_dir(std::env::temp_dir());
        if let Some(point) = killpoint {
            command.env("BANDO_KILLPOINT", point);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap()
    }

    /// SIGKILL.
    pub(crate) async fn kill(&self) {
        if let Some(mut child) = self.inner.child.lock().await.take() {
            child.kill().await.unwrap();
        }
    }

    /// SIGSTOP, and SIGCONT after a while.
    pub(crate) async fn freeze_for(&self, how_long: Duration) {
        let Some(id) = self.inner.child.lock().await.as_ref().and_then(Child::id) else { return };
        signal("-STOP", id).await;
        tokio::time::sleep(how_long).await;
        // It may have been killed meanwhile, which also works on the frozen.
        drop(Command::new("kill").arg("-CONT").arg(id.to_string()).stderr(Stdio::null()).status().await);
    }

    /// Starts it again if it has ended by itself. `true` when it had.
    pub(crate) async fn revive(&self) -> bool {
        let mut child = self.inner.child.lock().await;
        let has_ended = child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some()));
        if has_ended {
            *child = Some(self.spawn(None));
        }
        has_ended
    }

    /// Waits until it has ended by itself; `false` if it does not.
    pub(crate) async fn has_ended_within(&self, patience: Duration) -> bool {
        is_so_within(patience, || async {
            let mut child = self.inner.child.lock().await;
            let has_ended = child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            if has_ended {
                *child = None;
            }
            has_ended
        })
        .await
    }

    pub(crate) async fn until_ready(&self) {
        assert!(self.is_ready_within(PATIENCE).await, "the server was never ready");
    }

    pub(crate) async fn is_ready_within(&self, patience: Duration) -> bool {
        let client = client();
        is_so_within(patience, || async {
            let answer = client.get(format!("{}/readyz", self.url())).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await
    }

    /// Lines of its log that tell of a fault in the program itself.
    pub(crate) fn panics(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.inner.log).unwrap_or_default();
        log.lines().filter(|line| line.contains("panicked at")).map(str::to_owned).collect()
    }
}

/// Another command of the program.
pub(crate) async fn command(settings: &Settings, arguments: &[&str]) -> Output {
    let mut command = Command::new(bando());
    command.args(arguments).env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).current_dir(std::env::temp_dir()).kill_on_drop(true);
    command.output().await.unwrap()
}

/// As [`command`], for one that must succeed. Returns what it printed.
pub(crate) async fn done(settings: &Settings, arguments: &[&str]) -> String {
    let output = command(settings, arguments).await;
    assert!(output.status.success(), "bando {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The program itself.
fn bando() -> &'static str {
    env!("CARGO_BIN_EXE_bando")
}

/// A browser that somebody is logged in with, and patient.
pub(crate) fn client_with_cookies() -> reqwest::Client {
    reqwest::Client::builder().cookie_store(true).no_proxy().timeout(PATIENCE).build().unwrap()
}

/// A client as a phone is one: it gives up after some seconds, and looks at redirects before it follows them.
pub(crate) fn client() -> reqwest::Client {
    let policy = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(policy).no_proxy().timeout(Duration::from_secs(6)).build().unwrap()
}
