//! What a running script may ask for: a moment with the router, a pause, the network.
//!
//! A script is a future that never waits for anything but its answers. Whoever drives it holds the router and polls;
//! when the script wants something it leaves a note and yields. So one that needs only the router runs to its end at
//! one instant of simulated time, and one that needs the network is put aside until the answer is there.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use crate::routeros::{
    account::Login,
    clock::Millis,
    fetch::{Fetched, Request},
    router::Router,
};

type Work = Box<dyn FnOnce(&mut Router) + Send>;
type FetchCell = Arc<Mutex<Option<Fetched>>>;

/// A note left by a script.
pub(crate) enum Ask {
    /// Do this with the router.
    Work(Work),
    /// Go on so much later.
    Sleep(Millis),
    /// Ask the network, and put the answer here.
    Fetch(Box<Request>, FetchCell),
}

/// Where notes are left.
#[derive(Default)]
pub(crate) struct Exchange(Mutex<Option<Ask>>);

impl Exchange {
    pub(crate) fn take(&self) -> Option<Ask> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn leave(&self, ask: Ask) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ask);
    }
}

/// The script's side. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) login: Login,
}

impl Host {
    /// Does something with the router and gives its result.
    pub(crate) async fn with<T: Send + 'static>(&self, work: impl FnOnce(&mut Router) -> T + Send + 'static) -> T {
        let cell = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&cell);
        self.exchange.leave(Ask::Work(Box::new(move |router| {
            let result = work(router);
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        })));
        taken(cell).await
    }

    /// Waits simulated time.
    pub(crate) async fn sleep(&self, ms: Millis) {
        self.exchange.leave(Ask::Sleep(ms));
        let mut asked = false;
        poll_fn(|_| if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Asks the network.
    pub(crate) async fn fetch(&self, request: Request) -> Fetched {
        let cell = Arc::new(Mutex::new(None));
        self.exchange.leave(Ask::Fetch(Box::new(request), Arc::clone(&cell)));
        taken(cell).await
    }
}

async fn taken<T>(cell: Arc<Mutex<Option<T>>>) -> T {
    poll_fn(|_| match cell.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(value) => Poll::Ready(value),
        None => Poll::Pending,
    })
    .await
}
