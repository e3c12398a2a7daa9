//! One router with its hotspot.

use std::time::Duration;

use billing::access::pull::AgentScript;
use domain::RouterId;
use routeros_api::{Command, Connection, Credentials, Security, Settings, Target};
use secrecy::SecretString;
use simulators::routeros::{ClockMode, Fault, FaultRule, Options, Reboot, RosVersion, Sim, VIRTUAL_START_EPOCH_SECS};

/// Seconds from power to a clock that is right.
const NTP_SECS: u64 = 20;
/// Seconds from power to an API that answers.
pub(crate) const BOOT_SECS: u64 = 15;

/// How the server and a router talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// The server connects to the router.
    Direct,
    /// The router asks the server, with its own script.
    Polling,
}

pub(crate) struct Site {
    pub(crate) id: RouterId,
    pub(crate) slug: String,
    pub(crate) sim: Sim,
    pub(crate) reach: Reach,
    /// Out of the server's reach.
    pub(crate) is_cut: bool,
    /// Was without power since the last stretch of time began.
    pub(crate) was_restarted: bool,
}

impl Site {
    /// A router as the set-up leaves it: with the script that ends paid time without the server.
    pub(crate) async fn sim(ros: RosVersion) -> Sim {
        let options = Options {
            ros,
            clock: ClockMode::Virtual { start_epoch_secs: VIRTUAL_START_EPOCH_SECS },
            boot_secs: BOOT_SECS,
            ntp_after_secs: Some(NTP_SECS),
            ..Options::default()
        };
        let sim = Sim::start(options).await.unwrap();
        let target = Target { host: sim.addr().ip().to_string(), port: sim.addr().port(), security: Security::Plain };
        let login = Credentials { username: "admin".to_owned(), password: SecretString::from("bando") };
        let connection = Connection::open(&target, &login, Settings::default()).await.unwrap();
        let policy = "read,write,test";
        let script = Command::new("/system/script/add")
            .attr("name", "bando-reap")
            .attr("policy", policy)
            .attr("source", include_str!("../../../../hotspot/bando-reap.rsc"));
        connection.run(script).await.unwrap();
        let scheduler = Command::new("/system/scheduler/add")
            .attr("name", "bando-reap")
            .attr("policy", policy)
            .attr("interval", "1m")
            .attr("start-time", "startup")
            .attr("on-event", "bando-reap");
        connection.run(scheduler).await.unwrap();
        sim
    }

    /// The script with which a router asks, put there as the set-up does.
    pub(crate) async fn install(sim: &Sim, script: &AgentScript) {
        let escaped =
            script.source().replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('\n', "\\n");
        let step = include_str!("../../../../hotspot/steps/pull.rsc").replace("{{SOURCE}}", &escaped);
        let screen = sim.paste(&step).await;
        assert_eq!(screen.error(), None, "{}", screen.screen());
    }

    /// The line between router and server breaks.
    pub(crate) fn cut(&mut self) {
        match self.reach {
            Reach::Direct => {
                self.sim.inject(FaultRule { fault: Fault::RefuseAccept, command: None, nth: 1, times: 0 }).unwrap();
                self.sim.cut_connections();
            }
            Reach::Polling => self.sim.set_internet(false),
        }
        self.is_cut = true;
    }

    /// The line is back.
    pub(crate) fn mend(&mut self) {
        self.sim.clear_faults();
        self.sim.set_internet(true);
        self.is_cut = false;
    }

    pub(crate) fn restart(&mut self, kind: Reboot) {
        self.sim.reboot(kind);
        self.was_restarted = true;
    }

    /// Time passes. It stands still while the router waits for an answer of the server.
    pub(crate) async fn advance(&self, by: Duration) {
        match self.reach {
            Reach::Direct => self.sim.advance(by),
            Reach::Polling => self.sim.advance_through(by).await,
        }
    }
}
