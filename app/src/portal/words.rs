//! The words of the waiting pages, used by the server for the first paint and by the islands as time goes
//! on, so that both say the same.

/// A heading and what to do, for a page that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// One short sentence.
    pub title: &'static str,
    /// What is going on and what to do.
    pub text: &'static str,
}

/// Until here a prompt is normally still on the phone's screen.
const PROMPT_OPEN_SECS: u64 = 90;
/// Until here waiting is unusual but normal; after it M-Pesa is slow and we go on in the background.
const STILL_CONFIRMING_SECS: u64 = 180;
/// A grant normally takes a second or two where the server can reach the router.
const ROUTER_QUICK_SECS: u64 = 15;
/// A router that asks the server does so every half a minute at the latest; after this it is probably away.
const ROUTER_SLOW_SECS: u64 = 45;

/// What to tell somebody whose payment is open for `elapsed_secs`.
#[must_use]
pub const fn waiting(elapsed_secs: u64) -> Words {
    if elapsed_secs < PROMPT_OPEN_SECS {
        Words {
            title: "Check your phone",
            text: "M-Pesa is asking for your PIN. Enter it on your phone to finish paying.",
        }
    } else if elapsed_secs < STILL_CONFIRMING_SECS {
        Words {
            title: "Still confirming with M-Pesa",
            text: "This is taking longer than usual. If you entered your PIN, wait here and do not pay again.",
        }
    } else {
        Words {
            title: "M-Pesa is slow to answer",
            text: "We keep checking. If you paid, you are connected as soon as M-Pesa confirms it. \
                   You can close this page and come back.",
        }
    }
}

/// What to tell somebody whose payment a person has to look at: M-Pesa and we do not agree about it.
pub const IN_REVIEW: Words = Words {
    title: "Your payment is being checked",
    text: "What M-Pesa told us does not fit this payment, so the owner of this WiFi looks at it. \
           Do not pay again; show them your M-Pesa message.",
};

/// What to tell somebody whose M-Pesa code is being looked into.
pub const CLAIMED: Words = Words {
    title: "We are looking for your payment",
    text: "We have your M-Pesa code. You are connected as soon as the money is found; you can close this page and \
           come back. There is no need to pay again.",
};

/// What to tell somebody who has paid and is not on the network `waiting_secs` later.
#[must_use]
pub const fn delivering(waiting_secs: u64) -> Words {
    if waiting_secs < ROUTER_QUICK_SECS {
        Words {
            title: "Payment received",
            text: "We are connecting your device now. It takes a few seconds, at some places up to half a minute.",
        }
    } else if waiting_secs < ROUTER_SLOW_SECS {
        Words {
            title: "Payment received",
            text: "We are connecting your device. Some WiFi routers take up to half a minute, and your time only starts \
                   when you are connected.",
        }
    } else {
        Words {
            title: "Payment received",
            text: "The WiFi router is not answering yet. You are connected as soon as it does, and your time \
                   only starts then. There is no need to pay again.",
        }
    }
}

/// `3 days 4 h`, `2 h 05 min`, `4 min 09 s`: time left, in the two units that matter.
#[must_use]
pub fn time_left(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        let unit = if days == 1 { "day" } else { "days" };
        format!("{days} {unit} {hours} h")
    } else if hours > 0 {
        format!("{hours} h {minutes:02} min")
    } else {
        format!("{minutes} min {:02} s", seconds % 60)
    }
}

/// `0:42`, `12:05`: how long somebody has been waiting.
#[must_use]
pub fn elapsed(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Plain words for what a MikroTik login page reports in `$(error-orig)` (`errors.txt` of the router).
#[cfg(feature = "ssr")]
#[must_use]
pub fn router_error(error: &str) -> &'static str {
    const KNOWN: [(&str, &str); 8] = [
        ("uptime limit", "Your time is used up. Choose a package to go on."),
        ("traffic limit", "Your data is used up. Choose a package to go on."),
        ("no more sessions", "This package is already in use on another device."),
        ("session limit", "The WiFi is full right now. Please try again in a minute."),
        ("no more free addresses", "The WiFi is full right now. Please try again in a minute."),
        ("mac address", "This device could not sign in on its own. Choose a package to get online."),
        ("already authorizing", "Your device is being connected. Please wait a moment and try again."),
        ("shutting down", "The WiFi is restarting. Please try again in a minute."),
    ];
    let error = error.to_ascii_lowercase();
    KNOWN
        .into_iter()
        .find(|(part, _)| error.contains(part))
        .map_or("The WiFi could not sign this device in. Choose a package to get online.", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_shows_two_units() {
        for (seconds, text) in [
            (0, "0 min 00 s"),
            (59, "0 min 59 s"),
            (249, "4 min 09 s"),
            (3600, "1 h 00 min"),
            (7500, "2 h 05 min"),
            (86_400, "1 day 0 h"),
            (273_600, "3 days 4 h"),
        ] {
            assert_eq!(time_left(seconds), text);
        }
        assert_eq!(elapsed(725), "12:05");
    }

    #[test]
    fn words_change_when_the_prompt_must_be_gone() {
        assert_eq!(waiting(0), waiting(89));
        assert_ne!(waiting(89), waiting(90));
        assert_ne!(waiting(179), waiting(180));
        assert_eq!(waiting(180), waiting(u64::MAX));
        assert!(delivering(60).text.contains("no need to pay again"));
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn router_errors_become_plain_words() {
        for (error, part) in [
            ("user A4:CF:12:00:00:01 has reached uptime limit", "time is used up"),
            ("user x has reached traffic limit", "data is used up"),
            ("no more sessions are allowed for user x", "another device"),
            ("<script>alert(1)</script>", "could not sign"),
        ] {
            assert!(router_error(error).contains(part), "{error}");
        }
    }
}
