//! What people did about a customer or a router and why, from the log, in sentences.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    db::{logs::LogRecord, outages::GivenRecord},
    health::{credit::AUTOMATIC, in_words},
};

/// What is kept of a customer's paid time; the subject is the session.
pub(crate) const OF_SESSION: [&str; 4] = ["session.pause", "session.resume", "session.extend", "session.end"];
/// What is kept of a device; the subject is its row on the router, or its address.
pub(crate) const OF_DEVICE: [&str; 3] = ["device.kick", "device.block", "device.lift"];
/// What is kept of a router; the subject is its public name, or the set-up.
pub(crate) const OF_ROUTER: [&str; 5] =
    ["router.add", "router.change", "router.remove", "router.restore", "router.setup.approved"];

/// Something a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: DateTime<Utc>,
    /// A sentence: who, what, and why where a reason was asked for.
    pub text: String,
}

/// A line about paid time or a device, in words; `device` is how it is called. `None` for lines about other things.
pub(crate) fn of_customer(line: &LogRecord, device: &str) -> Option<Deed> {
    let who = who(&line.actor);
    let detail = line.detail.as_deref().unwrap_or_default();
    let text = match line.action.as_str() {
        "session.pause" => format!("{who} paused it{}.", left(detail)),
        "session.resume" => format!("{who} let it go on{}.", left(detail)),
        "session.extend" => match minutes_and_reason(detail) {
            Some((minutes, reason)) => {
                format!("{who} gave {} more{}", in_words(TimeDelta::minutes(minutes)), because(reason))
            }
            None => format!("{who} gave more time{}", because(detail)),
        },
        "session.end" => format!("{who} ended it for good{}", because(detail)),
        "device.kick" => format!("{who} put {device} off the WiFi."),
        "device.block" => format!("{who} blocked {device}{}", because(detail)),
        "device.lift" => format!("{who} lifted the block of {device}{}", because(detail)),
        _ => return None,
    };
    Some(Deed { at: line.at, text })
}

/// A line about a router, in words.
pub(crate) fn of_router(line: &LogRecord) -> Option<Deed> {
    let who = who(&line.actor);
    let detail = line.detail.as_deref().unwrap_or_default();
    let text = match line.action.as_str() {
        "router.add" => format!("{who} added it."),
        "router.change" => format!("{who} changed: {}.", detail.replace("host", "address").replace("username", "user")),
        "router.remove" => format!("{who} took it out of use{}", because(detail)),
        "router.restore" => format!("{who} took it back into use{}", because(detail)),
        "router.setup.approved" => format!("{who} approved what the set-up changes."),
        _ => return None,
    };
    Some(Deed { at: line.at, text })
}

/// Time that was given back because a router was away.
pub(crate) fn of_given(given: &GivenRecord) -> Deed {
    let secs = i64::try_from(given.secs).unwrap_or(i64::MAX);
    let length = in_words(TimeDelta::try_seconds(secs).unwrap_or(TimeDelta::MAX));
    let text = match given.by.as_deref() {
        None | Some(AUTOMATIC) => format!("{length} were given back by themselves, because the router was away."),
        Some(name) => {
            let reason = given.reason.as_deref().unwrap_or_default();
            format!("{} gave {length} back, because the router was away{}", who(name), because(reason))
        }
    };
    Deed { at: given.at, text }
}

fn who(actor: &str) -> &str {
    match actor {
        "cli" => "Somebody at the server",
        "system" => "Bando",
        name => name,
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { ".".to_owned() } else { format!(": “{reason}”") }
}

/// From `3540 s left`.
fn left(detail: &str) -> String {
    let secs = detail.strip_suffix(" s left").and_then(|secs| secs.parse().ok()).and_then(TimeDelta::try_seconds);
    secs.map(|secs| format!(", with {} left", in_words(secs))).unwrap_or_default()
}

/// From `120 min: the power was out`.
fn minutes_and_reason(detail: &str) -> Option<(i64, &str)> {
    let (minutes, reason) = detail.split_once(" min: ")?;
    // As much as may be given at once, and far from what a length of time cannot hold.
    Some((minutes.parse::<u32>().ok()?.into(), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(action: &str, detail: Option<&str>) -> LogRecord {
        LogRecord {
            at: DateTime::UNIX_EPOCH,
            actor: "Wanjiru".to_owned(),
            action: action.to_owned(),
            subject: String::new(),
            detail: detail.map(str::to_owned),
        }
    }

    #[test]
    fn every_line_about_a_customer_is_a_sentence() {
        for (action, detail, text) in [
            ("session.pause", Some("3540 s left"), "Wanjiru paused it, with 59 minutes left."),
            ("session.pause", None, "Wanjiru paused it."),
            ("session.pause", Some("99999999999999999999 s left"), "Wanjiru paused it."),
            ("session.resume", Some("3540 s left"), "Wanjiru let it go on, with 59 minutes left."),
            ("session.extend", Some("120 min: No: power"), "Wanjiru gave 2 hours more: “No: power”"),
            ("session.extend", Some("x min: No"), "Wanjiru gave more time: “x min: No”"),
            ("session.end", Some("Asked for it"), "Wanjiru ended it for good: “Asked for it”"),
            ("device.kick", None, "Wanjiru put the TV off the WiFi."),
            ("device.block", Some("Shares"), "Wanjiru blocked the TV: “Shares”"),
            ("device.lift", Some("Promised"), "Wanjiru lifted the block of the TV: “Promised”"),
        ] {
            let deed = of_customer(&line(action, detail), "the TV").unwrap();
            assert_eq!(deed.text, text);
        }
        for action in OF_SESSION.iter().chain(&OF_DEVICE) {
            assert!(of_customer(&line(action, None), "it").is_some(), "{action}");
        }
        assert_eq!(of_customer(&line("login.failed", None), "it"), None);
    }

    #[test]
    fn every_line_about_a_router_is_a_sentence() {
        let change = of_router(&line("router.change", Some("name, host, username"))).unwrap();
        assert_eq!(change.text, "Wanjiru changed: name, address, user.");
        let by_cli = LogRecord { actor: "cli".to_owned(), ..line("router.remove", Some("sold")) };
        assert_eq!(of_router(&by_cli).unwrap().text, "Somebody at the server took it out of use: “sold”");
        for action in OF_ROUTER {
            assert!(of_router(&line(action, None)).is_some(), "{action}");
        }
        assert_eq!(of_router(&line("session.end", None)), None);
    }

    #[test]
    fn time_given_back_says_by_whom() {
        let given = |by: Option<&str>| GivenRecord {
            at: DateTime::UNIX_EPOCH,
            by: by.map(str::to_owned),
            reason: Some("power cut".to_owned()),
            secs: 720,
        };
        assert_eq!(
            of_given(&given(Some("Wanjiru"))).text,
            "Wanjiru gave 12 minutes back, because the router was away: “power cut”"
        );
        assert_eq!(
            of_given(&given(Some(AUTOMATIC))).text,
            "12 minutes were given back by themselves, because the router was away."
        );
    }
}
