//! A cable to the database that can be pulled.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// Forwards connections to `to` while it is plugged in.
pub(crate) struct Cable {
    port: u16,
    is_plugged_in: Arc<AtomicBool>,
    pulled: Arc<Notify>,
}

impl Cable {
    pub(crate) async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cable = Self {
            port: listener.local_addr().unwrap().port(),
            is_plugged_in: Arc::new(AtomicBool::new(true)),
            pulled: Arc::new(Notify::new()),
        };
        let (is_plugged_in, pulled) = (Arc::clone(&cable.is_plugged_in), Arc::clone(&cable.pulled));
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                if !is_plugged_in.load(Ordering::SeqCst) {
                    continue;
                }
                let (host, pulled) = (host.clone(), Arc::clone(&pulled));
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect((host.as_str(), port)).await else { return };
                    tokio::select! {
                        () = pulled.notified() => {}
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        cable
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection and refuses new ones.
    pub(crate) fn pull(&self) {
        self.is_plugged_in.store(false, Ordering::SeqCst);
        self.pulled.notify_waiters();
    }

    pub(crate) fn plug_in(&self) {
        self.is_plugged_in.store(true, Ordering::SeqCst);
    }
}
