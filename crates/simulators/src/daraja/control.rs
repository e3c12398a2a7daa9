//! The control handle: what a test or a person may do to the simulator, the same as over HTTP.

mod books;
mod change;

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    callbacks::Outgoing,
    engine::Shared,
    ledger::Prompt,
    outcome::{Code, PromptState},
    scenario::Scenario,
    world::{Event, Outage, Transaction, World},
};

pub use self::change::SettingsChange;

/// How long waiting for a condition may take, real time; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// The PIN that is wrong on every virtual phone.
const WRONG_PIN: &str = "0000";

/// Why the control plane refuses.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ControlError {
    /// No such prompt.
    #[error("there is no prompt {0}")]
    NoPrompt(u64),
    /// The prompt is not on the screen any more.
    #[error("prompt {0} is no longer open")]
    NotOpen(u64),
    /// A PIN has four digits.
    #[error("a PIN has four digits")]
    Pin,
    /// No such payment.
    #[error("no payment has that CheckoutRequestID")]
    NoPayment,
    /// The payment has no outcome yet, so there is no callback to repeat.
    #[error("the payment has no outcome yet")]
    Undecided,
    /// No such scenario.
    #[error("there is no scenario {0:?}; GET /__sim/scenarios lists them")]
    NoScenario(String),
    /// Nobody can be paid under that number.
    #[error("nobody can be paid under that number")]
    NoMerchant,
    /// The amount is outside the limits.
    #[error("an amount is a whole number of shillings from 1 to 250,000")]
    Amount,
    /// Not a Kenyan mobile number in full.
    #[error("a payer is a number such as 254712345678")]
    Payer,
    /// The period of a statement cannot be read.
    #[error("a date is written 2026-11-22 or 2026-11-22 08:30:00, East Africa Time, or with its zone")]
    Period,
    /// What was waited for did not happen.
    #[error("waited {} s in vain", PATIENCE.as_secs())]
    InVain,
}

/// A handle on a running simulator; clones act on the same one.
#[derive(Debug, Clone)]
pub struct Control {
    pub(crate) shared: Arc<Shared>,
}

impl Control {
    fn change<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let done = act(&mut self.shared.world());
        self.shared.touch();
        done
    }

    /// All prompts, oldest first.
    #[must_use]
    pub fn prompts(&self) -> Vec<Prompt> {
        self.shared.world().transactions.values().map(|t| t.prompt.clone()).collect()
    }

    /// Waits for a prompt to be open on a phone.
    ///
    /// # Errors
    /// [`ControlError::InVain`] after 20 s.
    pub async fn open_prompt(&self, msisdn: &str) -> Result<Prompt, ControlError> {
        let find = |world: &World| {
            let open = |t: &&Transaction| t.prompt.msisdn == msisdn && t.prompt.state.is_on_screen();
            world.transactions.values().rev().find(open).map(|t| t.prompt.clone())
        };
        self.wait(|world| find(world).is_some()).await?;
        find(&self.shared.world()).ok_or(ControlError::InVain)
    }

    async fn wait(&self, wanted: impl FnMut(&World) -> bool) -> Result<(), ControlError> {
        timeout(PATIENCE, self.shared.wait_until(wanted)).await.map_err(|_| ControlError::InVain)
    }

    /// A person enters a PIN. 0000 is wrong on every phone, any other four digits are right.
    ///
    /// # Errors
    /// [`ControlError::NoPrompt`], [`ControlError::NotOpen`], [`ControlError::Pin`].
    pub fn approve(&self, id: u64, pin: &str) -> Result<(), ControlError> {
        if pin.len() != 4 || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ControlError::Pin);
        }
        let due = self.shared.clock.elapsed().saturating_add(self.shared.options.settle_after);
        self.change(|world| {
            let t = on_screen(world, id)?;
            t.ticket = t.ticket.saturating_add(1);
            t.prompt.state = PromptState::Processing;
            let code = if pin == WRONG_PIN {
                Code::new("2001")
            } else if matches!(t.plan.decider, super::scenario::Decider::Pin) {
                t.plan.code.clone()
            } else {
                // The scenario expected the customer to cancel or look away; this one paid.
                Code::new("0")
            };
            let ticket = t.ticket;
            world.unschedule(|event| matches!(event, Event::Expire { prompt } if *prompt == id));
            world.schedule(due, Event::Decide { prompt: id, ticket, code });
            Ok(())
        })
    }

    /// A person presses Cancel.
    ///
    /// # Errors
    /// [`ControlError::NoPrompt`], [`ControlError::NotOpen`].
    pub fn cancel(&self, id: u64) -> Result<(), ControlError> {
        let now = self.shared.clock.elapsed();
        self.change(|world| {
            let t = on_screen(world, id)?;
            t.ticket = t.ticket.saturating_add(1);
            self.shared.decide(world, id, Code::new("1032"), now);
            Ok(())
        })
    }

    /// A person looks away: the prompt leaves the screen and ends with 1037 when its life is over.
    ///
    /// # Errors
    /// [`ControlError::NoPrompt`], [`ControlError::NotOpen`].
    pub fn ignore(&self, id: u64) -> Result<(), ControlError> {
        let life = self.shared.options.prompt_life;
        self.change(|world| {
            let t = on_screen(world, id)?;
            t.ticket = t.ticket.saturating_add(1);
            t.prompt.state = PromptState::Ignored;
            let until = t.opened.saturating_add(life);
            world.schedule(until, Event::Expire { prompt: id });
            Ok(())
        })
    }

    /// Sets the scenario of one number, or of everybody when `msisdn` is `None`; `None` as scenario clears it.
    ///
    /// # Errors
    /// [`ControlError::NoScenario`].
    pub fn set_scenario(&self, msisdn: Option<&str>, scenario: Option<&str>) -> Result<(), ControlError> {
        let scenario = scenario
            .map(|name| Scenario::parse(name).ok_or_else(|| ControlError::NoScenario(name.to_owned())))
            .transpose()?;
        self.change(|world| match (msisdn, scenario) {
            (Some(msisdn), Some(scenario)) => {
                world.scenarios.insert(msisdn.to_owned(), scenario);
            }
            (Some(msisdn), None) => {
                world.scenarios.remove(msisdn);
            }
            (None, scenario) => world.scenario_for_all = scenario,
        });
        Ok(())
    }

    /// Makes the whole gateway fail in a way, or work again.
    pub fn set_outage(&self, outage: Option<Outage>) {
        self.change(|world| world.settings.outage = outage);
    }

    /// Changes the time compression.
    pub fn set_speed(&self, speed: f64) {
        self.shared.clock.set_speed(speed);
        self.shared.touch();
    }

    /// Pushes simulated time forward and waits until everything that became due is done, deliveries included.
    ///
    /// # Errors
    /// [`ControlError::InVain`] when a receiver keeps it busy for 20 s.
    pub async fn advance(&self, by: Duration) -> Result<(), ControlError> {
        self.shared.clock.advance(by);
        self.settle().await
    }

    /// Waits until nothing is due and no delivery is on its way.
    ///
    /// # Errors
    /// [`ControlError::InVain`] after 20 s.
    pub async fn settle(&self) -> Result<(), ControlError> {
        timeout(PATIENCE, self.shared.settle()).await.map_err(|_| ControlError::InVain)
    }

    /// Makes the current access token useless.
    pub fn revoke_token(&self) {
        self.change(|world| world.token = None);
    }

    /// Sends the callback of a payment (again) and waits for the receiver's answer.
    ///
    /// # Errors
    /// [`ControlError::NoPayment`], [`ControlError::Undecided`], [`ControlError::InVain`].
    pub async fn replay(&self, checkout: &str) -> Result<(), ControlError> {
        let now = self.shared.clock.elapsed();
        self.change(|world| {
            let t = world.by_checkout(checkout).ok_or(ControlError::NoPayment)?;
            let body = t.body.clone().ok_or(ControlError::Undecided)?;
            // A replay is asked for on purpose: it is neither dropped nor held back.
            let mut post = Outgoing::stk(t, body);
            post.kind = "stk_replay";
            world.schedule(now, Event::Post(post));
            Ok(())
        })?;
        self.settle().await
    }

    /// Loses the callbacks of a payment that were not sent yet.
    ///
    /// # Errors
    /// [`ControlError::NoPayment`].
    pub fn drop_callback(&self, checkout: &str) -> Result<(), ControlError> {
        self.on_payment(checkout, |t| t.dropped = true)
    }

    /// Holds the callbacks of a payment back for `by`, from now.
    ///
    /// # Errors
    /// [`ControlError::NoPayment`].
    pub fn delay_callback(&self, checkout: &str, by: Duration) -> Result<(), ControlError> {
        let until = self.shared.clock.elapsed().saturating_add(by);
        self.on_payment(checkout, |t| t.held_until = until)
    }

    /// Sends the next callback of a payment `extra` more times, at once.
    ///
    /// # Errors
    /// [`ControlError::NoPayment`].
    pub fn duplicate_callback(&self, checkout: &str, extra: u32) -> Result<(), ControlError> {
        self.on_payment(checkout, |t| t.extra_copies = extra.min(20))
    }

    fn on_payment(&self, checkout: &str, act: impl FnOnce(&mut Transaction)) -> Result<(), ControlError> {
        self.change(|world| world.by_checkout(checkout).map(act).ok_or(ControlError::NoPayment))
    }
}

fn on_screen(world: &mut World, id: u64) -> Result<&mut Transaction, ControlError> {
    let t = world.transactions.get_mut(&id).ok_or(ControlError::NoPrompt(id))?;
    if t.prompt.state.is_on_screen() { Ok(t) } else { Err(ControlError::NotOpen(id)) }
}
