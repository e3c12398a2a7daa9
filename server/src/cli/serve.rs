//! `bando serve`.

use std::sync::Arc;

use domain::Clock;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::{application::Application, config::Config, telemetry};

/// Serves until SIGTERM or SIGINT; a second signal ends it at once.
pub(super) async fn serve(config: Config, clock: Arc<dyn Clock>) -> Result<(), Failure> {
    telemetry::init_logs(&config.log);
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;
    let application = Application::build(config, clock).await?;
    Ok(application.run(shutdown).await?)
}

fn stop_on_signals(shutdown: CancellationToken) -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::new(format!("signals cannot be received: {error}")));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if is_second {
                tracing::warn!("stopped at once; the next start takes up what was in hand");
                std::process::exit(1);
            }
            shutdown.cancel();
        }
    });
    Ok(())
}
