//! Running scripts: driven with the router in hand, put aside while they wait.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::sync::oneshot;

use super::{
    ast::Block,
    grammar::Grammar,
    host::{Ask, Exchange, Host},
    machine::{Machine, Outcome},
};
use crate::routeros::{account::Login, clock::Millis, fetch::NetworkTask, router::Router};

/// Scripts that may be waiting at once; routers refuse earlier.
const JOBS_MAX: usize = 64;

/// One script on its way.
pub(crate) struct Job {
    pub(crate) id: u32,
    /// What `/system/script/job` would call it.
    pub(crate) name: String,
    future: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    exchange: Arc<Exchange>,
    /// When it goes on; absent while it waits for the network.
    pub(crate) wake_at_ms: Option<Millis>,
    /// Boots since start when it began: a reboot ends it.
    boot: u32,
    done: Option<oneshot::Sender<Outcome>>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// What to run, for whom, and what becomes of its output.
pub(crate) struct Start {
    pub(crate) name: String,
    pub(crate) block: Arc<Block>,
    pub(crate) login: Login,
    /// Whether every global variable can be seen without being declared, as at the prompt.
    pub(crate) terminal: bool,
}

impl Router {
    /// What scripts on this router may say.
    pub(crate) fn grammar(&self) -> Grammar {
        Grammar { ros: self.options.ros, hotspot: self.options.hotspot }
    }

    /// Starts a script and runs it as far as it goes. The receiver gets its end.
    pub(crate) fn start_script(&mut self, start: Start) -> (u32, oneshot::Receiver<Outcome>) {
        let (done, receiver) = oneshot::channel();
        self.jobs = self.jobs.saturating_add(1);
        let id = self.jobs;
        let exchange = Arc::new(Exchange::default());
        let host = Host { exchange: Arc::clone(&exchange), login: start.login };
        let machine = Machine::new(host, self, start.name.clone(), start.terminal);
        let future = Box::pin(machine.run(start.block));
        let job = Job { id, name: start.name, future, exchange, wake_at_ms: None, boot: self.boots, done: Some(done) };
        if self.running.len() >= JOBS_MAX {
            self.note("script,error", "too many scripts are running");
        } else {
            self.drive(job);
        }
        (id, receiver)
    }

    /// Runs a script until it ends or waits.
    pub(crate) fn drive(&mut self, mut job: Job) {
        // The router went down meanwhile: whoever waits for the end hears nothing more.
        if job.boot != self.boots {
            return;
        }
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(outcome) = job.future.as_mut().poll(&mut context) {
                if let Some(done) = job.done.take() {
                    // Nobody may be interested.
                    let _ = done.send(outcome);
                }
                return;
            }
            match job.exchange.take() {
                Some(Ask::Work(work)) => work(self),
                Some(Ask::Sleep(_)) if self.skips_delays() => {}
                Some(Ask::Sleep(ms)) => {
                    job.wake_at_ms = Some(self.now_ms.saturating_add(ms));
                    self.running.push(job);
                    return;
                }
                Some(Ask::Fetch(request, cell)) => {
                    job.wake_at_ms = None;
                    let task = NetworkTask { job: job.id, request: *request, cell };
                    self.running.push(job);
                    self.network.push(task);
                    return;
                }
                None => {
                    tracing::error!(job = job.name, "a script waits for nothing");
                    return;
                }
            }
        }
    }

    /// Lets a script go on that waited for the network.
    pub(crate) fn resume(&mut self, id: u32) {
        if let Some(at) = self.running.iter().position(|job| job.id == id) {
            let job = self.running.remove(at);
            self.drive(job);
        }
    }

    /// Whether a script is waiting for an answer of the network.
    pub(crate) fn waits_for_network(&self) -> bool {
        self.running.iter().any(|job| job.wake_at_ms.is_none())
    }

    /// When a script goes on by itself next.
    pub(crate) fn next_wake_ms(&self) -> Option<Millis> {
        self.running.iter().filter_map(|job| job.wake_at_ms).min()
    }

    /// Lets scripts go on that have waited long enough.
    pub(crate) fn wake_scripts(&mut self) {
        while let Some(at) = self.running.iter().position(|job| job.wake_at_ms.is_some_and(|wake| wake <= self.now_ms))
        {
            let job = self.running.remove(at);
            self.drive(job);
        }
    }

    fn skips_delays(&self) -> bool {
        !self.clock.is_real() && self.options.script_delays == crate::routeros::options::ScriptDelays::AtOnce
    }
}
