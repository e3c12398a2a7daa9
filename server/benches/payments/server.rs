//! The server as a process, with an M-Pesa that lets prompts wait at a gate while something is measured, and a router
//! that is away: what is measured is beginning and settling, not prompting and granting.

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::json;
use simulators::KeptPort;
use sqlx::MySqlPool;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{Outcome, line::Line};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) package_id: String,
    child: Child,
    log: PathBuf,
    /// Whether M-Pesa answers prompts.
    gate: watch::Sender<bool>,
    /// The server's own, and that of the router that is away.
    _ports: [KeptPort; 2],
}

/// An M-Pesa that knows every key, and refuses every prompt once its gate is open.
async fn play_mpesa(gate: watch::Receiver<bool>) -> Outcome<SocketAddr> {
    let token = || async { Json(json!({"access_token": "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9v", "expires_in": "3599"})) };
    let push = move || {
        let mut gate = gate.clone();
        async move {
            // The gate is only gone when the measurement is over.
            drop(gate.wait_for(|is_open| *is_open).await);
            let body = json!({"requestId": "1", "errorCode": "400.002.02", "errorMessage": "Bad Request - Invalid PhoneNumber"});
            (StatusCode::BAD_REQUEST, Json(body))
        }
    };
    let routes =
        Router::new().route("/oauth/v1/generate", get(token)).route("/mpesa/stkpush/v1/processrequest", post(push));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

impl Server {
    pub(crate) async fn start(url: &str) -> Outcome<Self> {
        let (gate, at_gate) = watch::channel(false);
        let mpesa = play_mpesa(at_gate).await?;
        let (port, no_router) = (KeptPort::any()?, KeptPort::any()?);
        let log = env::temp_dir().join(format!("bando-payments-{}.log", std::process::id()));
        let settings = [
            ("DATABASE_URL", url.to_owned()),
            ("APP_SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
            ("PORT", port.number().to_string()),
            ("LOG_LEVEL", "warn".to_owned()),
            ("MPESA_BASE_URL", format!("http://{mpesa}")),
            ("MPESA_QUERY_DELAYS", "86400".to_owned()),
            ("PAY_PER_SECOND", "1000000".to_owned()),
            ("PAY_BURST", "1000000".to_owned()),
            ("PAY_PER_ADDRESS", "1000000".to_owned()),
            ("MIKROTIK_HOST", "127.0.0.1".to_owned()),
            ("MIKROTIK_PORT", no_router.number().to_string()),
            ("MIKROTIK_PASSWORD", "bando".to_owned()),
        ];
        let child = bando(&settings).arg("serve").stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let address = port.addr();
        let mut server = Self { address, package_id: String::new(), child, log, gate, _ports: [port, no_router] };
        server.until_ready().await?;
        sell_an_hour(&settings).await?;
        let sold = Line::open(address).await?.get("/api/packages").await?.json()?;
        let id = sold.pointer("/packages/0/id").and_then(serde_json::Value::as_str);
        server.package_id = id.ok_or("nothing is on sale")?.to_owned();
        Ok(server)
    }

    /// Lets M-Pesa answer every prompt that waits, and waits until that is stored.
    pub(crate) async fn let_prompts_end(&self, pool: &MySqlPool) -> Outcome<()> {
        self.gate.send(true)?;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let left: i64 =
                sqlx::query_scalar("select count(*) from payments where state = 'created' and request_id <> 'bench'")
                    .fetch_one(pool)
                    .await?;
            if left == 0 {
                self.gate.send(false)?;
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        Err(format!("prompts do not end; read {}", self.log.display()).into())
    }

    async fn until_ready(&mut self) -> Outcome<()> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(ended) = self.child.try_wait()? {
                return Err(format!("the server ended: {ended}; read {}", self.log.display()).into());
            }
            if let Ok(mut line) = Line::open(self.address).await
                && line.get("/readyz").await?.status.is_success()
            {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the server is not ready; read {}", self.log.display()).into())
    }

    /// Ends the server; prompts that were never answered are not waited for.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("unknown", str::trim).to_owned();
        println!("\nserver memory, at most: {most}");
        self.child.kill()?;
        self.child.wait()?;
        fs::remove_file(&self.log)?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Has no effect on a server that has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn bando(settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bando"));
    command.env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
    command.current_dir(env::temp_dir()).stdin(Stdio::null());
    command
}

/// Puts an hour on sale.
async fn sell_an_hour(settings: &[(&str, String)]) -> Outcome<()> {
    let mut command = bando(settings);
    command.args(["package", "add", "--name", "1 hour", "--minutes", "60", "--price", "20"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}
