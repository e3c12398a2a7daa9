//! The course of a payment: planned events come due, prompts are decided, money moves, callbacks go out.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::response::Response;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{
    body::{self, Confirmation, Paid},
    callbacks::{self, Outgoing, Then},
    clock::SimClock,
    ledger::{Channel, Charge, Message, paid_text, refused_text},
    options::{C2bNumbers, Options},
    outcome::Code,
    wire::Refusal,
    world::{Event, World},
};

/// The pause between deliveries of one callback, where redelivery is switched on.
const RETRY_PAUSE: Duration = Duration::from_secs(30);

/// What every part of a running simulator shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: SimClock,
    pub(crate) http: reqwest::Client,
    pub(crate) stop: CancellationToken,
    world: Mutex<World>,
    wake: Notify,
    changes: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(options: Options, http: reqwest::Client) -> Self {
        Self {
            clock: SimClock::new(options.start_at, options.speed),
            http,
            stop: CancellationToken::new(),
            world: Mutex::new(World::new(&options)),
            wake: Notify::new(),
            changes: watch::Sender::new(0),
            options,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the runner and everybody who waits that something has changed.
    pub(crate) fn touch(&self) {
        self.wake.notify_one();
        self.changes.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Waits until the world looks as wanted; ends early when the simulator stops.
    pub(crate) async fn wait_until(&self, mut wanted: impl FnMut(&World) -> bool) {
        let mut changes = self.changes.subscribe();
        while !wanted(&self.world()) {
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Waits until nothing is due and nothing is on its way.
    pub(crate) async fn settle(&self) {
        self.touch();
        self.wait_until(|world| world.in_flight == 0 && world.next_due().is_none_or(|at| at > self.clock.elapsed()))
            .await;
    }

    /// A refusal as a response with its own `requestId`.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Response {
        let request_id = self.world().ids.merchant_request();
        refusal.response(&request_id)
    }

    /// Runs the planned events until the simulator stops.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = self.run_due();
            self.changes.send_modify(|version| *version = version.wrapping_add(1));
            let until = next.unwrap_or(Duration::MAX);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = self.clock.sleep_until(until) => {}
            }
        }
    }

    /// Handles everything due and says when to look again.
    fn run_due(self: &Arc<Self>) -> Option<Duration> {
        let mut world = self.world();
        while let Some((at, event)) = world.pop_due(self.clock.elapsed()) {
            match event {
                Event::Decide { prompt, ticket, code } => {
                    let current = world.transactions.get(&prompt).is_some_and(|t| t.ticket == ticket);
                    if current {
                        self.decide(&mut world, prompt, code, at);
                    }
                }
                Event::Expire { prompt } => {
                    let waiting = world.transactions.get(&prompt).is_some_and(|t| t.prompt.state.is_unresolved());
                    if waiting {
                        self.decide(&mut world, prompt, Code::new("1037"), at);
                    }
                }
                Event::Post(outgoing) => self.post(&mut world, outgoing, at),
            }
        }
        world.next_due()
    }

    /// Ends a prompt with `code`: money moves on success, callbacks are planned either way.
    pub(crate) fn decide(&self, world: &mut World, id: u64, code: Code, at: Duration) {
        let Some(t) = world.transactions.get(&id).filter(|t| t.decided.is_none()) else { return };
        let Some(merchant) = self.options.merchant(&t.prompt.shortcode) else { return };
        let (msisdn, amount) = (t.prompt.msisdn.clone(), t.prompt.amount);
        let mut paid = None;
        if code.is_success() {
            // The odd amount is really taken: the callback never lies about money.
            let taken = if !t.plan.shape.wrong_amount {
                amount
            } else if amount > 1 {
                amount - 1
            } else {
                2
            };
            let charge = Charge {
                receipt: String::new(),
                msisdn: msisdn.clone(),
                amount: taken,
                shortcode: t.prompt.shortcode.clone(),
                account_reference: t.prompt.account_reference.clone(),
                checkout_request_id: Some(t.prompt.checkout_request_id.clone()),
                channel: Channel::Stk,
                at: self.clock.wall(),
                reversed: false,
                moved: at,
            };
            let reused = t.plan.shape.reused_receipt;
            let charge = self.take(world, charge);
            let earlier = world.charges.iter().rev().nth(1).map(|earlier| earlier.receipt.clone());
            let shown =
                if reused { earlier.unwrap_or_else(|| "UKM4T8IYOU".to_owned()) } else { charge.receipt.clone() };
            paid = Some((Paid { receipt: shown, amount: taken, at: self.clock.wall_eat() }, charge));
        } else if let Some(text) = refused_text(&code.0, amount, &merchant.name) {
            world.add_message(&msisdn, Message { at: self.clock.wall(), text });
        }
        let Some(t) = world.transactions.get_mut(&id) else { return };
        t.prompt.state = code.state();
        t.prompt.result_code = Some(code.0.clone());
        t.prompt.receipt = paid.as_ref().map(|(_, charge)| charge.receipt.clone());
        t.decided = Some(code.clone());
        t.body = Some(body::stk_callback(t, &code, paid.as_ref().map(|(paid, _)| paid)));
        let mut posts = Vec::new();
        for step in &t.plan.steps {
            let said = step.code.as_ref().unwrap_or(&code);
            let paid = paid.as_ref().map(|(paid, _)| paid).filter(|_| said.is_success());
            let body = body::stk_callback(t, said, paid);
            posts.push((at.saturating_add(step.after), Outgoing::stk(t, body)));
        }
        for (due, post) in posts {
            world.schedule(due, Event::Post(post));
        }
        if let Some((_, charge)) = paid.filter(|_| world.settings.c2b_for_stk) {
            self.confirm_c2b(world, &charge, "", at);
        }
    }

    /// Books a charge under a new receipt and texts the payer.
    pub(crate) fn take(&self, world: &mut World, charge: Charge) -> Charge {
        let receipt = world.ids.receipt(self.clock.wall_eat());
        self.book(world, Charge { receipt, ..charge })
    }

    /// Books a charge that has its receipt, and texts the payer.
    pub(crate) fn book(&self, world: &mut World, charge: Charge) -> Charge {
        let now = self.clock.wall_eat();
        if let Some(merchant) = self.options.merchant(&charge.shortcode) {
            let text = paid_text(&charge, merchant, now);
            world.add_message(&charge.msisdn, Message { at: self.clock.wall(), text });
        }
        world.charges.push(charge.clone());
        charge
    }

    /// Plans the C2B confirmation of a charge if its short code has registered URLs.
    pub(crate) fn confirm_c2b(&self, world: &mut World, charge: &Charge, third_party: &str, at: Duration) {
        let Some(urls) = world.c2b_urls.get(&charge.shortcode).cloned() else { return };
        let balance = self.balance(world, &charge.shortcode);
        let body = self.c2b_body(world, charge, urls.version, third_party, &balance);
        let post = Outgoing::new("c2b_confirmation", &charge.receipt, urls.confirmation, &charge.shortcode, body);
        let loss = world.settings.c2b_loss_percent;
        if loss > 0 && world.ids.percent() < loss {
            return world.add_delivery(callbacks::dropped(&post, self.clock.wall()));
        }
        world.schedule(at, Event::Post(post));
    }

    /// The body that validation (empty balance) and confirmation share.
    pub(crate) fn c2b_body(
        &self,
        world: &World,
        charge: &Charge,
        version: u8,
        third_party: &str,
        balance: &str,
    ) -> String {
        let numbers = match (world.settings.c2b_numbers, version) {
            (C2bNumbers::ByVersion, 1) => C2bNumbers::Hashed,
            (C2bNumbers::ByVersion, _) => C2bNumbers::Masked,
            (fixed, _) => fixed,
        };
        let till = self.options.merchant(&charge.shortcode).is_some_and(|merchant| merchant.till.is_some());
        body::c2b(&Confirmation { charge, till, third_party, balance, numbers, at: self.clock.wall_eat() })
    }

    /// What Safaricom keeps of a payment, in cents.
    pub(crate) fn fee_cents(&self, amount: u32) -> i64 {
        i64::from(amount).saturating_mul(i64::from(self.options.fee_basis_points)) / 100
    }

    /// The balance of a short code in cents: what it began with and what came in, less fees and what went out.
    pub(crate) fn balance_cents(&self, world: &World, shortcode: &str) -> i64 {
        let cents = |amount: u32| i64::from(amount).saturating_mul(100);
        let came = world.charges.iter().filter(|charge| charge.shortcode == shortcode);
        let came: i64 = came.map(|charge| cents(charge.amount).saturating_sub(self.fee_cents(charge.amount))).sum();
        let back = world.reversals.iter().filter(|r| r.shortcode == shortcode).map(|r| cents(r.amount)).sum();
        let went = world.payouts.iter().filter(|p| p.shortcode == shortcode).map(|p| cents(p.amount)).sum();
        cents(self.options.opening_balance).saturating_add(came).saturating_sub(back).saturating_sub(went)
    }

    /// The balance as M-Pesa writes it.
    pub(crate) fn balance(&self, world: &World, shortcode: &str) -> String {
        let cents = self.balance_cents(world, shortcode).max(0);
        format!("{}.{:02}", cents / 100, cents % 100)
    }

    /// Sends a delivery on its way, unless it is held back or dropped.
    fn post(self: &Arc<Self>, world: &mut World, outgoing: Outgoing, at: Duration) {
        let mut copies = 1_u32;
        if let Some(t) = world.by_checkout(&outgoing.about).filter(|_| outgoing.kind == "stk") {
            if t.held_until > at {
                let until = t.held_until;
                return world.schedule(until, Event::Post(outgoing));
            }
            if t.dropped {
                return world.add_delivery(callbacks::dropped(&outgoing, self.clock.wall()));
            }
            copies = copies.saturating_add(std::mem::take(&mut t.extra_copies));
        }
        for _ in 0..copies {
            world.in_flight = world.in_flight.saturating_add(1);
            let shared = Arc::clone(self);
            let outgoing = outgoing.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = shared.stop.cancelled() => {}
                    () = shared.deliver(outgoing, at) => {}
                }
            });
        }
    }

    async fn deliver(&self, outgoing: Outgoing, at: Duration) {
        let delivery = callbacks::send(self, &outgoing).await;
        let mut world = self.world();
        let failed = !delivery.status.is_some_and(|status| (200..300).contains(&status));
        if failed && delivery.was_sent() && outgoing.attempt <= self.options.callback_retries {
            let again = Outgoing { attempt: outgoing.attempt.saturating_add(1), ..outgoing.clone() };
            world.schedule(at.saturating_add(RETRY_PAUSE), Event::Post(again));
        }
        if let Then::Validated { charge, completes } = outgoing.then {
            self.after_validation(&mut world, *charge, completes, &delivery, at);
        }
        world.add_delivery(delivery);
        world.in_flight = world.in_flight.saturating_sub(1);
        drop(world);
        self.touch();
    }
}
