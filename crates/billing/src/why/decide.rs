//! From what is known to why a customer cannot get on: the stations between the money and the device, in order, up
//! to the first that is not as it should be.

use domain::{MacAddr, PaymentState};

use super::{
    facts::{Facts, HostShown, Life, Look, Over, PaymentFact, Question, RouterFact, SessionFact, UserShown},
    money,
    way::{End, StepState, Way, Why},
};
use crate::health::in_words;

/// Says why.
#[must_use]
pub fn decide(facts: &Facts) -> Why {
    let mut way = Way { facts, steps: Vec::new() };
    let (verdict, is_well, todo) = match walk(&mut way) {
        Ok(()) => ("This device is on the network.".to_owned(), true, None),
        Err(end) => end,
    };
    Why { kind: facts.question.kind(), verdict, is_well, todo, steps: way.steps, done: facts.done.clone() }
}

fn walk(way: &mut Way<'_>) -> End {
    let facts = way.facts;
    if facts.question == Question::Unknown {
        let todo = "Type a phone number such as 0712 345 678, a device such as A4:CF:12:00:00:01, or an M-Pesa code.";
        return Err(("This is no phone number, device or M-Pesa code.".to_owned(), false, Some(todo.to_owned())));
    }
    blocked(way)?;
    money::payment(way)?;
    let Some(session) = &facts.session else { return money::nothing(way) };
    other_device(way, session)?;
    life(way, session)?;
    let Some(router) = &facts.router else {
        return way.stop(
            "router",
            "No router has this device.",
            "Paid, but no router is to let this device on.",
            "Let the customer open the portal through the WiFi, with the link shown after paying.",
        );
    };
    reach(way, router)?;
    user(way, router)?;
    host(way, session, router)?;
    Ok(())
}

fn blocked(way: &mut Way<'_>) -> End {
    let Some(reason) = &way.facts.block else { return Ok(()) };
    way.stop(
        "session",
        format!("The device is blocked: {reason}."),
        "This device is blocked.",
        "Lift the block under On now, Blocked devices, if it was not meant.",
    )
}

/// Somebody asked about a device that the session does not have.
fn other_device(way: &mut Way<'_>, session: &SessionFact) -> End {
    let facts = way.facts;
    let Some(other) = facts.other_mac else { return Ok(()) };
    let (other, own) = (facts.shown_mac(other), facts.shown_mac(session.mac));
    if let Life::Over { .. } = session.life {
        return Ok(());
    }
    way.step("session", StepState::Ok, format!("{} was paid for, for the device {own}.", session.package));
    let private = if facts.other_mac.is_some_and(is_private) {
        " Phones change such private addresses by themselves."
    } else {
        ""
    };
    way.stop(
        "host",
        format!("The device that asks now is {other}, not {own}.{private}"),
        "It was paid for another device, or the phone has a new address.",
        "Let the customer open the link or type the code shown after paying: it moves the time to this device. Switch off \
         the private or random address for this WiFi on the phone.",
    )
}

/// Whether an address was made up by the device: the second hexadecimal digit is 2, 6, A or E.
fn is_private(mac: MacAddr) -> bool {
    let [first, ..] = mac.bytes();
    first & 2 != 0
}

fn life(way: &mut Way<'_>, session: &SessionFact) -> End {
    let (package, now) = (&session.package, way.facts.now);
    match session.life {
        Life::Over { at, reason } => {
            let ago = in_words(now - at);
            let (text, verdict, todo) = match reason {
                Over::Time => ("Its time was over", "The paid time is over.", "The customer has to buy again."),
                Over::Data => {
                    ("Its data was used up", "The data of the package is used up.", "The customer has to buy again.")
                }
                Over::Refunded => {
                    ("It was given back", "The payment was given back.", "The customer has to buy again.")
                }
                Over::Stopped => (
                    "An admin ended it",
                    "An admin ended this customer's time.",
                    "Below stands who ended it, and why. A voucher gives time without payment.",
                ),
                Over::Extended => (
                    "It went over into a later purchase",
                    "What was left went over into a later purchase.",
                    "Look at the later payment.",
                ),
            };
            way.stop("session", format!("{package}: {text}, {ago} ago."), verdict, todo)
        }
        Life::Paused => way.stop(
            "session",
            format!("{package}: its time is paused."),
            "This customer's time is paused.",
            "Let it go on under On now when the customer is back.",
        ),
        _ if session.is_data_used => way.stop(
            "session",
            format!("{package}: its data is used up."),
            "The data of the package is used up.",
            "The customer has to buy again.",
        ),
        Life::Waiting => {
            way.step(
                "session",
                StepState::Ok,
                format!("{package} is paid; its time starts when the device is let on."),
            );
            Ok(())
        }
        Life::Running { ends_at } => {
            way.step("session", StepState::Ok, format!("{package}: {} are left.", in_words(ends_at - now)));
            Ok(())
        }
    }
}

fn reach(way: &mut Way<'_>, router: &RouterFact) -> End {
    let (name, now) = (&router.name, way.facts.now);
    if !router.is_active {
        return way.stop(
            "router",
            format!("{name} was taken out of use."),
            "The router of this customer was taken out of use.",
            "Take it back into use under Routers, or let the customer move to another.",
        );
    }
    let since = match (router.away_since.or(router.last_seen_at), &router.look) {
        (Some(at), _) => format!("for {}", in_words(now - at)),
        (None, _) => "since it was added".to_owned(),
    };
    match (&router.look, router.away_since) {
        (Look::Now(_), _) => way.step("router", StepState::Ok, format!("{name} answers.")),
        (Look::Polls, None) => way.step("router", StepState::Ok, format!("{name} asks this server regularly.")),
        (Look::Failed(why), away) => {
            let text = format!("{name} has not answered {since}. {why}");
            let is_on = way.facts.device.as_ref().is_some_and(|device| device.is_applied && device.is_online);
            if away.is_none() && is_on {
                // It did a moment ago; what it said then is the best there is.
                way.step("router", StepState::Unknown, text);
                return Ok(());
            }
            return away_end(way, &text);
        }
        (Look::Polls, Some(_)) => return away_end(way, &format!("{name} has not asked {since}.")),
    }
    Ok(())
}

fn away_end(way: &mut Way<'_>, text: &str) -> End {
    let is_delivered = way.facts.device.as_ref().is_some_and(|device| device.is_applied);
    let verdict = if is_delivered {
        "The router is away; it was told to let this device on before."
    } else {
        "Paid, but the router is away. The device is let on as soon as it is back."
    };
    way.stop("router", text, verdict, "Look at the router's power and internet. Nothing that was paid is lost.")
}

fn user(way: &mut Way<'_>, router: &RouterFact) -> End {
    let device = way.facts.device.as_ref();
    let is_applied = device.is_some_and(|device| device.is_applied);
    let error = device.and_then(|device| device.last_error.as_deref()).unwrap_or_default();
    match &router.look {
        Look::Now(shown) => match shown.user {
            UserShown::Ours => {
                way.step("user", StepState::Ok, "The router knows that this device has paid.");
                Ok(())
            }
            UserShown::Foreign => way.stop(
                "user",
                "The router has a hotspot user of this name that somebody made by hand.",
                "A hotspot user made by hand is in the way.",
                "Remove it on the router, in IP, Hotspot, Users: its name is the device's address. Access follows by itself.",
            ),
            UserShown::Disabled => way.wait(
                "user",
                "The router's user of this device was switched off by somebody.",
                "Somebody switched this device off on the router.",
                Some("It is switched on again within a minute. If not, look who else changes the router."),
            ),
            UserShown::Missing if is_applied => way.wait(
                "user",
                "The router has lost this device's user, or its own limit has ended it.",
                "The router has lost what it was told; it is told again within a minute.",
                None,
            ),
            UserShown::Missing => way.wait(
                "user",
                format!("The router was not told yet. {error}").trim().to_owned(),
                "Paid; the router is being told.",
                Some("If this stays for more than a minute, test the router under Routers."),
            ),
        },
        _ if is_applied => {
            way.step("user", StepState::Ok, "The router was told that this device has paid.");
            Ok(())
        }
        _ => way.wait(
            "user",
            format!("The router was not told yet. {error}").trim().to_owned(),
            "Paid; the router is told when it asks next.",
            None,
        ),
    }
}

fn host(way: &mut Way<'_>, session: &SessionFact, router: &RouterFact) -> End {
    let facts = way.facts;
    let mac = facts.shown_mac(facts.device.as_ref().map_or(session.mac, |device| device.mac));
    let Look::Now(shown) = &router.look else {
        if facts.device.as_ref().is_some_and(|device| device.is_online) {
            way.step("active", StepState::Ok, format!("{mac} was on when the router was last read."));
            return Ok(());
        }
        return way.wait(
            "host",
            format!("{mac} was not on when the router was last read."),
            "Everything is ready; the device was not seen lately.",
            Some("Let the customer switch the WiFi off and on."),
        );
    };
    if shown.is_active {
        way.step("host", StepState::Ok, format!("{mac} is in the WiFi."));
        way.step("active", StepState::Ok, format!("{mac} is logged in."));
        return Ok(());
    }
    match shown.host {
        HostShown::Bypassed => {
            way.step("host", StepState::Ok, format!("{mac} is in the WiFi."));
            way.step("active", StepState::Ok, "A rule on the router (IP binding) lets it through without login.");
            Ok(())
        }
        HostShown::Missing => {
            let others = match shown.at_portal {
                0 => String::new(),
                1 => " One other device is at the login page without being on.".to_owned(),
                count => format!(" {count} other devices are at the login page without being on."),
            };
            let todo = if shown.at_portal > 0 {
                "Let the customer switch the WiFi off and on. If the login page comes again, the phone has a new address: \
                 let the customer open the link or type the code shown after paying."
            } else {
                "Let the customer join the WiFi, or switch it off and on."
            };
            way.wait(
                "host",
                format!("{mac} is not in the WiFi now.{others}"),
                "Everything is ready, but the device is not in the WiFi.",
                Some(todo),
            )
        }
        HostShown::Waiting | HostShown::Authorized if shown.is_full => way.stop(
            "active",
            format!("{mac} is in the WiFi, but the router's licence has no room for another customer."),
            "The router is full: its licence allows no more customers at once.",
            "Use a higher licence level. Until then, put off who has not paid under On now.",
        ),
        HostShown::Waiting | HostShown::Authorized => way.wait(
            "active",
            format!("{mac} is in the WiFi and not logged in: the router looked at it before it was paid for."),
            "The router is stuck with this device; it is let on within a minute.",
            Some("Let the customer switch the WiFi off and on. If it stays, test the router under Routers."),
        ),
    }
}

/// How long ago a payment was begun.
pub(super) fn ago(facts: &Facts, payment: &PaymentFact) -> String {
    in_words(facts.now - payment.created_at)
}

/// Whether the payment is one that still may be paid.
pub(super) const fn is_open(state: PaymentState) -> bool {
    matches!(state, PaymentState::Created | PaymentState::Pending | PaymentState::Unknown)
}
