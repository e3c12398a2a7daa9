//! Everything around a customer: the server as a process, both simulators, the database as a witness.

use std::{
    env,
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use simulators::{KeptPort, daraja, routeros};
use sqlx::MySqlPool;
use tokio::time::{Instant, sleep};

use crate::{Outcome, line::Line, rows};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The portal's name of the router, which the server gives to its first one.
pub(crate) const ROUTER: &str = "main";

/// The server with everything it talks to. Ends with it.
pub(crate) struct World {
    pub(crate) mpesa: daraja::Sim,
    pub(crate) router: routeros::Sim,
    pub(crate) pool: MySqlPool,
    pub(crate) address: SocketAddr,
    pub(crate) package_id: String,
    server: Child,
    log: PathBuf,
    customers: u32,
    _port: KeptPort,
}

/// A device and a phone nobody had before.
pub(crate) struct Customer {
    pub(crate) mac: String,
    pub(crate) msisdn: String,
}

impl World {
    /// Starts it all on the empty database of `DATABASE_URL`.
    pub(crate) async fn start() -> Outcome<Self> {
        let url = env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL to an empty database, or run make bench")?;
        let pool = rows::connect(&url).await?;
        // People answer prompts when the measurement says so, and M-Pesa loses no time over it.
        let options =
            daraja::Options { settle_after: Duration::ZERO, implied_scenarios: false, ..daraja::Options::manual() };
        let mpesa = daraja::Sim::start(options).await?;
        let options =
            routeros::Options { clock: routeros::ClockMode::Real, license_level: 6, ..routeros::Options::default() };
        let router = routeros::Sim::start(options).await?;
        let port = KeptPort::any()?;
        let log = env::temp_dir().join(format!("bando-flow-{}.log", std::process::id()));
        let settings = [
            ("DATABASE_URL", url),
            ("APP_SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
            ("PORT", port.number().to_string()),
            ("PAY_PER_SECOND", "1000000".to_owned()),
            ("PAY_BURST", "1000000".to_owned()),
            ("PAY_PER_ADDRESS", "1000000".to_owned()),
            ("MPESA_BASE_URL", mpesa.base_url()),
            ("MIKROTIK_HOST", "127.0.0.1".to_owned()),
            ("MIKROTIK_PORT", router.addr().port().to_string()),
            ("MIKROTIK_PASSWORD", "bando".to_owned()),
        ];
        let mut serve = bando(&settings);
        let server = serve.arg("serve").stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let address = port.addr();
        let mut world =
            Self { mpesa, router, pool, address, package_id: String::new(), server, log, customers: 0, _port: port };
        world.until_ready().await?;
        world.package_id = sell_an_hour(&settings).await?;
        Ok(world)
    }

    async fn until_ready(&mut self) -> Outcome<()> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(ended) = self.server.try_wait()? {
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

    /// The next customer, whose device has just joined the hotspot.
    pub(crate) fn next_customer(&mut self) -> Outcome<Customer> {
        self.customers = self.customers.saturating_add(1);
        let mac = self.latest_mac();
        self.router.join(&mac)?;
        Ok(Customer { mac, msisdn: format!("254712{:06}", self.customers) })
    }

    /// The device of the customer who came last.
    pub(crate) fn latest_mac(&self) -> String {
        let [_, high, middle, low] = self.customers.to_be_bytes();
        format!("A4:CF:12:{high:02X}:{middle:02X}:{low:02X}")
    }

    /// The server's process.
    pub(crate) fn process(&self) -> u32 {
        self.server.id()
    }

    /// Lets the server finish what is in hand.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        let asked = Command::new("kill").arg("-TERM").arg(self.process().to_string()).status()?;
        let until = Instant::now() + PATIENCE;
        while asked.success() && Instant::now() < until {
            if let Some(ended) = self.server.try_wait()? {
                if !ended.success() {
                    return Err(format!("the server ended badly: {ended}; read {}", self.log.display()).into());
                }
                fs::remove_file(&self.log)?;
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err("the server did not stop".into())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Has no effect on a server that has ended.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The program with these settings and nothing else from here, not even an `.env` file.
fn bando(settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bando"));
    command.env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
    command.current_dir(env::temp_dir()).stdin(Stdio::null());
    command
}

/// Puts an hour on sale and gives its id.
async fn sell_an_hour(settings: &[(&str, String)]) -> Outcome<String> {
    let mut command = bando(settings);
    command.args(["package", "add", "--name", "1 hour", "--minutes", "60", "--price", "20", "--json"]);
    command.args(["--down-kbps", "5000", "--up-kbps", "2000"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let package: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok(package.get("id").and_then(serde_json::Value::as_str).ok_or("the package has no id")?.to_owned())
}
