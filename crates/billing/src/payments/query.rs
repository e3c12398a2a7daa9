//! The query scheduler: finds out about payments whose callback is late or lost. One for the whole
//! installation (a lease), at a bounded rate, customers who are waiting first. Every query is claimed in
//! the database before it is sent, so a crash or a frozen process loses nothing and doubles nothing.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use daraja::{QueryOutcome, QueryReply};
use domain::{PaymentId, PaymentState, ResultCode, payment::Evidence};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Billing,
    db::{
        StoreError, leases,
        payment_events::Source,
        payments::{self, DueQuery, PaymentRecord},
    },
    killpoint::{killpoint, lease_secs, secs},
};

use super::record::{Claim, Testimony};

const LEASE: &str = "mpesa-query";
const IDLE: Duration = Duration::from_secs(1);
/// Queries under way at a time: a hanging Daraja must not hold up the schedule.
const MAX_IN_FLIGHT: usize = 8;
/// A customer whose page was open within this many seconds is waiting.
const WATCHED_SECS: i64 = 30;
/// A push is answered, or lost, within this many seconds: two tries of 30 seconds and a pause.
const PUSH_LOST_AFTER_SECS: i64 = 75;

/// How soon to look again for the answer of a push that is on its way.
const ON_ITS_WAY_SECS: i64 = 2;

impl Billing {
    pub(crate) async fn run_queries(self, shutdown: CancellationToken) {
        let in_flight = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        let mut next_allowed = Instant::now();
        while !shutdown.is_cancelled() {
            let worked = match self.query_step(&in_flight, &mut next_allowed).await {
                Ok(worked) => worked,
                Err(error) => {
                    tracing::debug!(%error, "the query schedule could not be read; it will be tried again");
                    false
                }
            };
            if !worked {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = self.inner.query_wake.notified() => {}
                    () = tokio::time::sleep(IDLE) => {}
                }
            }
        }
        if let Err(error) = leases::release_lease(self.pool(), LEASE, self.inner.holder).await {
            tracing::debug!(%error, "the query lease could not be given back; it will run out");
        }
    }

    /// Takes one due payment, if there is one and it is our turn. `false` when there is nothing to do now.
    async fn query_step(&self, in_flight: &Arc<Semaphore>, next_allowed: &mut Instant) -> Result<bool, StoreError> {
        let now = self.now();
        let until_at = now + TimeDelta::seconds(lease_secs());
        if !leases::hold_lease(self.pool(), LEASE, self.inner.holder, now, until_at).await? {
            return Ok(false);
        }
        let mut due = payments::list_due_queries(self.pool(), now).await?;
        let watched_since = now - TimeDelta::seconds(WATCHED_SECS);
        due.sort_by_key(|due| (due.watched_at.is_none_or(|at| at < watched_since), due.next_query_at));
        let Some(due) = due.first() else { return Ok(false) };
        let Some(payment) = payments::find_payment(self.pool(), due.id).await? else { return Ok(false) };
        if payment.checkout_request_id.is_none() {
            return self.without_checkout(due, &payment).await;
        }
        if Instant::now() < *next_allowed {
            // Not our turn yet: wait out the rate, then choose again, for somebody may have begun to wait.
            tokio::time::sleep_until((*next_allowed).min(Instant::now() + IDLE)).await;
            return Ok(true);
        }
        let Ok(permit) = Arc::clone(in_flight).try_acquire_owned() else { return Ok(false) };
        if !payments::claim_query(self.pool(), due, self.again_after(due, payment.state)).await? {
            return Ok(true);
        }
        *next_allowed = Instant::now() + Duration::from_secs(60) / self.options().query_per_minute.max(1);
        killpoint!("query.claimed");
        let billing = self.clone();
        let is_last = self.next_after(due).is_none();
        let turns = u32::try_from(self.options().query_delays_secs.len()).unwrap_or(u32::MAX);
        let is_asked_enough = due.attempts.saturating_add(1) >= turns;
        self.inner.tracker.spawn(async move {
            if let Err(error) = billing.query(payment, is_last, is_asked_enough).await {
                tracing::warn!(%error, "the answer to a query could not be recorded");
            }
            drop(permit);
        });
        Ok(true)
    }

    /// A payment that has no CheckoutRequestID cannot be queried; what is known depends on how far its push
    /// got.
    async fn without_checkout(&self, due: &DueQuery, payment: &PaymentRecord) -> Result<bool, StoreError> {
        let age = self.now() - payment.submitted_at.unwrap_or(payment.created_at);
        let is_lost = age >= lost_after();
        // While the push is on its way its answer, and with it the id, may come any moment: a question that was asked
        // for early must not wait for the next turn of the schedule.
        let is_on_its_way = payment.state == PaymentState::Created && !is_lost;
        let soon = is_on_its_way.then(|| self.now() + TimeDelta::seconds(ON_ITS_WAY_SECS));
        let next = soon.or_else(|| self.again_after(due, payment.state));
        if !payments::claim_query(self.pool(), due, next).await? {
            return Ok(true);
        }
        killpoint!("query.claimed");
        match (payment.state, payment.submitted_at) {
            // Moving the state first makes sure that a slow process cannot send it after this.
            (PaymentState::Created, None) if is_lost => {
                self.refuse(payment, "unreachable", "never handed to M-Pesa: the server was stopped").await?;
            }
            (PaymentState::Created, Some(_)) if is_lost => {
                self.say(payment.id, Evidence::SubmitUnknown, "M-Pesa's answer to the push was never stored").await?;
            }
            _ => {}
        }
        if soon.is_none() && self.next_after(due).is_none() {
            self.say(payment.id, Evidence::GaveUp, "nothing was heard for the whole schedule").await?;
        }
        Ok(true)
    }

    async fn query(&self, payment: PaymentRecord, is_last: bool, is_asked_enough: bool) -> Result<(), StoreError> {
        let Some(checkout) = &payment.checkout_request_id else { return Ok(()) };
        let reply = self.mpesa().query(checkout).await;
        killpoint!("query.answered");
        metrics::counter!("bando_queries_total", "outcome" => reply.outcome.as_str()).increment(1);
        if let QueryOutcome::Throttled { retry_after_secs } = reply.outcome {
            let pause = TimeDelta::try_seconds(i64::try_from(retry_after_secs).unwrap_or(60)).unwrap_or_default();
            return payments::query_soon(self.pool(), payment.id, self.now() + pause).await;
        }
        let state = self.record_query(&payment, &reply).await?;
        if reply.outcome == QueryOutcome::Succeeded {
            self.apply_hinted_receipt(payment.id).await?;
        }
        if is_last && !is_asked_enough && state.is_some_and(PaymentState::is_open) {
            // Turns that were missed while nobody could ask are made up for: one answer that says nothing is not
            // the whole schedule's silence.
            let again_at = self.now() + self.options().query_delay(0);
            return payments::query_soon(self.pool(), payment.id, again_at).await;
        }
        if is_last {
            self.say(payment.id, Evidence::GaveUp, "nothing was heard for the whole schedule").await?;
        }
        Ok(())
    }

    async fn record_query(
        &self,
        payment: &PaymentRecord,
        reply: &QueryReply,
    ) -> Result<Option<PaymentState>, StoreError> {
        let code: Option<ResultCode> = match &reply.outcome {
            QueryOutcome::Failed(code) => Some(code.clone()),
            QueryOutcome::Succeeded
            | QueryOutcome::Pending
            | QueryOutcome::NoInformation(_)
            | QueryOutcome::Throttled { .. } => None,
        };
        // An answer that says nothing is still evidence that we asked: `4999` changes no state.
        let evidence = reply.outcome.evidence().unwrap_or_else(|| Evidence::QueryResult(ResultCode::new("4999")));
        let detail = format!("{}, HTTP {}", reply.outcome.as_str(), reply.http_status.unwrap_or(0));
        let testimony = Testimony {
            result: code.map(|code| (code, "learnt by query".to_owned())),
            detail: Some(detail),
            body: Some(reply.raw.to_vec()),
            ..Testimony::new(Source::Query, Claim::Plain(evidence))
        };
        Ok(self.record(payment.id, testimony).await?.map(|recorded| recorded.state))
    }

    async fn say(&self, id: PaymentId, evidence: Evidence, detail: &str) -> Result<(), StoreError> {
        let testimony =
            Testimony { detail: Some(detail.to_owned()), ..Testimony::new(Source::Schedule, Claim::Plain(evidence)) };
        self.record(id, testimony).await.map(drop)
    }

    /// When a payment comes up again. An open one does after its last turn, too: only the evidence that it is over
    /// ends its turns, or a process that is killed before that is stored would leave it open for ever.
    fn again_after(&self, due: &DueQuery, state: PaymentState) -> Option<chrono::DateTime<chrono::Utc>> {
        self.next_after(due).or_else(|| state.is_open().then(|| self.now() + lost_after()))
    }

    /// When the query after this one is due: by the schedule, but never in the past, so that a backlog after
    /// an outage is worked off once and not once for every missed turn.
    fn next_after(&self, due: &DueQuery) -> Option<chrono::DateTime<chrono::Utc>> {
        let now = self.now();
        let schedule = (due.attempts + 1..).map_while(|attempt| self.options().query_delay_at(attempt));
        schedule.map(|delay| due.created_at + delay).find(|at| *at > now)
    }
}

/// When a push or a question that was not answered is lost.
fn lost_after() -> TimeDelta {
    TimeDelta::seconds(secs("BANDO_PUSH_LOST_SECS", PUSH_LOST_AFTER_SECS))
}
