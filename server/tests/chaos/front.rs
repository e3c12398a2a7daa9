//! One address in front of the server processes, as a load balancer gives: connections go to whichever process
//! takes them, and end when it ends.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

/// The address and who is behind it.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) url: String,
    behind: Arc<Mutex<Vec<u16>>>,
}

impl Front {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let behind = Arc::new(Mutex::new(Vec::new()));
        let front = Self { url, behind: Arc::clone(&behind) };
        tokio::spawn(async move {
            let turn = AtomicUsize::new(0);
            while let Ok((outside, _)) = listener.accept().await {
                let ports = behind.lock().unwrap().clone();
                let first = turn.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(pass_on(outside, ports, first));
            }
        });
        front
    }

    pub(crate) fn add(&self, port: u16) {
        self.behind.lock().unwrap().push(port);
    }

    pub(crate) fn remove(&self, port: u16) {
        self.behind.lock().unwrap().retain(|other| *other != port);
    }
}

async fn pass_on(mut outside: TcpStream, ports: Vec<u16>, first: usize) {
    for turn in 0..ports.len() {
        let port = ports[(first + turn) % ports.len()];
        if let Ok(mut inside) = TcpStream::connect(("127.0.0.1", port)).await {
            // A broken connection is what this is for.
            drop(copy_bidirectional(&mut outside, &mut inside).await);
            return;
        }
    }
}
