//! Sockets: listening, refusing while the router boots, one task per connection.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicU64},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    connection,
    fault::FaultBook,
    fetch::{self, NetworkTask},
    log::SentenceLog,
    options::Options,
    reboot::Reboot,
    router::Router,
    value::address_contains,
};
use crate::KeptPort;

const TLS_HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Longest sleep of the ticker: what is scheduled meanwhile happens at most this much late.
const TICK_MAX: Duration = Duration::from_millis(200);

/// What all tasks of one router share.
#[derive(Debug)]
pub(crate) struct Shared {
    router: Mutex<Router>,
    pub(crate) faults: Mutex<FaultBook>,
    pub(crate) log: Mutex<SentenceLog>,
    pub(crate) stop: CancellationToken,
    /// Cancelled when every connection is cut; then replaced.
    line: Mutex<CancellationToken>,
    up: watch::Sender<bool>,
    /// Scripts that wait for the network.
    pub(crate) waiting: watch::Sender<usize>,
    me: Weak<Shared>,
    runtime: tokio::runtime::Handle,
    pub(crate) last_connection: AtomicU64,
}

/// Locks, also after a panic elsewhere: the simulator's state stays usable for looking at.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Works on the router as it is now: what was due has happened.
    pub(crate) fn with_router<R>(&self, work: impl FnOnce(&mut Router) -> R) -> R {
        let (result, up, tasks, waiting, reboots, boot_secs) = {
            let mut router = locked(&self.router);
            router.settle();
            let result = work(&mut router);
            let tasks = std::mem::take(&mut router.network);
            let waiting = router.running.iter().filter(|job| job.wake_at_ms.is_none()).count();
            let reboots = std::mem::take(&mut router.wants_reboot);
            (result, router.is_up(), tasks, waiting, reboots, router.options.boot_secs)
        };
        self.up.send_if_modified(|was| std::mem::replace(was, up) != up);
        self.waiting.send_if_modified(|was| std::mem::replace(was, waiting) != waiting);
        for task in tasks {
            self.go_out(task);
        }
        if reboots {
            self.reboot(Reboot::Clean, boot_secs);
        }
        result
    }

    /// Makes a script's request in a task of its own: nobody holds the router meanwhile.
    fn go_out(&self, task: NetworkTask) {
        let Some(shared) = self.me.upgrade() else { return };
        self.runtime.spawn(async move {
            let fetched = tokio::select! {
                () = shared.stop.cancelled() => return,
                fetched = fetch::perform(task.request) => fetched,
            };
            *locked(&task.cell) = Some(fetched);
            shared.with_router(|router| router.resume(task.job));
        });
    }

    /// The token that is cancelled when the lines are cut.
    pub(crate) fn line(&self) -> CancellationToken {
        locked(&self.line).clone()
    }

    /// Breaks every connection.
    pub(crate) fn cut_lines(&self) {
        let old = std::mem::replace(&mut *locked(&self.line), self.stop.child_token());
        old.cancel();
    }

    pub(crate) fn reboot(&self, kind: Reboot, boot_secs: u64) {
        self.with_router(|router| router.reboot(kind, boot_secs));
        self.cut_lines();
    }
}

/// A port that is kept while the router boots: it refuses connections then, and gets the same port back.
fn take(addr: SocketAddr) -> io::Result<(KeptPort, TcpListener)> {
    let port = KeptPort::at(addr)?;
    let listener = port.listen()?;
    Ok((port, listener))
}

/// Binds and serves; gives the shared state and the addresses of the plain and the TLS side.
pub(crate) fn start(options: Options) -> io::Result<(Arc<Shared>, SocketAddr, Option<SocketAddr>)> {
    let (listen, tls) = (options.listen, options.tls);
    let stop = CancellationToken::new();
    let runtime = tokio::runtime::Handle::current();
    let shared = Arc::new_cyclic(|me| Shared {
        router: Mutex::new(Router::new(options)),
        faults: Mutex::default(),
        log: Mutex::default(),
        line: Mutex::new(stop.child_token()),
        stop,
        up: watch::Sender::new(true),
        waiting: watch::Sender::new(0),
        me: Weak::clone(me),
        runtime,
        last_connection: AtomicU64::new(0),
    });
    let (port, listener) = take(listen)?;
    let addr = port.addr();
    tokio::spawn(serve(Arc::clone(&shared), port, listener, false));
    let mut tls_addr = None;
    if let Some(tls) = tls {
        let (port, listener) = take(tls)?;
        tls_addr = Some(port.addr());
        tokio::spawn(serve(Arc::clone(&shared), port, listener, true));
    }
    let ticks = shared.with_router(|router| router.clock.is_real());
    if ticks {
        tokio::spawn(tick(Arc::clone(&shared)));
    }
    Ok((shared, addr, tls_addr))
}

/// Lets things happen when they are due, even if nobody asks. Only real time passes by itself.
async fn tick(shared: Arc<Shared>) {
    loop {
        let wait = shared.with_router(|router| {
            let next = router.next_event_ms().map(|at| Duration::from_millis(at.saturating_sub(router.now_ms)));
            next.map_or(TICK_MAX, |wait| wait.clamp(Duration::from_millis(1), TICK_MAX))
        });
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn serve(shared: Arc<Shared>, port: KeptPort, first: TcpListener, tls: bool) {
    let mut up = shared.up.subscribe();
    let mut listener = Some(first);
    loop {
        if listener.is_none() {
            listener = match port.listen() {
                Ok(listener) => Some(listener),
                Err(error) => {
                    tracing::error!(%error, addr = %port.addr(), "the simulated router cannot listen again");
                    return;
                }
            };
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = accept_all(&shared, listener.as_ref(), tls) => {}
            _ = up.wait_for(|up| !up) => {}
        }
        listener = None;
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = up.wait_for(|up| *up) => {}
        }
    }
}

async fn accept_all(shared: &Arc<Shared>, listener: Option<&TcpListener>, tls: bool) {
    let Some(listener) = listener else { return };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(welcome(Arc::clone(shared), stream, peer, tls));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn welcome(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, tls: bool) {
    // Small sentences must not wait for each other.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = if tls { "api-ssl" } else { "api" };
    if locked(&shared.faults).refuses_accept() || !shared.with_router(|router| admits(router, service, peer)) {
        // Zero linger turns the close into a reset.
        if let Err(error) = stream.set_zero_linger() {
            tracing::debug!(%error, "no reset");
        }
        return;
    }
    if !tls {
        return connection::converse(shared, stream, peer).await;
    }
    // Without a certificate the router offers anonymous ciphers only, which no careful client takes (documented).
    let config =
        shared.with_router(|router| router.api_credential().cloned()).and_then(|held| held.server_config().ok());
    let Some(config) = config else { return tracing::debug!("api-ssl has no certificate") };
    match tokio::time::timeout(TLS_HANDSHAKE_MAX, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => connection::converse(shared, stream, peer).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

/// Whether `/ip/service` lets this peer in: enabled, within `address`, below `max-sessions`.
fn admits(router: &mut Router, service: &str, peer: SocketAddr) -> bool {
    let Some(row) = router.named("/ip/service", service) else { return true };
    let allowed = row.text("address");
    let inside = match peer.ip() {
        std::net::IpAddr::V4(ip) => allowed.split(',').any(|range| address_contains(range, ip)),
        std::net::IpAddr::V6(_) => false,
    };
    let most: usize = row.text("max-sessions").parse().unwrap_or(usize::MAX);
    !row.is_true("disabled") && (allowed.is_empty() || inside) && router.api_sessions.len() < most
}
