//! Words for routers, for setting them up, and for why a customer cannot get on.

use super::Tone;
use crate::api::RouterCheck;

/// How a router stands. A state this version does not know is shown as the server wrote it.
pub(crate) fn state(state: &str) -> (Tone, String) {
    let (tone, words) = match state {
        "online" => (Tone::Good, "Working"),
        "offline" => (Tone::Bad, "Not answering"),
        "new" => (Tone::Busy, "Never heard of yet"),
        "removed" => (Tone::Quiet, "Out of use"),
        other => (Tone::Quiet, other),
    };
    (tone, words.to_owned())
}

/// A way to reach a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The word in the API.
    pub(crate) key: &'static str,
    /// What the owner calls it.
    pub(crate) name: &'static str,
    /// When to choose it.
    pub(crate) when: &'static str,
    /// What speaks for it.
    pub(crate) gain: &'static str,
    /// What speaks against it.
    pub(crate) price: &'static str,
}

/// The three ways, the one that suits most people first.
pub(crate) const REACHES: [Reach; 3] = [
    Reach {
        key: "pull",
        name: "The router asks Bando",
        when: "Choose this if you are not sure. It works wherever the router has internet, also on Safaricom, Airtel or \
               Starlink lines.",
        gain: "Nothing to set up on the line or on this server.",
        price: "The router asks every few seconds, so customers get on a few seconds later.",
    },
    Reach {
        key: "tunnel",
        name: "Through a private tunnel (WireGuard)",
        when: "Choose this when the router is somewhere else and you can change settings on this server.",
        gain: "Customers are on at once, behind any internet line.",
        price: "Needs RouterOS 7, and a few lines that you add to this server once.",
    },
    Reach {
        key: "direct",
        name: "Bando connects to the router",
        when: "Choose this when the router is on the same network as this server, or has a public address of its own.",
        gain: "Customers are on at once, and nothing stands in between.",
        price: "Does not work on lines that share one address among many homes, as most in Kenya do.",
    },
];

/// How a router is reached, in words.
pub(crate) fn reach(key: &str) -> String {
    REACHES.iter().find(|reach| reach.key == key).map_or_else(|| key.to_owned(), |reach| reach.name.to_owned())
}

/// What stands before the lines of a test in which nothing is to be done.
pub(crate) fn all_well(count: usize) -> String {
    if count == 1 { "1 thing is as it should be".to_owned() } else { format!("{count} things are as they should be") }
}

/// What stands before the lines of a test that could not be looked at.
pub(crate) fn not_looked_at(count: usize) -> String {
    if count == 1 {
        "1 thing could not be looked at".to_owned()
    } else {
        format!("{count} things could not be looked at")
    }
}

/// How a step of a set-up went.
pub(crate) fn step(state: &str) -> (Tone, String) {
    let (tone, words) = match state {
        "ok" => (Tone::Good, "Done"),
        "warning" => (Tone::Warn, "Not yet"),
        "wrong" => (Tone::Bad, "Failed"),
        other => (Tone::Quiet, other),
    };
    (tone, words.to_owned())
}

/// How a line of a test stands.
pub(crate) fn check(state: &str) -> (Tone, String) {
    let (tone, words) = match state {
        "ok" => (Tone::Good, "Good"),
        "warning" => (Tone::Warn, "Could be better"),
        "wrong" => (Tone::Bad, "Wrong"),
        "unknown" => (Tone::Quiet, "Not known"),
        other => (Tone::Quiet, other),
    };
    (tone, words.to_owned())
}

/// What a test comes to, in one sentence.
pub(crate) fn summary(checks: &[RouterCheck]) -> (Tone, String) {
    let count = |state: &str| checks.iter().filter(|check| check.state == state).count();
    let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
    match (count("wrong"), count("warning"), count("unknown")) {
        (0, 0, 0) => (Tone::Good, "Everything is as it should be.".to_owned()),
        (0, 0, unknown) => (Tone::Quiet, format!("Nothing is wrong, but {} could not be looked at.", things(unknown))),
        (0, better, _) => (Tone::Warn, format!("It works. {} could be better.", things(better))),
        (1, ..) => (Tone::Bad, "1 thing is wrong.".to_owned()),
        (wrong, ..) => (Tone::Bad, format!("{wrong} things are wrong.")),
    }
}

/// A part of what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A sentence.
    Words(String),
    /// For the router's terminal.
    Command(String),
}

/// Takes RouterOS commands, which stand on lines of their own, out of what to do. Commands that follow each other are
/// pasted together.
pub(crate) fn pieces(todo: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for line in todo.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_command = line.starts_with('/') || line.starts_with(':');
        match pieces.last_mut() {
            Some(Piece::Command(before)) if is_command => {
                before.push('\n');
                before.push_str(line);
            }
            _ if is_command => pieces.push(Piece::Command(line.to_owned())),
            _ => pieces.push(Piece::Words(line.to_owned())),
        }
    }
    pieces
}

/// `99.2 %`, of thousandths.
pub(crate) fn permille(permille: u32) -> String {
    match (permille / 10, permille % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

/// The steps of a set-up, as the owner sees them.
pub(crate) const STAGES: [&str; 4] = ["Paste the line", "The router is looked at", "You approve", "It is set up"];

/// Which of [`STAGES`] a set-up is at; past the last when it is done, `None` when it has come to nothing.
pub(crate) fn stage(state: &str) -> Option<usize> {
    match state {
        "waiting" => Some(0),
        "looking" => Some(1),
        "asking" => Some(2),
        "working" => Some(3),
        "done" => Some(STAGES.len()),
        _ => None,
    }
}

/// Whether a set-up may still change by itself.
pub(crate) fn is_going_on(state: &str) -> bool {
    matches!(state, "waiting" | "looking" | "asking" | "working")
}

/// What a station between the money and the device is called.
pub(crate) fn station(key: &str) -> String {
    match key {
        "payment" => "Payment",
        "session" => "Paid time",
        "router" => "Router",
        "user" => "Let in by the router",
        "host" => "Phone on the WiFi",
        "active" => "Online",
        other => other,
    }
    .to_owned()
}

/// How a station stands.
pub(crate) fn station_state(state: &str) -> (Tone, String) {
    let (tone, words) = match state {
        "ok" => (Tone::Good, "Good"),
        "wrong" => (Tone::Bad, "Here it stops"),
        "waiting" => (Tone::Busy, "Waiting"),
        "unknown" => (Tone::Quiet, "Not known"),
        other => (Tone::Quiet, other),
    };
    (tone, words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(states: &[&str]) -> Vec<RouterCheck> {
        let check = |state: &&str| RouterCheck {
            name: String::new(),
            title: String::new(),
            state: (*state).to_owned(),
            text: String::new(),
            todo: None,
        };
        states.iter().map(check).collect()
    }

    #[test]
    fn what_is_wrong_is_said_before_what_could_be_better() {
        for (states, tone, text) in [
            (&["ok", "ok"][..], Tone::Good, "Everything is as it should be."),
            (&["ok", "unknown"], Tone::Quiet, "Nothing is wrong, but 1 thing could not be looked at."),
            (&["warning", "warning", "unknown"], Tone::Warn, "It works. 2 things could be better."),
            (&["wrong", "warning"], Tone::Bad, "1 thing is wrong."),
            (&["wrong", "ok", "wrong"], Tone::Bad, "2 things are wrong."),
        ] {
            assert_eq!(summary(&checks(states)), (tone, text.to_owned()));
        }
    }

    #[test]
    fn what_is_folded_away_is_counted() {
        assert_eq!(
            (all_well(1), all_well(19)),
            ("1 thing is as it should be".into(), "19 things are as they should be".into())
        );
        assert_eq!(
            (not_looked_at(1), not_looked_at(23)),
            ("1 thing could not be looked at".into(), "23 things could not be looked at".into())
        );
        assert_eq!(step("warning"), (Tone::Warn, "Not yet".to_owned()));
    }

    #[test]
    fn commands_are_taken_out_of_the_words() {
        let todo = "Paste this into the terminal:\n/ip dns set allow-remote-requests=yes\n  /ip service enable api\n\nThen test again.";
        assert_eq!(
            pieces(todo),
            [
                Piece::Words("Paste this into the terminal:".to_owned()),
                Piece::Command("/ip dns set allow-remote-requests=yes\n/ip service enable api".to_owned()),
                Piece::Words("Then test again.".to_owned()),
            ]
        );
        assert_eq!(pieces(" \n"), []);
    }

    #[test]
    fn a_set_up_moves_on_and_ends() {
        let at: Vec<_> = ["waiting", "looking", "asking", "working", "done"].map(stage).to_vec();
        assert_eq!(at, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!((stage("failed"), stage("expired")), (None, None));
        assert!(is_going_on("asking") && !is_going_on("done") && !is_going_on("from_a_newer_version"));
    }

    #[test]
    fn words_that_are_not_known_are_shown_as_they_came() {
        for said in [state("x").1, reach("x"), check("x").1, step("x").1, station("x"), station_state("x").1] {
            assert_eq!(said, "x");
        }
        assert_eq!(reach("direct"), "Bando connects to the router");
    }

    #[test]
    fn thousandths_are_shown_as_percent() {
        assert_eq!(
            (permille(1000), permille(992), permille(0)),
            ("100 %".to_owned(), "99.2 %".to_owned(), "0 %".to_owned())
        );
    }
}
