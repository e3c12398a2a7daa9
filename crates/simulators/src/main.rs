//! `bando-sim`: both simulators, the virtual phone and the hotspot in one process, for demonstrations and
//! end-to-end tests. When all listen it prints their addresses as one line of JSON, then runs until stopped.

mod cli;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use simulators::{daraja, gateway::Gateway, routeros};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match run(&cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Starts everything, says where, and waits for SIGINT or SIGTERM.
async fn run(cli: &Cli) -> Result<(), String> {
    let (mut interrupted, mut terminated) = (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    let options = cli.daraja();
    let addr = options.addr;
    let daraja = daraja::Sim::start(options).await.map_err(|e| format!("M-Pesa cannot listen on {addr}: {e}"))?;
    let options = cli.routeros();
    let addr = options.listen;
    let router = routeros::Sim::start(options).await.map_err(|e| format!("the router cannot listen on {addr}: {e}"))?;
    let options = cli.gateway();
    let (addr, portal) = (options.listen, options.portal.clone());
    let gateway = Gateway::start(options, router.control())
        .await
        .map_err(|e| format!("the hotspot cannot listen on {addr} for the portal {portal}: {e}"))?;
    let mut addresses = serde_json::json!({
        "daraja": daraja.base_url(),
        "phone": daraja.phone_url(),
        "routeros": router.addr().to_string(),
        "gateway": gateway.base_url(),
    });
    if let (Some(addr), Some(object)) = (router.tls_addr(), addresses.as_object_mut()) {
        object.insert("routeros_tls".to_owned(), addr.to_string().into());
    }
    announce(&addresses).map_err(|e| format!("cannot print the addresses: {e}"))?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

fn on(kind: SignalKind) -> Result<tokio::signal::unix::Signal, String> {
    signal(kind).map_err(|e| format!("cannot wait for signals: {e}"))
}

fn announce(addresses: &serde_json::Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{addresses}")?;
    out.flush()
}
