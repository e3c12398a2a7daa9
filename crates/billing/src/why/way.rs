//! The way from the money to the device, as it is walked.

use domain::{PaymentId, RouterId};

use super::facts::Facts;
use crate::trail::Deed;

/// How a station came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// As it should be.
    Ok,
    /// This is why.
    Wrong,
    /// It goes on by itself.
    Waiting,
    /// Could not be found out.
    Unknown,
}

impl StepState {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Wrong => "wrong",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
        }
    }
}

/// One station between the money and the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `payment`, `session`, `router`, `user`, `host` or `active`.
    pub station: &'static str,
    /// How it came out.
    pub state: StepState,
    /// A sentence.
    pub text: String,
    /// The payment, where this is about one.
    pub payment_id: Option<PaymentId>,
    /// The router, where this is about one.
    pub router_id: Option<RouterId>,
}

/// Why a customer cannot get on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// How the question was read.
    pub kind: &'static str,
    /// The answer in one sentence.
    pub verdict: String,
    /// Whether the customer should be on now.
    pub is_well: bool,
    /// What to do next.
    pub todo: Option<String>,
    /// The way from the money to the device.
    pub steps: Vec<Step>,
    /// What people did about it, newest first.
    pub done: Vec<Deed>,
}

/// The way so far.
pub(super) struct Way<'a> {
    pub(super) facts: &'a Facts,
    pub(super) steps: Vec<Step>,
}

/// The verdict that ends the way.
pub(super) type End = Result<(), (String, bool, Option<String>)>;

impl Way<'_> {
    pub(super) fn step(&mut self, station: &'static str, state: StepState, text: impl Into<String>) {
        let payment_id = self.facts.payment.as_ref().map(|payment| payment.id).filter(|_| station == "payment");
        let router = self.facts.router.as_ref().filter(|_| !matches!(station, "payment" | "session"));
        self.steps.push(Step {
            station,
            state,
            text: text.into(),
            payment_id,
            router_id: router.map(|router| router.id),
        });
    }

    /// The station is where it fails.
    pub(super) fn stop(
        &mut self,
        station: &'static str,
        text: impl Into<String>,
        verdict: impl Into<String>,
        todo: impl Into<String>,
    ) -> End {
        self.step(station, StepState::Wrong, text);
        Err((verdict.into(), false, Some(todo.into())))
    }

    /// The station goes on by itself.
    pub(super) fn wait(
        &mut self,
        station: &'static str,
        text: impl Into<String>,
        verdict: impl Into<String>,
        todo: Option<&str>,
    ) -> End {
        self.step(station, StepState::Waiting, text);
        Err((verdict.into(), false, todo.map(str::to_owned)))
    }
}
