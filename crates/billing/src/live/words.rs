//! How a device stands, in words for the owner.

use domain::live::{LiveState, StrangerKind};

/// What is known of a device with paid time.
pub(super) struct Paid<'a> {
    pub state: LiveState,
    /// Whether its router answers.
    pub is_router_there: bool,
    /// Why the router was not brought to it.
    pub last_error: Option<&'a str>,
    pub router_error: Option<&'a str>,
}

pub(super) fn of_paid(paid: &Paid<'_>) -> String {
    match paid.state {
        LiveState::Online | LiveState::Ghost => "On the network.".to_owned(),
        LiveState::Away if !paid.is_router_there => {
            "Its router does not answer at the moment, so nobody knows whether it is on.".to_owned()
        }
        LiveState::Away => "Not at the hotspot now. It comes on by itself when it is back.".to_owned(),
        LiveState::Paused => "What is left is kept until you let it go on.".to_owned(),
        LiveState::Waiting => match paid.last_error.or(paid.router_error) {
            Some(error) => format!("Paid, but not on yet. {error}"),
            None => "Paid; the router is being told.".to_owned(),
        },
    }
}

pub(super) fn of_stranger(kind: StrangerKind, user: &str) -> String {
    match kind {
        StrangerKind::Over => "Still logged in although no paid time is left. The router is told to end it.".to_owned(),
        StrangerKind::User if user.starts_with("T-") => {
            "On the router's own free trial. Switch trial off in the hotspot's server profile if you do not want that."
                .to_owned()
        }
        StrangerKind::User => format!("Logged in as {user}, a hotspot user that somebody made on the router by hand."),
        StrangerKind::Bypassed => {
            "Let through by a rule of yours on the router, without login (IP binding, type bypassed).".to_owned()
        }
    }
}
