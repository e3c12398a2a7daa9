//! The one door for evidence. Whoever has something to say about a payment says it here and waits for the answer;
//! what waits together is recorded together, in one short transaction ([`super::settle`]), so that a thousand
//! callbacks do not cost a thousand commits. One that cannot be recorded never takes its neighbours with it: they are
//! recorded one by one then. What happens after the commit (waking the router, telling browsers) may be lost
//! without harm.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use daraja::PayerNumber;
use domain::{
    CheckoutRequestId, Kes, MerchantRequestId, PaymentId, PaymentState, Receipt, ResultCode, RouterId,
    payment::{Evidence, Outcome},
};
use sqlx::MySqlPool;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    Billing,
    db::{Repeat, StoreError, payment_events::Source, pool_options, receipts::Money},
    killpoint::killpoint,
    random,
};

use super::settle::{Answer, Kept};

/// What a source says about one payment, before anything has been looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Evidence that needs nothing looked up.
    Plain(Evidence),
    /// A success of our prompt with a receipt; whose the receipt is, is found out inside the transaction.
    Paid(Money),
    /// Money a person typed an amount for.
    ByHand(Money),
}

impl Claim {
    /// A success of our prompt of which only receipt and amount are known.
    pub(crate) const fn paid(receipt: Receipt, amount: Kes) -> Self {
        Self::Paid(Money::new(receipt, amount))
    }

    /// The money it brings.
    pub(super) const fn money(&self) -> Option<&Money> {
        match self {
            Self::Paid(money) | Self::ByHand(money) => Some(money),
            Self::Plain(_) => None,
        }
    }
}

/// A person who decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decider {
    pub actor: String,
    pub reason: String,
}

/// A claim with where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Testimony {
    pub source: Source,
    pub claim: Claim,
    /// Daraja's ids of the push, when the source names them.
    pub request_ids: Option<(CheckoutRequestId, Option<MerchantRequestId>)>,
    /// Who paid, when the source says: it must be the phone that was prompted.
    pub payer: Option<PayerNumber>,
    /// Daraja's code and words, kept for the owner.
    pub result: Option<(ResultCode, String)>,
    pub detail: Option<String>,
    pub body: Option<Vec<u8>>,
    pub remote_ip: Option<IpAddr>,
    pub by: Option<Decider>,
}

impl Testimony {
    /// A claim with nothing beside it.
    pub(crate) const fn new(source: Source, claim: Claim) -> Self {
        Self {
            source,
            claim,
            request_ids: None,
            payer: None,
            result: None,
            detail: None,
            body: None,
            remote_ip: None,
            by: None,
        }
    }
}

/// What recording did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub payment_id: PaymentId,
    pub outcome: Outcome,
    pub state: PaymentState,
    /// The evidence names another push than this payment's: it was kept as a hint, and M-Pesa is asked.
    pub is_doubted: bool,
}

/// Which payment a testimony is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Payment(PaymentId),
    /// By the hash of its callback token.
    Token([u8; 32]),
}

/// A testimony that waits to be recorded.
#[derive(Debug)]
pub(super) struct Job {
    pub subject: Subject,
    pub testimony: Testimony,
    since: Instant,
    answer: oneshot::Sender<Result<Option<Recorded>, StoreError>>,
}

/// Most testimonies in one transaction: measured, beyond this the locks are held longer than it gains.
const MAX_TOGETHER: usize = 128;
/// Most bytes of bodies in one transaction: far below what the database takes in one statement.
const MAX_BYTES_TOGETHER: usize = 2 * 1024 * 1024;
/// Most testimonies that wait; beyond it the callers hear that the service is busy.
const MAX_WAITING: usize = 8_192;
/// How long a testimony is tried while the database is away. Callers are answered within their own limit.
const PATIENCE: Duration = Duration::from_secs(9);
/// Transactions under way at a time: while one waits for the disk, the next is written.
const MAX_AT_WORK: usize = 2;
/// Connections that only recording uses: however busy the rest is, evidence gets through.
const CONNECTIONS: u32 = 4;

/// What waits to be recorded, and who records it.
#[derive(Debug)]
pub(crate) struct Settler {
    pool: MySqlPool,
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    waiting: VecDeque<Job>,
    at_work: usize,
}

impl Settler {
    /// With connections of its own to the same database.
    pub(crate) fn new(pool: &MySqlPool) -> Self {
        let options = (*pool.connect_options()).clone();
        Self { pool: pool_options(CONNECTIONS).connect_lazy_with(options), desk: Mutex::default() }
    }

    pub(super) const fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing panics while it holds the lock, and a half-written queue does not exist.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job in the queue; `true` if somebody has to be called to work.
    fn put(&self, job: Job) -> Result<bool, StoreError> {
        let mut desk = self.desk();
        if desk.waiting.len() >= MAX_WAITING {
            return Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
        }
        desk.waiting.push_back(job);
        let is_needed = desk.at_work < MAX_AT_WORK;
        if is_needed {
            desk.at_work += 1;
        }
        Ok(is_needed)
    }

    /// What is recorded together next; `None` ends the work of the caller.
    fn take(&self) -> Option<Vec<Job>> {
        let mut desk = self.desk();
        let mut bytes = 0;
        let mut count = 0;
        for job in desk.waiting.iter().take(MAX_TOGETHER) {
            bytes += job.testimony.body.as_ref().map_or(0, Vec::len);
            if count > 0 && bytes > MAX_BYTES_TOGETHER {
                break;
            }
            count += 1;
        }
        if count == 0 {
            desk.at_work = desk.at_work.saturating_sub(1);
            return None;
        }
        Some(desk.waiting.drain(..count).collect())
    }

    /// Puts jobs that have to wait for a neighbour back to the front.
    fn put_back(&self, jobs: Vec<Job>) {
        let mut desk = self.desk();
        for job in jobs.into_iter().rev() {
            desk.waiting.push_front(job);
        }
    }
}

impl Billing {
    /// Records a testimony about a payment and lets what must follow, follow. `None` if there is no such payment.
    pub(crate) async fn record(&self, id: PaymentId, testimony: Testimony) -> Result<Option<Recorded>, StoreError> {
        self.record_about(Subject::Payment(id), testimony).await
    }

    pub(super) async fn record_about(
        &self,
        subject: Subject,
        testimony: Testimony,
    ) -> Result<Option<Recorded>, StoreError> {
        let (answer, heard) = oneshot::channel();
        let job = Job { subject, testimony, since: Instant::now(), answer };
        if self.inner.settler.put(job)? {
            let billing = self.clone();
            self.inner.tracker.spawn(async move { billing.work().await });
        }
        // No answer: the process is ending. What was not committed is found again at the next start.
        heard.await.unwrap_or(Err(StoreError::Unavailable(sqlx::Error::PoolClosed)))
    }

    async fn work(&self) {
        while let Some(jobs) = self.inner.settler.take() {
            metrics::histogram!("bando_settled_together").record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
            let left = self.settle_all(jobs).await;
            self.inner.settler.put_back(left);
        }
    }

    /// Records jobs and answers them. Returns those that have to wait for a neighbour's transaction.
    async fn settle_all(&self, jobs: Vec<Job>) -> Vec<Job> {
        match self.settle_patiently(&jobs).await {
            Ok(answers) => self.answer(jobs, answers),
            Err(error) if error.is_unavailable() || jobs.len() == 1 => {
                let mut first = Some(error);
                for job in jobs {
                    let error = first.take().unwrap_or(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
                    // Nobody may be waiting any more: then there is nobody to tell.
                    let _ = job.answer.send(Err(error));
                }
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(%error, jobs = jobs.len(), "evidence could not be recorded together; one by one then");
                let mut left = Vec::new();
                for job in jobs {
                    left.extend(Box::pin(self.settle_all(vec![job])).await);
                }
                left
            }
        }
    }

    /// Repeats the whole transaction when the database asks for it, when another one was faster with a unique key,
    /// and, with patience, while the database is away. A commit whose answer was lost is not trusted either way: the
    /// repetition reads what is there and finds its own evidence known.
    async fn settle_patiently(&self, jobs: &[Job]) -> Result<Vec<Answer>, StoreError> {
        let oldest = jobs.iter().map(|job| job.since).min().unwrap_or_else(Instant::now);
        let mut repeat = Repeat::default();
        let mut duplicates = 0;
        loop {
            match self.settle_once(jobs).await {
                Err(error) if repeat.after(&error).await => {}
                Err(error) if error.is_duplicate() && duplicates < 4 => duplicates += 1,
                Err(error) if error.is_unavailable() && oldest.elapsed() < PATIENCE => {
                    tracing::warn!(%error, jobs = jobs.len(), "evidence waits for the database");
                    tokio::time::sleep(random::jitter(Duration::from_millis(400))).await;
                }
                done => return done,
            }
        }
    }

    fn answer(&self, jobs: Vec<Job>, answers: Vec<Answer>) -> Vec<Job> {
        let mut left = Vec::new();
        let mut routers: Vec<RouterId> = Vec::new();
        killpoint!("record.answered");
        for (job, answer) in jobs.into_iter().zip(answers) {
            let recorded = match answer {
                Answer::Later => {
                    left.push(job);
                    continue;
                }
                Answer::NoPayment => None,
                Answer::Kept(kept) => {
                    note(&job.testimony, &kept);
                    if let (Outcome::Settled | Outcome::Moved(PaymentState::Refunded), Some(router_id)) =
                        (kept.recorded.outcome, kept.router_id)
                    {
                        routers.push(router_id);
                    }
                    Some(kept.recorded)
                }
            };
            let _ = job.answer.send(Ok(recorded));
        }
        routers.sort_unstable();
        routers.dedup();
        for router_id in routers {
            self.wake_router(router_id);
        }
        self.wake_feed();
        left
    }
}

fn note(testimony: &Testimony, kept: &Kept) {
    let (source, outcome) = (testimony.source.as_str(), kept.recorded.outcome.name());
    metrics::counter!("bando_evidence_total", "source" => source, "outcome" => outcome).increment(1);
    tracing::info!(
        payment.id = %kept.recorded.payment_id, request.id = %kept.request_id, source, outcome,
        before = %kept.before, after = %kept.recorded.state, "evidence recorded"
    );
}
