//! The command line. Each command is a thin shell over the engine: read arguments, call, print.

mod admin;
mod mpesa;
mod package;
mod router;
mod router_setup;
mod secret;
mod serve;
mod settings;
mod statement;
mod text;
mod voucher;
mod why;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use billing::{Billing, StoreError, audit::Finding, clock::SystemClock};
use clap::{Parser, Subcommand};
use domain::Clock;

use crate::{
    application::{self, Engine, StartError},
    config::{Config, ConfigError, Environment, table},
    database, doctor,
};
use text::{json_line, say};

/// M-Pesa WiFi billing: portal, admin app, payments and routers in one program.
#[derive(Debug, Parser)]
#[command(
    name = "bando",
    version,
    after_help = "Settings come from the environment and from .env; see: bando config sample\n\n\
                  Exit codes: 0 done, 1 failed or a problem was found, 2 wrong arguments or settings, \
                  3 the database cannot be reached."
)]
pub struct Cli {
    /// Read settings from this file instead of .env.
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve portal, admin app and API until stopped; what happens without a command.
    Serve,
    /// Bring the database up to date and stop.
    Migrate,
    /// Check database, M-Pesa, callback address, routers and clock: a line each, with what to do.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check on the live database that no money and no access went wrong, and what waits for a person.
    Audit {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// People who may log in to the admin app.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// What is on sale.
    #[command(subcommand)]
    Package(package::PackageCommand),
    /// MikroTik routers.
    #[command(subcommand)]
    Router(router::RouterCommand),
    /// Say why a customer cannot get on, from the money to the device.
    Why {
        /// A phone number, a MAC address or an M-Pesa code.
        question: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// The secret that seals passwords in the database.
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    /// What M-Pesa has to be told.
    #[command(subcommand)]
    Mpesa(mpesa::MpesaCommand),
    /// Prepaid codes.
    #[command(subcommand)]
    Voucher(voucher::VoucherCommand),
    /// M-Pesa's own books, compared with what is here.
    #[command(subcommand)]
    Statement(statement::StatementCommand),
    /// What may be changed without a restart, such as the name on the portal.
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    /// The settings read at start.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print an annotated .env with every setting there is.
    Sample,
    /// Read the settings and say what is wrong with them.
    Check,
}

/// A command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    message: String,
}

impl Failure {
    /// It failed, or found a problem.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { exit: 1, message: message.into() }
    }

    /// The arguments or settings are wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, message: message.into() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match error {
            StartError::PortBusy(_) | StartError::Listen { .. } => 1,
            _ => 2,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = if error.is_unavailable() { 3 } else { 1 };
        Self { exit, message: format!("{}: {}", database::chain(&error), database::advice(&error)) }
    }
}

/// Runs one command to its exit code.
pub async fn run(cli: Cli) -> ExitCode {
    let env_file = cli.env_file;
    match execute(cli.command.unwrap_or(Command::Serve), env_file).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.message.lines() {
                eprintln!("bando: {line}");
            }
            ExitCode::from(failure.exit)
        }
    }
}

async fn execute(command: Command, env_file: Option<PathBuf>) -> Result<(), Failure> {
    if let Command::Config(ConfigCommand::Sample) = command {
        say(table::sample().trim_end());
        return Ok(());
    }
    let environment = Environment::from_process(env_file.as_deref().unwrap_or(".env".as_ref()), env_file.is_some())?;
    let config = Config::parse(&environment)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let open = async || open(&config, &clock).await;
    match command {
        Command::Serve => serve::serve(config, clock).await,
        Command::Migrate => migrate(&config, &clock).await,
        Command::Doctor { json } => doctor(&config, &clock, json).await,
        Command::Audit { json } => audit(&open().await?.billing, clock.as_ref(), json).await,
        Command::Admin(command) => admin::run(command, &open().await?.billing).await,
        Command::Package(command) => package::run(command, &open().await?.billing).await,
        Command::Router(command) => router::run(command, &open().await?, &config).await,
        Command::Why { question, json } => why::run(&open().await?, &question, json).await,
        Command::Secret(command) => secret::run(command, &open().await?.billing).await,
        Command::Mpesa(command) => mpesa::run(command, &open().await?.billing).await,
        Command::Voucher(command) => voucher::run(command, &open().await?.billing).await,
        Command::Statement(command) => statement::run(command, &open().await?.billing).await,
        Command::Settings(command) => settings::run(command, &open().await?.billing).await,
        Command::Config(_) => {
            say("the settings are complete and can be understood");
            Ok(())
        }
    }
}

/// The engine on a database that is up to date.
async fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Engine, Failure> {
    let engine = application::engine(config, clock, 2)?;
    if billing::db::pending_migrations(engine.billing.pool()).await? > 0 {
        return Err(Failure::new("the database is not up to date: run `bando migrate` first"));
    }
    Ok(engine)
}

async fn migrate(config: &Config, clock: &Arc<dyn Clock>) -> Result<(), Failure> {
    let Engine { billing, .. } = application::engine(config, clock, 2)?;
    billing::db::migrate(billing.pool()).await.map_err(|error| {
        let exit = if matches!(error, billing::db::MigrateError::Unavailable(_)) { 3 } else { 1 };
        Failure { exit, message: format!("{}: {}", database::chain(&error), database::advice(&error)) }
    })?;
    say("the database is up to date");
    Ok(())
}

async fn doctor(config: &Config, clock: &Arc<dyn Clock>, json: bool) -> Result<(), Failure> {
    let checks = doctor::examine(config, clock).await?;
    if json {
        json_line(&checks);
    } else {
        checks.iter().for_each(|check| say(&check.to_string()));
    }
    let problems = checks.iter().filter(|check| check.is_problem()).count();
    match problems {
        0 => Ok(()),
        1 => Err(Failure::new("1 problem was found")),
        count => Err(Failure::new(format!("{count} problems were found"))),
    }
}

async fn audit(billing: &Billing, clock: &dyn Clock, json: bool) -> Result<(), Failure> {
    let findings = billing::audit::run(billing.pool(), clock.now()).await?;
    let verdict = |finding: &Finding| match (finding.holds(), finding.is_broken()) {
        (true, _) => "ok",
        (false, true) => "broken",
        (false, false) => "waiting",
    };
    if json {
        let list: Vec<_> = findings
            .iter()
            .map(|finding| {
                serde_json::json!({
                    "id": finding.id, "rule": finding.rule, "verdict": verdict(finding), "holds": finding.holds(),
                    "rows": finding.rows
                })
            })
            .collect();
        json_line(&list);
    } else {
        for finding in &findings {
            let mark = verdict(finding);
            let mark = if finding.is_broken() { mark.to_uppercase() } else { mark.to_owned() };
            say(&format!("{mark:<8} {}", finding.rule));
            finding.rows.iter().for_each(|row| say(&format!("         {row}")));
        }
    }
    if findings.iter().any(Finding::is_broken) {
        return Err(Failure::new("something went wrong with money or access: look at the rows named above"));
    }
    Ok(())
}
