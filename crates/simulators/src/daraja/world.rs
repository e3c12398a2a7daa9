//! Everything the simulator remembers, behind one lock that is never held across a wait.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    callbacks::Outgoing,
    ids::Ids,
    ledger::{Charge, Delivery, Message, Payout, Prompt, RequestRecord, Reversal},
    options::{C2bNumbers, Mode, Options, PendingStyle, RateLimit, ResultDelivery, ThrottleStyle},
    outcome::Code,
    scenario::{Plan, Scenario},
};

/// How many entries each log keeps; the oldest go first.
const KEPT: usize = 2_000;
/// How many messages a phone keeps.
const KEPT_MESSAGES: usize = 30;

/// Trouble at the gateway, for every Daraja path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// HTTP 503 with an HTML page.
    Html,
    /// HTTP 503 with an empty body.
    Empty,
    /// HTTP 429, spike arrest.
    Throttled,
    /// No answer at all.
    Hang,
}

/// What the control plane may change while running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Who answers prompts.
    pub mode: Mode,
    /// The query's answer while pending.
    pub pending_style: PendingStyle,
    /// Spike arrest of the query.
    pub query_limit: Option<RateLimit>,
    /// Spike arrest of the push.
    pub push_limit: Option<RateLimit>,
    /// The form of a throttled answer.
    pub throttle_style: ThrottleStyle,
    /// Trouble at the gateway.
    pub outage: Option<Outage>,
    /// Whether C2B payments ask the validation URL first.
    pub c2b_validation: bool,
    /// Whether an STK payment also confirms to registered C2B URLs.
    pub c2b_for_stk: bool,
    /// How payer numbers look where M-Pesa may hide them.
    pub c2b_numbers: C2bNumbers,
    /// Of a hundred C2B confirmations, how many are never sent.
    pub c2b_loss_percent: u32,
    /// What comes after the asynchronous APIs have acknowledged.
    pub result_delivery: ResultDelivery,
}

/// A payment request that was accepted.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) prompt: Prompt,
    pub(crate) plan: Plan,
    pub(crate) opened: Duration,
    pub(crate) callback_url: String,
    pub(crate) decided: Option<Code>,
    /// The body of its truest callback, sent or not.
    pub(crate) body: Option<String>,
    /// Queries answered so far.
    pub(crate) asked: u32,
    /// Only the decision that carries this ticket counts; a person's act issues a new one.
    pub(crate) ticket: u32,
    pub(crate) dropped: bool,
    pub(crate) held_until: Duration,
    pub(crate) extra_copies: u32,
}

/// Something that will happen at its time.
#[derive(Debug)]
pub(crate) enum Event {
    Decide { prompt: u64, ticket: u32, code: Code },
    Expire { prompt: u64 },
    Post(Outgoing),
}

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) value: String,
    pub(crate) expires: Duration,
}

#[derive(Debug, Clone)]
pub(crate) struct C2bUrls {
    pub(crate) version: u8,
    pub(crate) completes_unvalidated: bool,
    pub(crate) confirmation: String,
    pub(crate) validation: String,
}

/// A spike arrest as Apigee does it: a token bucket without memory of the past.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    full_at: Duration,
}

impl Limiter {
    /// Whether a request at `now` passes.
    pub(crate) fn admit(&mut self, limit: RateLimit, now: Duration) -> bool {
        let gap = Duration::from_secs(60) / limit.per_minute.max(1);
        let allowance = gap.saturating_mul(limit.burst.max(1).saturating_sub(1));
        if self.full_at > now.saturating_add(allowance) {
            return false;
        }
        self.full_at = self.full_at.max(now).saturating_add(gap);
        true
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ids: Ids,
    pub(crate) settings: Settings,
    pub(crate) token: Option<Token>,
    pub(crate) transactions: BTreeMap<u64, Transaction>,
    pub(crate) charges: Vec<Charge>,
    pub(crate) reversals: Vec<Reversal>,
    pub(crate) payouts: Vec<Payout>,
    pub(crate) requests: VecDeque<RequestRecord>,
    pub(crate) deliveries: VecDeque<Delivery>,
    pub(crate) messages: BTreeMap<String, VecDeque<Message>>,
    pub(crate) scenarios: HashMap<String, Scenario>,
    pub(crate) scenario_for_all: Option<Scenario>,
    pub(crate) c2b_urls: HashMap<String, C2bUrls>,
    pub(crate) pull_registered: HashSet<String>,
    pub(crate) originators: HashSet<String>,
    pub(crate) query_limiter: Limiter,
    pub(crate) push_limiter: Limiter,
    pub(crate) in_flight: u32,
    queue: BTreeMap<(Duration, u64), Event>,
    counter: u64,
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            ids: Ids::new(options.seed),
            settings: Settings {
                mode: options.mode,
                pending_style: options.pending_style,
                query_limit: options.query_limit,
                push_limit: options.push_limit,
                throttle_style: options.throttle_style,
                outage: None,
                c2b_validation: options.c2b_validation,
                c2b_for_stk: options.c2b_for_stk,
                c2b_numbers: options.c2b_numbers,
                c2b_loss_percent: 0,
                result_delivery: ResultDelivery::Result,
            },
            token: None,
            transactions: BTreeMap::new(),
            charges: Vec::new(),
            reversals: Vec::new(),
            payouts: Vec::new(),
            requests: VecDeque::new(),
            deliveries: VecDeque::new(),
            messages: BTreeMap::new(),
            scenarios: HashMap::new(),
            scenario_for_all: None,
            c2b_urls: HashMap::new(),
            pull_registered: HashSet::new(),
            originators: HashSet::new(),
            query_limiter: Limiter::default(),
            push_limiter: Limiter::default(),
            in_flight: 0,
            queue: BTreeMap::new(),
            counter: 0,
        }
    }

    /// A number never given before.
    pub(crate) fn next(&mut self) -> u64 {
        self.counter = self.counter.saturating_add(1);
        self.counter
    }

    pub(crate) fn schedule(&mut self, at: Duration, event: Event) {
        let order = self.next();
        self.queue.insert((at, order), event);
    }

    /// The earliest event that is due, with its time.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<(Duration, Event)> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), event) = entry.remove_entry();
        Some((at, event))
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// When a prompt ends by itself, if that is planned.
    pub(crate) fn ends_at(&self, id: u64) -> Option<Duration> {
        self.queue.iter().find_map(|((at, _), event)| match event {
            Event::Decide { prompt, .. } | Event::Expire { prompt } if *prompt == id => Some(*at),
            _ => None,
        })
    }

    /// Takes what is planned for a payment out of the queue.
    pub(crate) fn unschedule(&mut self, mut which: impl FnMut(&Event) -> bool) {
        self.queue.retain(|_, event| !which(event));
    }

    pub(crate) fn by_checkout(&mut self, checkout: &str) -> Option<&mut Transaction> {
        self.transactions.values_mut().rev().find(|t| t.prompt.checkout_request_id == checkout)
    }

    pub(crate) fn add_transaction(&mut self, transaction: Transaction) {
        if self.transactions.len() >= KEPT {
            let oldest = self.transactions.iter().find(|(_, t)| !t.prompt.state.is_unresolved()).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.transactions.remove(&oldest);
            }
        }
        self.messages.entry(transaction.prompt.msisdn.clone()).or_default();
        self.transactions.insert(transaction.prompt.id, transaction);
    }

    pub(crate) fn add_message(&mut self, msisdn: &str, message: Message) {
        keep(self.messages.entry(msisdn.to_owned()).or_default(), message, KEPT_MESSAGES);
    }

    pub(crate) fn add_delivery(&mut self, delivery: Delivery) {
        keep(&mut self.deliveries, delivery, KEPT);
    }

    pub(crate) fn add_request(&mut self, request: RequestRecord) {
        keep(&mut self.requests, request, KEPT);
    }
}

fn keep<T>(log: &mut VecDeque<T>, entry: T, limit: usize) {
    if log.len() >= limit {
        log.pop_front();
    }
    log.push_back(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spike_arrest_spaces_requests_out() {
        let limit = RateLimit { per_minute: 5, burst: 1 };
        let mut limiter = Limiter::default();
        assert!(limiter.admit(limit, Duration::ZERO));
        assert!(!limiter.admit(limit, Duration::from_secs(11)));
        assert!(limiter.admit(limit, Duration::from_secs(12)));
        let mut limiter = Limiter::default();
        let burst = RateLimit { per_minute: 60, burst: 3 };
        let passed = (0..10).filter(|_| limiter.admit(burst, Duration::ZERO)).count();
        assert_eq!(passed, 3);
    }
}
